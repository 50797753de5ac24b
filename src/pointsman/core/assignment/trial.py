"""When has a model that is tried on a share of an agent's traffic proved itself?

Whoever looks at a running comparison after every answer and stops when it looks good is fooled
sooner or later, unless the test allows for looking. This one does: an e-process (Ramdas, Grünwald,
Vovk, Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023). Under the
hypothesis it is a fair bet, so by Ville's inequality it ever reaches 1/α with a probability of at
most α, however often it is looked at and however traffic is shared out meanwhile.

The bet on each side is the mixture of all success rates (Robbins, 1970); the hypothesis gets the
rates that suit it best. Results are 0, 1 or anything between: for these the bet is at most fair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

HALVINGS = 40
LEAST_RATE = 1e-300
"""In the place of 0 in quotients and logarithms, where what is multiplied is 0 as well."""


class Results(NamedTuple):
    """How many answers a model gave, and the sum of what each was worth in [0, 1]."""

    answers: float = 0.0
    worth: float = 0.0

    @property
    def mean(self) -> float | None:
        return self.worth / self.answers if self.answers else None


class Verdict(StrEnum):
    """What is proved of the tried model against the standing one."""

    BETTER = "better"
    NO_WORSE = "no_worse"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Rigour:
    """`error` is how often a verdict of a kind may be wrong, `margin` what counts as no worse.

    A trial that has proved nothing after `longest_s` seconds, or `most_answers` of the tried model,
    is over: what cannot be told apart by then is not worth a share of the traffic for ever.
    """

    error: float = 0.05
    margin: float = 0.03
    longest_s: float = 14 * 86_400.0
    most_answers: float = 20_000.0

    def __post_init__(self) -> None:
        if not 0.0 < self.error < 1.0:
            raise ValueError(f"error must be between 0 and 1, not {self.error}")
        if not 0.0 <= self.margin < 1.0:
            raise ValueError(f"margin must be in [0, 1), not {self.margin}")
        for name in ("longest_s", "most_answers"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")

    def is_over(self, tried: Results, lasted_s: float) -> bool:
        """Whether a trial has had its chance, whatever it has proved."""
        return lasted_s >= self.longest_s or tried.answers >= self.most_answers


USUAL_RIGOUR = Rigour()


def verdict(tried: Results, standing: Results, rigour: Rigour = USUAL_RIGOUR) -> Verdict:
    """What the results prove so far; it may be asked after every answer."""
    needed = -math.log(rigour.error)
    if log_evidence(tried, standing) >= needed:
        return Verdict.BETTER
    if log_evidence(standing, tried) >= needed:
        return Verdict.WORSE
    if log_evidence(tried, standing, lead=-rigour.margin) >= needed:
        return Verdict.NO_WORSE
    return Verdict.UNDECIDED


def log_evidence(first: Results, second: Results, *, lead: float = 0.0) -> float:
    """The logarithm of the e-value against "the first is at most `lead` above the second".

    Positive is evidence against it; `lead` in (-1, 1), negative to ask whether it is not far below.
    """
    for results in (first, second):
        if not 0.0 <= results.worth <= results.answers:
            raise ValueError(f"worth must be between 0 and the answers, not {results}")
    bets = _log_mixture(first) + _log_mixture(second)
    return bets - _best_log_likelihood(first, second, lead)


def _log_mixture(results: Results) -> float:
    """Of the likelihood, over all rates (Beta(1, 1))."""
    won, lost = results.worth, results.answers - results.worth
    return math.lgamma(won + 1.0) + math.lgamma(lost + 1.0) - math.lgamma(results.answers + 2.0)


def _best_log_likelihood(first: Results, second: Results, lead: float) -> float:
    """The highest that the hypothesis `rate of first <= rate of second + lead` allows."""
    tops = first.mean, second.mean
    if tops[0] is None or tops[1] is None or tops[0] <= tops[1] + lead:
        rates = (tops[0] or 0.0, tops[1] or 0.0)
        return _log_likelihood(first, rates[0]) + _log_likelihood(second, rates[1])
    # Both likelihoods have one peak, and the peaks are on the wrong side: the best is on the line
    # between, where the slopes of the two cancel out; their sum falls along it.
    low, high = max(0.0, -lead, tops[1]), min(1.0, 1.0 - lead, tops[0] - lead)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if _slope(first, middle + lead) + _slope(second, middle) > 0.0:
            low = middle
        else:
            high = middle
    return _log_likelihood(first, low + lead) + _log_likelihood(second, low)


def _slope(results: Results, rate: float) -> float:
    won, lost = results.worth, results.answers - results.worth
    return won / max(rate, LEAST_RATE) - lost / max(1.0 - rate, LEAST_RATE)


def _log_likelihood(results: Results, rate: float) -> float:
    won, lost = results.worth, results.answers - results.worth
    return won * math.log(max(rate, LEAST_RATE)) + lost * math.log(max(1.0 - rate, LEAST_RATE))
