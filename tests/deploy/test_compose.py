"""Does the compose file start things in an order that works, and give nothing away?

No engine reads it here; what is held against the words of the compose specification is what would
otherwise only show on somebody's machine.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from dockerfile import stages
from shipped import document, outlasts, with_its_secrets

Service = dict[str, Any]


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / "deploy" / "compose"


@pytest.fixture
def services(folder: Path) -> dict[str, Service]:
    found: dict[str, Service] = document(folder / "compose.yaml")["services"]
    return found


def test_all_that_is_named_is_declared(folder: Path, services: dict[str, Service]) -> None:
    whole = document(folder / "compose.yaml")
    for service in services.values():
        assert set(service["secrets"]) <= set(whole["secrets"])
        assert set(service["networks"]) <= set(whole["networks"])
        assert {each["source"] for each in service.get("configs", ())} <= set(whole["configs"])
        named = {each.partition(":")[0] for each in service.get("volumes", ())}
        assert named <= set(whole["volumes"])
        assert set(service.get("depends_on", ())) <= set(services)


def test_each_waits_for_what_it_needs(services: dict[str, Service]) -> None:
    assert services["tables"]["depends_on"]["database"]["condition"] == "service_healthy"
    gateway = services["gateway"]["depends_on"]
    assert gateway["tables"]["condition"] == "service_completed_successfully"
    assert services["tables"]["restart"] == "no", "one that ends well would be started again"
    assert "pg_isready" in services["database"]["healthcheck"]["test"]


def test_every_secret_is_a_file_and_none_is_in_the_environment(
    folder: Path, services: dict[str, Service]
) -> None:
    whole = document(folder / "compose.yaml")
    assert all(list(each) == ["file"] for each in whole["secrets"].values())
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            secret = re.search("password|key|token|secret|url", name, re.IGNORECASE)
            assert not secret or (name.endswith("_FILE") and value.startswith("/run/secrets/"))


@pytest.mark.parametrize("name", ["gateway", "tables"])
def test_what_is_ours_can_write_to_its_data_alone(services: dict[str, Service], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert all("/var/lib/pointsman" in each for each in service.get("volumes", ()))


def test_only_this_machine_reaches_it_and_nobody_reaches_the_database(
    folder: Path, services: dict[str, Service]
) -> None:
    assert all(each.startswith("127.0.0.1:") for each in services["gateway"]["ports"])
    assert "ports" not in services["database"]
    assert document(folder / "compose.yaml")["networks"]["inside"]["internal"] is True
    assert services["database"]["networks"] == ["inside"]


def test_a_stop_waits_for_the_longest_answer(
    folder: Path, services: dict[str, Service], tmp_path: Path
) -> None:
    configuration = with_its_secrets(folder / "fleet.yaml", "/run/secrets/", tmp_path)
    stop_s = float(services["gateway"]["stop_grace_period"].removesuffix("s"))
    assert outlasts(stop_s, configuration)
    assert configuration.warnings == ()


def test_it_runs_and_asks_what_the_image_does(
    repository: Path, services: dict[str, Service]
) -> None:
    last = stages(repository / "Dockerfile")[1][-1]
    usual = [word for word in last.only("CMD").words if not word.startswith("--log")]
    assert services["gateway"]["command"] == [word for word in usual if word != "json"]
    health = json.loads(last.only("HEALTHCHECK").rest.partition("CMD ")[2])
    assert services["gateway"]["healthcheck"]["test"] == ["CMD", *health]


def test_images_have_whole_versions(services: dict[str, Service]) -> None:
    for service in services.values():
        assert re.search(r":\d+\.\d+", service["image"]), service["image"]
