"""Does the engine get asked for what the body and its sender say together?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.http.asking import MAX_SESSION_CHARS, Sender, ask_of, session_name
from pointsman.adapters.http.wire import chat_request
from pointsman.core.decision import Strategy
from pointsman.core.errors import RequestError, UnknownModel
from pointsman.core.fleet import Agent, Fleet, Model, Weights
from pointsman.engine.policy import Policy
from pointsman.engine.registry import Setup
from pointsman.engine.serve import Ask

CODE = "Write a Python function that returns the n-th Fibonacci number, with unit tests."

FLEET = Fleet(
    [
        Agent("coder"),
        Agent("größe"),
        Agent("curious", infer_type=True),
        Agent("settled", infer_type=True, task_types=("math",)),
        Agent("bound", infer_type=True, pinned="a/one"),
        Agent("thrifty", weights=Weights(0.2, 0.2, 0.6)),
    ],
    [Model("a/one", "a", "one"), Model("b/two", "b", "two"), Model("c/two", "c", "two")],
    "v1",
)
ALIASES = {"mine": "a/one", "me": "agent/coder"}
SETUP = Setup(FLEET, {}, Policy(strategy=Strategy.QUALITY), aliases=ALIASES)
HELLO = [{"role": "user", "content": "Hello"}]


def ask(sender: Sender = Sender(), **fields: Any) -> Ask:  # noqa: B008 - a frozen value
    body = json.dumps({"model": "auto", "messages": HELLO, **fields}).encode()
    return ask_of(chat_request(body), SETUP, sender, request_id="req_1")


def shares(asked: Ask) -> tuple[float, float, float]:
    weights = asked.selection.weights
    assert weights is not None
    return (weights.quality, weights.latency, weights.cost)


def test_a_bare_request_is_the_default_agents_and_follows_the_policy() -> None:
    asked = ask()
    assert (asked.request_id, asked.agent.id, asked.asked_model) == ("req_1", "default", "auto")
    assert asked.selection.strategy is Strategy.QUALITY
    assert (asked.session, asked.deadline_s, asked.stream) == (None, None, False)
    assert asked.fields.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        (Sender(agent="coder"), {}),
        (Sender(hints=("coder",)), {}),
        (Sender(), {"model": "agent/coder"}),
        (Sender(), {"model": "me"}),
        (Sender(), {"pointsman": {"agent": "coder"}}),
        (Sender(agent="coder"), {"model": "me", "pointsman": {"agent": "coder"}}),
        (Sender(agent="coder", hints=("größe",)), {}),
    ],
)
def test_an_agent_is_named_in_any_of_the_places(sender: Sender, fields: dict[str, Any]) -> None:
    assert ask(sender, **fields).agent.id == "coder"


@pytest.mark.parametrize(
    ("sender", "fields", "place"),
    [
        (Sender(agent="größe"), {"model": "me"}, "agent"),
        (Sender(agent="größe", agent_place="x-agent"), {"model": "agent/coder"}, "x-agent"),
        (Sender(), {"model": "agent/coder", "pointsman": {"agent": "größe"}}, "model"),
    ],
)
def test_a_request_that_names_two_agents_is_refused(
    sender: Sender, fields: dict[str, Any], place: str
) -> None:
    with pytest.raises(RequestError, match=r"größe.*coder|coder.*größe") as caught:
        ask(sender, **fields)
    assert (caught.value.code, caught.value.param) == ("conflicting_agents", place)


def test_what_the_sender_says_of_the_session_goes_before_the_body() -> None:
    body = {"prompt_cache_key": "from the body"}
    assert ask(Sender(session="user 42"), **body).session == "user 42"
    assert ask(Sender(session=""), **body).session == "from the body"


def test_the_body_says_the_deadline_where_both_do() -> None:
    assert ask(Sender(deadline_s=2.0)).deadline_s == 2.0
    assert ask(Sender(deadline_s=2.0), pointsman={"deadline_ms": 500}).deadline_s == 0.5


def test_the_body_says_what_counts_where_both_do() -> None:
    sender = Sender(strategy=Strategy.COST, tradeoff=0.1, task_type="math")
    asked = ask(sender)
    assert (asked.selection.strategy, asked.task.type) == (Strategy.COST, "math")
    assert shares(asked) == pytest.approx((0.095, 0.05, 0.855))
    said = {"strategy": "fast", "task_type": "coding", "weights": {"quality": 1}}
    asked = ask(sender, pointsman=said)
    assert (asked.selection.strategy, asked.task.type) == (Strategy.SPEED, "coding")
    assert asked.selection.weights == Weights(1.0, 0.0, 0.0)


def test_a_tradeoff_shares_what_the_weight_of_latency_leaves() -> None:
    wishes = {"agent": "thrifty", "strategy": "balanced", "tradeoff": 0.75}
    assert shares(ask(pointsman=wishes)) == pytest.approx((0.6, 0.2, 0.2))
    assert ask().selection.weights is None


@pytest.mark.parametrize("agent", ["default", "curious"])
def test_what_nobody_says_is_inferred_from_the_prompt(agent: str) -> None:
    task = ask(messages=[{"role": "user", "content": CODE}], pointsman={"agent": agent}).task
    assert (task.type, task.inferred) == ("coding", True)
    assert task.type_probability is not None
    assert 0.6 <= task.type_probability <= 1.0


@pytest.mark.parametrize(
    ("fields", "type_"),
    [
        ({"pointsman": {"agent": "coder"}}, None),
        ({"pointsman": {"agent": "settled"}}, None),
        ({"pointsman": {"agent": "bound"}}, None),
        ({"pointsman": {"task_type": "poetry"}}, "poetry"),
        ({"model": "a/one"}, None),
    ],
)
def test_what_is_said_or_would_change_nothing_is_not_inferred(
    fields: dict[str, Any], type_: str | None
) -> None:
    task = ask(messages=[{"role": "user", "content": CODE}], **fields).task
    assert (task.type, task.inferred) == (type_, False)


def test_a_prompt_that_shows_nothing_has_no_type() -> None:
    task = ask(messages=[{"role": "user", "content": "xyzzy"}]).task
    assert (task.type, task.type_probability) == (None, None)


@pytest.mark.parametrize(
    ("fields", "pinned", "only", "fallbacks"),
    [
        ({"model": "mine"}, "a/one", [], ()),
        ({"model": "two"}, None, ["b/two", "c/two"], ()),
        ({"models": ["mine", "two"]}, None, ["a/one", "b/two", "c/two"], ()),
        ({"model": "mine", "fallbacks": ["b/two", "a/one"]}, "a/one", [], ("b/two",)),
    ],
)
def test_names_of_models_are_resolved(
    fields: dict[str, Any], pinned: str | None, only: list[str], fallbacks: tuple[str, ...]
) -> None:
    selection = ask(**fields).selection
    assert (selection.pinned, sorted(selection.only), selection.fallbacks) == (
        pinned,
        only,
        fallbacks,
    )


def test_a_name_that_means_nothing_is_a_mistake() -> None:
    with pytest.raises(UnknownModel, match="a/one"):
        ask(model="a/onne")


@pytest.mark.parametrize("name", ["user 42", "x" * MAX_SESSION_CHARS, "größe", "会話-1"])
def test_a_printable_session_is_called_what_its_caller_calls_it(name: str) -> None:
    assert session_name(f" {name} ") == name


@pytest.mark.parametrize("name", [None, "", " \t"])
def test_no_session_is_no_session(name: str | None) -> None:
    assert session_name(name) is None


@given(st.text(min_size=1))
def test_any_session_has_a_short_printable_name(text: str) -> None:
    for given_name in (text, text * (MAX_SESSION_CHARS + 1), text + "\x00."):
        name = session_name(given_name)
        if given_name.strip():
            assert name is not None
            assert name.isprintable()
            assert len(name) <= MAX_SESSION_CHARS


def test_long_sessions_that_begin_alike_stay_apart() -> None:
    start = "x" * 300
    assert session_name(start + "a") != session_name(start + "b")
    assert session_name(start + "a") == session_name(start + "a")
