"""What is expected of an agent on each of the models, and what keeps it off some?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pointsman.core.assignment.duty import Duty, Expectations
from pointsman.core.assignment.problem import Bar, BarCode, together
from pointsman.core.capability import requirements
from pointsman.core.decision import Candidate, Objection, ReasonCode, Selection, Strategy, Task
from pointsman.core.eligibility import standing_objections
from pointsman.core.fleet import UNDECLARED, Agent, AgentStatus, Fleet, Model, Usage
from pointsman.core.utility import FIRST_TOKEN_BUDGET_S, PACE_S_PER_TOKEN
from pointsman.engine.matching import usual_task
from pointsman.engine.ports import AllAtOnce, Scores

if TYPE_CHECKING:
    from pointsman.core.panel import Panel


class Row(NamedTuple):
    """What is expected of one agent, an entry per model in its order.

    `scores` in [0, 1]; `usd_per_request` and `latency_s` are None where unknown. `bars` maps the
    number of a model that is out to the reason. `candidate` has the terms of one, by its number;
    any thread may ask for it.
    """

    scores: Sequence[float]
    quality: Sequence[float]
    usd_per_request: Sequence[float | None]
    latency_s: Sequence[float | None]
    duration_s: Sequence[float]
    bars: Mapping[int, Bar]
    candidate: Callable[[int], Candidate]


_ANYTHING = Selection()


def rows_of(
    fleet: Fleet, expectations: Expectations, scores: Scores, strategy: Strategy
) -> Iterator[Row]:
    """What is expected of each agent on all models, an agent at a time: it takes its time."""
    models = tuple(fleet.models.values())
    panel = scores.panel(models) if isinstance(scores, AllAtOnce) else None
    told: _Told = _OneByOne(scores, models) if panel is None else _AtOnce(panel)
    asker = _Asker(models, told, Selection(strategy))
    for agent in online(fleet):
        yield asker.row(agent, expectations.duty(agent.id))


def online(fleet: Fleet) -> Iterator[Agent]:
    """Those that work now. Who calls without a name is nobody that a model could be kept for."""
    for agent in fleet.agents.values():
        if agent.status is AgentStatus.ONLINE and agent is not UNDECLARED:
            yield agent


class _Expected(NamedTuple):
    scores: Sequence[float]
    quality: Sequence[float]
    latency_s: Sequence[float | None]
    candidate: Callable[[int], Candidate]


class _OneByOne:
    """What scores say that only know one pair at a time."""

    def __init__(self, scores: Scores, models: Sequence[Model]) -> None:
        self._scores = scores
        self._models = models

    def expected(self, agent: Agent, task: Task, selection: Selection) -> _Expected:
        score = self._scores.score
        found = [score(agent, task, selection, model) for model in self._models]
        estimates = [each.estimate for each in found]
        return _Expected(
            [each.score for each in found],
            [each.score if each.estimate is None else each.estimate.success for each in found],
            [None if each is None else each.latency_s for each in estimates],
            found.__getitem__,
        )

    def usd(self, usage: Usage) -> Sequence[float | None]:
        costs = (model.price.cost_usd(usage) for model in self._models)
        return [None if cost is None else float(cost) for cost in costs]


class _AtOnce:
    """The same of scores that know all models at once, a hundred times as fast."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def expected(self, agent: Agent, task: Task, selection: Selection) -> _Expected:
        def candidate(place: int) -> Candidate:
            return self._panel.candidate(agent, task, selection, place)

        return _Expected(*self._panel.told(agent, task, selection), candidate)

    def usd(self, usage: Usage) -> Sequence[float | None]:
        return self._panel.usd(usage.prompt_tokens, usage.completion_tokens)


_Told = _OneByOne | _AtOnce


class _Asker:
    """Makes the rows of one fleet; what all of them share is looked up once."""

    def __init__(self, models: Sequence[Model], told: _Told, selection: Selection) -> None:
        self._models = models
        self._told = told
        self._selection = selection
        self._busy = [m for m, each in enumerate(models) if each.limits.max_in_flight is not None]
        self._windows = [
            (m, each.context_window)
            for m, each in enumerate(models)
            if each.context_window is not None
        ]
        self._drained = frozenset(m for m, each in enumerate(models) if each.drained)
        self._lacking: dict[str, frozenset[int]] = {}

    def row(self, agent: Agent, duty: Duty) -> Row:
        """Streams first and then plain answers: scores of one kind in a row are asked fastest."""
        task = usual_task(agent)
        expected = self._told.expected(agent, task, self._selection)
        durations = self._durations_s(agent, duty)
        usage = Usage(round(duty.load.prompt_tokens), round(duty.load.completion_tokens))
        return Row(
            [min(1.0, max(0.0, score)) for score in expected.scores],
            expected.quality,
            self._told.usd(usage),
            expected.latency_s,
            durations,
            self._bars(agent, duty, expected),
            expected.candidate,
        )

    def _durations_s(self, agent: Agent, duty: Duty) -> Sequence[float]:
        """From the first byte sent to the last received, as a plain answer takes it.

        Only a limit of requests in flight asks for it, so where there is none nobody looks.
        """
        usual_s = FIRST_TOKEN_BUDGET_S + PACE_S_PER_TOKEN * duty.load.completion_tokens
        durations = [usual_s] * len(self._models)
        if self._busy:
            measured = self._told.expected(agent, Task(), self._selection).latency_s
            for model in self._busy:
                durations[model] = measured[model] or usual_s
        return durations

    def _bars(self, agent: Agent, duty: Duty, expected: _Expected) -> Mapping[int, Bar]:
        barred = (
            (model, self._bar(agent, duty, expected, model))
            for model in sorted(self._suspects(agent, duty, expected))
        )
        return {model: bar for model, bar in barred if bar is not None}

    def _suspects(self, agent: Agent, duty: Duty, expected: _Expected) -> Collection[int]:
        """The models that something may keep the agent off: most pairs need no closer look."""
        if agent.pinned is not None or agent.allow or agent.deny:
            return range(len(self._models))
        found = set(self._drained)
        for name in requirements(agent, usual_task(agent)).required:
            found |= self._without(name)
        least = max(_held(duty), agent.min_context)
        found.update(m for m, window in self._windows if least > window)
        if duty.quality_floor > 0.0:
            found.update(m for m, each in enumerate(expected.quality) if each < duty.quality_floor)
        most_s = duty.latency_ceiling_s
        if most_s is not None:
            found.update(
                m for m, each in enumerate(expected.latency_s) if each is not None and each > most_s
            )
        return found

    def _without(self, name: str) -> frozenset[int]:
        known = self._lacking.get(name)
        if known is None:
            known = self._lacking[name] = frozenset(
                m for m, each in enumerate(self._models) if each.strengths.get(name, 0.0) <= 0.0
            )
        return known

    def _bar(self, agent: Agent, duty: Duty, expected: _Expected, number: int) -> Bar | None:
        """All that keeps the agent off the model, as long as nobody decides otherwise."""
        quality, latency_s = expected.quality[number], expected.latency_s[number]
        declared = _declared_bars(agent, duty, self._models[number])
        return together((*declared, *_measured_bars(agent, duty, quality, latency_s)))


def _held(duty: Duty) -> float:
    """How many tokens prompt and answer of such a request have together."""
    return duty.load.prompt_tokens + duty.load.completion_tokens


def declared_bar(agent: Agent, duty: Duty, model: Model) -> Bar | None:
    """What keeps the agent off the model by what is declared of both, whatever was measured."""
    return together(_declared_bars(agent, duty, model))


def _declared_bars(agent: Agent, duty: Duty, model: Model) -> Iterator[Bar]:
    if agent.pinned is not None and agent.pinned != model.id:
        words = f"{agent.id} is pinned to {agent.pinned}"
        yield Bar(BarCode.NOT_PINNED, words, f"unpin {agent.id}")
    needs = requirements(agent, usual_task(agent))
    for objection in standing_objections(agent, needs, frozenset(), _ANYTHING, model):
        yield _bar_of(objection, agent, model)
    window, held, least = model.context_window, _held(duty), agent.min_context
    if window is None:
        return
    if held > window:
        yield Bar(BarCode.CONTEXT_TOO_SMALL, f"holds {window} tokens, {held:g} are expected")
    elif least > window:
        words = f"holds {window} tokens, {agent.id} wants {least} at least"
        remedy = f"lower the min_context of {agent.id}"
        yield Bar(BarCode.CONTEXT_TOO_SMALL, words, remedy, 1.0 - window / least)


def _bar_of(objection: Objection, agent: Agent, model: Model) -> Bar:
    if objection.code is ReasonCode.NOT_ALLOWED:
        return Bar(BarCode.NOT_ALLOWED, objection.words, f"let {agent.id} use {model.id}")
    if objection.code is ReasonCode.DRAINED:
        return Bar(BarCode.UNAVAILABLE, objection.words, f"put {model.id} back into service")
    return Bar(BarCode.INCAPABLE, objection.words)


def _measured_bars(
    agent: Agent, duty: Duty, quality: float, latency_s: float | None
) -> Iterator[Bar]:
    if quality < duty.quality_floor:
        words = f"its quality of {quality:.2f} is below the floor of {duty.quality_floor:.2f}"
        remedy = f"lower the quality floor of {agent.id}"
        yield Bar(BarCode.BELOW_QUALITY_FLOOR, words, remedy, duty.quality_floor - quality)
    most_s = duty.latency_ceiling_s
    if most_s is not None and latency_s is not None and latency_s > most_s:
        words = f"its {latency_s:.2f} s to the first token are over the ceiling of {most_s:g} s"
        remedy = f"raise the latency ceiling of {agent.id}"
        yield Bar(BarCode.OVER_LATENCY_BUDGET, words, remedy, latency_s / most_s - 1.0)
