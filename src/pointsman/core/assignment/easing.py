"""What would the problem be if a rule gave way?

An `Easing` is one thing that a person could decide: a limit is raised, or what keeps one agent off
one model is lifted. The eased problem is solved like any other, so that what is said of an easing
is what happens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.assignment.limits import LimitKind
from pointsman.core.assignment.problem import Bar, ModelRoom, Problem, Rules, ShareOf


class RaisedLimit(NamedTuple):
    """A limit of `kind` about `subject` that was `capacity` and becomes `raised`."""

    kind: LimitKind
    subject: str
    capacity: float
    raised: float


class LiftedBar(NamedTuple):
    """What kept `agent` off `model` does so no more."""

    agent: int
    model: int
    bar: Bar


Easing = RaisedLimit | LiftedBar


def eased(problem: Problem, easings: Iterable[Easing]) -> Problem:
    """The problem after all of `easings`."""
    for easing in easings:
        if isinstance(easing, LiftedBar):
            problem = _lifted(problem, easing)
        else:
            problem = _RAISE[easing.kind](problem, easing)
    return problem


_FIELDS = MappingProxyType(
    {
        LimitKind.REQUESTS: ("{} takes", "requests per minute"),
        LimitKind.TOKENS: ("{} takes", "tokens per minute"),
        LimitKind.IN_FLIGHT: ("{} takes", "requests in flight"),
        LimitKind.BUDGET: ("the {} spends", "USD per day"),
        LimitKind.LATENCY: ("the {} waits", "seconds on average"),
        LimitKind.MOVES: ("the {} makes", "moves"),
        LimitKind.APART: ("{} may be", "agents"),
    }
)


def words_of_easing(problem: Problem, easing: Easing) -> str:
    """What a person would decide, as a sentence without an end."""
    if isinstance(easing, LiftedBar):
        agent, model = problem.agents[easing.agent].id, problem.models[easing.model].id
        return f"{easing.bar.remedy} (agent {agent} on {model}: {easing.bar.words})"
    if easing.kind is LimitKind.EXCLUSIVE:
        return f"let {easing.subject} serve {easing.raised:g} agents"
    if easing.kind is LimitKind.PROVIDER_SHARE:
        whole = sum(_weights(problem))
        before, after = (100.0 * min(1.0, c / whole) for c in (easing.capacity, easing.raised))
        return f"let {easing.subject} carry {after:.4g} % instead of {before:.4g} %"
    who, unit = _FIELDS[easing.kind]
    factor = _factor(problem, easing.kind)
    before, after = easing.capacity / factor, easing.raised / factor
    return f"allow that {who.format(easing.subject)} {after:.6g} instead of {before:.6g} {unit}"


def _factor(problem: Problem, kind: LimitKind) -> float:
    """What the capacity of the limit is made of, beside what a person wrote down."""
    if kind is LimitKind.LATENCY:
        return sum(agent.importance for agent in problem.agents)
    return 1.0


def _weights(problem: Problem) -> list[float]:
    by_load = problem.rules.share_of is ShareOf.LOAD
    return [agent.load.requests_per_min if by_load else 1.0 for agent in problem.agents]


def _lifted(problem: Problem, lifted: LiftedBar) -> Problem:
    bars = list(problem.bars)
    bars[lifted.agent] = {m: bar for m, bar in bars[lifted.agent].items() if m != lifted.model}
    return replace(problem, bars=bars)


def _with_rules(problem: Problem, **changes: object) -> Problem:
    rules: Rules = replace(problem.rules, **changes)  # type: ignore[arg-type]  # by name, below
    return replace(problem, rules=rules)


def _with_room(name: str) -> Callable[[Problem, RaisedLimit], Problem]:
    def raised(problem: Problem, easing: RaisedLimit) -> Problem:
        def larger(room: ModelRoom) -> ModelRoom:
            if room.id != easing.subject:
                return room
            if name == "exclusive":
                return replace(room, exclusive=False)
            return replace(room, **{name: easing.raised})  # type: ignore[arg-type]  # a number

        return replace(problem, models=tuple(larger(room) for room in problem.models))

    return raised


def _share(problem: Problem, easing: RaisedLimit) -> Problem:
    whole = sum(_weights(problem))
    shares = {**problem.rules.provider_shares, easing.subject: min(1.0, easing.raised / whole)}
    return _with_rules(problem, provider_shares=shares)


def _apart(problem: Problem, easing: RaisedLimit) -> Problem:
    # The subject names group and provider; what gives way is the group's number everywhere.
    groups = tuple(
        replace(group, at_most=math.ceil(easing.raised))
        if easing.subject in {f"{group.name} on {name}" for name in problem.providers()}
        else group
        for group in problem.rules.apart
    )
    return _with_rules(problem, apart=groups)


_RAISE: Mapping[LimitKind, Callable[[Problem, RaisedLimit], Problem]] = MappingProxyType(
    {
        LimitKind.REQUESTS: _with_room("requests_per_min"),
        LimitKind.TOKENS: _with_room("tokens_per_min"),
        LimitKind.IN_FLIGHT: _with_room("in_flight"),
        LimitKind.EXCLUSIVE: _with_room("exclusive"),
        LimitKind.PROVIDER_SHARE: _share,
        LimitKind.APART: _apart,
        LimitKind.BUDGET: lambda problem, easing: _with_rules(
            problem, budget_usd_per_day=easing.raised
        ),
        LimitKind.LATENCY: lambda problem, easing: _with_rules(
            problem, mean_latency_s=easing.raised / _factor(problem, easing.kind)
        ),
        LimitKind.MOVES: lambda problem, easing: _with_rules(
            problem, max_moves=math.ceil(easing.raised)
        ),
    }
)
