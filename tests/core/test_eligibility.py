"""Is a model that cannot serve kept out, and is the reason the true one?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pointsman.core.capability import requirements
from pointsman.core.decision import Objection, ReasonCode, Selection, Task
from pointsman.core.eligibility import (
    RESERVED_OUTPUT_TOKENS,
    request_objection,
    standing_objection,
    standing_objections,
    tokens_held,
)
from pointsman.core.fleet import FREE, Agent, Model, Price, PriceState, Rate

MODEL = Model(
    "p/m",
    "p",
    "m",
    strengths={"general": 0.9, "vision": 0.0},
    context_window=4096,
    max_output_tokens=1000,
    unsupported=frozenset({"logprobs", "seed"}),
)
ANYBODY, PLAIN, ANYTHING = Agent("a"), Task(), Selection()
NOBODY_KNOWS = Model("p/new", "p", "new", profiled=False)


PRICED = replace(MODEL, price=Price(PriceState.KNOWN, Rate(Decimal(2)), Rate(Decimal(10))))


@pytest.mark.parametrize(
    ("asked", "most_usd", "out"),
    [
        (100, 0.003, False),
        (100, 0.00299, True),
        (None, 0.00712, False),
        (None, 0.00711, True),
        (100, None, False),
    ],
)
def test_a_request_that_would_cost_more_than_the_caller_pays_is_not_taken(
    asked: int | None, most_usd: float | None, out: bool
) -> None:
    task = Task(prompt_tokens=1000, max_output_tokens=asked, max_cost_usd=most_usd)
    assert code(request_objection(task, PRICED)) == (ReasonCode.TOO_EXPENSIVE if out else None)


def test_an_unknown_price_may_be_any_and_a_free_model_costs_nothing() -> None:
    task = Task(prompt_tokens=1000, max_cost_usd=0.5)
    objection = request_objection(task, MODEL)
    assert objection is not None
    assert objection.code is ReasonCode.TOO_EXPENSIVE
    assert objection.words == "its price is unknown, and at most 0.5 USD may be spent"
    assert request_objection(task, replace(MODEL, price=FREE)) is None


def standing(
    agent: Agent = ANYBODY,
    task: Task = PLAIN,
    selection: Selection = ANYTHING,
    model: Model = MODEL,
) -> Objection | None:
    return standing_objection(agent, requirements(agent, task), task.needs, selection, model)


def test_all_objections_are_told_the_first_one_first() -> None:
    agent = Agent("a", requires=("vision",), deny=frozenset({MODEL.id}))
    out = replace(MODEL, drained=True)
    needs = requirements(agent, PLAIN)
    found = list(standing_objections(agent, needs, PLAIN.needs, ANYTHING, out))
    assert [each.code for each in found] == [
        ReasonCode.DRAINED,
        ReasonCode.NOT_ALLOWED,
        ReasonCode.MISSING_CAPABILITY,
    ]
    assert found[0] == standing(agent, model=out)
    able = standing_objections(ANYBODY, requirements(ANYBODY, PLAIN), PLAIN.needs, ANYTHING, MODEL)
    assert list(able) == []


def code(objection: Objection | None) -> ReasonCode | None:
    return objection.code if objection else None


@pytest.mark.parametrize(
    ("selection", "out"),
    [
        (Selection(), False),
        (Selection(pinned="p/m"), False),
        (Selection(pinned="p/other", fallbacks=("p/m",)), False),
        (Selection(pinned="p/other", fallbacks=("p/third",)), True),
        (Selection(only=frozenset({"p/m", "q/m"})), False),
        (Selection(only=frozenset({"q/m"})), True),
    ],
)
def test_only_what_the_request_asks_for_may_serve(selection: Selection, out: bool) -> None:
    assert code(standing(selection=selection)) == (ReasonCode.NOT_REQUESTED if out else None)


@pytest.mark.parametrize(
    ("agent", "out"),
    [
        (Agent("a", allow=frozenset({"p/m"})), False),
        (Agent("a", allow=frozenset({"q/m"})), True),
        (Agent("a", deny=frozenset({"p/m"})), True),
        (Agent("a", deny=frozenset({"q/m"})), False),
        (Agent("a", allow=frozenset({"p/m"}), deny=frozenset({"p/m"})), True),
    ],
)
def test_allow_and_deny_lists_hold(agent: Agent, out: bool) -> None:
    assert code(standing(agent)) == (ReasonCode.NOT_ALLOWED if out else None)


def test_a_list_holds_also_for_a_pinned_model() -> None:
    agent = Agent("a", deny=frozenset({"p/m"}))
    assert code(standing(agent, selection=Selection(pinned="p/m"))) is ReasonCode.NOT_ALLOWED


def test_a_missing_capability_keeps_a_model_out_and_is_named() -> None:
    objection = standing(task=Task(needs=frozenset({"vision", "function_calling"})))
    assert objection is not None
    assert objection.code is ReasonCode.MISSING_CAPABILITY
    assert "lacks function_calling, vision" in objection.words
    assert objection.retry_after_s is None


def test_a_model_without_a_profile_gets_the_benefit_of_the_doubt_for_what_a_request_brings() -> (
    None
):
    assert standing(task=Task(needs=frozenset({"vision"})), model=NOBODY_KNOWS) is None


def test_but_not_for_what_an_agent_declares() -> None:
    objection = standing(Agent("a", requires=("coding",)), model=NOBODY_KNOWS)
    assert code(objection) is ReasonCode.MISSING_CAPABILITY
    assert objection is not None
    assert "no known coding" in objection.words


@pytest.mark.parametrize(
    ("task", "reason", "words"),
    [
        (Task(), None, ""),
        (Task(parameters=frozenset({"tools"})), None, ""),
        (
            Task(parameters=frozenset({"seed", "logprobs"})),
            ReasonCode.UNSUPPORTED_PARAMETER,
            "does not take logprobs, seed",
        ),
        (Task(max_output_tokens=1000), None, ""),
        (Task(max_output_tokens=1001), ReasonCode.OUTPUT_TOO_SMALL, "at most 1000"),
        (Task(prompt_tokens=4096 - RESERVED_OUTPUT_TOKENS), None, ""),
        (
            Task(prompt_tokens=4097 - RESERVED_OUTPUT_TOKENS),
            ReasonCode.CONTEXT_TOO_SMALL,
            "holds 4096 tokens, about 4097",
        ),
        (Task(prompt_tokens=3596, max_output_tokens=500), None, ""),
        (
            Task(prompt_tokens=3597, max_output_tokens=500),
            ReasonCode.CONTEXT_TOO_SMALL,
            "4097 needed",
        ),
    ],
)
def test_one_request_may_be_too_much(task: Task, reason: ReasonCode | None, words: str) -> None:
    objection = request_objection(task, MODEL)
    assert code(objection) == reason
    assert objection is None or words in objection.words


def test_unknown_limits_object_to_nothing() -> None:
    assert request_objection(Task(prompt_tokens=10**8, max_output_tokens=10**8), NOBODY_KNOWS) is (
        None
    )


def test_a_request_for_no_output_reserves_none() -> None:
    assert tokens_held(Task(prompt_tokens=10, max_output_tokens=0)) == 10


def test_a_drained_model_serves_only_whoever_names_it() -> None:
    drained = replace(MODEL, drained=True)
    assert code(standing(model=drained)) is ReasonCode.DRAINED
    assert standing(model=drained, selection=Selection(pinned=MODEL.id)) is None
    behind = Selection(pinned="p/other", fallbacks=(MODEL.id,))
    assert standing(model=drained, selection=behind) is None
    listed = Selection(only=frozenset({MODEL.id}))
    assert code(standing(model=drained, selection=listed)) is ReasonCode.DRAINED
