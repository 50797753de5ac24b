"""Do gateways that share a PostgreSQL tell of an alert once, whichever of them dies or is asked?"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from rows_of_failures import Upstream, config, fails, heals, upstream
from test_alerts_killed import LONGEST_S, TROUBLE, history, judge

from database_server import DatabaseServer, NoDatabaseServer
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move
from receiver import Receiver, receiving

TAKEN_OVER_S = 30.0
QUIET_S = 4.0
"""Some looks of every gateway: who would tell it again has done so by then."""


@pytest.fixture
def server() -> Iterator[DatabaseServer]:
    try:
        started = DatabaseServer()
    except NoDatabaseServer as error:
        pytest.skip(str(error))
    with started:
        move(address_of(started.url()))
        yield started


def pair(
    serve: Serve, server: DatabaseServer, receiver: Receiver, port: int
) -> tuple[GatewayProcess, GatewayProcess]:
    """Two gateways: the one that has the watch, and the other."""
    wanted = {**config(port, receiver, models=3), "store": {"url": server.url()}}
    first = serve(wanted)
    wait_until(lambda: part(first) == "leads")
    other = serve(wanted)
    wait_until(lambda: part(other) == "follows")
    return first, other


def part(gateway: GatewayProcess) -> str:
    found: str = gateway.readiness["alerts"]
    return found


def active(gateway: GatewayProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway.control("/alerts/active")["alerts"]
    return found


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Which model's alert was told, and how it stood."""
    return [
        (alert["labels"]["model"], alert["status"])
        for each in receiver.taken
        for alert in each.document["alerts"]
    ]


def once(gateway: GatewayProcess, model: str) -> None:
    assert gateway.chat({"x-pointsman-agent": "coder"}, model=f"up/{model}").status >= 500


def act(gateway: GatewayProcess, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = gateway.call("POST", CONTROL + path, body, {"content-type": "application/json"})
    assert answer.status in (200, 201), answer
    return answer.document


def test_a_breach_that_is_spread_over_two_gateways_is_told_once_and_its_end_too(
    serve: Serve, server: DatabaseServer
) -> None:
    with receiving() as receiver, upstream() as port:
        leads, follows = pair(serve, server, receiver, port)
        Upstream.failing.add("m0")
        for gateway in (leads, follows, follows):  # a row of three that neither has seen
            once(gateway, "m0")
        wait_until(lambda: told(receiver) == [("up/m0", "firing")], within_s=15)
        (shown,) = wait_until(lambda: active(follows))
        assert [each["alert_id"] for each in active(leads)] == [shown["alert_id"]]
        wait_until(lambda: not leads.control("/alerts/outbox?state=pending")["notifications"])
        act(follows, f"/alerts/{shown['alert_id']}/ack", {"comment": "on it"})
        wait_until(lambda: active(leads)[0]["acknowledged"] is not None, what="the acknowledgement")
        leads.signal(signal.SIGKILL)
        leads.wait()
        killed_s = time.monotonic()
        wait_until(lambda: part(follows) == "leads", within_s=TAKEN_OVER_S)
        heals(follows, "m0")
        wait_until(lambda: not active(follows), within_s=TAKEN_OVER_S)
        wait_until(lambda: ("up/m0", "resolved") in told(receiver), within_s=TAKEN_OVER_S)
        print(f"told {time.monotonic() - killed_s:.1f} s after the kill")
        leads.start()
        wait_until(lambda: part(leads) == "follows")
        time.sleep(QUIET_S)  # nothing must come, which nothing announces
        firing = [each for each in told(receiver) if each == ("up/m0", "firing")]
        ids = [each.id for each in receiver.taken]
        assert len(ids) == len(set(ids)), "sent again"
        assert len(firing) <= 2, "once, and that somebody has taken it"
        assert told(receiver).count(("up/m0", "resolved")) == 1


def test_what_people_do_at_one_gateway_is_known_at_the_other(
    serve: Serve, server: DatabaseServer
) -> None:
    with receiving() as receiver, upstream() as port:
        leads, follows = pair(serve, server, receiver, port)
        quiet = {"matchers": [{"name": "model", "value": "up/m1"}], "hours": 1}
        act(follows, "/alerts/silences", {**quiet, "comment": "known"})
        wait_until(lambda: leads.control("/alerts/silences")["silences"])
        rule = {"scope": ["model"], "when": [{"metric": "faults_in_a_row", "ladder": {"info": 9}}]}
        put = {"content-type": "application/json"}
        assert follows.call("PUT", f"{CONTROL}/alerts/rules/mine", rule, put).status in (200, 201)
        wait_until(lambda: "mine" in str(leads.control("/alerts/rules")))
        fails(leads, "m1")
        fails(follows, "m2")
        wait_until(lambda: ("up/m2", "firing") in told(receiver), within_s=15)
        wait_until(lambda: len(active(leads)) == len(active(follows)) == 2)
        assert follows.call("DELETE", f"{CONTROL}/alerts/rules/mine").status == 200
        wait_until(lambda: "mine" not in str(leads.control("/alerts/rules")))
        assert leads.terminate() == 0
        # Who stops in peace leaves the watch to the others at once.
        wait_until(lambda: part(follows) == "leads", within_s=8)
        time.sleep(QUIET_S)  # nothing must come
        assert told(receiver) == [("up/m2", "firing")]


def test_while_the_database_is_away_alerts_are_told_and_taken(
    serve: Serve, server: DatabaseServer
) -> None:
    with receiving() as receiver, upstream() as port:
        leads, follows = pair(serve, server, receiver, port)
        fails(leads, "m0")
        wait_until(lambda: told(receiver) == [("up/m0", "firing")], within_s=15)
        wait_until(lambda: not leads.control("/alerts/outbox?state=pending")["notifications"])
        wait_until(lambda: active(follows))
        server.kill()
        wait_until(lambda: part(leads) == "alone")
        (shown,) = active(follows)
        act(follows, f"/alerts/{shown['alert_id']}/ack", {})
        fails(leads, "m1")
        wait_until(lambda: ("up/m1", "firing") in told(receiver), within_s=60)
        server.start()
        wait_until(lambda: part(leads) == "leads", within_s=30)
        wait_until(lambda: len(active(follows)) == 2, within_s=30)
        wait_until(lambda: any(each["acknowledged"] for each in active(leads)), within_s=30)
        heals(leads, "m0")
        heals(follows, "m1")
        wait_until(lambda: not active(leads) and not active(follows), within_s=30)
        wait_until(lambda: len([s for _, s in told(receiver) if s == "resolved"]) == 2)
        time.sleep(QUIET_S)  # nothing must come
        for model in ("up/m0", "up/m1"):
            assert told(receiver).count((model, "resolved")) == 1


KILLS = 40
KILL_S = 60.0
"""So long a kill may take at most, and until another has the watch, on a machine that is busy."""


def test_the_one_that_watches_is_killed_and_again(serve: Serve, server: DatabaseServer) -> None:
    prove(serve, server, kills=2, seed=1)


@pytest.mark.prove
@pytest.mark.timeout(KILLS * KILL_S)
def test_the_one_that_watches_is_killed_again_and_again(
    serve: Serve, server: DatabaseServer
) -> None:
    prove(serve, server, kills=KILLS, seed=int(os.environ.get("POINTSMAN_SEED", "20261123")))


def prove(serve: Serve, server: DatabaseServer, kills: int, seed: int) -> None:
    """Whoever watches is killed at random points; of each step that was committed, one notice."""
    random = Random(seed)
    with receiving() as receiver, upstream() as port:
        wanted = {**config(port, receiver, kills), "store": {"url": server.url()}}
        gateways = [serve(wanted), serve(wanted)]
        for number in range(kills):
            leads = the_one_that_leads(gateways)
            receiver.behave(**random.choice(TROUBLE))
            fails(random.choice(gateways), f"m{number}")
            if number:
                heals(random.choice(gateways), f"m{number - 1}")
            time.sleep(random.uniform(0.0, LONGEST_S))  # the moment of death is what is tried out
            leads.signal(signal.SIGKILL)
            leads.wait()
            leads.start()
        receiver.behave()
        the_one_that_leads(gateways)
        for number in range(kills):
            heals(random.choice(gateways), f"m{number}")
        wait_until(lambda: all(map(is_over, gateways)), within_s=120, what="all is over and told")
        steps = history(gateways[0])
        assert steps == history(gateways[1])
        judge(steps, receiver.taken, kills)
        print(f"seed {seed}: {kills} kills, {dict(Counter(step for _, step in steps))}")


def the_one_that_leads(gateways: list[GatewayProcess]) -> GatewayProcess:
    found: GatewayProcess = wait_until(
        lambda: next((each for each in gateways if part(each) == "leads"), None),
        within_s=TAKEN_OVER_S,
    )
    return found


def is_over(gateway: GatewayProcess) -> bool:
    waiting = gateway.control("/alerts/outbox?state=pending")["notifications"]
    return not active(gateway) and not waiting
