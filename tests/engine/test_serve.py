"""Does the first attempt that begins win, and is everything written down?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes import BEST, LAST, NEXT, World, model, read_all, soon_after
from scripted import Hold, Script, good, preamble, refused, text

from pointsman.core.decision import ReasonCode, Selection, Task
from pointsman.core.errors import AttemptsSpent, FailureKind, NoEligibleModel, UpstreamError
from pointsman.core.fleet import FREE, Agent
from pointsman.engine.policy import Policy, RetryPolicy, Timeouts

DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)
RESET = UpstreamError(FailureKind.RESET, "gone")
AT_ONCE = Policy(band=0.0, retry=RetryPolicy(short_wait_s=0.0))
BAD = UpstreamError(FailureKind.INVALID_REQUEST, "no", status=400)


async def test_the_best_model_serves_and_everything_is_written_down() -> None:
    world = World()
    served = await world.chat(world.ask(session="s1", deadline_s=60.0))
    assert served.model is BEST
    (decision,), (outcome,) = world.ledger.decisions, world.ledger.outcomes
    assert served.decision is decision
    assert [c.model_id for c in decision.candidates] == ["a/best", "b/next", "c/last"]
    assert decision.id.startswith("dec_")
    assert (decision.request_id, decision.session, decision.config_version) == (
        "req_1",
        "s1",
        "v1",
    )
    assert (outcome.decision_id, outcome.attempt, outcome.failure) == (decision.id, 1, None)
    assert world.tally.models["a/best"].results == {"ok": 1}
    world.at_rest()


async def test_what_the_caller_sent_reaches_the_upstream_with_the_providers_timeouts() -> None:
    world = World()
    own = {"a": Timeouts(connect_s=1.5)}
    world.registry.replace(world.setup(BEST, timeouts=own))
    ask = world.ask(session="s1")._replace(fields={"messages": b"[]"})
    await world.chat(ask)
    (call,) = world.providers["a"].calls
    assert (call.model, call.fields, call.session) == (BEST, {"messages": b"[]"}, "s1")
    assert (call.connect_s, call.stream, call.request_id) == (1.5, True, "req_1")


BEFORE_IT_BEGAN = [
    refused(DOWN),
    Script(reads=(RESET,)),
    Script(reads=(preamble(), RESET)),
    Script(),
]


@pytest.mark.parametrize("script", BEFORE_IT_BEGAN, ids=["refused", "reset", "cut", "empty"])
async def test_until_the_first_usable_chunk_another_model_takes_over(script: Script) -> None:
    world = World()
    world.script("a/best", script)
    served = await world.serve()
    assert await read_all(served.begun) == b"hello"
    assert served.model is NEXT
    assert [outcome.model_id for outcome in served.earlier] == ["a/best"]
    assert [outcome.attempt for outcome in world.ledger.outcomes] == [1, 2]
    world.at_rest()


async def test_after_the_first_usable_chunk_nobody_takes_over() -> None:
    world = World()
    world.script("a/best", Script(reads=(text("half"), RESET)))
    served = await world.serve()
    with pytest.raises(UpstreamError) as caught:
        await read_all(served.begun)
    assert caught.value is RESET
    assert world.calls == 1
    assert world.ledger.outcomes[0].failure is FailureKind.RESET
    world.at_rest()


async def test_all_failed_carries_every_failure_in_order() -> None:
    world = World()
    for name in ("a/best", "b/next", "c/last"):
        world.fails(name, DOWN, times=2)
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve()
    assert [outcome.model_id for outcome, _ in caught.value.failures] == [
        "a/best",
        "b/next",
        "c/last",
        "c/last",
    ]
    world.at_rest()


async def test_a_models_limit_sends_the_next_request_elsewhere() -> None:
    world = World(model("a/best", 0.9, most=1), NEXT)
    first = await world.serve()
    second = await world.serve()
    assert (first.model.id, second.model.id) == ("a/best", "b/next")
    rejection = second.decision.rejections[0]
    assert rejection.objection.code is ReasonCode.AT_LIMIT
    await first.begun.close()
    third = await world.serve()
    assert third.model.id == "a/best"
    for served in (second, third):
        await served.begun.close()
    world.at_rest()


async def test_a_full_fleet_is_not_waited_for_and_the_caller_hears_when_to_come_back() -> None:
    world = World(model("a/best", 0.9, most=1))
    first = await world.serve()
    world.clock.held = True
    with pytest.raises(NoEligibleModel) as caught:
        await world.serve()
    assert world.clock.slept == []
    assert len(world.ledger.decisions) == 2, "the refusal is on record"
    assert caught.value.retry_after_s == soon_after(1.0)
    assert not caught.value.callers_fault
    assert world.calls == 1
    await first.begun.close()
    world.at_rest()


@pytest.mark.parametrize(("rest_s", "hint_s"), [(30.0, 1.0), (0.5, 0.5)])
async def test_the_hint_is_the_sooner_of_a_rest_and_a_full_model(
    rest_s: float, hint_s: float
) -> None:
    world = World(model("a/best", 0.9, most=1), NEXT, policy=AT_ONCE)
    first = await world.serve()
    world.fails("b/next", UpstreamError(FailureKind.OVERLOADED, retry_after_s=rest_s))
    with pytest.raises(AttemptsSpent):
        await world.serve()
    with pytest.raises(NoEligibleModel) as caught:
        await world.serve()
    assert caught.value.retry_after_s == soon_after(hint_s)
    assert world.clock.slept == []
    await first.begun.close()
    world.at_rest()


async def test_a_standby_at_its_limit_is_passed_over() -> None:
    world = World(BEST, model("b/next", 0.8, most=1), LAST)
    pinned = world.ask(selection=Selection(pinned="b/next"))
    holding = await world.serve(pinned)
    world.fails("a/best", DOWN)
    served = await world.chat()
    assert served.model is LAST
    await holding.begun.close()
    world.at_rest()


async def test_a_decision_is_written_down_also_when_no_model_can_serve() -> None:
    world = World()
    with pytest.raises(NoEligibleModel) as caught:
        await world.serve(world.ask(task=Task(prompt_tokens=10**6)))
    (decision,) = world.ledger.decisions
    assert decision.candidates == ()
    assert decision.chosen is None
    assert caught.value.decision_id == decision.id
    assert caught.value.callers_fault
    assert caught.value.retry_after_s is None
    assert {r.objection.code for r in decision.rejections} == {ReasonCode.CONTEXT_TOO_SMALL}
    world.at_rest()


async def test_an_agent_that_nothing_can_serve_is_not_the_callers_fault() -> None:
    world = World(agents=[Agent("a", requires=("coding",))])
    with pytest.raises(NoEligibleModel) as caught:
        await world.serve(world.ask("a"))
    assert not caught.value.callers_fault


async def test_deciding_alone_writes_nothing_down_and_calls_nobody() -> None:
    world = World()
    decision = world.service.decide(world.ask())
    assert decision.chosen is not None
    assert decision.chosen.model_id == "a/best"
    assert (world.ledger.decisions, world.calls) == ([], 0)
    world.at_rest()


async def test_a_pinned_model_serves_alone() -> None:
    world = World()
    world.fails("c/last", UpstreamError(FailureKind.SERVER_ERROR), times=9)
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve(world.ask(selection=Selection(pinned="c/last")))
    assert {outcome.model_id for outcome, _ in caught.value.failures} == {"c/last"}
    codes = {r.objection.code for r in world.ledger.decisions[0].rejections}
    assert codes == {ReasonCode.NOT_REQUESTED}


async def test_who_cannot_see_or_hold_a_request_does_not_stand_by_for_it() -> None:
    sees = {"general": 0.9, "vision": 0.9}
    first, narrow = (replace(model(name), strengths=sees) for name in ("a/first", "b/narrow"))
    narrow = replace(narrow, context_window=4_000)
    spare = replace(model("d/spare"), strengths={"general": 0.3, "vision": 0.3})
    world = World(first, narrow, model("c/blind", 0.9), spare)
    picture = Task(prompt_tokens=5_000, needs=frozenset({"vision"}))
    world.fails("a/first", DOWN)
    assert (await world.chat(world.ask(task=picture))).model is spare
    world.fails("a/first", DOWN, times=9)
    world.fails("d/spare", DOWN, times=9)
    with pytest.raises(AttemptsSpent):
        await world.serve(world.ask(task=picture))
    assert world.calls_of("b/narrow") == world.calls_of("c/blind") == 0


async def test_fallbacks_of_a_pinned_model_follow_in_the_callers_order() -> None:
    world = World()
    selection = Selection(pinned="b/next", fallbacks=("c/last", "a/best"))
    world.fails("b/next", DOWN)
    world.fails("c/last", DOWN)
    served = await world.chat(world.ask(selection=selection))
    assert served.model is BEST
    assert [o.model_id for o in served.earlier] == ["b/next", "c/last"]
    assert served.decision.propensity == 1.0


async def test_our_estimate_does_not_overrule_a_caller_who_pins() -> None:
    world = World()
    ask = world.ask(task=Task(prompt_tokens=10**6), selection=Selection(pinned="c/last"))
    assert (await world.chat(ask)).model is LAST


async def test_an_agent_can_have_one_model_that_a_request_may_overrule() -> None:
    world = World(agents=[Agent("a", pinned="c/last")])
    assert (await world.chat(world.ask("a"))).model is LAST
    asked = world.ask("a", selection=Selection(pinned="b/next"))
    assert (await world.chat(asked)).model is NEXT
    narrowed = world.ask("a", selection=Selection(only=frozenset({"b/next", "a/best"})))
    assert (await world.chat(narrowed)).model is BEST


async def test_allow_and_deny_lists_bound_the_fallbacks_too() -> None:
    agents = [
        Agent("a", allow=frozenset({"b/next", "c/last"})),
        Agent("d", deny=frozenset({"b/next"})),
    ]
    world = World(agents=agents)
    assert (await world.chat(world.ask("a"))).model is NEXT
    world.fails("a/best", DOWN)
    assert (await world.chat(world.ask("d"))).model is LAST
    assert world.calls_of("b/next") == 1


async def test_a_session_stays_with_its_model_as_long_as_that_is_well() -> None:
    names = [f"p/{n}" for n in range(5)]
    world = World(*[model(name, 0.8) for name in names], policy=Policy(band=0.1))
    asks = {f"s{n}": world.ask(session=f"s{n}") for n in range(20)}
    first = {s: (await world.chat(ask)).model.id for s, ask in asks.items()}
    again = {s: (await world.chat(ask)).model.id for s, ask in asks.items()}
    assert first == again
    assert len(set(first.values())) > 1
    lost = first["s0"]
    world.fails(lost, UpstreamError(FailureKind.MODEL_GONE))
    await world.chat(asks["s0"])
    later = {s: (await world.chat(ask)).model.id for s, ask in asks.items()}
    assert all(later[s] == first[s] for s in asks if first[s] != lost)
    assert lost not in later.values()


async def test_a_burst_spreads_over_near_equals() -> None:
    world = World(model("p/x", 0.8), model("p/y", 0.8), policy=Policy(band=0.05))
    served = [await world.serve() for _ in range(40)]
    assert 15 <= world.load.in_flight("p/x") <= 25
    for one in served:
        await one.begun.close()
    world.at_rest()


async def test_a_defect_between_us_and_a_provider_leaves_nothing_behind() -> None:
    world = World()
    world.script("a/best", Script(reads=(ValueError("a defect"),)))
    with pytest.raises(ValueError, match="a defect"):
        await world.serve()
    assert world.ledger.outcomes[0].failure is FailureKind.INTERNAL
    assert world.health.untroubled
    world.at_rest()


async def test_a_defect_in_learning_loses_no_outcome_and_counts_none_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()

    def fails(outcome: object) -> None:
        raise LookupError("a defect in learning")

    monkeypatch.setattr(world.tally, "learn", fails)
    with pytest.raises(LookupError):
        await world.chat()
    assert [outcome.failure for outcome in world.ledger.outcomes] == [None]
    world.at_rest()


async def test_the_cost_of_an_answer_is_known_once_it_has_ended() -> None:
    world = World(replace(BEST, price=FREE))
    served = await world.serve()
    assert served.cost_usd is None
    await read_all(served.begun)
    assert served.cost_usd == 0


async def test_at_most_so_many_attempts_and_so_many_on_one_model() -> None:
    for most, of_one, tried in ((3, 9, 3), (9, 3, 3)):
        retry = RetryPolicy(max_attempts=most, per_model=of_one)
        world = World(BEST, policy=Policy(retry=retry))
        world.fails("a/best", DOWN, times=9)
        with pytest.raises(AttemptsSpent) as caught:
            await world.serve()
        assert len(caught.value.failures) == tried
        world.at_rest()


async def test_a_request_keeps_the_agent_of_the_configuration_that_serves_it() -> None:
    """It was read under an older configuration; what is remembered must not be."""
    world = World(agents=[Agent("a", requires=("coding",))])
    stale = world.ask("a")
    world.registry.replace(world.setup(BEST, NEXT, agents=[Agent("a")], version="v2"))
    assert (await world.chat(stale)).model is BEST
    assert await world.chat(world.ask("a"))


async def test_streams_under_way_keep_their_configuration_and_its_connections() -> None:
    world = World(BEST, NEXT)
    hold = Hold()
    world.script("a/best", Script(reads=(text("a"), hold, text("b"))))
    old = world.registry.current
    served = await world.serve()
    reading = asyncio.create_task(read_all(served.begun))
    await hold.reached.wait()
    world.registry.replace(world.setup(NEXT, LAST, version="v2"))
    await world.registry.close_unused()
    assert world.providers["a"].closed == 0
    assert (await world.chat()).model is NEXT
    hold.go.set()
    assert await reading == b"ab"
    assert old.users == 0
    await world.registry.close_unused()
    assert world.providers["a"].closed == 1
    assert world.providers["b"].closed == 0, "what has not changed is not closed"
    world.at_rest()


async def test_a_plain_request_is_served_alike() -> None:
    world = World()
    world.script("a/best", Script(reads=(RESET,)), good("whole"))
    served = await world.serve(world.ask(stream=False))
    assert served.model is NEXT
    await read_all(served.begun)
    assert [outcome.streamed for outcome in world.ledger.outcomes] == [False, False]
    world.at_rest()
