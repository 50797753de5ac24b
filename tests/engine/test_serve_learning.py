"""Does a refusal that contradicts the catalogue correct it, for a while and not for good?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import BEST, NEXT, World, model, read_all
from scripted import Script, text

from pointsman.core.correction import LEARNED
from pointsman.core.decision import ReasonCode, Task
from pointsman.core.errors import AttemptsSpent, FailureKind, NoEligibleModel, UpstreamError
from pointsman.core.fleet import FREE, Price

SMALL, LARGE, VAST = (
    model("a/small", 0.9, window=8_000),
    model("b/same", 0.8, window=8_000),
    model("c/vast", 0.7, window=100_000),
)


def too_long(tokens: int | None = None) -> UpstreamError:
    stated = f"This model's maximum context length is {tokens} tokens"
    words = stated if tokens else "the prompt is too long"
    return UpstreamError(FailureKind.CONTEXT_TOO_LONG, words, status=400)


def refuses(field: str) -> UpstreamError:
    return UpstreamError(FailureKind.UNSUPPORTED_PARAMETER, status=400, param=field)


async def test_too_long_moves_only_to_a_larger_window() -> None:
    world = World(SMALL, LARGE, VAST)
    world.fails("a/small", too_long())
    assert (await world.chat()).model is VAST
    assert world.calls_of("b/same") == 0


async def test_too_long_is_judged_by_the_window_that_the_refusal_names() -> None:
    world = World(SMALL, model("b/same", 0.8, window=5_000), model("c/less", 0.7, window=3_000))
    world.fails("a/small", too_long(4_000))
    assert (await world.chat()).model.id == "b/same"


async def test_too_long_for_all_is_the_callers_to_know() -> None:
    world = World(SMALL, LARGE)
    world.fails("a/small", too_long())
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve()
    assert caught.value.last.kind is FailureKind.CONTEXT_TOO_LONG
    assert world.calls == 1


async def test_an_unknown_window_is_worth_a_try_on_either_side() -> None:
    unknown = model("a/unknown", 0.9, window=None)
    world = World(unknown, VAST)
    world.fails("a/unknown", too_long())
    assert (await world.chat()).model is VAST
    world = World(SMALL, model("b/unknown", 0.8, window=None))
    world.fails("a/small", too_long(4_000))
    assert (await world.chat()).model.id == "b/unknown"


async def test_the_catalogue_is_corrected_and_says_why() -> None:
    world = World(SMALL, VAST)
    world.fails("a/small", too_long(4_000))
    await world.chat()
    entry = world.registry.fleet.models["a/small"]
    assert entry.context_window == 4_000
    assert entry.sources["context_window"].origin == LEARNED
    assert entry.sources["context_window"].as_of == "2026-03-01"
    served = await world.chat(world.ask(task=Task(prompt_tokens=5_000)))
    assert served.model is VAST
    (rejection,) = served.decision.rejections
    assert rejection.objection.code is ReasonCode.CONTEXT_TOO_SMALL


async def test_an_unsupported_parameter_is_learned_and_forgotten_after_an_hour() -> None:
    world = World(BEST, NEXT)
    asks = world.ask(task=Task(parameters=frozenset({"logprobs"})))
    world.fails("a/best", refuses("logprobs"))
    assert (await world.chat(asks)).model is NEXT
    assert (await world.chat(asks)).model is NEXT
    assert world.calls_of("a/best") == 1, "it was not asked again"
    assert (await world.chat()).model.id == "a/best", "others are not concerned"
    world.clock.t += 3599.0
    world.registry.forget_old_corrections(world.clock.now())
    assert (await world.chat(asks)).model is NEXT
    world.clock.t += 1.0
    world.registry.forget_old_corrections(world.clock.now())
    assert (await world.chat(asks)).model is BEST
    assert world.registry.corrected() == frozenset()


async def test_when_no_model_takes_a_parameter_the_caller_is_told() -> None:
    world = World(BEST)
    asks = world.ask(task=Task(parameters=frozenset({"logprobs"})))
    world.fails("a/best", refuses("logprobs"))
    with pytest.raises(AttemptsSpent):
        await world.serve(asks)
    with pytest.raises(NoEligibleModel, match="does not take logprobs") as caught:
        await world.serve(asks)
    assert caught.value.callers_fault


async def test_what_two_requests_learn_at_the_same_time_adds_up() -> None:
    world = World(SMALL, VAST)
    world.script("a/small", Script(reads=(text(), refuses("seed"))))
    under_way = await world.serve(world.ask(task=Task(parameters=frozenset({"seed"}))))
    world.fails("a/small", too_long(4_000))
    await world.chat()
    with pytest.raises(UpstreamError):
        await read_all(under_way.begun)
    entry = world.registry.fleet.models["a/small"]
    assert (entry.context_window, *entry.unsupported) == (4_000, "seed")


async def test_a_new_configuration_is_not_corrected_by_answers_to_the_old_one() -> None:
    world = World(SMALL)
    world.script("a/small", Script(reads=(text(), too_long(4_000))))
    under_way = await world.serve()
    other = replace(SMALL, upstream_name="another")
    world.registry.replace(world.setup(other, version="v2"))
    with pytest.raises(UpstreamError):
        await read_all(under_way.begun)
    assert world.registry.fleet.models["a/small"] is other


async def test_corrections_end_with_the_configuration_that_they_corrected() -> None:
    world = World(SMALL, VAST)
    world.fails("a/small", too_long(4_000))
    await world.chat()
    world.registry.replace(world.setup(SMALL, VAST, version="v2"))
    assert world.registry.fleet.models["a/small"] is SMALL
    assert world.registry.corrected() == frozenset()


async def test_a_refusal_that_names_nothing_corrects_nothing() -> None:
    world = World(SMALL, VAST)
    before = world.registry.current
    world.fails("a/small", too_long())
    await world.chat()
    assert world.registry.current is before


@pytest.mark.parametrize(
    ("price", "cost"), [(FREE, 0), (BEST.price, None)], ids=["free", "unknown"]
)
async def test_an_attempt_that_broke_off_costs_what_the_price_says(
    price: Price, cost: int | None
) -> None:
    world = World(replace(BEST, price=price), NEXT)
    world.fails("a/best", UpstreamError(FailureKind.RESET))
    await world.chat()
    assert world.ledger.outcomes[0].cost_usd == cost
