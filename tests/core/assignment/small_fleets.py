"""Fleets small enough to be looked at, and what is best for them found by trying everything."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointsman.core.assignment.problem import (
    AgentNeeds,
    Apart,
    Bar,
    BarCode,
    Expected,
    Known,
    Load,
    Matrix,
    ModelRoom,
    Problem,
    Rules,
    ShareOf,
)

TOO_WEAK = Bar(BarCode.BELOW_QUALITY_FLOOR, "too weak", "lower the floor", 0.1)
BLIND = Bar(BarCode.INCAPABLE, "cannot see")
CLOSE = 1e-9


def agents(count: int, load: Load = Load(1.0, 900.0, 100.0)) -> tuple[AgentNeeds, ...]:  # noqa: B008 - a value
    return tuple(AgentNeeds(f"agent-{number}", load) for number in range(count))


def models(*providers: str) -> tuple[ModelRoom, ...]:
    """One model for each of the providers named, which may be named more than once."""
    return tuple(ModelRoom(f"{name}/model-{n}", name) for n, name in enumerate(providers))


def expected(scores: Matrix, *, usd: Known | None = None, latency: Known | None = None) -> Expected:
    """A cent per request and a second each, unless said otherwise; the score is the quality."""
    ones = [[1.0 for _ in row] for row in scores]
    return Expected(
        usd_per_request=[[0.01 for _ in row] for row in scores] if usd is None else usd,
        latency_s=ones if latency is None else latency,
        duration_s=ones,
        quality=scores,
    )


def problem(scores: Matrix, **changes: Any) -> Problem:
    """As many agents as rows and models as columns, one provider each, no rules."""
    count = len(scores[0]) if scores else 0
    plain = Problem(
        agents=agents(len(scores)),
        models=models(*(f"provider-{number}" for number in range(count))),
        scores=scores,
        bars=[{} for _ in scores],
        expected=expected(scores),
    )
    return replace(plain, **changes)


class Best(NamedTuple):
    """What no choice exceeds: how many can be placed, and what that many are worth at most."""

    placed: int
    value: float


def random_fleet(seed: int, most_agents: int, most_models: int) -> Problem:
    """A fleet with every kind of rule switched on or off by chance, loose or tight."""
    draw = random.Random(seed)
    count, width = draw.randint(1, most_agents), draw.randint(1, most_models)
    rooms = tuple(_room(draw, number, count) for number in range(width))
    fleet = tuple(_agent(draw, number, width) for number in range(count))
    levels = draw.choice((None, 4))
    scores = [[_level(draw.random(), levels) for _ in rooms] for _ in fleet]
    return Problem(
        fleet,
        rooms,
        scores,
        [_bars(draw, width) for _ in fleet],
        Expected(
            [[None if draw.random() < 0.05 else draw.random() / 1e3 for _ in rooms] for _ in fleet],
            [[None if draw.random() < 0.05 else draw.random() * 3 for _ in rooms] for _ in fleet],
            [[draw.random() * 20 for _ in rooms] for _ in fleet],
            scores,
        ),
        _rules(draw, count, {room.provider for room in rooms}),
    )


def _level(score: float, levels: int | None) -> float:
    return score if levels is None else round(score * levels) / levels


def _maybe(draw: random.Random, amount: float, chance: float = 0.4) -> float | None:
    return draw.random() * amount if draw.random() < chance else None


def _room(draw: random.Random, number: int, count: int) -> ModelRoom:
    provider = f"p{draw.randint(0, 2)}"
    return ModelRoom(
        f"{provider}/m{number}",
        provider,
        requests_per_min=_maybe(draw, 3.0 * count),
        tokens_per_min=_maybe(draw, 3000.0 * count),
        in_flight=_maybe(draw, 0.6 * count),
        exclusive=draw.random() < 0.15,
    )


def _agent(draw: random.Random, number: int, width: int) -> AgentNeeds:
    stands = draw.randrange(width) if draw.random() < 0.5 else None
    return AgentNeeds(
        f"a{number}",
        Load(draw.choice((0.0, 1.0, draw.random() * 4)), draw.random() * 1000, draw.random() * 500),
        importance=draw.choice((1.0, 1.0, 0.5, 3.0)),
        manual=draw.randrange(width) if draw.random() < 0.1 else None,
        current=stands,
        switch_cost=draw.choice((0.0, 0.03, 0.3)),
        stays=stands is not None and draw.random() < 0.2,
    )


def _bars(draw: random.Random, width: int) -> Mapping[int, Bar]:
    chance = draw.choice((0.0, 0.2, 0.5))
    return {m: draw.choice((TOO_WEAK, BLIND)) for m in range(width) if draw.random() < chance}


def _rules(draw: random.Random, count: int, providers: set[str]) -> Rules:
    shares = {p: draw.random() for p in sorted(providers) if draw.random() < 0.3}
    members = frozenset(a for a in range(count) if draw.random() < 0.5)
    return Rules(
        budget_usd_per_day=_maybe(draw, 1.2 * count),
        provider_shares=shares,
        share_of=draw.choice(tuple(ShareOf)),
        apart=(Apart("pair", members, draw.choice((1, 1, 2))),) if draw.random() < 0.4 else (),
        mean_latency_s=_maybe(draw, 3.0, chance=0.2),
        max_moves=draw.randint(0, count) if draw.random() < 0.2 else None,
    )


Numbers = NDArray[np.float64]
Choices = NDArray[np.int64]


def best_of_all(problem: Problem) -> Best:
    """The best of every choice there is, each judged by the rules as they are written."""
    kept = allowed_choices(problem)
    placed = (kept >= 0).sum(axis=1)
    values = sums(_values(problem), kept)
    most = int(placed.max())
    return Best(most, float(values[placed == most].max()))


def allowed_choices(problem: Problem) -> Choices:
    """Every choice that keeps all rules, one row each; -1 is no model."""
    everything = _everything([_options(problem, agent) for agent in range(len(problem.agents))])
    kept: Choices = everything[rules_broken(problem, everything) == 0]
    return kept


def fewest_easings(problem: Problem, hopeless: Sequence[int]) -> int:
    """The fewest limits and bars that must give way for all but the hopeless to have a place."""
    paths = [
        [-1] if agent in hopeless else [*_liftable(problem, agent), *_options(problem, agent)[1:]]
        for agent in range(len(problem.agents))
    ]
    for agent, needs in enumerate(problem.agents):
        if needs.manual is not None:
            paths[agent] = [needs.manual]
    everything = _everything(paths)
    lifted = np.zeros((len(problem.agents), len(problem.models)))
    for agent in range(len(problem.agents)):
        lifted[agent, _liftable(problem, agent)] = 1.0
    broken = rules_broken(problem, everything) + sums(lifted, everything)
    return int(broken.min())


def _liftable(problem: Problem, agent: int) -> list[int]:
    needs = problem.agents[agent]
    priced = problem.expected.usd_per_request[agent]
    if needs.manual is not None or (needs.stays and needs.current in _options(problem, agent)):
        return []
    return [
        model
        for model, barred in problem.bars[agent].items()
        if barred.remedy and (priced[model] is not None or problem.rules.budget_usd_per_day is None)
    ]


def rules_broken(problem: Problem, everything: Choices) -> Numbers:
    """How many limits each choice exceeds."""
    broken = np.zeros(len(everything))
    for uses, capacity in _demands(problem):
        manual = np.array([needs.manual is not None for needs in problem.agents])
        taken = sum(
            (uses[a, needs.manual] for a, needs in enumerate(problem.agents) if manual[a]), 0.0
        )
        spent = sums(np.where(manual[:, None], 0.0, uses), everything)
        left = max(0.0, capacity - float(taken))
        broken += spent > left + CLOSE * max(1.0, capacity)
    return broken


def _everything(options: Sequence[Sequence[int]]) -> Choices:
    """Every choice that these options leave, one row each; -1 is no model."""
    meshes = np.meshgrid(*options, indexing="ij")
    return np.stack([mesh.ravel() for mesh in meshes], axis=1)


def _options(problem: Problem, agent: int) -> list[int]:
    needs = problem.agents[agent]
    if needs.manual is not None:
        return [needs.manual]
    priced = problem.expected.usd_per_request[agent]
    budget = problem.rules.budget_usd_per_day
    able = [
        m
        for m in range(len(problem.models))
        if m not in problem.bars[agent] and (budget is None or priced[m] is not None)
    ]
    if needs.stays and needs.current in able:
        return [-1, needs.current]
    return [-1, *able]


def sums(matrix: Numbers, choices: Choices) -> Numbers:
    """The sum over the agents of each choice; nothing for who has no model."""
    padded = np.column_stack((matrix, np.zeros(len(matrix))))
    total: Numbers = padded[np.arange(len(matrix)), choices].sum(axis=1)
    return total


def _values(problem: Problem) -> Numbers:
    values = np.array(problem.scores)
    for agent, needs in enumerate(problem.agents):
        if needs.manual is None and needs.current is not None:
            values[agent] -= needs.switch_cost
            values[agent, needs.current] += needs.switch_cost
        values[agent] *= needs.importance
    return values


def _demands(problem: Problem) -> list[tuple[Numbers, float]]:
    """What every pair uses of everything scarce, and how much of that there is."""
    shape = (len(problem.agents), len(problem.models))
    requests = np.array([[needs.load.requests_per_min] * shape[1] for needs in problem.agents])
    each = [[n.load.prompt_tokens + n.load.completion_tokens] for n in problem.agents]
    busy = requests * np.array(problem.expected.duration_s) / 60.0
    found = []
    for m, room in enumerate(problem.models):
        only = np.zeros(shape)
        only[:, m] = 1.0
        for uses, capacity in (
            (requests, room.requests_per_min),
            (requests * np.array(each), room.tokens_per_min),
            (busy, room.in_flight),
            (np.ones(shape), 1.0 if room.exclusive else None),
        ):
            if capacity is not None:
                found.append((uses * only, capacity))
    return found + _of_providers(problem, requests) + _of_fleet(problem, requests)


def _of_providers(problem: Problem, requests: Numbers) -> list[tuple[Numbers, float]]:
    rules = problem.rules
    names = np.array([room.provider for room in problem.models])
    weights = requests if rules.share_of is ShareOf.LOAD else np.ones(requests.shape)
    found = [
        (weights * (names == provider), share * float(weights[:, 0].sum()))
        for provider, share in rules.provider_shares.items()
    ]
    for group in rules.apart:
        members = np.array([[a in group.agents] for a in range(len(problem.agents))])
        found += [(members * (names == name) * 1.0, float(group.at_most)) for name in set(names)]
    return found


def _of_fleet(problem: Problem, requests: Numbers) -> list[tuple[Numbers, float]]:
    rules, found = problem.rules, []
    if rules.budget_usd_per_day is not None:
        usd = _filled(problem.expected.usd_per_request, 0.0)
        found.append((requests * 1440.0 * usd, rules.budget_usd_per_day))
    if rules.mean_latency_s is not None:
        known = [s for row in problem.expected.latency_s for s in row if s is not None]
        weights = np.array([[needs.importance] for needs in problem.agents])
        waits = weights * _filled(problem.expected.latency_s, max(known, default=0.0))
        found.append((waits, rules.mean_latency_s * float(weights.sum())))
    if rules.max_moves is not None:
        found.append((_moves(problem), float(rules.max_moves)))
    return found


def _moves(problem: Problem) -> Numbers:
    moved = np.zeros((len(problem.agents), len(problem.models)))
    for agent, needs in enumerate(problem.agents):
        if needs.current in _options(problem, agent) and needs.manual is None:
            moved[agent] = 1.0
            moved[agent, needs.current] = 0.0
    return moved


def _filled(known: Sequence[Sequence[float | None]], unknown: float) -> Numbers:
    return np.array([[unknown if each is None else each for each in row] for row in known])


def bound_by_everything(share_of: ShareOf = ShareOf.AGENTS) -> Problem:
    """Two agents who want what two models offer, under every kind of limit."""
    return problem(
        [[0.5, 0.6]] * 2,
        agents=tuple(replace(agent, current=1, importance=2.0) for agent in agents(2)),
        models=(ModelRoom("p/m", "p", 1.5, 1500.0, 0.5, exclusive=True), *models("q")),
        rules=Rules(
            budget_usd_per_day=20.0,
            provider_shares={"q": 0.5},
            share_of=share_of,
            apart=(Apart("pair", frozenset({0, 1})),),
            mean_latency_s=1.5,
            max_moves=1,
        ),
    )
