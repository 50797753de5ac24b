"""Is a decision for show the one that would be made, and does what is said of it hold?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

import pytest
from fakes import ANYTHING, BEST, LAST, NEXT, PLAIN, STRICT, World, model
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.counterfactual import Effect, Standing
from pointsman.core.decision import (
    Candidate,
    Decision,
    Objection,
    ReasonCode,
    Rejection,
    Selection,
    Strategy,
)
from pointsman.core.errors import RequestError, UnknownAgent, UnknownModel
from pointsman.core.exploration import Exploration
from pointsman.core.fleet import Agent, Fleet, Weights
from pointsman.core.utility import STRATEGY_WEIGHTS
from pointsman.engine.decide import SEED_BITS
from pointsman.engine.explain import (
    Explained,
    ask_again,
    borne_out,
    explained,
    rated,
)
from pointsman.engine.policy import Policy
from pointsman.engine.ports import StoredDecision
from pointsman.engine.serve import Ask

NEAR = Policy(band=0.2)


def asking(
    session: str | None = None, selection: Selection = ANYTHING, agent: Agent | None = None
) -> Ask:
    who = agent or Agent("default")
    return Ask("req_1", who, PLAIN, selection, {}, stream=False, session=session)


def explain(world: World, ask: Ask, against: str | None = None) -> Explained:
    made = world.service.decide(ask)

    def again(supposed: Mapping[str, Candidate]) -> Decision:
        return world.service.decide(ask, made.seed, supposed)

    return borne_out(explained(StoredDecision(made, ()), against), again)


@settings(deadline=None)
@given(
    st.lists(st.floats(0.5, 0.9), min_size=2, max_size=5),
    st.integers(0, 2**32),
    st.lists(st.sampled_from([None, "s1", "s2"]), min_size=1, max_size=8),
)
async def test_a_dry_run_with_the_seed_of_a_live_decision_is_that_decision(
    strengths: list[float], seed: int, sessions: list[str | None]
) -> None:
    models = [model(f"p/m{number}", strength) for number, strength in enumerate(strengths)]
    world = World(
        *models, policy=NEAR, seed=seed, scorer=AdaptiveScorer(), exploration=Exploration()
    )
    seeds, under_way = Random(seed), []
    for session in sessions:
        dry = world.service.decide(asking(session), seeds.getrandbits(SEED_BITS))
        served = await world.service.serve(asking(session))
        under_way.append(served)
        assert served.decision == dry
        if len(under_way) > 2:
            answered = under_way.pop(0)
            while await answered.begun.read() is not None:
                world.clock.t += 0.25
            await answered.begun.close()
    for served in under_way:
        await served.begun.close()


def test_what_would_have_another_go_first_is_tried_out() -> None:
    world = World()
    what_if = explain(world, asking()).what_if
    assert what_if is not None
    assert (what_if.model_id, what_if.standing) == (NEXT.id, Standing.BEHIND)
    assert what_if.changes
    for change in what_if.changes:
        again = world.service.decide(asking(), 1, {NEXT.id: change.candidate})
        assert again.chosen == change.candidate


def test_a_change_that_load_would_undo_is_not_told() -> None:
    world = World(BEST, NEXT, policy=NEAR)
    calm = explain(world, asking()).what_if
    for _ in range(9):
        world.load.lease(NEXT)
    busy = explain(world, asking()).what_if
    assert calm is not None
    assert busy is not None
    assert calm.changes
    assert busy.changes == ()


def test_suppositions_change_nothing_for_good() -> None:
    world = World()
    before = world.service.decide(asking(), 1)
    best = before.candidates[1]._replace(score=0.99)
    assert world.service.decide(asking(), 1, {NEXT.id: best}).candidates[0] == best
    assert world.service.decide(asking(), 1) == before
    assert world.ledger.decisions == []


async def test_to_stay_is_weighed_for_who_is_supposed_to_be_better_too() -> None:
    world = World(BEST, LAST)
    served = await world.service.serve(asking("s"))
    while await served.begun.read() is not None:
        pass
    await served.begun.close()
    what_if = explain(world, asking("s")).what_if
    assert what_if is not None
    for change in what_if.changes:
        assert world.service.decide(asking("s"), 1, {LAST.id: change.candidate}).candidates[0] == (
            change.candidate
        )


def test_whom_nobody_can_ask_about_is_refused() -> None:
    world = World(BEST, NEXT)
    with pytest.raises(RequestError, match="is the model that was chosen"):
        explain(world, asking(), against=BEST.id)
    with pytest.raises(RequestError, match="was not there"):
        explain(world, asking(), against="z/stranger")


def test_of_one_that_only_a_rule_keeps_out_it_is_told_what_it_would_be() -> None:
    strict = Agent("strict", deny=frozenset({BEST.id}), requires=("general",))
    world = World(BEST, NEXT, LAST, model("d/mute", 0.0), agents=[strict])
    ask = asking(agent=strict)
    for model_id, code, effect in (
        (BEST.id, ReasonCode.NOT_ALLOWED, Effect.WINS),
        ("d/mute", ReasonCode.MISSING_CAPABILITY, None),
    ):
        made = rated(world.service.decide(ask), model_id, partial(world.service.score, ask))
        what_if = explained(StoredDecision(made, ()), model_id).what_if
        assert what_if is not None
        assert what_if.objection is not None
        assert (what_if.objection.code, what_if.if_able) == (code, effect)
        assert (what_if.score is None) == (effect is None)


def test_with_one_model_there_is_nothing_to_compare() -> None:
    assert explain(World(BEST), asking()).what_if is None


CODER = Agent("coder", pinned=NEXT.id)
FLEET = Fleet([CODER], [BEST, NEXT, LAST], "v2")
NOT_ASKED = Objection(ReasonCode.NOT_REQUESTED, "not among the models the request names")


def recorded(asked_model: str = "auto", **changes: Any) -> Decision:
    world = World(policy=STRICT)
    return world.service.decide(asking())._replace(asked_model=asked_model, **changes)


def test_a_request_is_put_again_as_far_as_it_is_written_down() -> None:
    made = recorded(strategy=Strategy.COST, session="s1")
    again = ask_again(made, FLEET, {})
    assert (again.agent.id, again.task, again.session) == ("default", made.task, "s1")
    assert again.selection == Selection(Strategy.COST)


def test_the_models_that_a_caller_listed_are_asked_for_again() -> None:
    made = recorded()
    made = made._replace(
        candidates=made.candidates[:2], rejections=(Rejection(LAST.id, NOT_ASKED),)
    )
    assert ask_again(made, FLEET, {}).selection.only == {BEST.id, NEXT.id}
    pinned = made._replace(asked_model=NEXT.id, band=None)
    assert ask_again(pinned, FLEET, {}).selection == Selection(pinned=NEXT.id, fallbacks=(BEST.id,))


@pytest.mark.parametrize(
    ("weights", "version", "again"),
    [
        (Weights(0.2, 0.3, 0.5), "v2", Weights(0.2, 0.3, 0.5)),
        (Weights(0.2, 0.3, 0.5), "v1", None),
        (STRATEGY_WEIGHTS[Strategy.BALANCED], "v2", None),
    ],
)
def test_weights_that_only_the_caller_can_have_brought_count_again(
    weights: Weights, version: str, again: Weights | None
) -> None:
    scored = AdaptiveScorer().score(Agent("default"), PLAIN, Selection(weights=weights), BEST)
    made = recorded(candidates=(scored,), config_version=version)
    assert ask_again(made, FLEET, {}).selection.weights == again


def test_what_the_agent_was_pinned_to_is_for_its_configuration_to_say() -> None:
    made = recorded(agent_id="coder", band=None, rejections=(Rejection(LAST.id, NOT_ASKED),))
    assert ask_again(made, FLEET, {}).selection == Selection()


def test_names_that_mean_nothing_any_more_are_told() -> None:
    with pytest.raises(UnknownAgent, match="no longer declared"):
        ask_again(recorded(agent_id="gone"), FLEET, {})
    with pytest.raises(UnknownModel):
        ask_again(recorded("gone"), FLEET, {})
