"""Is it understood what a caller says that counts, and what its conversation is about?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.http.wire import LOOKED_AT, ChatRequest, chat_request
from pointsman.core.errors import RequestError
from pointsman.core.fleet import WEIGHTS_TOLERANCE, Weights
from pointsman.core.task_type import READ_HEAD, READ_TAIL

HI = {"role": "user", "content": "Hi"}


def read(messages: list[dict[str, Any]] | None = None, **wishes: Any) -> ChatRequest:
    document = {"model": "auto", "messages": messages or [HI], "pointsman": wishes}
    return chat_request(json.dumps(document).encode())


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


@pytest.mark.parametrize("given_", [0, 0.25, 1, 1.0])
def test_a_tradeoff_is_from_cheap_to_good(given_: float) -> None:
    assert read(tradeoff=given_).tradeoff == given_
    assert read().tradeoff is None


@pytest.mark.parametrize("given_", [-0.01, 1.01, 10])
def test_a_tradeoff_that_is_none_is_told_as_it_was_sent(given_: float) -> None:
    with pytest.raises(RequestError, match=rf"from 0 .* to 1 .*not {given_:.15g}\.") as caught:
        read(tradeoff=given_)
    assert (caught.value.param, caught.value.code) == ("pointsman.tradeoff", "invalid_value")


@pytest.mark.parametrize("given_", [1e-9, 0.01, 1, 1_000_000])
def test_what_may_be_spent_is_part_of_the_task(given_: float) -> None:
    assert read(max_cost_usd=given_).task.max_cost_usd == given_
    assert read().task.max_cost_usd is None


@pytest.mark.parametrize("given_", [0, -0.01, 1_000_001])
def test_what_cannot_be_spent_is_told_as_it_was_sent(given_: float) -> None:
    with pytest.raises(
        RequestError, match=rf"above 0 and up to 1000000, not {given_:.15g}\."
    ) as no:
        read(max_cost_usd=given_)
    assert (no.value.param, no.value.code) == ("pointsman.max_cost_usd", "invalid_value")


def test_an_explanation_comes_only_where_it_is_wanted() -> None:
    assert read(explain=True).explain
    assert not read(explain=False).explain
    assert not read().explain
    with pytest.raises(RequestError, match="bool"):
        read(explain="yes")


def test_weights_are_what_they_say_and_what_is_left_out_weighs_nothing() -> None:
    assert read(weights={"quality": 0.5, "latency": 0.2, "cost": 0.3}).weights == Weights(
        0.5, 0.2, 0.3
    )
    assert read(weights={"cost": 1}).weights == Weights(0.0, 0.0, 1.0)
    assert read().weights is None


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=3).filter(lambda v: sum(v) > 0))
def test_any_weights_become_hundredths_that_sum_to_1(parts: list[int]) -> None:
    quality, latency, cost = (part / sum(parts) for part in parts)
    weights = read(weights={"quality": quality, "latency": latency, "cost": cost}).weights
    assert weights is not None
    assert abs(weights.quality + weights.latency + weights.cost - 1.0) <= WEIGHTS_TOLERANCE
    assert weights.quality == pytest.approx(quality, abs=0.0051)
    assert weights.latency == pytest.approx(latency, abs=0.0051)
    assert weights.cost == pytest.approx(cost, abs=0.0101)
    assert round(100 * weights.cost, 6).is_integer()


@pytest.mark.parametrize(
    ("wishes", "param", "words"),
    [
        ({"weights": {"quality": 0.7, "cost": 0.7}}, "pointsman.weights", "sum to 1, not 1.4"),
        ({"weights": {}}, "pointsman.weights", "sum to 1, not 0"),
        ({"weights": {"quality": 2, "cost": -1}}, "pointsman.weights.cost", "negative, not -1"),
        ({"weights": {"speed": 1}}, "pointsman.weights", "known are quality, latency, cost"),
        ({"weights": [1]}, "pointsman.weights", "object"),
        ({"weights": {"cost": "1"}}, "pointsman.weights.cost", "float"),
        ({"weights": {"cost": 1}, "tradeoff": 1}, "pointsman.weights", "give one of them"),
        ({"tradeoff": "cheap"}, "pointsman.tradeoff", "float"),
    ],
)
def test_weights_that_are_none_are_refused_with_their_place(
    wishes: dict[str, Any], param: str, words: str
) -> None:
    with pytest.raises(RequestError) as caught:
        read(**wishes)
    assert caught.value.param == param
    assert words in caught.value.message


def test_a_conversation_is_about_what_it_began_with_and_what_was_asked_last() -> None:
    system = {"role": "system", "content": "You are helpful."}
    talk = [system, user("Write a parser."), assistant("Here."), user("And now in Rust.")]
    assert read(talk).words == "Write a parser.\nAnd now in Rust."
    assert read([system, user("Write a parser.")]).words == "Write a parser."
    assert read([system, assistant("Hello?")]).words == ""


def test_of_many_parts_the_last_text_counts_and_of_odd_messages_none() -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    text = {"type": "text", "text": "What is this?"}
    context = {"type": "text", "text": "A photograph."}
    assert read([user([context, text, image])]).words == "What is this?"
    assert read([user([image]), user(""), user(None), user("Well?")]).words == "Well?"


def test_only_a_piece_of_a_long_conversation_is_looked_at() -> None:
    long = "a" * READ_HEAD + "b" * 5_000 + "c" * READ_TAIL
    words = read([user(long)]).words
    assert len(words) <= READ_HEAD + READ_TAIL
    assert words == "a" * (READ_HEAD - 1) + "\n" + "c" * READ_TAIL
    barely = "a" * (READ_HEAD + 3)
    assert read([user(barely)]).words == "a" * (READ_HEAD - 1) + "\naaaa"
    talk = [user("First."), *[assistant("x")] * (2 * LOOKED_AT), user("Last.")]
    assert read(talk).words == "First.\nLast."
    buried = [*[assistant("x")] * LOOKED_AT, user("Buried."), *[assistant("x")] * LOOKED_AT]
    assert read(buried).words == ""
