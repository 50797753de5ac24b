"""Which decisions do the tests of explanations look at? Those of real scorers that were taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.capability import CapabilityScorer
from pointsman.core.classic import ClassicScorer
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Outcome,
    Rejection,
    Selection,
    Strategy,
    Task,
)
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import (
    FREE,
    UNKNOWN_PRICE,
    Agent,
    Model,
    Price,
    PriceState,
    Rate,
    Usage,
    Weights,
)
from pointsman.engine.ports import Scorer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = Agent("coder", requires=("coding",), prefers=("general",), min_context=16_384)
TASK = Task(type="coding", stream=True)

ANY = Selection()

SCORERS = (AdaptiveScorer, ClassicScorer, CapabilityScorer)
SHARES = st.floats(0.0, 1.0)
PRICES = st.sampled_from([FREE, UNKNOWN_PRICE]) | st.builds(
    lambda input_usd, output_usd: Price(PriceState.KNOWN, Rate(input_usd), Rate(output_usd)),
    st.decimals("0.01", "50", places=2),
    st.decimals("0.01", "90", places=2),
)


def _selection(strategy: Strategy, weights: tuple[float, float] | None) -> Selection:
    if weights is None:
        return Selection(strategy)
    quality, latency = weights
    left = 1.0 - quality
    return Selection(weights=Weights(quality, left * latency, left * (1.0 - latency)))


SELECTIONS = st.tuples(st.sampled_from(Strategy), st.none() | st.tuples(SHARES, SHARES)).map(
    lambda drawn: _selection(*drawn)
)


@st.composite
def fleets(draw: st.DrawFn) -> list[Model]:
    """Two to six models that can code, more or less."""
    return [
        Model(
            f"lab/m{number}",
            "lab",
            f"m{number}",
            strengths={
                "coding": draw(st.floats(0.05, 1.0)),
                "reasoning": draw(st.floats(0.05, 1.0)),
                "general": draw(SHARES),
                "low_latency": draw(SHARES),
                "high_accuracy": draw(SHARES),
            },
            context_window=draw(st.sampled_from([None, 8_192, 32_768])),
            price=draw(PRICES),
        )
        for number in range(draw(st.integers(2, 6)))
    ]


Lesson = tuple[int, float, bool, float, int]
LESSONS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.floats(0.01, 30.0),
        st.booleans(),
        st.floats(0.0, 600.0),
        st.integers(0, 5),
    ),
    max_size=40,
)
"""Which model, how long it took, whether it failed, how long after the last, how it was rated."""


def taught(
    scorer: Scorer,
    models: Sequence[Model],
    lessons: Sequence[Lesson],
    *,
    slower: float = 1.0,
) -> Scorer:
    """`scorer` after these lessons; `slower` stretches what all of them took."""
    at = NOON
    for which, took_s, failed, later_s, rating in lessons:
        at += timedelta(seconds=later_s)
        model_id = models[which % len(models)].id
        scorer.tick(at.timestamp())
        scorer.learn(
            Outcome(
                decision_id="dec_1",
                attempt=1,
                model_id=model_id,
                agent_id=AGENT.id,
                at=at,
                failure=FailureKind.SERVER_ERROR if failed else None,
                streamed=True,
                total_s=2.0 * took_s * slower,
                first_token_s=None if failed else took_s * slower,
                usage=None if failed else Usage(900, 300),
                cost_usd=Decimal(0) if failed else None,
            )
        )
        if rating and not failed:
            scorer.judge(Feedback("dec_1", AGENT.id, model_id, TASK.type, at, rating))
    scorer.tick(at.timestamp() + 10.0)
    return scorer


def scored(
    scorer: Scorer, models: Sequence[Model], selection: Selection = ANY
) -> tuple[Candidate, ...]:
    """All models, best first."""
    found = [scorer.score(AGENT, TASK, selection, model) for model in models]
    return tuple(sorted(found, key=lambda each: -each.score))


def decided(
    candidates: Sequence[Candidate],
    *,
    band: float | None = 0.05,
    rejections: tuple[Rejection, ...] = (),
    explored: bool = False,
    session: str | None = None,
) -> Decision:
    """A decision for the first of the candidates."""
    return Decision(
        id=f"dec_{1:011x}{7:016x}",
        request_id="req_1",
        at=NOON,
        agent_id=AGENT.id,
        task=TASK,
        strategy=Strategy.BALANCED,
        candidates=tuple(candidates),
        rejections=rejections,
        propensity=1.0,
        config_version="cfg_1",
        session=session,
        asked_model="auto",
        explored=explored,
        band=band,
    )


def priced(model: Model, factor: Decimal) -> Model:
    """The model with its prices multiplied."""
    price = model.price
    if price.input is None or price.output is None:
        return model
    dearer = replace(
        price,
        input=Rate(price.input.usd_per_mtok * factor),
        output=Rate(price.output.usd_per_mtok * factor),
    )
    return replace(model, price=dearer)
