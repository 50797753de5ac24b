"""Who goes first among near-equals?

Always the best score herds every request of a burst onto one model. So all within a band of the
best share its load: when the best is busy, two others of them are drawn, and the one that is free
sooner goes first if it is free much sooner than the best (after Mitzenmacher, "The Power of Two
Choices in Randomized Load Balancing", 2001).

Only waiting that comes of load decides. How long a model takes anyway is a term of its score;
weighed once more here, a quick model that is worse by nearly the band would take all traffic. On
real answers that costs 3 to 6 in a hundred of all that can be gained by choosing well, and so does
drawing who goes first from those that evidence does not tell apart: trying out others is the
business of `exploration`, which does it for less. Under load a band of 0.05 still costs 4 to 8 in a
hundred to whom only quality counts, one of 0.03 none to 3 (`simulations/outcomes.py`, ten calls in
flight): hence `band_for`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import takewhile
from math import comb
from typing import NamedTuple

from pointsman.core.decision import Candidate

MUCH_SOONER = 0.8
"""A wait that is longer than this share of another is as good as equal."""

NARROWER = 0.4
"""By this share the band is narrower for whom only quality counts."""


class Pick(NamedTuple):
    """Which candidate goes first, by its place, and how probable that was, in (0, 1]."""

    place: int
    propensity: float


class Near(NamedTuple):
    """The near-best: the first `within` candidates, of whom the first `equals` score the same."""

    within: int
    equals: int


class Queues(NamedTuple):
    """What the near-best carry, in their order: calls in flight, and how long one more would wait.

    Waits are in any unit; only their ratios mean anything.
    """

    in_flight: Sequence[int]
    waits: list[float]


def band_for(quality_weight: float, band: float) -> float:
    """How much of its score somebody gives up for load who weighs quality so much, in [0, 1].

    The same score is more of an answer's quality where nothing else is weighed, and load makes up
    for none of that.
    """
    return band * (1.0 - NARROWER * quality_weight)


def near_best(candidates: Sequence[Candidate], band: float) -> Near:
    """Who of `candidates`, best score first, lies within `band` of the first."""
    if not candidates:
        return Near(0, 0)
    best = candidates[0].score
    behind = [best - candidate.score for candidate in candidates]
    within = sum(1 for _ in takewhile(lambda gap: gap <= band, behind[1:]))
    equals = sum(1 for _ in takewhile(lambda gap: gap <= 0.0, behind[1 : within + 1]))
    return Near(1 + within, 1 + equals)


def pick(near: Near, queues: Queues, draw: Callable[[], float]) -> Pick:
    """The best, or one that relieves it. `draw` gives uniform numbers in [0, 1)."""
    if near.within == 1:
        return Pick(0, 1.0)
    place = int(draw() * near.equals)
    if not queues.in_flight[place] and (near.equals == 1 or not any(queues.in_flight)):
        return Pick(place, 1.0 / near.equals)  # Nobody relieves who is idle.
    other = _sooner(queues.waits, place, draw)
    if queues.waits[other] < _patience(queues, place):
        place = other
    return Pick(place, propensity(near, queues, place))


def propensity(near: Near, queues: Queues, place: int) -> float:
    """How probable it is that `pick` takes the one at `place`, in [0, 1]."""
    if near.within == 1:
        return 1.0
    waits, others, equals = queues.waits, near.within - 1, near.equals
    own, drawn, ways = waits[place], 1 if others == 1 else 2, 0
    if place < equals:
        patience = _patience(queues, place)
        ways = comb(others - sum([wait < patience for wait in waits]), drawn)
    if place or equals > 1:
        relieved = _relieved(queues, equals, own)
        if relieved:
            # The sooner one with each that waits longer, but the best, which waits longer too.
            later = sum([wait > own for wait in waits]) + waits[place + 1 :].count(own)
            ways += relieved if drawn == 1 else relieved * (later - 1)
    return ways / (equals * comb(others, drawn))


def _relieved(queues: Queues, equals: int, wait_s: float) -> int:
    """How many of the best would rather have their next call wait so long elsewhere."""
    if equals == 1:
        return wait_s < _patience(queues, 0)
    best = zip(queues.waits[:equals], queues.in_flight, strict=False)
    return sum([wait_s < wait * MUCH_SOONER for wait, calls in best if calls])


def _sooner(waits: Sequence[float], place: int, draw: Callable[[], float]) -> int:
    """The one that is free sooner of two others than that at `place`; of one, if there is one."""
    others = len(waits) - 1
    one = int(draw() * others)
    if others == 1:
        return 1 - place
    two = int(draw() * (others - 1))
    if two >= one:
        two += 1
    else:
        one, two = two, one
    if one >= place:
        one += 1
    if two >= place:
        two += 1
    return two if waits[two] < waits[one] else one


def _patience(queues: Queues, place: int) -> float:
    """Who waits less than so long takes a call from the one at `place`: nobody, if it is idle."""
    return queues.waits[place] * MUCH_SOONER if queues.in_flight[place] else 0.0


def pick_for_session(session: str, model_ids: Sequence[str]) -> Pick:
    """Take one of the near-equals that is fixed for a session; `model_ids` are never empty.

    A conversation stays where its prompt prefix is cached. When a model comes or goes, only the
    sessions that it wins or served move (Thaler and Ravishankar, "Using Name-Based Mappings to
    Increase Hit Rates", 1998: the highest hash of session and name wins).
    """
    hashes = [_hash(f"{session}\n{model_id}") for model_id in model_ids]
    return Pick(hashes.index(max(hashes)), 1.0 / len(model_ids))


def share_of_session(session: str) -> float:
    """A uniform number in [0, 1) that is fixed for a session."""
    return int.from_bytes(_hash(f"{session}\n")[:6]) / (1 << 48)


def _hash(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
