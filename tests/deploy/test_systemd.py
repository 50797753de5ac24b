"""Does the unit run pointsman, and take from it what it does not need? systemd's own tools say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from configparser import ConfigParser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from gateway_process import COMMAND, CONTROL, GatewayProcess
from shipped import outlasts

from pointsman.app.config import parse

MOST_EXPOSED = 1.5
"""Of 10, as `systemd-analyze security` reckons; a service that says nothing has 9.6."""


@pytest.fixture
def unit(repository: Path) -> Path:
    return repository / "deploy" / "systemd" / "pointsman.service"


@pytest.fixture
def service(unit: Path) -> dict[str, str]:
    """The last value of each key, which is that of all but the filters of system calls."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys have capitals
    parser.read(unit, "utf-8")
    return dict(parser["Service"])


def analysed(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_finds_no_mistake_in_it(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text("utf-8").replace("/opt/pointsman/bin/pointsman", "/bin/true")
    (tmp_path / unit.name).write_text(text, "utf-8")
    done = analysed("verify", "--man=no", str(tmp_path / unit.name))
    assert (done.returncode, done.stderr) == (0, "")


def test_little_is_left_that_an_intruder_could_do(unit: Path) -> None:
    done = analysed("security", "--offline=true", "--no-pager", str(unit))
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_it_is_reloaded_as_the_gateway_wants_it(service: dict[str, str]) -> None:
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["DynamicUser"] == "yes"
    assert service["StateDirectoryMode"] == "0700"
    assert "--data-dir ${STATE_DIRECTORY}" in service["ExecStart"]


def credentials(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """As systemd hands them over: a file each, named after the folder that they were in."""
    for name in names:
        (folder / f"secret_{name}").write_text(f"pm-{name}-of-the-tests\n", "utf-8")
    return {"CREDENTIALS_DIRECTORY": str(folder), "HOME": str(folder)}


def test_its_configuration_is_sound_and_a_stop_waits_for_the_longest_answer(
    unit: Path, service: dict[str, str], tmp_path: Path
) -> None:
    environ = credentials(tmp_path, ["admin_key", "agents_key"])
    text = unit.with_name("fleet.yaml").read_text("utf-8")
    configuration = parse(text, environ)
    assert configuration.warnings == ()
    assert service["LoadCredential"].startswith("secret:")
    assert outlasts(float(service["TimeoutStopSec"]), configuration)


NO_NEW_CODE = """
import ctypes, os, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
if len(sys.argv) > 1:
    os.execv(sys.argv[1], sys.argv[1:])
"""
FLEET = {
    "providers": {"sim": {"type": "simulated", "seed": 1}},
    "models": {"sim/swift-mini": {}, "sim/atlas-large": {}},
    "agents": {"coder": {"requires": ["coding"]}},
}


def test_it_serves_and_assigns_where_no_memory_may_be_written_and_then_run(
    service: dict[str, str], tmp_path: Path
) -> None:
    """What `MemoryDenyWriteExecute` forbids, some libraries need; the solver is one of ours."""
    assert service["MemoryDenyWriteExecute"] == "yes"
    bare = (sys.executable, "-c", NO_NEW_CODE)
    if subprocess.run(bare, check=False, capture_output=True).returncode:
        pytest.skip("this kernel cannot forbid it")
    with GatewayProcess(tmp_path, FLEET, command=(*bare, *COMMAND)) as gateway:
        assert gateway.chat().status == 200
        path = f"{CONTROL}/auto-assign-all"
        kind = {"content-type": "application/json"}
        answer = gateway.call("POST", path, {"strategy": "optimal"}, kind)
        assert answer.document["success"] is True
