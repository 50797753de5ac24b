"""What is the fleet's assignment problem at this moment?

Scores, qualities and latencies are the scorer's: what is declared, and what was seen where there is
evidence. Costs are those of the load that each agent is expected to bring, at the model's price.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pointsman.core.assignment.duty import Duty, Expectations
from pointsman.core.assignment.problem import (
    AgentNeeds,
    Apart,
    Bar,
    BarCode,
    Expected,
    ModelRoom,
    Problem,
    Rules,
)
from pointsman.core.capability import requirements
from pointsman.core.decision import Candidate, ReasonCode, Selection, Strategy, Task
from pointsman.core.eligibility import standing_objection
from pointsman.core.fleet import UNDECLARED, Agent, AgentStatus, Fleet, Model, Usage
from pointsman.core.utility import FIRST_TOKEN_BUDGET_S, PACE_S_PER_TOKEN
from pointsman.engine.matching import usual_task
from pointsman.engine.ports import Scores


class Stated(NamedTuple):
    """The problem, and whose it is: agents and models in its order, and every pair's candidate."""

    problem: Problem
    agents: tuple[Agent, ...]
    models: tuple[Model, ...]
    candidates: Sequence[Sequence[Candidate]]


class Pair(NamedTuple):
    """What is expected of one agent on one model."""

    candidate: Candidate
    quality: float
    usd_per_request: float | None
    latency_s: float | None
    duration_s: float
    bar: Bar | None


Row = Sequence[Pair]

_ANYTHING = Selection()


def stated(
    fleet: Fleet,
    expectations: Expectations,
    scores: Scores,
    strategy: Strategy = Strategy.BALANCED,
    standing: Mapping[str, str] | None = None,
    held: Collection[str] = frozenset(),
) -> Stated:
    """The problem of all declared agents that are online.

    `standing` maps an agent's id to the id of the model that it stands on; names that are not in
    the fleet any more count for nothing. Those of the agents that are `held`, and those with a
    pinned model, stand there by decision of a person.
    """
    rows = rows_of(fleet, expectations, scores, strategy)
    return stated_of(fleet, expectations, list(rows), standing or {}, held)


def rows_of(
    fleet: Fleet, expectations: Expectations, scores: Scores, strategy: Strategy
) -> Iterator[Row]:
    """What is expected of each agent on all models, an agent at a time: it takes its time."""
    models = fleet.models.values()
    for agent in _online(fleet):
        yield _Asker(agent, expectations.duty(agent.id), scores, strategy).row(models)


def stated_of(
    fleet: Fleet,
    expectations: Expectations,
    pairs: Sequence[Row],
    standing: Mapping[str, str],
    held: Collection[str],
) -> Stated:
    """The problem that `rows_of` the same fleet make."""
    agents = tuple(_online(fleet))
    models = tuple(fleet.models.values())
    numbers = {model.id: number for number, model in enumerate(models)}
    places = {agent.id: number for number, agent in enumerate(agents)}
    problem = Problem(
        agents=tuple(
            _needs(
                agent,
                expectations.duty(agent.id),
                numbers.get(standing.get(agent.id, "")),
                numbers.get(
                    agent.pinned or (standing.get(agent.id, "") if agent.id in held else "")
                ),
            )
            for agent in agents
        ),
        models=tuple(_room(model, expectations) for model in models),
        scores=[[min(1.0, max(0.0, pair.candidate.score)) for pair in row] for row in pairs],
        bars=[{m: pair.bar for m, pair in enumerate(row) if pair.bar} for row in pairs],
        expected=Expected(
            usd_per_request=[[pair.usd_per_request for pair in row] for row in pairs],
            latency_s=[[pair.latency_s for pair in row] for row in pairs],
            duration_s=[[pair.duration_s for pair in row] for row in pairs],
            quality=[[pair.quality for pair in row] for row in pairs],
        ),
        rules=_rules(expectations, places),
    )
    return Stated(problem, agents, models, [[pair.candidate for pair in row] for row in pairs])


def without(found: Stated, model_ids: Collection[str]) -> Stated:
    """The same while these models do not answer. Raises `ValueError` for a name that is unknown."""
    numbers = {model.id: number for number, model in enumerate(found.models)}
    unknown = [name for name in model_ids if name not in numbers]
    if unknown:
        raise ValueError(f"no model {unknown[0]!r} is declared; known: {', '.join(numbers)}")
    down = {numbers[name]: Bar(BarCode.UNAVAILABLE, "does not answer") for name in model_ids}
    bars = [{**row, **down} for row in found.problem.bars]
    return found._replace(problem=replace(found.problem, bars=bars))


def _online(fleet: Fleet) -> Iterator[Agent]:
    """Those that work now. Who calls without a name is nobody that a model could be kept for."""
    for agent in fleet.agents.values():
        if agent.status is AgentStatus.ONLINE and agent is not UNDECLARED:
            yield agent


def _needs(agent: Agent, duty: Duty, current: int | None, manual: int | None) -> AgentNeeds:
    return AgentNeeds(
        agent.id,
        duty.load,
        importance=duty.importance,
        fallbacks=duty.fallbacks,
        manual=manual,
        current=current,
        switch_cost=duty.switch_cost,
    )


def _room(model: Model, expectations: Expectations) -> ModelRoom:
    limits = model.limits
    return ModelRoom(
        model.id,
        model.provider,
        requests_per_min=limits.requests_per_min,
        tokens_per_min=limits.tokens_per_min,
        in_flight=limits.max_in_flight,
        exclusive=model.id in expectations.rules.exclusive,
    )


def _rules(expectations: Expectations, places: Mapping[str, int]) -> Rules:
    rules = expectations.rules
    return Rules(
        budget_usd_per_day=rules.budget_usd_per_day,
        provider_shares=rules.provider_shares,
        share_of=rules.share_of,
        apart=tuple(
            Apart(
                group.name,
                frozenset(places[name] for name in group.agents if name in places),
                group.at_most,
            )
            for group in rules.apart
        ),
        mean_latency_s=rules.mean_latency_s,
    )


class _Asker:
    """What all pairs of one agent share: worked out once, and the same values for every model."""

    def __init__(self, agent: Agent, duty: Duty, scores: Scores, strategy: Strategy) -> None:
        self.agent = agent
        self.duty = duty
        self.task = usual_task(agent)
        self.needs = requirements(agent, self.task)
        self._usage = Usage(round(duty.load.prompt_tokens), round(duty.load.completion_tokens))
        self._scores = scores
        self._selection = Selection(strategy)
        self._plain = Task()

    def row(self, models: Collection[Model]) -> Row:
        """What is expected of the agent on each of the models.

        Streams first and then plain answers: scores of one kind in a row are asked fastest.
        """
        score, agent, task, selection = self._scores.score, self.agent, self.task, self._selection
        candidates = [score(agent, task, selection, model) for model in models]
        durations = [self._duration_s(model) for model in models]
        return tuple(
            self._pair(model, candidate, duration_s)
            for model, candidate, duration_s in zip(models, candidates, durations, strict=True)
        )

    def _pair(self, model: Model, candidate: Candidate, duration_s: float) -> Pair:
        estimate = candidate.estimate
        quality = candidate.score if estimate is None else estimate.success
        latency_s = None if estimate is None else estimate.latency_s
        cost = model.price.cost_usd(self._usage)
        return Pair(
            candidate,
            quality,
            None if cost is None else float(cost),
            latency_s,
            duration_s,
            _bar(self, model, quality, latency_s),
        )

    def _duration_s(self, model: Model) -> float:
        """From the first byte sent to the last received, as a plain answer takes it.

        Only a limit of requests in flight asks for it, so where there is none nobody looks.
        """
        if model.limits.max_in_flight is not None:
            estimate = self._scores.score(self.agent, self._plain, self._selection, model).estimate
            if estimate is not None and estimate.latency_s is not None:
                return estimate.latency_s
        return FIRST_TOKEN_BUDGET_S + PACE_S_PER_TOKEN * self.duty.load.completion_tokens


def _bar(asker: _Asker, model: Model, quality: float, latency_s: float | None) -> Bar | None:
    """What keeps the agent off the model, as long as nobody decides otherwise."""
    agent, duty = asker.agent, asker.duty
    if agent.pinned is not None and agent.pinned != model.id:
        words = f"{agent.id} is pinned to {agent.pinned}"
        return Bar(BarCode.NOT_PINNED, words, f"unpin {agent.id}")
    objection = standing_objection(agent, asker.needs, frozenset(), _ANYTHING, model)
    if objection is not None:
        if objection.code is ReasonCode.NOT_ALLOWED:
            return Bar(BarCode.NOT_ALLOWED, objection.words, f"let {agent.id} use {model.id}")
        if objection.code is ReasonCode.DRAINED:
            return Bar(BarCode.UNAVAILABLE, objection.words, f"put {model.id} back into service")
        return Bar(BarCode.INCAPABLE, objection.words)
    held = duty.load.prompt_tokens + duty.load.completion_tokens
    if model.context_window is not None and held > model.context_window:
        words = f"holds {model.context_window} tokens, {held:g} are expected"
        return Bar(BarCode.CONTEXT_TOO_SMALL, words)
    if quality < duty.quality_floor:
        words = f"its quality of {quality:.2f} is below the floor of {duty.quality_floor:.2f}"
        remedy = f"lower the quality floor of {agent.id}"
        return Bar(BarCode.BELOW_QUALITY_FLOOR, words, remedy, duty.quality_floor - quality)
    most_s = duty.latency_ceiling_s
    if most_s is not None and latency_s is not None and latency_s > most_s:
        words = f"its {latency_s:.2f} s to the first token are over the ceiling of {most_s:g} s"
        remedy = f"raise the latency ceiling of {agent.id}"
        return Bar(BarCode.OVER_LATENCY_BUDGET, words, remedy, latency_s / most_s - 1.0)
    return None
