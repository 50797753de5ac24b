"""Does a gateway whose memory is HANA serve whatever happens to the processes that speak to it?

On the stand-in for SAP's driver, so of HANA itself this says nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve, pointsman, wait_until
from simulated_upstream import SimulatedUpstream

from database_server import sessions_of
from pointsman.adapters.stores.hana.apart import MODULE

STANDIN = Path(__file__).parent.parent / "standin"
URL = "hana://me:${DATABASE_PASSWORD}@standin:39017/?databaseName=HXE"
PASSWORD = "kept-from-all-logs"


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    folder = tmp_path / "hana"
    folder.mkdir()
    before = os.environ.get("PYTHONPATH")
    path = os.pathsep.join(filter(None, (str(STANDIN), before)))
    return {"DATABASE_PASSWORD": PASSWORD, "PYTHONPATH": path, "STANDIN_HANA": str(folder)}


@pytest.fixture
def config(tmp_path: Path, upstream: SimulatedUpstream, environ: Mapping[str, str]) -> Any:
    """A fleet whose memory is HANA, with its tables made as an operator would."""
    config = {**fleet(upstream.url), "store": {"url": URL}}
    (tmp_path / "db.yaml").write_text(f"store: {{url: '{URL}'}}\n", "utf-8")
    done = pointsman("db", "upgrade", "db.yaml", cwd=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    return config


def database(gateway: GatewayProcess) -> Mapping[str, Any]:
    state: Mapping[str, Any] = gateway.readiness["database"]
    return state


def processes(pid: int) -> list[int]:
    found = []
    for child in sessions_of(pid):
        with suppress(OSError):
            if MODULE.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


def test_its_processes_are_killed_and_no_request_notices(
    serve: Serve, config: Any, environ: Mapping[str, str]
) -> None:
    gateway = serve(config, environ=environ)
    asked = [gateway.chat()]
    assert len(gateway.outcomes(asked[0])) == 1
    assert database(gateway)["state"] == "ok"
    for _ in range(3):
        for pid in processes(gateway.pid):
            os.kill(pid, signal.SIGKILL)
        asked += [gateway.chat() for _ in range(10)]
    assert {answer.status for answer in asked} == {200}
    wait_until(lambda: not database(gateway)["behind_records"], within_s=20)
    wait_until(lambda: gateway.get("/api/v1/model-router/decisions").status == 200)
    shown = gateway.control("/decisions?limit=100")["decisions"]
    ids = [decision["decision_id"] for decision in shown]
    assert sorted(ids) == sorted(answer.headers["x-pointsman-decision"] for answer in asked)
    assert all(len(gateway.outcomes(answer)) == 1 for answer in asked)
    assert database(gateway)["lost_records"] == 0
    left = processes(gateway.pid)
    assert len(left) >= 2
    assert gateway.terminate() == 0
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    assert PASSWORD not in gateway.log


def test_its_processes_end_with_a_gateway_that_is_killed_and_what_waited_arrives_once(
    serve: Serve, config: Any, environ: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "hana").rename(tmp_path / "away")
    gateway = serve(config, environ=environ)
    assert [gateway.chat().status for _ in range(10)] == [200] * 10
    wait_until(lambda: database(gateway)["state"] == "failing")
    wait_until(lambda: database(gateway)["behind_records"] == 20)
    assert gateway.get("/api/v1/model-router/decisions").status == 503
    left = processes(gateway.pid)
    gateway.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
    (tmp_path / "away").rename(tmp_path / "hana")
    gateway.start()
    wait_until(lambda: not database(gateway)["behind_records"], within_s=20)
    assert len(gateway.control("/decisions?limit=100")["decisions"]) == 10


def test_without_the_driver_it_is_said_at_the_start(
    tmp_path: Path, upstream: SimulatedUpstream
) -> None:
    (tmp_path / "fleet.yaml").write_text(f"store: {{url: '{URL}'}}\n", "utf-8")
    refused = pointsman(
        "serve", "fleet.yaml", cwd=tmp_path, environ={"DATABASE_PASSWORD": PASSWORD}
    )
    assert refused.returncode == 2
    assert "store.url" in refused.stderr
    assert "pip install 'pointsman[hana]'" in refused.stderr
    assert PASSWORD not in refused.stderr
