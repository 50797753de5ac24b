"""Does a gateway whose memory is PostgreSQL serve whatever happens to the database?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from acts import OF_THE_GATEWAY, acts, all_is_refused, nothing_was_stored, of_the_store
from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from simulated_upstream import SimulatedUpstream

from database_server import DatabaseServer, NoDatabaseServer, sessions_of
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move

PASSWORD = "kept-from-all-logs"


@pytest.fixture
def server() -> Iterator[DatabaseServer]:
    try:
        started = DatabaseServer()
    except NoDatabaseServer as error:
        pytest.skip(str(error))
    with started:
        move(address_of(started.url()))
        yield started


def kept_in(server: DatabaseServer, upstream: SimulatedUpstream) -> Mapping[str, Any]:
    url = server.url().replace("pointsman@", "pointsman:${DATABASE_PASSWORD}@")
    return {**fleet(upstream.url), "store": {"url": url}}


def database(gateway: GatewayProcess) -> Mapping[str, Any]:
    state: Mapping[str, Any] = gateway.readiness["database"]
    return state


ENVIRON = {"DATABASE_PASSWORD": PASSWORD}


def test_the_database_goes_and_comes_back_and_no_request_notices(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    gateway = serve(kept_in(server, upstream), environ=ENVIRON)
    first = gateway.chat()
    assert first.status == 200
    assert len(gateway.outcomes(first)) == 1
    assert database(gateway)["state"] == "ok"
    server.kill()
    answers = [gateway.chat() for _ in range(25)]
    assert [answer.status for answer in answers] == [200] * 25
    wait_until(lambda: database(gateway)["behind_records"] == 50)
    wait_until(lambda: database(gateway)["state"] == "failing")
    asked = gateway.get("/api/v1/model-router/decisions")
    assert (asked.status, asked.error["code"]) == (503, "store_unavailable")
    assert b"pointsman_database_behind_records 50.0" in gateway.get("/metrics").body
    server.start()
    wait_until(lambda: not database(gateway)["behind_records"], within_s=20)
    wait_until(lambda: database(gateway)["state"] == "ok")
    decisions = gateway.control("/decisions?limit=100")["decisions"]
    assert len(decisions) == 26
    assert all(len(gateway.outcomes(answer)) == 1 for answer in answers)
    assert database(gateway)["lost_records"] == 0
    assert gateway.terminate() == 0
    assert PASSWORD not in gateway.log


def test_a_database_that_stands_still_holds_up_no_request(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    gateway = serve(kept_in(server, upstream), environ=ENVIRON)
    assert gateway.chat().status == 200
    everybody = (server.pid, *sessions_of(server.pid))
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    try:
        began_s = time.monotonic()
        answers = [gateway.chat() for _ in range(20)]
        took_s = time.monotonic() - began_s
    finally:
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
    assert [answer.status for answer in answers] == [200] * 20
    assert took_s < 20.0, "a second each would be a wait for somebody"
    wait_until(lambda: not database(gateway)["behind_records"], within_s=20)
    assert all(len(gateway.outcomes(answer)) == 1 for answer in answers)


def test_what_people_do_while_the_database_is_away_is_written_down_later(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    """Who is woken by it must be able to act; only what lives in the database has to wait."""
    config = {**kept_in(server, upstream), "agents": {"agent-1": {}}}
    gateway = serve(config, environ=ENVIRON)
    made = gateway.chat().headers["x-pointsman-decision"]
    put = {"agent_id": "agent-1", "model_id": "up/second", "notes": ""}
    assert gateway.call("POST", f"{CONTROL}/assignments", put).status == 200
    assert gateway.decision(made)["outcomes"]
    before = acts(gateway)
    server.kill()
    all_is_refused(gateway, of_the_store(made))
    for method, path, body in OF_THE_GATEWAY:
        assert gateway.call(method, CONTROL + path, body).status in {200, 201}, path
    gateway.kill()
    gateway.start()
    assert gateway.get(f"{CONTROL}/agents/new").status == 200
    server.start()
    wait_until(lambda: gateway.get(f"{CONTROL}/audit").status == 200, within_s=20)
    wait_until(lambda: "agent.set" in {act["action"] for act in acts(gateway)}, within_s=20)
    done = [act["action"] for act in acts(gateway)[: -len(before)]]
    wanted = ["agent.set", "log_level.set", "silence.set", "alert_rule.set"]
    assert [each for each in done if not each.startswith("configuration.")] == wanted
    nothing_was_stored(gateway, made)


def test_a_gateway_starts_while_the_database_is_away_and_brings_it_all_later(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    config = kept_in(server, upstream)
    server.kill()
    gateway = serve(config, environ=ENVIRON)
    assert [gateway.chat().status for _ in range(10)] == [200] * 10
    wait_until(lambda: database(gateway)["behind_records"] == 20)
    gateway.kill()
    gateway.start()
    assert gateway.chat().status == 200
    assert gateway.terminate() == 0
    server.start()
    gateway.start()
    wait_until(lambda: not database(gateway)["behind_records"], within_s=20)
    assert len(gateway.control("/decisions?limit=100")["decisions"]) == 11


def test_gateways_share_one_database(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    config = kept_in(server, upstream)
    one, other = serve(config, environ=ENVIRON), serve(config, environ=ENVIRON)
    answers = [gateway.chat() for _ in range(5) for gateway in (one, other)]
    ids = {answer.headers["x-pointsman-decision"] for answer in answers}
    wait_until(lambda: not database(one)["behind_records"] + database(other)["behind_records"])
    for gateway in (one, other):
        shown = gateway.control("/decisions?limit=100")["decisions"]
        assert {decision["decision_id"] for decision in shown} == ids


def test_a_database_without_tables_is_no_reason_not_to_serve(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    config = kept_in(server, upstream)
    move(address_of(server.url()), 0)
    gateway = serve(config, environ=ENVIRON)
    assert gateway.chat().status == 200
    wait_until(lambda: database(gateway)["state"] == "failing")
    assert "run `pointsman db upgrade`" in gateway.log
    move(address_of(server.url()))
    wait_until(lambda: database(gateway)["state"] == "ok", within_s=20)
    assert len(gateway.control("/decisions")["decisions"]) == 1
