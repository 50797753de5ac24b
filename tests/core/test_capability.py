"""Is the score on paper the one that the contract gives, and can it be taken apart?"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.capability import (
    CapabilityScorer,
    Requirements,
    capability_score,
    capability_terms,
    requirements,
)
from pointsman.core.decision import Selection, Strategy, Task
from pointsman.core.fleet import (
    FREE,
    UNKNOWN_PRICE,
    WELL_KNOWN_CAPABILITIES,
    Agent,
    Model,
    Price,
    PriceState,
    Rate,
)

LLAMA = Model(
    "gpu/llama3-70b",
    "gpu",
    "llama3-70b",
    strengths={
        "coding": 0.90,
        "math": 0.85,
        "reasoning": 0.95,
        "general": 0.95,
        "multilingual": 0.80,
        "long_context": 0.85,
        "high_accuracy": 0.90,
    },
    context_window=8192,
)
MISTRAL = Model(
    "gpu/mistral-7b",
    "gpu",
    "mistral-7b",
    strengths={
        "coding": 0.80,
        "math": 0.75,
        "reasoning": 0.85,
        "general": 0.85,
        "multilingual": 0.70,
        "long_context": 0.95,
        "low_latency": 0.85,
    },
    context_window=32768,
)
TINY = Model(
    "gpu/tinyllama-1b",
    "gpu",
    "tinyllama-1b",
    strengths={"general": 0.70, "reasoning": 0.60, "low_latency": 0.95, "coding": 0.50},
    context_window=2048,
)
GOLDEN = (LLAMA, MISTRAL, TINY)

GPU_1 = Agent(
    "gpu_1",
    requires=("coding", "reasoning"),
    prefers=("high_accuracy", "long_context"),
    min_context=4096,
)
GPU_2 = Agent(
    "gpu_2",
    requires=("general", "reasoning"),
    prefers=("multilingual", "long_context"),
    min_context=4096,
)
CPU_1 = Agent("cpu_1", requires=("general",), prefers=("low_latency",), min_context=2048)


@pytest.mark.parametrize(
    ("agent", "best", "score"),
    [(GPU_1, LLAMA, 92.25), (GPU_2, LLAMA, 93.00), (CPU_1, MISTRAL, 86.50)],
    ids=lambda value: getattr(value, "id", None),
)
def test_the_golden_fleet_gets_its_golden_scores(agent: Agent, best: Model, score: float) -> None:
    scorer, task = CapabilityScorer(), Task()
    scored = {m.id: scorer.score(agent, task, Selection(), m).score * 100 for m in GOLDEN}
    assert max(scored, key=scored.__getitem__) == best.id
    assert scored[best.id] == pytest.approx(score, abs=1e-9)


def test_the_golden_small_model_would_be_far_behind() -> None:
    needs = requirements(GPU_1, Task())
    assert capability_score(needs, TINY) * 100 == pytest.approx(43.50, abs=1e-9)


def test_empty_lists_count_as_full() -> None:
    nothing = Requirements((), (), 1)
    assert capability_score(nothing, TINY) == pytest.approx(1.0, abs=1e-12)
    assert [term.detail for term in capability_terms(nothing, TINY)][:2] == ["none asked"] * 2


def test_half_the_context_gives_half_of_its_points() -> None:
    needs = Requirements((), (), 4096)
    assert capability_terms(needs, TINY)[2].value == pytest.approx(0.05)


def test_an_unknown_window_is_taken_as_enough_and_says_so() -> None:
    unknown = Model("x/y", "x", "y")
    term = capability_terms(Requirements((), (), 1_000_000), unknown)[2]
    assert term.value == pytest.approx(0.1)
    assert "unknown" in term.detail


def test_the_type_of_the_task_implies_what_is_required() -> None:
    needs = requirements(Agent("a"), Task(type="arabic", needs=frozenset({"vision"})))
    assert needs.required == ("arabic", "multilingual", "vision")


def test_a_finer_type_implies_what_its_broad_type_does() -> None:
    agent = Agent("a", task_types=("math/word_problem",))
    assert requirements(agent, Task()) == requirements(agent, Task("math"))
    assert requirements(agent, Task("coding/review")) == requirements(agent, Task("coding"))
    assert requirements(agent, Task("poetry/math")).required == ()


def test_a_type_that_was_only_inferred_keeps_no_model_out() -> None:
    agent = Agent("a", requires=("reasoning",), prefers=("general",))
    needs = requirements(agent, Task(type="coding", type_probability=0.7))
    assert (needs.required, needs.preferred) == (("reasoning",), ("coding", "general"))


def test_an_untyped_task_may_be_of_any_type_that_the_agent_declares() -> None:
    agent = Agent("a", task_types=("coding", "translation", "poetry"))
    assert requirements(agent, Task()).required == (
        "coding",
        "general",
        "multilingual",
        "reasoning",
    )


def test_a_request_that_says_its_type_is_not_held_to_the_others() -> None:
    agent = Agent("a", task_types=("coding", "math"))
    assert requirements(agent, Task(type="math")).required == ("math", "reasoning")


def test_what_is_required_is_not_also_preferred() -> None:
    agent = Agent("a", requires=("coding",), prefers=("coding", "math"), min_context=10)
    needs = requirements(agent, Task(prefers=frozenset({"vision"}), min_context=5000))
    assert needs == Requirements(("coding",), ("math", "vision"), 5000)


def priced(usd_per_mtok: str) -> Price:
    rate = Rate(Decimal(usd_per_mtok))
    return Price(PriceState.KNOWN, rate, rate)


def cheapness(price: Price) -> float:
    model = Model("x/y", "x", "y", price=price)
    candidate = CapabilityScorer().score(Agent("a"), Task(), Selection(Strategy.COST), model)
    return candidate.terms[-1].value


def test_by_cost_free_beats_cheap_beats_dear_beats_unknown() -> None:
    values = [cheapness(p) for p in (FREE, priced("0.1"), priced("1"), priced("30"))]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(0.6)
    assert values[2] == pytest.approx(0.3)
    assert values[3] > cheapness(UNKNOWN_PRICE) == 0.0


@pytest.mark.parametrize(
    ("strategy", "chosen"), [(Strategy.SPEED, TINY), (Strategy.QUALITY, LLAMA)]
)
def test_a_strategy_weighs_the_strength_that_it_is_about(strategy: Strategy, chosen: Model) -> None:
    scorer, agent = CapabilityScorer(), Agent("a")
    scored = {m.id: scorer.score(agent, Task(), Selection(strategy), m).score for m in GOLDEN}
    assert max(scored, key=scored.__getitem__) == chosen.id


STRENGTHS = st.dictionaries(st.sampled_from(WELL_KNOWN_CAPABILITIES), st.floats(0, 1))
NAMES = st.sets(st.sampled_from(WELL_KNOWN_CAPABILITIES)).map(tuple)
PRICES = st.one_of(
    st.sampled_from([FREE, UNKNOWN_PRICE]),
    st.decimals(0, 1000, places=4).map(lambda usd: priced(str(usd))),
)


@given(
    strengths=STRENGTHS,
    requires=NAMES,
    prefers=NAMES,
    window=st.none() | st.integers(1, 10**7),
    least=st.integers(1, 10**7),
    price=PRICES,
    strategy=st.sampled_from(Strategy),
)
def test_every_score_is_in_range_and_the_sum_of_its_terms(
    strengths: dict[str, float],
    requires: tuple[str, ...],
    prefers: tuple[str, ...],
    window: int | None,
    least: int,
    price: Price,
    strategy: Strategy,
) -> None:
    model = Model("x/y", "x", "y", strengths=strengths, context_window=window, price=price)
    agent = Agent("a", requires=requires, prefers=prefers, min_context=least)
    scorer = CapabilityScorer()
    candidate = scorer.score(agent, Task(), Selection(strategy), model)
    assert -1e-12 <= candidate.score <= 1.0 + 1e-12
    assert sum(term.value for term in candidate.terms) == pytest.approx(candidate.score, abs=1e-9)
    assert all(term.value >= 0.0 and term.detail for term in candidate.terms)
