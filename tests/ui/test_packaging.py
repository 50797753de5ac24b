"""Does whoever installs pointsman get the dashboard, and does it do without Node.js?

Real installations, served by real processes. In `make test` they share what pointsman depends on
with whatever runs the tests; `make prove` takes empty environments and installs everything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_process import CONTROL, GatewayProcess

ROOT = Path(__file__).resolve().parents[2]
PACKAGED = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore", "src", "ui")
NOT_IN_A_CHECKOUT = shutil.ignore_patterns("node_modules", "__pycache__", ".lock")
BUILT = Path("src", "pointsman", "dashboard")

pytestmark = pytest.mark.timeout(900)
thoroughness = pytest.mark.parametrize(
    "whole", [False, pytest.param(True, marks=pytest.mark.prove)], ids=["short", "whole"]
)


class Environment:
    """A virtual environment with nothing in it, on a machine without Node.js unless told so."""

    def __init__(self, folder: Path, *, whole: bool, node: bool = False) -> None:
        self.folder = folder
        self._whole = whole
        programs = os.pathsep.join([str(folder / "bin"), *([os.environ["PATH"]] if node else [])])
        self.environ = {"PATH": programs, "PYTHONPATH": ""}
        self.run(sys.executable, "-m", "venv", *([] if whole else ["--without-pip"]), str(folder))
        if not whole:
            site = next(folder.glob("lib/python*/site-packages"))
            # Comes after what is installed there, and its own checkout is not found through it.
            (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")

    def run(self, *command: str, cwd: Path | None = None) -> str:
        environ = {**os.environ, **self.environ}
        done = subprocess.run(
            command, cwd=cwd, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def install(self, *what: str) -> None:
        python = str(self.folder / "bin" / "python")
        short = ("--no-deps", "--no-build-isolation")
        pip = (
            (python, "-m", "pip")
            if self._whole
            else (sys.executable, "-m", "pip", "--python", python)
        )
        self.run(*pip, "install", "--quiet", *(() if self._whole else short), *what)

    @contextmanager
    def serving(self, folder: Path, config: dict[str, Any]) -> Iterator[GatewayProcess]:
        folder.mkdir()
        command = str(self.folder / "bin" / "pointsman")
        with GatewayProcess(folder, config, environ=self.environ, command=(command,)) as gateway:
            yield gateway

    def package(self) -> Path:
        """Where the package lies that it imports."""
        python = str(self.folder / "bin" / "python")
        found = self.run(python, "-c", "import pointsman; print(pointsman.__file__)")
        return Path(found.strip()).parent


def shows_the_dashboard(gateway: GatewayProcess) -> None:
    page = gateway.get("/").body.decode()
    names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert any(name.endswith(".js") for name in names), page
    for name in names:
        assert gateway.get(name, {"accept-encoding": "br"}).status == 200, name
    serves(gateway)


def serves(gateway: GatewayProcess) -> None:
    assert gateway.chat(max_tokens=8).status == 200
    assert gateway.get(f"{CONTROL}/overview").status == 200


@pytest.fixture
def checkout(building: dict[str, Any], tmp_path: Path) -> Path:
    """As it comes from version control: nothing in it is built."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=NOT_IN_A_CHECKOUT)
        else:
            shutil.copy2(ROOT / name, copy / name)
    shutil.rmtree(copy / BUILT, ignore_errors=True)
    return copy


@pytest.fixture
def archives(building: dict[str, Any], checkout: Path, whole: bool) -> Path:
    """The folder of a wheel and an sdist, made where Node.js is at hand."""
    building["build"]()
    if whole:
        maker = Environment(checkout.parent / "maker", whole=True, node=True)
        maker.install("hatchling")
        maker.run(str(maker.folder / "bin" / "hatchling"), "build", cwd=checkout)
    else:
        shutil.copytree(ROOT / BUILT, checkout / BUILT)
        command = [sys.executable, "-m", "hatchling", "build"]
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    return checkout / "dist"


@thoroughness
def test_installed_from_a_checkout_with_node_it_is_built(
    building: dict[str, Any], checkout: Path, config: dict[str, Any], tmp_path: Path, whole: bool
) -> None:
    if not whole:  # else its packages are fetched, as the lock file names them
        building["_install"](building["_npm"]())
        (checkout / "ui" / "node_modules").symlink_to(ROOT / "ui" / "node_modules")
    place = Environment(tmp_path / "venv", whole=whole, node=True)
    place.install("--editable", str(checkout))
    assert place.package() == checkout / "src" / "pointsman"
    with place.serving(tmp_path / "gateway", config) as gateway:
        shows_the_dashboard(gateway)


@thoroughness
def test_installed_from_a_checkout_without_node_it_serves_and_says_how_to_build(
    checkout: Path, config: dict[str, Any], tmp_path: Path, whole: bool
) -> None:
    place = Environment(tmp_path / "venv", whole=whole)
    place.install("--editable", str(checkout))
    with place.serving(tmp_path / "gateway", config) as gateway:
        page = gateway.get("/").body.decode()
        assert "The dashboard is not built" in page
        assert "python ui/build.py" in page
        serves(gateway)


@thoroughness
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_a_package_carries_it_to_where_no_node_is(
    archives: Path, config: dict[str, Any], tmp_path: Path, kind: str, whole: bool
) -> None:
    (archive,) = archives.glob(kind)
    place = Environment(tmp_path / "venv", whole=whole)
    place.install(str(archive))
    assert place.package().is_relative_to(place.folder)
    with place.serving(tmp_path / "gateway", config) as gateway:
        shows_the_dashboard(gateway)


@pytest.mark.parametrize("whole", [False])
def test_what_an_sdist_holds_is_known_to_be_of_its_own_sources(
    archives: Path, tmp_path: Path
) -> None:
    (archive,) = archives.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    (sources,) = (tmp_path / "unpacked").iterdir()
    build = [sys.executable, str(sources / "ui" / "build.py"), "--must"]
    done = subprocess.run(
        build, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
