"""Is everything told, and told once, when what tells it is killed again and again?

`kill -9` at random points of committing and sending. What is on the disk is delivered in the end; a
receiver that knows ids has it once, one that does not at most once more per kill and channel.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from delivering_process import CHANNELS

from receiver import Received, Receiver, receiving

PROGRAM = Path(__file__).with_name("delivering_process.py")
TESTS = PROGRAM.parent.parent


def started(database: Path, receiver: Receiver, seed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(database), receiver.url, seed],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )


def killed(process: subprocess.Popen[str], after_s: float) -> list[str]:
    """What it had committed when it was killed, so long after its first word."""
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.stdout.close()
    process.wait()
    return [line for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


def prove(folder: Path, kills: int, seed: int) -> None:
    random, committed = Random(seed), set[str]()
    with receiving() as receiver:
        for number in range(kills):
            if not number % 5:
                receiver.behave(**random.choice(TROUBLE))
            process = started(folder / "pointsman.db", receiver, f"{seed}-{number}")
            committed.update(line.strip() for line in killed(process, random.uniform(0.0, 0.6)))
        receiver.behave()
        drain = started(folder / "pointsman.db", receiver, "drain")
        assert drain.wait(timeout=900) == 0
        assert drain.stdout is not None
        drain.stdout.close()
        judge(receiver.taken, committed, kills)
        print(f"seed {seed}: {kills} kills, {len(committed)} alerts committed and told")


TROUBLE: list[dict[str, object]] = [
    {},
    {"status": 500, "times": 3},
    {"reset": True, "times": 2},
    {"status": 302, "times": 1},
]


def judge(taken: list[Received], committed: set[str], kills: int) -> None:
    for channel in range(CHANNELS):
        got = [each for each in taken if each.path == f"/c{channel}"]
        times = Counter(each.id for each in got)
        known = {each.id: json.loads(each.body)["alerts"] for each in got}
        ids = [alert["annotations"]["alert_id"] for alerts in known.values() for alert in alerts]
        told = Counter(each for each in ids if each.startswith("al-"))
        assert not committed - told.keys(), "lost"
        assert max(told.values()) == 1, "told twice to a receiver that knows ids"
        assert sum(times.values()) - len(times) <= kills, "more than one repeat per kill"


def test_nothing_is_lost_or_told_twice_when_it_is_killed(tmp_path: Path) -> None:
    prove(tmp_path, kills=6, seed=1)


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_nothing_is_lost_or_told_twice_over_two_hundred_kills(tmp_path: Path) -> None:
    prove(tmp_path, kills=200, seed=int(os.environ.get("POINTSMAN_SEED", "20261123")))
