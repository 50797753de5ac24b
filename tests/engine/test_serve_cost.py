"""Is no more spent on a request than its caller would pay?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from fakes import BEST, LAST, NEXT, World

from pointsman.core.decision import ReasonCode, Selection, Task
from pointsman.core.errors import AttemptsSpent, FailureKind, NoEligibleModel, UpstreamError
from pointsman.core.fleet import Model, Price, PriceState, Rate

DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)
RESET = UpstreamError(FailureKind.RESET, "gone")


def priced(model: Model, usd_per_mtok: int) -> Model:
    rate = Rate(Decimal(usd_per_mtok))
    return replace(model, price=Price(PriceState.KNOWN, rate, rate))


DEAR, MIDDLING, CHEAP = priced(BEST, 100), priced(NEXT, 10), priced(LAST, 1)


def task(max_cost_usd: float | None) -> Task:
    """A thousand tokens in all: 0.1, 0.01 and 0.001 US dollars."""
    return Task(prompt_tokens=900, max_output_tokens=100, max_cost_usd=max_cost_usd)


@pytest.mark.parametrize(
    ("most_usd", "model"), [(None, DEAR), (0.1, DEAR), (0.09, MIDDLING), (0.001, CHEAP)]
)
async def test_the_best_that_is_not_too_dear_serves(most_usd: float | None, model: Model) -> None:
    world = World(DEAR, MIDDLING, CHEAP)
    served = await world.chat(world.ask(task=task(most_usd)))
    assert served.model == model
    out = {r.model_id: r.objection.code for r in served.decision.rejections}
    assert set(out.values()) <= {ReasonCode.TOO_EXPENSIVE}
    assert model.id not in out
    world.at_rest()


async def test_where_all_are_too_dear_the_caller_is_told_and_nobody_is_called() -> None:
    world = World(DEAR, MIDDLING, CHEAP)
    with pytest.raises(NoEligibleModel, match=r"would cost about 0\.001\d* USD") as caught:
        await world.serve(world.ask(task=task(0.0005)))
    assert caught.value.callers_fault
    assert world.calls == 0


async def test_also_a_model_that_is_named_must_not_cost_more() -> None:
    world = World(DEAR, CHEAP)
    named = world.ask(task=task(0.05), selection=Selection(pinned=DEAR.id))
    with pytest.raises(NoEligibleModel):
        await world.serve(named)
    huge = Task(prompt_tokens=10**6, max_cost_usd=1000.0)
    served = await world.chat(world.ask(task=huge, selection=Selection(pinned=DEAR.id)))
    assert served.model == DEAR, "our estimate of its window overrules nobody"


async def test_an_attempt_that_was_not_billed_leaves_all_the_money() -> None:
    world = World(MIDDLING, CHEAP)
    world.fails(MIDDLING.id, DOWN)
    served = await world.chat(world.ask(task=task(0.01)))
    assert served.model == CHEAP


async def test_an_attempt_that_may_be_billed_is_no_longer_there_to_be_spent() -> None:
    world = World(priced(BEST, 10), priced(NEXT, 10), CHEAP)
    world.fails(BEST.id, RESET)
    served = await world.chat(world.ask(task=task(0.0115)))
    assert served.model == CHEAP, "a second one of the first price would exceed it"


async def test_when_the_money_is_spent_nobody_else_is_tried() -> None:
    world = World(priced(BEST, 10), priced(NEXT, 10))
    world.fails(BEST.id, RESET)
    with pytest.raises(AttemptsSpent):
        await world.serve(world.ask(task=task(0.0115)))
    assert world.calls == 1
    world.at_rest()
