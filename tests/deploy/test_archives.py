"""Is what is published the same bytes whoever builds it, and does it hold what it should?"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from archives import built_in

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 1_764_000_000
NEVER = (".git/", "tests/", "node_modules/", ".venv/", "__pycache__", ".env", ".pyc", ".lock")
IGNORED = shutil.ignore_patterns(
    ".git",
    ".venv",
    "node_modules",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "tests",
    "docs",
    "bench",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (found,) = built_in(tmp_path_factory.mktemp("wheel"), ROOT, "wheel")
    return found


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_built_twice_in_different_places_it_is_the_same_bytes(
    repository: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(repository, copy, ignore=IGNORED, symlinks=True)
    for path in copy.rglob("*"):
        path.touch()  # a checkout sets times of its own
    built_in(tmp_path / "one", copy, "wheel", "sdist", epoch=EPOCH)
    shutil.move(copy, tmp_path / "moved")
    built_in(tmp_path / "two", tmp_path / "moved", "wheel", "sdist", epoch=EPOCH)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert len(digests(tmp_path / "one")) == 2


def test_a_wheel_says_when_its_sources_were_made_and_not_when_it_was(
    repository: Path, tmp_path: Path
) -> None:
    (wheel,) = built_in(tmp_path, repository, "wheel", epoch=EPOCH)
    with zipfile.ZipFile(wheel) as archive:
        assert {each.date_time for each in archive.infolist()} == {(2025, 11, 24, 16, 0, 0)}
        assert [each.filename for each in archive.infolist()] == archive.namelist()


def test_a_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"pointsman", "pointsman-0.1.0.dist-info"}
    assert not [name for name in names for bad in NEVER if bad in name]
    wanted = ("py.typed", "app/starter.yaml", "adapters/stores/schema/sqlite.sql")
    assert {f"pointsman/{name}" for name in wanted} <= set(names)
    assert "pointsman-0.1.0.dist-info/licenses/LICENSE" in names


def test_an_sdist_holds_the_sources_and_nothing_local(repository: Path, tmp_path: Path) -> None:
    (archive,) = built_in(tmp_path, repository, "sdist")
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
    names = [member.name.partition("/")[2] for member in members]
    assert not [n for n in names for bad in NEVER if bad in n and not n.startswith("tests/")]
    assert not [member.name for member in members if member.issym() or member.uid or member.gid]
    for wanted in (
        "pyproject.toml",
        "LICENSE",
        "Dockerfile",
        "deploy/constraints.txt",
        "ui/build.py",
    ):
        assert wanted in names


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_the_dashboard_is_the_same_bytes_wherever_it_is_built(
    repository: Path, tmp_path: Path
) -> None:
    found: list[dict[str, str]] = []
    for name in ("one", "another-folder"):
        copy = tmp_path / name
        shutil.copytree(repository, copy, ignore=IGNORED, symlinks=True)
        shutil.rmtree(copy / "src" / "pointsman" / "dashboard", ignore_errors=True)
        built_in(tmp_path / f"{name}-dist", copy, "wheel", epoch=EPOCH)
        found.append(digests(tmp_path / f"{name}-dist"))
    assert found[0] == found[1]
    with zipfile.ZipFile(next((tmp_path / "one-dist").iterdir())) as archive:
        assert "pointsman/dashboard/index.html" in archive.namelist()
