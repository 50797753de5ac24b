"""Do arrays say of all models what the scorer says of each?"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Feedback, Outcome, Selection, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import FREE, UNKNOWN_PRICE, Agent, Model, Price, PriceState, Rate, Usage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = ("coding", "math", "general", "low_latency", "arabic")
TYPES = (None, "coding", "general", "math", "math/word_problem")


def price(draw: random.Random) -> Price:
    if draw.random() < 0.3:
        return draw.choice((FREE, UNKNOWN_PRICE))

    def rate() -> Rate:
        steps = ((1_000, Decimal(draw.randint(1, 99))), (9_000, Decimal(draw.randint(1, 99))))
        return Rate(Decimal(draw.randint(0, 50)) / 3, steps[: draw.randint(0, 2)])

    return Price(PriceState.KNOWN, rate(), rate(), per_request_usd=Decimal(draw.randint(0, 1)) / 7)


def model(draw: random.Random, number: int) -> Model:
    declared = draw.random() < 0.8
    return Model(
        f"p/m{number}",
        "p",
        f"m{number}",
        strengths={n: draw.random() for n in NAMES if draw.random() < 0.7} if declared else {},
        profiled=declared,
        context_window=draw.choice((None, 1_000, 8_000)),
        price=price(draw),
    )


def agent(draw: random.Random, number: int) -> Agent:
    return Agent(
        f"a{number}",
        requires=tuple(draw.sample(NAMES, draw.randint(0, 2))),
        prefers=tuple(draw.sample(NAMES, draw.randint(0, 2))),
        task_types=tuple(draw.sample(("coding", "general", "math"), draw.randint(0, 2))),
        min_context=draw.choice((2_048, 16_000)),
        latency_budget_s=draw.choice((None, 0.3)),
    )


def learned(draw: random.Random, agents: list[Agent], models: list[Model]) -> AdaptiveScorer:
    """A scorer that has seen something of some pairs: answers, failures, feedback, and silence."""
    scorer, now = AdaptiveScorer(), NOON
    for number in range(draw.choice((0, 5, 120))):
        now += timedelta(seconds=draw.choice((0.01, 1.0, 900.0)))
        one, served = draw.choice(agents), draw.choice(models[: max(1, len(models) // 2)])
        failure = FailureKind.SERVER_ERROR if draw.random() < 0.2 else None
        streamed = draw.random() < 0.5
        scorer.learn(
            Outcome(
                f"dec_{number}",
                1,
                served.id,
                one.id,
                now,
                failure,
                streamed,
                draw.random() * 9,
                draw.random() if streamed else None,
                None if failure else Usage(draw.randint(1, 20_000), draw.randint(1, 900)),
                task_type=draw.choice(TYPES),
            )
        )
        if draw.random() < 0.4:
            judged = draw.choice(TYPES), now, draw.randint(1, 5)
            scorer.judge(Feedback(f"dec_{number}", one.id, served.id, *judged))
    scorer.tick((now + timedelta(seconds=draw.choice((1.0, 90_000.0)))).timestamp())
    return scorer


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from(Strategy), st.sampled_from(TYPES), st.booleans())
def test_all_at_once_is_what_is_said_of_each(
    seed: int, strategy: Strategy, task_type: str | None, stream: bool
) -> None:
    draw = random.Random(seed)
    models = [model(draw, number) for number in range(draw.randint(1, 6))]
    agents = [agent(draw, number) for number in range(3)]
    scorer, task, selection = (
        learned(draw, agents, models),
        Task(task_type, stream=stream),
        Selection(strategy),
    )
    panel = scorer.panel(models)
    for one in agents:
        told = panel.told(one, task, selection)
        for place, each in enumerate(models):
            found = scorer.score(one, task, selection, each)
            assert found.estimate is not None
            assert told.scores[place] == pytest.approx(found.score, rel=0, abs=1e-12)
            assert told.success[place] == pytest.approx(found.estimate.success, rel=0, abs=1e-12)
            latency_s = found.estimate.latency_s
            known = None if latency_s is None else pytest.approx(latency_s, rel=1e-12)
            assert told.latency_s[place] == known
            assert panel.candidate(one, task, selection, place).score == pytest.approx(found.score)


@given(st.integers(0, 2**32), st.integers(0, 20_000), st.integers(0, 5_000))
def test_a_request_costs_what_the_price_says(seed: int, prompt: int, completion: int) -> None:
    draw = random.Random(seed)
    models = [model(draw, number) for number in range(4)]
    found = AdaptiveScorer().panel(models).usd(prompt, completion)
    for usd, each in zip(found, models, strict=True):
        cost = each.price.cost_usd(Usage(prompt, completion))
        assert usd == (None if cost is None else pytest.approx(float(cost), rel=1e-12))


def test_nothing_is_told_of_no_models() -> None:
    panel = AdaptiveScorer().panel(())
    assert panel.told(Agent("a"), Task(), Selection()) == ([], [], [])
    assert panel.usd(1, 1) == []
