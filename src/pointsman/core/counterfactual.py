"""What would have to be otherwise for another model to be chosen?

The smallest change of one quantity, found by deciding again: the model is scored anew with the
changed quantity by the arithmetic that made its score, and ranked among the others. Nothing is said
that this does not bear out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from math import ceil, floor, inf, log10
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.assignment.records import TRIED
from pointsman.core.balance import near_best
from pointsman.core.decision import Candidate, Decision, Objection, Rejection
from pointsman.core.rescoring import DEAREST, Lever, Quantity, levers, parted

DIGITS = 3
"""Significant digits of a latency or a cost that is told."""

PER_MILLE = 1000.0
"""Shares and strengths are told in steps of one thousandth."""

HAIR = 1e-9
"""So little of a step is the noise of floats."""

TIE = 1e-9
"""Scores that differ by no more are told as equal: nobody goes first by the noise of floats."""


Goal = Callable[[float, float], bool]
"""Whether a score is high enough: by how much it is ahead of all others, and the band."""


class Effect(StrEnum):
    """The best alone goes first, unless it is busy; whoever is near relieves it then."""

    WINS = "wins"
    SHARES = "shares"


class Standing(StrEnum):
    """How a model stood that was not chosen.

    `ahead`: its score was the best, but something else counted more. `near`: in the band of the
    best, so that it shared its load. `behind`: below that. `out`: it could not serve. `not_asked`:
    the request named whom it wanted.
    """

    AHEAD = "ahead"
    NEAR = "near"
    BEHIND = "behind"
    OUT = "out"
    NOT_ASKED = "not_asked"


class Change(NamedTuple):
    """One quantity with which the model would have gone first.

    `now` is None when unknown. `needed` is rounded to the side on which it holds, `edge` is where
    it just holds. `candidate` is the model as it would be scored with `needed`.
    """

    quantity: Quantity
    now: float | None
    needed: float
    edge: float
    candidate: Candidate

    @property
    def size(self) -> float:
        """How large the change is against what there is now; infinite from nothing."""
        return abs(self.needed - self.now) / self.now if self.now else inf


class Counterfactual(NamedTuple):
    """What it would have taken for `model_id` to go first instead.

    `score` is its own, None when it was not scored; `best` the best of the others. `changes` of one
    quantity each, the smallest first; empty when no single one is enough, or none is needed.
    `objection` is why the model was out, and `if_able` what it would have been without that, None
    when its score is not known or would not have sufficed.
    """

    model_id: str
    standing: Standing
    score: float | None
    best: float | None
    changes: tuple[Change, ...] = ()
    objection: Objection | None = None
    if_able: Effect | None = None

    @property
    def smallest(self) -> Change | None:
        """The smallest of the changes."""
        return self.changes[0] if self.changes else None


def runner_up(decision: Decision) -> str | None:
    """Of all that were not chosen the one that scored best, also if it was out; None: nobody."""
    scored = [(each.score, each.model_id) for each in decision.candidates[1:]]
    scored += [(r.score, r.model_id) for r in decision.rejections if r.score is not None]
    return max(scored, key=lambda pair: pair[0])[1] if scored else None


def on_trial(decision: Decision) -> Candidate | None:
    """The model that the agent was trying with such requests, whether or not this one fell to it.

    It gets its share of them and no more, whatever its score. None too where nothing is left to
    chance: a request that names its model, a conversation that is somewhere already.
    """
    if decision.band is None or decision.panic:
        return None
    if any(parted(each)[1] is not None for each in decision.candidates):
        return None
    tried = (each for each in decision.candidates if each.terms and each.terms[-1].name == TRIED)
    return next(tried, None)


def counterfactual(decision: Decision, model_id: str) -> Counterfactual | None:
    """What would have had `model_id` chosen; None for the chosen one and for one not looked at."""
    chosen = decision.chosen
    if chosen is not None and chosen.model_id == model_id:
        return None
    rejection = next((r for r in decision.rejections if r.model_id == model_id), None)
    if rejection is not None:
        return _if_able(decision, rejection)
    candidate = next((c for c in decision.candidates if c.model_id == model_id), None)
    if candidate is None:
        return None
    return _otherwise(decision, candidate)


def effect_of(candidate: Candidate, others: Sequence[Candidate], band: float) -> Effect | None:
    """What becomes of `candidate` among `others`; None when it falls behind the band."""
    ranked = sorted((*others, candidate), key=lambda each: -each.score)
    near = near_best(ranked, band)
    if candidate not in ranked[: near.within]:
        return None
    return Effect.WINS if near.equals == 1 and ranked[0] is candidate else Effect.SHARES


def _if_able(decision: Decision, rejection: Rejection) -> Counterfactual:
    best = max((each.score for each in decision.candidates), default=None)
    effect = None
    if rejection.score is not None and decision.band is not None:
        able = Candidate(rejection.model_id, rejection.score, ())
        effect = effect_of(able, decision.candidates, decision.band)
    return Counterfactual(
        rejection.model_id,
        Standing.OUT,
        rejection.score,
        best,
        objection=rejection.objection,
        if_able=effect,
    )


def _otherwise(decision: Decision, candidate: Candidate) -> Counterfactual:
    tried, chosen = on_trial(decision), decision.chosen
    # Whom only its share of the requests goes to is in nobody's way to the rest of them.
    others = [
        each
        for each in decision.candidates
        if each is not candidate and (each is not tried or each is chosen)
    ]
    best, band = max(each.score for each in others), decision.band
    if band is None:
        return Counterfactual(candidate.model_id, Standing.NOT_ASKED, candidate.score, best)
    effect = effect_of(candidate, others, band)
    goal = _goal(decision, candidate)
    changes: list[Change] = []
    # Where one was taken to learn about it, or a trial drew lots, no score would have mattered.
    drawn = decision.explored or (tried is not None and (tried is chosen or tried is candidate))
    if not drawn and not goal(candidate.score - best, band):
        found = (_change(lever, best, band, goal) for lever in levers(candidate))
        changes = sorted((change for change in found if change), key=lambda change: change.size)
    standing = _STANDING[effect]
    return Counterfactual(candidate.model_id, standing, candidate.score, best, tuple(changes))


_STANDING: Mapping[Effect | None, Standing] = MappingProxyType(
    {Effect.WINS: Standing.AHEAD, Effect.SHARES: Standing.NEAR, None: Standing.BEHIND}
)


def _goal(decision: Decision, candidate: Candidate) -> Goal:
    """What has a candidate chosen whatever chance does, as long as it is not busy."""
    if decision.session is None:
        return _goes_first
    # A conversation stays with the model that it has while that is near the best. Without one, its
    # name decides among those near the best: who is to have it must be there alone.
    return _is_near if parted(candidate)[1] is not None else _is_alone


def _goes_first(ahead: float, _band: float) -> bool:
    return ahead > TIE


def _is_near(ahead: float, band: float) -> bool:
    return -ahead <= band


def _is_alone(ahead: float, band: float) -> bool:
    return ahead > band + TIE


def _change(lever: Lever, best: float, band: float, goal: Goal) -> Change | None:
    """The least change of one quantity that reaches the goal; None: none does."""

    def holds(value: float) -> bool:
        return goal(lever.candidate(value).score - best, band)

    edge = _edge(holds, DEAREST if lever.now is None else lever.now, lever.best)
    if edge is None:
        return None
    told = (_told(lever, edge, HAIR), _told(lever, edge))
    needed = next((value for value in told if holds(value)), edge)
    return Change(lever.quantity, lever.now, needed, edge, lever.candidate(needed))


def _edge(holds: Callable[[float], bool], fails: float, best: float) -> float | None:
    """The value nearest to one that fails with which it holds, None if it does not at `best`.

    More of a good thing never hurts, so that between the two there is one edge.
    """
    if not holds(best):
        return None
    good = best
    while (middle := (fails + good) / 2.0) not in (fails, good):
        if holds(middle):
            good = middle
        else:
            fails = middle
    return good


def _told(lever: Lever, edge: float, hair: float = 0.0) -> float:
    """The edge as it is told to people, rounded to the side of what is better.

    What is less than a `hair` beyond a step is rounded back to it.

    It is above 0 where 0 is best: the least time and the least cost are worth as much as none.
    """
    if lever.best:
        return min(ceil(edge * PER_MILLE - hair) / PER_MILLE, lever.best)
    if lever.quantity is not Quantity.LATENCY and lever.now:
        lower = ceil((1.0 - edge / lever.now) * PER_MILLE - hair) / PER_MILLE
        return lever.now * (1.0 - lower)
    step = 10.0 ** (floor(log10(edge)) - DIGITS + 1)
    return floor(edge / step) * step
