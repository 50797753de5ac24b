"""Would a cluster take the manifests, and lose no answer when it replaces a pod?

No cluster reads them here: `kubectl kustomize` puts them together, the schemas of several versions
of Kubernetes judge them, and what the parts say of each other is held together.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from dockerfile import stages
from shipped import SECRETS, document, mounts, outlasts, with_its_secrets

from pointsman.app.config import parse

VERSIONS = ("1.30", "1.32", "1.34")
NAME = "app.kubernetes.io/name"
Manifest = dict[str, Any]


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / "deploy" / "kubernetes"


def built(folder: Path) -> list[Manifest]:
    """What kustomize makes of a folder; without kubectl, what stands in it."""
    if shutil.which("kubectl") is None:
        names = list(document(folder / "kustomization.yaml")["resources"])
        texts = [(folder / name).read_text("utf-8") for name in names]
        return [each for text in texts for each in yaml.safe_load_all(text)]
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture
def manifests(folder: Path) -> list[Manifest]:
    return built(folder)


def one(manifests: list[Manifest], kind: str, name: str = "pointsman") -> Manifest:
    found = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, (kind, name)
    return found[0]


def pods(manifests: list[Manifest], folder: Path) -> Iterator[Manifest]:
    """What runs: the gateway's pods and that of the job."""
    yield one(manifests, "Deployment")["spec"]["template"]
    yield document(folder / "jobs" / "tables.yaml")["spec"]["template"]


def test_every_version_takes_them(manifests: list[Manifest], folder: Path) -> None:
    more = (folder / "jobs" / "tables.yaml", folder / "secret.example.yaml")
    scaler = folder / "autoscaling" / "autoscaler.yaml"
    for manifest in (*manifests, *map(document, (*more, scaler))):
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_whoever_is_chosen_by_a_label_has_it(manifests: list[Manifest], folder: Path) -> None:
    deployment = one(manifests, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    chosen = [deployment["selector"]["matchLabels"]]
    chosen.append(one(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"])
    chosen += [one(manifests, "Service", n)["spec"]["selector"] for n in NAMES_OF_SERVICES]
    job = document(folder / "jobs" / "tables.yaml")["spec"]["template"]["metadata"]["labels"]
    for selector in chosen:
        assert selector
        assert selector.items() <= labels.items()
        assert not selector.items() <= job.items(), "requests would be sent to the job"
    policy = one(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert policy.items() <= labels.items()
    assert policy.items() <= job.items()


NAMES_OF_SERVICES = ("pointsman", "pointsman-dashboard")


def test_a_rollout_takes_nobody_away_before_another_is_ready(manifests: list[Manifest]) -> None:
    spec = one(manifests, "Deployment")["spec"]
    assert spec["replicas"] >= 2
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    budget = one(manifests, "PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert 1 <= budget < spec["replicas"], "a node could never be emptied, or would take all"


def test_a_pod_that_goes_finishes_the_longest_answer(
    manifests: list[Manifest], folder: Path, tmp_path: Path
) -> None:
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    program, pause_s = container["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "sleep"
    configuration = with_its_secrets(folder / "fleet.yaml", "/run/secrets/pointsman/", tmp_path)
    assert outlasts(pod["terminationGracePeriodSeconds"], configuration, float(pause_s))
    ready = container["readinessProbe"]
    assert float(pause_s) >= ready["periodSeconds"] * ready["failureThreshold"]


def test_probes_ask_what_there_is_and_no_database_restarts_a_pod(
    manifests: list[Manifest],
) -> None:
    (container,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    probes = {p: container[p]["httpGet"]["path"] for p in container if p.endswith("Probe")}
    assert probes == {
        "startupProbe": "/livez",
        "readinessProbe": "/readyz",
        "livenessProbe": "/livez",
    }


def test_no_pod_has_a_privilege_or_writes_beyond_its_data(
    manifests: list[Manifest], folder: Path, repository: Path
) -> None:
    user = int(stages(repository / "Dockerfile")[1][-1].only("USER").rest.split(":")[0])
    for pod in pods(manifests, folder):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == user
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "limits" in container["resources"]
        writable = {place for place, can in mounts(container).items() if can}
        assert writable <= {"/var/lib/pointsman", "/tmp"}
        named = {volume["name"] for volume in spec["volumes"]}
        assert {each["name"] for each in container["volumeMounts"]} == named
    namespace = one(manifests, "Namespace")["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_configuration_is_the_one_that_is_mounted_and_its_secrets_are_listed(
    manifests: list[Manifest], folder: Path, tmp_path: Path
) -> None:
    if shutil.which("kubectl"):
        text = one(manifests, "ConfigMap")["data"]["fleet.yaml"]
        assert text == (folder / "fleet.yaml").read_text("utf-8")
    with_its_secrets(folder / "fleet.yaml", "/run/secrets/pointsman/", tmp_path)
    listed = document(folder / "secret.example.yaml")
    assert set(listed["stringData"]) == set(SECRETS)
    assert all("CHANGE-ME" in value for value in listed["stringData"].values())
    assert "secret.example.yaml" not in document(folder / "kustomization.yaml")["resources"]


def test_the_example_of_a_secret_is_refused_until_it_is_changed(folder: Path) -> None:
    listed = document(folder / "secret.example.yaml")["stringData"]
    text = f"keys: [{{name: a, key: {listed['admin_key']}}}]\nmodels: {{}}\n"
    with pytest.raises(Exception, match="shorter than 16 characters"):
        parse(text, {})


def test_neither_the_cluster_nor_a_clouds_metadata_can_be_asked(
    manifests: list[Manifest],
) -> None:
    spec = one(manifests, "NetworkPolicy")["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    blocks = [to["ipBlock"] for rule in spec["egress"] for to in rule["to"] if "ipBlock" in to]
    left_out = {each for block in blocks for each in block.get("except", ())}
    assert {"169.254.0.0/16", "10.0.0.0/8", "168.63.129.16/32"} <= left_out
    assert all(rule["ports"] for rule in (*spec["egress"], *spec["ingress"]))


def test_the_scaler_is_left_to_say_how_many(folder: Path, tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    copy = tmp_path / "kubernetes"
    shutil.copytree(folder, copy)
    with (copy / "kustomization.yaml").open("a") as file:
        file.write("\ncomponents: [autoscaling]\n")
    scaled = built(copy)
    assert "replicas" not in one(scaled, "Deployment")["spec"]
    assert one(scaled, "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2
