"""After a failed attempt: the same model again, another one, or stop?"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple
from zlib import crc32

from pointsman.core.errors import Blame, FailureKind

SPREAD = 0.1
LEAST_SPREAD_S = 0.1
"""Whoever waits for a moment waits by up to so much longer: a share of the wait, or this."""


class Move(Enum):
    AGAIN = "again"
    ELSEWHERE = "elsewhere"
    STOP = "stop"


class Step(NamedTuple):
    """What to do next, after waiting so many seconds."""

    move: Move
    wait_s: float = 0.0


class Situation(NamedTuple):
    """What is known when an attempt has failed.

    `retry_after_s` is what the upstream asked for; `short_wait_s` the longest we wait for it.
    `may_repeat` says that the model has attempts left, `has_standby` that another model stands by.
    """

    kind: FailureKind
    retry_after_s: float | None
    short_wait_s: float
    backoff_s: float
    may_repeat: bool
    has_standby: bool


STOP = Step(Move.STOP)


def staggered(wait_s: float, decision_id: str, longest_s: float = float("inf")) -> float:
    """So long a wait and a little more, the same for the same decision; at most `longest_s`.

    Many requests are told to wait until the same moment. If they came back at it together, the
    first would fill the model, and the others wait for the next moment together.
    """
    share = crc32(decision_id.encode()) / 2**32
    return max(wait_s, min(wait_s + share * max(LEAST_SPREAD_S, SPREAD * wait_s), longest_s))


def next_step(now: Situation) -> Step:
    """The next step, in order of preference.

    A full model that asks for a short wait is waited for, since moving on at once spends the quota
    of the next model too. Otherwise another model is better than a repeat, and a repeat is better
    than giving up, unless the upstream asked for more patience than we have.
    """
    kind = now.kind
    wanted_s = now.retry_after_s
    patient = wanted_s is None or wanted_s <= now.short_wait_s
    if now.may_repeat and kind.blames is Blame.CAPACITY and wanted_s is not None and patient:
        return Step(Move.AGAIN, wanted_s)
    if kind.movable and now.has_standby:
        return Step(Move.ELSEWHERE)
    if kind.retryable and now.may_repeat and patient:
        return Step(Move.AGAIN, max(now.backoff_s, wanted_s or 0.0))
    return STOP
