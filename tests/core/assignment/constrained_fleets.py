"""Fleets with every kind of constraint in use, and how is each kind lifted, wholly or in part?"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from small_fleets import BLIND, TOO_WEAK

from pointsman.core.assignment.problem import (
    AgentNeeds,
    Apart,
    Bar,
    Expected,
    Load,
    ModelRoom,
    Problem,
    Rules,
    ShareOf,
)


class Kind(StrEnum):
    """Everything that can keep an agent from the model that would be best for it."""

    REQUESTS = "requests per minute of models"
    TOKENS = "tokens per minute of models"
    IN_FLIGHT = "requests in flight on models"
    EXCLUSIVE = "models for one agent alone"
    BARS = "pairs that are barred"
    PRICES = "prices that nobody knows"
    BUDGET = "a budget"
    SHARES = "shares of providers"
    APART = "agents kept apart"
    LATENCY = "a mean latency"
    MOVES = "a number of moves"
    SWITCHING = "what switching costs"
    STAYING = "agents that are to stay"
    MANUAL = "agents that people have placed"


EVERY_KIND = frozenset(Kind)

Coin = Callable[[], bool]
"""Asked of each thing that could be lifted whether it is."""


def constrained_fleet(seed: int, most_agents: int, most_models: int) -> Problem:
    """A fleet with every kind of constraint, each tight enough to be felt on its own."""
    draw = random.Random(seed)
    count, width = draw.randint(2, most_agents), draw.randint(2, most_models)
    fleet = tuple(_agent(draw, number, width) for number in range(count))
    rooms = tuple(_room(draw, number, fleet) for number in range(width))
    levels = draw.choice((None, 4))
    scores = [[_level(draw.random(), levels) for _ in rooms] for _ in fleet]
    return Problem(
        fleet,
        rooms,
        scores,
        [_bars(draw, width) for _ in fleet],
        Expected(
            [[None if draw.random() < 0.1 else draw.random() / 1e3 for _ in rooms] for _ in fleet],
            [[None if draw.random() < 0.05 else draw.random() * 3 for _ in rooms] for _ in fleet],
            [[draw.random() * 20 for _ in rooms] for _ in fleet],
            scores,
        ),
        _rules(draw, fleet, rooms),
    )


def with_good_places(stated: Problem) -> Problem:
    """The same, but nothing is wrong with where an agent is: so to lift a constraint only adds.

    An agent whose place is barred may leave it for nothing, whatever is said of moves and staying:
    to lift that bar binds it.
    """
    bars = [dict(row) for row in stated.bars]
    usd = [list(row) for row in stated.expected.usd_per_request]
    for agent, needs in enumerate(stated.agents):
        for model in (needs.current, needs.manual):
            if model is not None:
                bars[agent].pop(model, None)
                usd[agent][model] = usd[agent][model] or 1e-4
    return replace(stated, bars=bars, expected=replace(stated.expected, usd_per_request=usd))


def with_only(stated: Problem, kinds: Collection[Kind]) -> Problem:
    """The same with constraints of these kinds and of no other."""
    for kind in Kind:
        if kind not in kinds:
            stated = LIFT[kind](stated, _always)
    return stated


def eased(stated: Problem, kind: Kind, draw: random.Random) -> Problem:
    """The same with some of this kind of constraint lifted, by chance."""
    return LIFT[kind](stated, lambda: draw.random() < 0.5)


def _always() -> bool:
    return True


def _level(score: float, levels: int | None) -> float:
    return score if levels is None else round(score * levels) / levels


def _agent(draw: random.Random, number: int, width: int) -> AgentNeeds:
    stands = draw.randrange(width) if draw.random() < 0.7 else None
    return AgentNeeds(
        f"a{number}",
        Load(draw.choice((0.0, 1.0, draw.random() * 4)), draw.random() * 1000, draw.random() * 500),
        importance=draw.choice((1.0, 1.0, 0.5, 3.0)),
        manual=draw.randrange(width) if draw.random() < 0.15 else None,
        current=stands,
        switch_cost=draw.choice((0.03, 0.3)),
        stays=stands is not None and draw.random() < 0.25,
    )


def _room(draw: random.Random, number: int, fleet: tuple[AgentNeeds, ...]) -> ModelRoom:
    provider = f"p{draw.randint(0, 2)}"
    requests = sum(agent.load.requests_per_min for agent in fleet)
    tokens = sum(agent.load.tokens_per_min for agent in fleet)
    return ModelRoom(
        f"{provider}/m{number}",
        provider,
        requests_per_min=requests * draw.uniform(0.1, 0.8),
        tokens_per_min=tokens * draw.uniform(0.1, 0.8),
        in_flight=requests / 6.0 * draw.uniform(0.1, 0.8),
        exclusive=draw.random() < 0.4,
    )


def _bars(draw: random.Random, width: int) -> Mapping[int, Bar]:
    return {m: draw.choice((TOO_WEAK, BLIND)) for m in range(width) if draw.random() < 0.3}


def _rules(
    draw: random.Random, fleet: tuple[AgentNeeds, ...], rooms: tuple[ModelRoom, ...]
) -> Rules:
    count, requests = len(fleet), sum(agent.load.requests_per_day for agent in fleet)
    return Rules(
        # On average a request costs half a thousandth of a dollar and takes 1.5 s.
        budget_usd_per_day=requests * 0.0005 * draw.uniform(0.2, 1.2),
        provider_shares={p: draw.random() for p in dict.fromkeys(room.provider for room in rooms)},
        share_of=draw.choice(tuple(ShareOf)),
        apart=(
            Apart("all", frozenset(range(count)), draw.randint(1, count)),
            Apart("pair", frozenset(draw.sample(range(count), 2))),
        ),
        mean_latency_s=1.5 * draw.uniform(0.2, 1.2),
        max_moves=draw.randint(0, count // 2),
    )


def _of_models(name: str, lifted: object) -> Callable[[Problem, Coin], Problem]:
    def without(stated: Problem, coin: Coin) -> Problem:
        rooms = tuple(
            replace(room, **{name: lifted}) if coin() else room  # type: ignore[arg-type]  # by name
            for room in stated.models
        )
        return replace(stated, models=rooms)

    return without


def _of_agents(**lifted: object) -> Callable[[Problem, Coin], Problem]:
    def without(stated: Problem, coin: Coin) -> Problem:
        fleet = tuple(
            replace(needs, **lifted) if coin() else needs  # type: ignore[arg-type]  # by name
            for needs in stated.agents
        )
        return replace(stated, agents=fleet)

    return without


def _of_the_fleet(name: str) -> Callable[[Problem, Coin], Problem]:
    """None, or half as much again."""

    def without(stated: Problem, coin: Coin) -> Problem:
        bound = getattr(stated.rules, name)
        more = None if bound is None or coin() else bound + type(bound)((bound + 1) / 2)
        return replace(
            stated,
            rules=replace(stated.rules, **{name: more}),  # type: ignore[arg-type]  # by name
        )

    return without


def _without_shares(stated: Problem, coin: Coin) -> Problem:
    kept = {p: share for p, share in stated.rules.provider_shares.items() if not coin()}
    return replace(stated, rules=replace(stated.rules, provider_shares=kept))


def _without_groups(stated: Problem, coin: Coin) -> Problem:
    groups = tuple(
        replace(group, at_most=group.at_most + 1) for group in stated.rules.apart if not coin()
    )
    return replace(stated, rules=replace(stated.rules, apart=groups))


def _without_bars(stated: Problem, coin: Coin) -> Problem:
    bars = [{m: bar for m, bar in row.items() if not coin()} for row in stated.bars]
    return replace(stated, bars=bars)


def _with_prices(stated: Problem, coin: Coin) -> Problem:
    usd = [
        [5e-4 if each is None and coin() else each for each in row]
        for row in stated.expected.usd_per_request
    ]
    return replace(stated, expected=replace(stated.expected, usd_per_request=usd))


def _released(stated: Problem, coin: Coin) -> Problem:
    """Whoever is released stands where the person put it."""
    fleet = tuple(
        replace(needs, manual=None, current=needs.manual)
        if needs.manual is not None and coin()
        else needs
        for needs in stated.agents
    )
    return replace(stated, agents=fleet)


LIFT: Mapping[Kind, Callable[[Problem, Coin], Problem]] = MappingProxyType(
    {
        Kind.REQUESTS: _of_models("requests_per_min", None),
        Kind.TOKENS: _of_models("tokens_per_min", None),
        Kind.IN_FLIGHT: _of_models("in_flight", None),
        Kind.EXCLUSIVE: _of_models("exclusive", lifted=False),
        Kind.BARS: _without_bars,
        Kind.PRICES: _with_prices,
        Kind.BUDGET: _of_the_fleet("budget_usd_per_day"),
        Kind.SHARES: _without_shares,
        Kind.APART: _without_groups,
        Kind.LATENCY: _of_the_fleet("mean_latency_s"),
        Kind.MOVES: _of_the_fleet("max_moves"),
        Kind.SWITCHING: _of_agents(switch_cost=0.0),
        Kind.STAYING: _of_agents(stays=False),
        Kind.MANUAL: _released,
    }
)
