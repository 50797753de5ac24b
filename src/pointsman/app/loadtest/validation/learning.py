"""Scenario 4: does the fleet learn that a model has got worse, and do answers get better for it?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.app.loadtest.validation.checks import Check, at_least, at_most, holds
from pointsman.app.loadtest.validation.flow import AGENT, decision_of
from pointsman.app.loadtest.validation.stand import Stand, stand

TIME_SCALE = 0.5
"""Of what models take: so slow that five times that is felt, and no slower."""

REQUESTS = 45
SHORT_REQUESTS = 24
TAKES_OVER_WITHIN = 16
"""Own requests of the degraded model; means of 30 seeds are 5 and 9."""

_ROUTING = {
    "exploration": 0,
    "backoff_s": 0.01,
    "attempts_per_model": 1,
    "retry_budget_floor": 1_000,
    # No breaker, so that what is learned is all that speaks against a model.
    "breaker": {"failures": 1_000, "ratio": 1.0, "window": 1_000},
}


class Answered(NamedTuple):
    """One request: who was chosen, whether that model answered, and how long it all took."""

    chosen: str
    first_try: bool
    latency_ms: float
    decision: Mapping[str, Any]


def run(*, short: bool = False) -> Sequence[Check]:
    requests = SHORT_REQUESTS if short else REQUESTS
    checks: list[Check] = []
    for fault, words, worth in (
        (Fault.SLOW, "slow", _speed),
        (Fault.SERVER_ERROR, "failing", _success),
    ):
        with stand(time_scale=TIME_SCALE, routing=_ROUTING) as place:
            checks += _degraded(place, fault, words, worth, requests)
    return checks


Worth = Callable[[Sequence[Answered]], float]


def _speed(answers: Sequence[Answered]) -> float:
    """Answers per second of waiting."""
    return 1000 * len(answers) / sum(each.latency_ms for each in answers)


def _success(answers: Sequence[Answered]) -> float:
    """The share that the model which was chosen answered."""
    return sum(each.first_try for each in answers) / len(answers)


def _degraded(
    place: Stand, fault: Fault, words: str, worth: Worth, requests: int
) -> Sequence[Check]:
    """The favourite gets worse in one way; what becomes of it, and of the answers."""
    before = _ask(place, requests // 2)
    favourite = max({each.chosen for each in before}, key=[e.chosen for e in before].count)
    place.order(favourite.partition("/")[2], fault)
    after = _ask(place, requests)
    own = [place for place, each in enumerate(after) if each.chosen == favourite]
    last = after[-requests // 3 :]
    heir = max({each.chosen for each in last}, key=[e.chosen for e in last].count)
    had, has = _score(before[-1], favourite), _score(last[-1], favourite)
    suffered = [after[number] for number in own] or after[:1]
    return [
        holds(
            f"{words}: a penalty in the score of {favourite}",
            "a lower score than before",
            f"{had:.1f}, then {has:.1f}",
            has < had,
        ),
        at_most(
            f"{words}: its own requests until it is left", TAKES_OVER_WITHIN, len(own), "requests"
        ),
        holds(f"{words}: a better model takes over", "another one", heir, heir != favourite),
        at_least(
            f"{words}: the other's share of the last {len(last)} requests",
            0.8,
            sum(each.chosen != favourite for each in last) / len(last),
            "",
        ),
        holds(
            f"{words}: quality rises",
            "better at last than while it was still chosen",
            f"{worth(suffered):.2f}, then {worth(last):.2f} {UNITS[fault]}",
            worth(last) > worth(suffered),
        ),
    ]


UNITS = {
    Fault.SLOW: "answers per second of waiting",
    Fault.SERVER_ERROR: "of requests answered at the first try",
}


def _ask(place: Stand, requests: int) -> list[Answered]:
    """One after the other; the record of each is read once all of them have ended."""
    headers = [place.chat(agent=AGENT) for _ in range(requests)]
    found = (decision_of(place, each["x-pointsman-decision"]) for each in headers)
    return [
        Answered(
            each["model_id"],
            each["attempts"] == 1,
            sum(attempt["latency_ms"] for attempt in each["outcomes"]),
            each,
        )
        for each in found
    ]


def _score(answered: Answered, model: str) -> float:
    everyone = (*answered.decision["candidates"], *answered.decision["rejections"])
    return next((float(each["score"] or 0) for each in everyone if each["model_id"] == model), 0.0)
