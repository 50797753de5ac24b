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
    Load,
    ModelRoom,
    Problem,
    Rules,
)
from pointsman.core.capability import requirements
from pointsman.core.decision import Candidate, ReasonCode, Selection, Strategy, Task
from pointsman.core.eligibility import standing_objection
from pointsman.core.fleet import UNDECLARED, Agent, AgentStatus, Fleet, Model, Usage
from pointsman.core.utility import FIRST_TOKEN_BUDGET_S, PACE_S_PER_TOKEN
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
    for agent in _online(fleet):
        duty = expectations.duty(agent.id)
        yield tuple(_pair(agent, duty, model, scores, strategy) for model in fleet.models.values())


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


def _pair(agent: Agent, duty: Duty, model: Model, scores: Scores, strategy: Strategy) -> Pair:
    kind = agent.task_types[0] if len(agent.task_types) == 1 else None
    task, selection = Task(type=kind, stream=True), Selection(strategy)
    candidate = scores.score(agent, task, selection, model)
    estimate = candidate.estimate
    quality = candidate.score if estimate is None else estimate.success
    return Pair(
        candidate,
        quality,
        _usd_per_request(model, duty.load),
        None if estimate is None else estimate.latency_s,
        _duration_s(agent, duty, model, scores, selection),
        _bar(agent, duty, model, task, quality),
    )


def _duration_s(
    agent: Agent, duty: Duty, model: Model, scores: Scores, selection: Selection
) -> float:
    """From the first byte sent to the last received, as a plain answer takes it."""
    estimate = scores.score(agent, Task(), selection, model).estimate
    if estimate is not None and estimate.latency_s is not None:
        return estimate.latency_s
    return FIRST_TOKEN_BUDGET_S + PACE_S_PER_TOKEN * duty.load.completion_tokens


def _usd_per_request(model: Model, load: Load) -> float | None:
    usage = Usage(round(load.prompt_tokens), round(load.completion_tokens))
    cost = model.price.cost_usd(usage)
    return None if cost is None else float(cost)


def _bar(agent: Agent, duty: Duty, model: Model, task: Task, quality: float) -> Bar | None:
    """What keeps the agent off the model, as long as nobody decides otherwise."""
    if agent.pinned is not None and agent.pinned != model.id:
        words = f"{agent.id} is pinned to {agent.pinned}"
        return Bar(BarCode.NOT_PINNED, words, f"unpin {agent.id}")
    needs = requirements(agent, task)
    objection = standing_objection(agent, needs, frozenset(), Selection(), model)
    if objection is not None:
        if objection.code is ReasonCode.NOT_ALLOWED:
            return Bar(BarCode.NOT_ALLOWED, objection.words, f"let {agent.id} use {model.id}")
        return Bar(BarCode.INCAPABLE, objection.words)
    held = duty.load.prompt_tokens + duty.load.completion_tokens
    if model.context_window is not None and held > model.context_window:
        words = f"holds {model.context_window} tokens, {held:g} are expected"
        return Bar(BarCode.CONTEXT_TOO_SMALL, words)
    if quality < duty.quality_floor:
        words = f"its quality of {quality:.2f} is below the floor of {duty.quality_floor:.2f}"
        remedy = f"lower the quality floor of {agent.id}"
        return Bar(BarCode.BELOW_QUALITY_FLOOR, words, remedy, duty.quality_floor - quality)
    return None
