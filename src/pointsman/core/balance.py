"""Who goes first among near-equals?

Always the best score herds every request of a burst onto one model. So all models within a band of
the best share its traffic: two are drawn, and the one with the lower expected wait goes first
(Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import takewhile
from typing import NamedTuple

from pointsman.core.decision import Candidate

MUCH_SOONER = 0.8
"""A wait that is longer than this share of another is as good as equal."""


class Pick(NamedTuple):
    """Which candidate goes first, by its place, and how probable that was, in (0, 1]."""

    place: int
    propensity: float


def near_best(candidates: Sequence[Candidate], band: float) -> int:
    """How many leading candidates lie within `band` of the first; at least one, if there is one."""
    if not candidates:
        return 0
    floor = candidates[0].score - band
    return 1 + sum(1 for _ in takewhile(lambda c: c.score >= floor, candidates[1:]))


def pick(waits: Sequence[float], draw: Callable[[], float]) -> Pick:
    """Draw two of the near-best and take the one that is free sooner.

    `waits` are those to be expected, in any unit, best score first, never empty; of two that hardly
    differ the better score wins. `draw` gives uniform numbers in [0, 1).
    """
    count = len(waits)
    if count == 1:
        return Pick(0, 1.0)
    first = int(draw() * count)
    second = int(draw() * (count - 1))
    second += second >= first
    first, second = min(first, second), max(first, second)
    winner = second if waits[second] < waits[first] * MUCH_SOONER else first
    return Pick(winner, propensity(waits, winner))


def propensity(waits: Sequence[float], place: int) -> float:
    """How probable it is that `pick` takes the one at `place`, in [0, 1]."""
    count = len(waits)
    if count == 1:
        return 1.0
    own = waits[place]
    limit = own * MUCH_SOONER
    beaten = [wait * MUCH_SOONER > own for wait in waits[:place]]
    beaten += [wait >= limit for wait in waits[place + 1 :]]
    return sum(beaten) / (count * (count - 1) / 2)


def pick_for_session(session: str, model_ids: Sequence[str]) -> Pick:
    """Take one of the near-equals that is fixed for a session; `model_ids` are never empty.

    A conversation stays where its prompt prefix is cached. When a model comes or goes, only the
    sessions that it wins or served move (Thaler and Ravishankar, "Using Name-Based Mappings to
    Increase Hit Rates", 1998: the highest hash of session and name wins).
    """
    hashes = [_hash(f"{session}\n{model_id}") for model_id in model_ids]
    return Pick(hashes.index(max(hashes)), 1.0 / len(model_ids))


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
