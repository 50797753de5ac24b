"""What does a fleet look like that an operator might have, for any size and any seed?

Models are of a few providers, better ones dearer and mostly slower; agents need some of six
capabilities, and a few of them ask most of the requests. Every rule of the problem is in use:
capacities of three kinds, exclusive models, a budget, shares of providers, agents kept apart,
manual assignments, allow lists, quality floors and latency budgets.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

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

CAPABILITIES = 6
NOT_ABLE = Bar(BarCode.INCAPABLE, "lacks a capability that is needed")
NOT_ALLOWED = Bar(BarCode.NOT_ALLOWED, "is not on the allow list", "allow it")
TOO_WEAK = Bar(BarCode.BELOW_QUALITY_FLOOR, "is below the quality floor", "lower the floor")
TOO_SLOW = Bar(BarCode.OVER_LATENCY_BUDGET, "is over the latency budget", "raise the budget")


@dataclass(frozen=True, slots=True)
class Shape:
    """How large and how tight: room is total capacity ÷ total load, budget ÷ all favourites."""

    agents: int
    models: int
    room: float = 3.0
    budget: float = 0.8
    largest_share: float = 0.5


@dataclass(frozen=True, slots=True)
class _Model:
    provider: int
    quality: float
    strengths: tuple[float, ...]
    usd_per_mtok: float
    latency_s: float


def fleet(shape: Shape, seed: int) -> Problem:
    """The fleet of this shape and seed, always the same."""
    draw = random.Random(seed)
    models = [_model(draw, max(3, shape.models // 8)) for _ in range(shape.models)]
    loads = [_load(draw) for _ in range(shape.agents)]
    rows = [_row(draw, models, load) for load in loads]
    scores = [row.scores for row in rows]
    bars = [row.bars for row in rows]
    usd = [
        [each * load.requests_per_day for each in row.usd]
        for row, load in zip(rows, loads, strict=True)
    ]
    favourites = [
        max((m for m in range(shape.models) if m not in out), key=row.__getitem__, default=None)
        for row, out in zip(scores, bars, strict=True)
    ]
    spent = sum(usd[a][m] for a, m in enumerate(favourites) if m is not None)
    agents = tuple(_agent(draw, a, load, favourites[a]) for a, load in enumerate(loads))
    groups = tuple(
        Apart(f"group {first // 3}", frozenset(range(first, first + 3)))
        for first in range(0, shape.agents // 10 - 2, 3)
    )
    shares = {f"provider {p}": shape.largest_share for p in range(max(3, shape.models // 8))}
    return Problem(
        agents,
        tuple(_room(draw, m, models, loads, shape) for m in range(shape.models)),
        scores,
        bars,
        Expected(
            [row.usd for row in rows],
            [row.latency for row in rows],
            [row.duration for row in rows],
            [row.quality for row in rows],
        ),
        Rules(budget_usd_per_day=shape.budget * spent, provider_shares=shares, apart=groups),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    scores: list[float]
    bars: Mapping[int, Bar]
    usd: list[float]
    latency: list[float]
    duration: list[float]
    quality: list[float]


def _model(draw: random.Random, providers: int) -> _Model:
    quality = draw.betavariate(5, 2)
    return _Model(
        draw.randrange(providers),
        quality,
        tuple(
            0.0 if draw.random() < 0.15 else min(1.0, quality * draw.uniform(0.6, 1.2))
            for _ in range(CAPABILITIES)
        ),
        math.exp(draw.gauss(3.0 * quality - 2.0, 0.7)),
        draw.uniform(0.2, 0.6) + quality * draw.uniform(0.0, 1.5),
    )


def _load(draw: random.Random) -> Load:
    prompt = math.exp(draw.gauss(7.0, 0.6))
    return Load(math.exp(draw.gauss(1.0, 0.8)), prompt, prompt * draw.uniform(0.1, 0.6))


def _row(draw: random.Random, models: list[_Model], load: Load) -> _Row:
    needs = draw.sample(range(CAPABILITIES), draw.choice((1, 1, 2)))
    quality = [sum(m.strengths[n] for n in needs) / len(needs) for m in models]
    quality = [min(1.0, each * draw.uniform(0.95, 1.05)) for each in quality]
    tokens = load.prompt_tokens + 4 * load.completion_tokens
    usd = [tokens * m.usd_per_mtok / 1e6 for m in models]
    latency = [m.latency_s * draw.uniform(0.8, 1.25) for m in models]
    weights = draw.choice(((0.8, 0.1, 0.1), (0.5, 0.3, 0.2), (0.4, 0.2, 0.4)))
    fits = zip(quality, latency, (m.usd_per_mtok for m in models), strict=True)
    scores = [
        weights[0] * q + weights[1] * max(0.0, 1.0 - s / 2.5) + weights[2] / (1.0 + price)
        for q, s, price in fits
    ]
    duration = [each + load.completion_tokens / draw.uniform(40, 120) for each in latency]
    bars: dict[int, Bar] = {}
    allowed = draw.random() < 0.9
    floor = draw.choice((0.0, 0.0, 0.4, 0.5))
    ceiling_s = draw.choice((math.inf, math.inf, 2.0, 1.5))
    for number, model in enumerate(models):
        if any(model.strengths[need] == 0.0 for need in needs):
            bars[number] = NOT_ABLE
        elif not allowed and draw.random() < 0.5:
            bars[number] = NOT_ALLOWED
        elif quality[number] < floor:
            bars[number] = TOO_WEAK
        elif latency[number] > ceiling_s:
            bars[number] = TOO_SLOW
    return _Row(scores, bars, usd, latency, duration, quality)


def _agent(draw: random.Random, number: int, load: Load, favourite: int | None) -> AgentNeeds:
    manual = favourite if draw.random() < 0.02 else None
    return AgentNeeds(f"agent-{number}", load, manual=manual)


def _room(
    draw: random.Random, number: int, models: list[_Model], loads: list[Load], shape: Shape
) -> ModelRoom:
    part = shape.room * draw.uniform(0.5, 1.5) / shape.models
    requests = sum(load.requests_per_min for load in loads)
    tokens = sum(load.tokens_per_min for load in loads)
    limited = draw.random()
    return ModelRoom(
        f"provider {models[number].provider}/model-{number}",
        f"provider {models[number].provider}",
        requests * part if limited < 0.8 else None,
        tokens * part if limited < 0.6 else None,
        # A request takes about eight seconds.
        requests / 60.0 * 8.0 * part if limited > 0.5 else None,
        exclusive=draw.random() < 0.05,
    )
