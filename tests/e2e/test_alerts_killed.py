"""Is every alert told once, and its end too, when the gateway is killed again and again?

`kill -9` at random points of looking, committing and sending; a real receiver. Each round one more
model fails and the one before answers again. In the end the history, which is what was committed,
is held against what the receiver has: of each step one notice, however often it came.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from gateway_process import GatewayProcess, Serve, wait_until
from rows_of_failures import config, fails, heals, upstream

from receiver import Received, receiving

LOOKS = 3
KILLS = 200
KILL_S = 15.0
"""So long a kill may take at most, and the start after it, on a machine that is busy."""
LONGEST_S = 1.6
"""A look is taken every second: somewhere in it, or before the next, the gateway dies."""

TROUBLE: list[dict[str, Any]] = [{}, {"status": 500, "times": 2}, {"reset": True, "times": 1}]


def test_nothing_is_lost_or_told_twice_when_the_gateway_is_killed(serve: Serve) -> None:
    prove(serve, kills=5, seed=1)


@pytest.mark.prove
@pytest.mark.timeout(KILLS * KILL_S)
def test_nothing_is_lost_or_told_twice_over_two_hundred_kills(serve: Serve) -> None:
    prove(serve, kills=KILLS, seed=int(os.environ.get("POINTSMAN_SEED", "20261123")))


def prove(serve: Serve, kills: int, seed: int) -> None:
    random = Random(seed)
    with receiving() as receiver, upstream() as port:
        gateway = serve(config(port, receiver, kills))
        for number in range(kills):
            receiver.behave(**random.choice(TROUBLE))
            fails(gateway, f"m{number}")
            if number:
                heals(gateway, f"m{number - 1}")
            time.sleep(random.uniform(0.0, LONGEST_S))  # the moment of death is what is tried out
            gateway.signal(signal.SIGKILL)
            gateway.wait()
            gateway.start()
        receiver.behave()
        for number in range(kills):
            heals(gateway, f"m{number}")
        # What was on its way when it was killed is sent again when its lease has ended.
        wait_until(lambda: is_over(gateway), within_s=90, what="everything is over and told")
        steps = history(gateway)
        judge(steps, receiver.taken, kills)
        print(f"seed {seed}: {kills} kills, {dict(Counter(step for _, step in steps))}")


def is_over(gateway: GatewayProcess) -> bool:
    found = re.search(
        r"^pointsman_alert_looks_total (\d+)", gateway.get("/metrics").body.decode(), re.MULTILINE
    )
    if found is None or int(found[1]) < LOOKS or gateway.control("/alerts/active")["alerts"]:
        return False
    return not gateway.control("/alerts/outbox?state=pending")["notifications"]


def history(gateway: GatewayProcess) -> list[tuple[str, str]]:
    """Every step that was committed, with the alert's id."""
    found: list[tuple[str, str]] = []
    cursor = ""
    while True:
        page = gateway.control(f"/alerts/history?limit=500{cursor}")
        found += [(each["alert_id"], each["step"]) for each in page["events"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def judge(steps: list[tuple[str, str]], taken: list[Received], kills: int) -> None:
    began = Counter(alert for alert, step in steps if step == "firing")
    ended = Counter(alert for alert, step in steps if step == "resolved")
    assert began, "nothing was tried out"
    assert began == ended, "every episode has one beginning and one end"
    assert set(began.values()) == {1}
    known = {each.id: each.document["alerts"] for each in taken}
    told = Counter(
        (alert["annotations"]["alert_id"], alert["status"])
        for alerts in known.values()
        for alert in alerts
    )
    assert set(told.values()) == {1}, "told twice to a receiver that knows ids"
    assert {alert for alert, status in told if status == "firing"} == began.keys(), "lost"
    assert {alert for alert, status in told if status == "resolved"} == ended.keys(), "lost"
    repeats = len(taken) - len(known)
    assert repeats <= kills, "more than one repeat per kill"
