"""Is everything in the bill of materials that is installed, and nothing else?"""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from archives import built_in
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
FOR_TESTS_ALONE = ("pytest", "hypothesis", "aiohttp", "playwright", "cyclonedx-python-lib")


def run(repository: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", "deploy/closure.py", *arguments]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (found,) = built_in(tmp_path_factory.mktemp("wheel"), ROOT, "wheel")
    return found


@pytest.fixture(scope="module")
def written(wheel: Path) -> str:
    return run(ROOT, "sbom", str(wheel))


def test_it_is_a_document_of_cyclonedx(written: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_the_same_wheel_and_environment_give_the_same_bytes(
    repository: Path, wheel: Path, written: str
) -> None:
    assert run(repository, "sbom", str(wheel)) == written
    assert "timestamp" not in written


def test_it_lists_what_is_required_in_the_versions_that_are_here(
    repository: Path, written: str
) -> None:
    listed = {each["name"]: each for each in json.loads(written)["components"]}
    project = _project(repository)
    extras = project["optional-dependencies"]
    for line in (*project["dependencies"], *extras["postgres"], *extras["otel"]):
        need = Requirement(line)
        found = listed[canonicalize_name(need.name)]
        assert found["version"] == version(need.name)
        assert need.specifier.contains(Version(found["version"]), prereleases=True)
        assert found["purl"] == f"pkg:pypi/{canonicalize_name(need.name)}@{found['version']}"
    assert not listed.keys() & set(FOR_TESTS_ALONE)
    assert "starlette" not in listed, "what nothing here rests on"


def test_everything_has_a_licence_and_none_asks_to_give_sources_away(written: str) -> None:
    for each in json.loads(written)["components"]:
        said = json.dumps(each.get("licenses", []))
        assert each.get("licenses"), f"{each['name']} says nothing of its licence"
        assert "GPL" not in said, f"{each['name']}: {said}"


def test_who_rests_on_whom_is_told_of_everything(written: str) -> None:
    document = json.loads(written)
    told = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    listed = {each["bom-ref"] for each in document["components"]}
    root = document["metadata"]["component"]["bom-ref"]
    assert set(told) == {*listed, root}
    reached, waiting = set(), [root]
    while waiting:
        here = waiting.pop()
        if here not in reached:
            reached.add(here)
            waiting += told[here]
    assert reached == {*listed, root}, "something is listed that nothing rests on"


def test_the_image_is_built_with_what_the_tests_ran_with(repository: Path, wheel: Path) -> None:
    """`python deploy/closure.py constraints dist/*.whl --out deploy/constraints.txt` mends it.

    Versions may differ from those here, where a newer one came out; names may not.
    """
    kept = (repository / "deploy" / "constraints.txt").read_text("utf-8")
    now = run(repository, "constraints", str(wheel))
    assert _names(kept) == _names(now)
    allowed = {str(canonicalize_name(each.name)): each for each in _required(repository)}
    for name, number in _names(kept).items():
        if name in allowed:
            assert allowed[name].specifier.contains(Version(number), prereleases=True)


def test_without_an_extra_less_is_needed(repository: Path, wheel: Path) -> None:
    names = runpy.run_path(str(repository / "deploy" / "closure.py"))
    root = names["in_wheel"](wheel)
    assert set(names["closure"](root, ())) < set(names["closure"](root))


def _project(repository: Path) -> dict[str, Any]:
    import tomllib

    text = (repository / "pyproject.toml").read_text("utf-8")
    project: dict[str, Any] = tomllib.loads(text)["project"]
    return project


def _required(repository: Path) -> list[Requirement]:
    project = _project(repository)
    extras = project["optional-dependencies"]
    return [*map(Requirement, (*project["dependencies"], *extras["postgres"], *extras["otel"]))]


def _names(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.split("==", 1) for line in lines)
