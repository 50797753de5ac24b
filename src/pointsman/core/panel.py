"""What is to be expected of all models at once, for one kind of request?

The arithmetic of `core/expectation.py` on arrays, a row of models at a time: what a fleet of
thousands of agents and hundreds of models needs. Pairs of which something particular was seen are
few, and left to that file, as are the words. Importing this loads numpy; `AdaptiveScorer.panel`
does it when there is a fleet to be assigned.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointsman.core.capability import CONTEXT_WEIGHT, PREFERRED_WEIGHT, REQUIRED_WEIGHT
from pointsman.core.decision import Candidate, Selection, Task
from pointsman.core.expectation import (
    ANSWER_WEIGHT,
    DECLARED_SPEED_WEIGHT,
    GENERALIST,
    TOKENS_PER_MTOK,
    UNKNOWN,
    UNSEEN,
    Kind,
    candidate,
    paper_of,
    untimed,
)
from pointsman.core.experience import Experience
from pointsman.core.fleet import Agent, Model, PriceState, types_of
from pointsman.core.records import Tag
from pointsman.core.utility import HALF_CHEAP_USD

Numbers = NDArray[np.float64]


class Told(NamedTuple):
    """What is expected of every model, in order; None where nothing is known.

    `scores` and `success` as of a candidate and its estimate, `latency_s` as of the latter.
    """

    scores: Sequence[float]
    success: Sequence[float]
    latency_s: Sequence[float | None]


class Panel:
    """Models in their order, and what is known of each at the moment.

    What is learned later of a model in general is not in it.
    """

    def __init__(self, seen: Experience, models: Sequence[Model]) -> None:
        self._seen = seen
        self._models = tuple(models)
        self._prices = _Prices(models)
        self._strengths: dict[str, Numbers] = {}
        self._judged_by_type: dict[str, tuple[Numbers, Numbers]] = {}
        windows = (model.context_window for model in models)
        self._windows = np.array([np.inf if each is None else each for each in windows])
        records = self._records = [seen.models.get(model.id) or UNSEEN for model in models]
        policy = seen.policy
        self._reliability = np.array(
            [policy.reliable if each is UNSEEN else each.reliability for each in records]
        )
        self._judged = np.array([each.judged_count for each in records])
        self._surplus = np.array([each.surplus for each in records])
        self._times = np.array([each.times for each in records]).reshape(-1, 2, 3)
        self._length = np.array([each.length.mean for each in records])
        answers = np.array([each.length.count for each in records])
        # What `shrunk` gives; 1 where no answer was counted.
        self._length = (ANSWER_WEIGHT + answers * self._length) / (ANSWER_WEIGHT + answers)
        places = {model.id: place for place, model in enumerate(models)}
        self._particular: dict[tuple[str, str | None], list[int]] = {}
        for (agent_id, task_type, model_id), _ in seen.tags.items():  # noqa: PERF102 - no dict
            if agent_id is not None and model_id in places:
                own = self._particular.setdefault((agent_id, task_type), [])
                own.append(places[model_id])

    def told(self, agent: Agent, task: Task, selection: Selection) -> Told:
        """What is expected of all models for such requests: the same as `score` says of each."""
        kind = self._kind(agent, task, selection)
        quality, reliability = self._quality(kind), self._reliability
        swift, latency_s = self._swiftness(kind)
        success, weights = reliability * quality, kind.weights
        quick, cheap = weights.latency * swift, weights.cost * self._cheapness(kind)
        sums = weights.quality * success + quick + cheap + (reliability - 1.0) * (quick + cheap)
        scores: list[float] = np.maximum(0.0, sums).tolist()
        found: list[float] = success.tolist()
        # Nobody sees the latency of a pair otherwise than of a model, so this needs no correction.
        for place in self._particular_to(kind):
            one = candidate(self._seen, kind, paper_of(kind, self._models[place]))
            assert one.estimate is not None  # noqa: S101 - `candidate` always has one
            scores[place], found[place] = one.score, one.estimate.success
        return Told(scores, found, latency_s)

    def candidate(self, agent: Agent, task: Task, selection: Selection, place: int) -> Candidate:
        """One of them in full; unlike `score` it remembers nothing, so any thread may ask."""
        kind = self._kind(agent, task, selection)
        return candidate(self._seen, kind, paper_of(kind, self._models[place]))

    def usd(self, prompt_tokens: int, completion_tokens: int) -> Sequence[float | None]:
        """What a request of so many tokens costs with each model, as its price says."""
        rates = self._prices.at(prompt_tokens)
        total = prompt_tokens * rates.prompt + completion_tokens * rates.completion
        return _known(total / TOKENS_PER_MTOK + rates.per_request)

    def _kind(self, agent: Agent, task: Task, selection: Selection) -> Kind:
        return Kind(agent, task, selection, self._seen.usual_tokens(agent.id, task.type))

    def _particular_to(self, kind: Kind) -> set[int]:
        agent_id, task_type = kind.agent.id, kind.task.type
        found = set(self._particular.get((agent_id, None), ()))
        if task_type is not None:
            found.update(self._particular.get((agent_id, task_type), ()))
        return found

    def _quality(self, kind: Kind) -> Numbers:
        seen, policy, fit = self._seen, self._seen.policy, self._fit(kind)
        hardness = seen.hardness.get(kind.topic)
        usual = seen.usual if hardness is None else seen.usual + hardness.used
        judged = self._judged
        expected = np.clip(usual + self._surplus, 0.0, 1.0)
        mean = (policy.fit_weight * fit + judged * expected) / (policy.fit_weight + judged)
        if kind.task.type is not None:
            for each in types_of(kind.task.type):
                good, total = self._judged_of(each)
                mean = (policy.tag_weight * mean + good) / (policy.tag_weight + total)
        quality: Numbers = np.where(judged > 0.0, mean, fit)
        return quality

    def _judged_of(self, task_type: str) -> tuple[Numbers, Numbers]:
        """The judgements of each model on this type of task: how good, of how many."""
        known = self._judged_by_type.get(task_type)
        if known is None:
            pairs = [self._judged_one((None, task_type, m.id), n) for n, m in self._numbered()]
            both = np.array(pairs).reshape(-1, 2)
            known = self._judged_by_type[task_type] = both[:, 0], both[:, 1]
        return known

    def _numbered(self) -> enumerate[Model]:
        return enumerate(self._models)

    def _judged_one(self, key: Tag, place: int) -> tuple[float, float]:
        tag, record = self._seen.tags.get(key), self._records[place]
        if tag is None or tag.judged_epoch != record.judged_epoch:
            return 0.0, 0.0
        kept = tag.judged.kept(record.at, self._seen.fade_judged)
        return tag.judged.good * kept, tag.judged.total * kept

    def _fit(self, kind: Kind) -> Numbers:
        needs = kind.needs
        preferred = needs.preferred if needs.required or needs.preferred else GENERALIST
        value, weight = np.zeros(len(self._models)), 0.0
        for share, names in ((REQUIRED_WEIGHT, needs.required), (PREFERRED_WEIGHT, preferred)):
            if names:
                total = np.zeros(len(self._models))
                for name in names:
                    total = total + self._strength(name)
                value = value + share * total / len(names)
                weight += share
        reach = np.minimum(1.0, self._windows / needs.min_context)
        fit: Numbers = (1.0 - CONTEXT_WEIGHT) * value / weight + CONTEXT_WEIGHT * reach
        return fit

    def _strength(self, name: str) -> Numbers:
        known = self._strengths.get(name)
        if known is None:
            known = self._strengths[name] = np.array(
                [m.strengths.get(name, 0.0 if m.profiled else UNKNOWN) for m in self._models]
            )
        return known

    def _swiftness(self, kind: Kind) -> tuple[Numbers, Sequence[float | None]]:
        usual_s, count = self._times[:, kind.place, 0], self._times[:, kind.place, 2]
        declared = np.array(
            [m.strengths.get("low_latency", np.nan) for m in self._models], dtype=np.float64
        )
        declared = np.where(np.isnan(declared), untimed(self._seen, kind), declared)
        latency_s = usual_s * kind.stretch
        measured = kind.budget_s / (kind.budget_s + latency_s)
        weight = DECLARED_SPEED_WEIGHT
        swift = (weight * declared + count * measured) / (weight + count)
        timed = usual_s > 0.0
        return np.where(timed, swift, declared), _known(np.where(timed, latency_s, np.nan))

    def _cheapness(self, kind: Kind) -> Numbers:
        rates = self._prices.at(int(kind.prompt_tokens))
        tokens = kind.answer_tokens * self._length
        if kind.most_tokens is not None:
            tokens = np.minimum(tokens, kind.most_tokens)
        usd = kind.prompt_tokens * (rates.prompt / TOKENS_PER_MTOK) + rates.per_request
        usd = usd + tokens * (rates.completion / TOKENS_PER_MTOK)
        return np.where(np.isnan(usd), 0.0, HALF_CHEAP_USD / (HALF_CHEAP_USD + usd))


class _Rates(NamedTuple):
    """US dollars per million tokens, and per request; NaN where the price is unknown."""

    prompt: Numbers
    completion: Numbers
    per_request: Numbers


class _Prices:
    """What models charge. Rates step with the length of the prompt; between steps they are one."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._prices = [model.price for model in models]
        rates = (rate for each in self._prices for rate in (each.input, each.output) if rate)
        self._steps = sorted({above for rate in rates for above, _ in rate.steps})
        self._between: dict[int, _Rates] = {}

    def at(self, prompt_tokens: int) -> _Rates:
        """The rates of a request with so many prompt tokens."""
        step = bisect_left(self._steps, prompt_tokens)
        known = self._between.get(step)
        if known is None:
            known = self._between[step] = self._read(prompt_tokens)
        return known

    def _read(self, prompt_tokens: int) -> _Rates:
        rows = []
        for price in self._prices:
            if price.state is PriceState.FREE:
                rows.append((0.0, 0.0, 0.0))
            elif price.input is None or price.output is None:
                rows.append((np.nan, np.nan, np.nan))
            else:
                own = price.input.at(prompt_tokens), price.output.at(prompt_tokens)
                rows.append((float(own[0]), float(own[1]), float(price.per_request_usd)))
        table = np.array(rows, dtype=np.float64).reshape(-1, 3)
        return _Rates(table[:, 0], table[:, 1], table[:, 2])


def _known(numbers: Numbers) -> Sequence[float | None]:
    found: list[float | None] = numbers.tolist()
    for place in np.flatnonzero(np.isnan(numbers)).tolist():
        found[place] = None
    return found
