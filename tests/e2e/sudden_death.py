"""What does a gateway still know that was killed at a random moment under load?

Each run asks from several threads at once, plain and streamed, kills the process after a while that
the seed says, and starts it again on the same file. Only what was acknowledged counts: an answer
that had reached its end.
"""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import NamedTuple

from gateway_process import GatewayProcess

CALLERS = 4
LONGEST_S = 0.25


class Found(NamedTuple):
    """What came of all runs: answers that had ended, and what the file says of them."""

    acknowledged: int
    lost: int
    halves: int
    duplicates: int
    miscounted: int


def killed_again_and_again(gateway: GatewayProcess, seeds: Sequence[int]) -> Found:
    """Kill it once per seed; each is printed, so that a run that fails can be had again."""
    acknowledged: list[str] = []
    for seed in seeds:
        print(f"sudden death: seed {seed}")
        acknowledged += _until_killed(gateway, Random(seed))
        gateway.start()
    return _found(gateway.data_dir / "pointsman.db", acknowledged)


def _until_killed(gateway: GatewayProcess, random: Random) -> list[str]:
    ended: list[str] = []

    def keep_asking(streamed: bool) -> None:
        while True:
            try:
                answer = gateway.chat(stream=streamed)
            except (OSError, HTTPException):
                return
            whole = not streamed or answer.body.endswith(b"data: [DONE]\n\n")
            if answer.status == 200 and whole:
                ended.append(answer.headers["x-pointsman-decision"])

    callers = [threading.Thread(target=keep_asking, args=(n % 2 == 0,)) for n in range(CALLERS)]
    for caller in callers:
        caller.start()
    time.sleep(random.uniform(0.0, LONGEST_S))  # the moment of death is what is tried out
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    for caller in callers:
        caller.join()
    return ended


def _found(path: Path, acknowledged: Sequence[str]) -> Found:
    with closing(sqlite3.connect(path)) as db:
        kept = [row[0] for row in db.execute("SELECT DECISION_ID FROM ROUTING_DECISIONS")]
        attempts = list(
            db.execute("SELECT DECISION_ID, ATTEMPT, FAILURE_KIND FROM ROUTING_OUTCOMES")
        )
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert sound
    answered = Counter(decision for decision, _, failure in attempts if failure is None)
    known = set(kept)
    return Found(
        acknowledged=len(acknowledged),
        lost=len(set(acknowledged) - known),
        halves=sum(answered[decision] == 0 for decision in acknowledged if decision in known),
        duplicates=len(kept) - len(known) + len(attempts) - len({row[:2] for row in attempts}),
        miscounted=sum(count != 1 for count in answered.values()),
    )
