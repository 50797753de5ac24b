"""Is what people were told is done still done after a kill, and nothing done that was refused?

Of everything that is answered only once it is on the disk: who stands where, rules and silences of
alerts, what is said of an answer, and the audit log beside them.
"""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from itertools import count
from random import Random
from typing import Any

import pytest
from acts import OF_THE_GATEWAY, acts, all_is_refused, nothing_was_done, of_the_store
from fleets import fleet
from gateway_process import CONTROL, Answer, GatewayProcess, Serve
from simulated_upstream import SimulatedUpstream

AGENTS = 400
LONGEST_S = 0.6
DEATHS = 50
DEATH_S = 15.0
"""So long a death may take at most, and the start after it, on a machine that is busy."""
MODELS = ("up/first", "up/second", "up/third")

Names = Iterator[int]
Check = Callable[[GatewayProcess], bool]
"""Whether what was acknowledged is so."""


def a_fleet(url: str) -> dict[str, Any]:
    agents: dict[str, Any] = {f"agent-{number}": {} for number in range(AGENTS)}
    return fleet(url, agents=agents)


def control(
    gateway: GatewayProcess, method: str, path: str, body: dict[str, Any] | None = None
) -> Answer:
    return gateway.call(method, CONTROL + path, body)


def assign(gateway: GatewayProcess, number: int) -> Check | None:
    agent, model = f"agent-{number % AGENTS}", MODELS[number % 3]
    asked = {"agent_id": agent, "model_id": model, "notes": f"act {number}"}
    if control(gateway, "POST", "/assignments", asked).status != 200:
        return None

    def stands(gateway: GatewayProcess) -> bool:
        found = gateway.control(f"/assignments?agent_id={agent}&status=ACTIVE")["assignments"]
        # A later act on the same agent may be what counts by now.
        return bool(found) and (found[0]["model_id"] == model or number + AGENTS < LAST[0])

    return stands


LAST = [0]


def write_rule(gateway: GatewayProcess, number: int) -> Check | None:
    name = f"rule-{number}"
    rule = {"scope": ["model"], "when": [{"metric": "faults_in_a_row", "ladder": {"info": 1}}]}
    if control(gateway, "PUT", f"/alerts/rules/{name}", rule).status != 200:
        return None

    def is_in_force(gateway: GatewayProcess) -> bool:
        acts = gateway.control(f"/audit?action=alert_rule.set&subject_id={name}")["acts"]
        there = control(gateway, "GET", f"/alerts/rules/{name}").status == 200
        return there and len(acts) == 1

    return is_in_force


def silence(gateway: GatewayProcess, number: int) -> Check | None:
    matcher = {"name": "agent", "value": f"agent-{number}", "operator": "="}
    asked = {"matchers": [matcher], "comment": "moving", "hours": 1}
    answer = control(gateway, "POST", "/alerts/silences", asked)
    if answer.status not in {200, 201}:
        return None
    name = answer.document["silence"]["silence_id"]

    def lasts(gateway: GatewayProcess) -> bool:
        acts = gateway.control(f"/audit?action=silence.set&subject_id={name}")["acts"]
        there = control(gateway, "GET", f"/alerts/silences/{name}").status == 200
        return there and len(acts) == 1

    return lasts


def judge(gateway: GatewayProcess, _number: int) -> Check | None:
    answer = gateway.chat()
    if answer.status != 200:
        return None
    made = answer.headers["x-pointsman-decision"]
    if control(gateway, "POST", f"/decisions/{made}/feedback", {"rating": 4}).status != 200:
        return None
    return lambda gateway: gateway.decision(made)["feedback"]["rating"] == 4


ACTS = (assign, write_rule, silence, judge)


def acknowledged_until_killed(
    gateway: GatewayProcess, random: Random, names: Names
) -> Sequence[Check]:
    checks: list[Check] = []

    def keep_acting(act: Callable[[GatewayProcess, int], Check | None]) -> None:
        while True:
            try:
                check = act(gateway, next(names))
            except (OSError, HTTPException):
                return
            if check is not None:
                checks.append(check)

    actors = [threading.Thread(target=keep_acting, args=(act,)) for act in ACTS]
    for actor in actors:
        actor.start()
    time.sleep(random.uniform(0.1, LONGEST_S))  # the moment of death is what is tried out
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    for actor in actors:
        actor.join()
    return checks


def all_is_kept(gateway: GatewayProcess, seeds: Sequence[int]) -> int:
    gateway.control("/stats")  # builds what answers such calls, which takes a moment
    names, acknowledged = count(), 0
    for seed in seeds:
        print(f"acts, then sudden death: seed {seed}")
        checks = acknowledged_until_killed(gateway, Random(seed), names)
        gateway.start().control("/stats")
        LAST[0] = next(names)
        assert all(check(gateway) for check in checks)
        acknowledged += len(checks)
    print(f"{acknowledged} acts acknowledged, all of them kept")
    return acknowledged


def test_what_people_did_outlives_a_sudden_death(serve: Serve, upstream: SimulatedUpstream) -> None:
    assert all_is_kept(serve(a_fleet(upstream.url)), range(3)) > 0


@pytest.mark.prove
@pytest.mark.timeout(DEATHS * DEATH_S)
def test_what_people_did_outlives_fifty_sudden_deaths(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    assert all_is_kept(serve(a_fleet(upstream.url)), range(DEATHS)) > DEATHS


@contextmanager
def nothing_can_be_written(gateway: GatewayProcess) -> Iterator[None]:
    """As on a disk that fails: whatever the process writes to a file is refused."""
    usual = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (1, usual[1]))
    yield
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, usual)


def test_what_cannot_be_kept_is_refused_and_not_half_done(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(a_fleet(upstream.url))
    made = gateway.chat().headers["x-pointsman-decision"]
    assert assign(gateway, 1) is not None
    before = acts(gateway)
    with nothing_can_be_written(gateway):
        all_is_refused(gateway, (*of_the_store(made), *OF_THE_GATEWAY))
    nothing_was_done(gateway, made, before)
