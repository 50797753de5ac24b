"""Is an answer about the question, of the length asked for, and a tool call when one is wanted?"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.providers.simulated.answers import Choice, compose, in_tokens
from pointsman.adapters.providers.simulated.asking import Asked, BadRequest, asked, fields_of
from pointsman.adapters.providers.simulated.personas import FLEET
from pointsman.adapters.providers.simulated.refusals import refusal
from pointsman.core.errors import FailureKind

ATLAS, SPARK = FLEET[0], FLEET[10]


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


WEATHER = tool("get_weather", "The weather of a city", city={"type": "string"})
STOCK = tool("get_stock", "The price of a share", ticker={"type": "string"})


def request(text: Any = "Explain railway signals", **more: Any) -> Asked:
    messages = more.pop("messages", [{"role": "user", "content": text}])
    return asked(fields_of(msgspec.json.encode({"messages": messages, **more})))


def answer(text: Any = "Explain railway signals", **more: Any) -> Choice:
    return compose(ATLAS, request(text, **more), Random(1))[0]


def test_an_answer_says_who_gives_it_that_it_is_simulated_and_what_it_is_about() -> None:
    text = answer().text
    assert "simulated" in text
    assert "Atlas Large" in text
    assert "railway" in text
    assert answer().finish_reason == "stop"


def test_an_arabic_question_gets_an_arabic_answer() -> None:
    text = answer("كيف تعمل إشارات القطار في المغرب؟").text
    assert "محاكى" in text
    assert "إشارات" in text


def test_a_question_about_code_gets_code_and_one_without_words_still_an_answer() -> None:
    code = answer("Write a Python function that sorts timetables").text.split("```")[1]
    compile(code.removeprefix("python"), "answer", "exec")
    assert answer("?").text
    assert "السؤال" in answer("هل").text


def test_the_length_is_what_was_asked_for() -> None:
    cut = answer(max_tokens=7)
    assert (len(cut.tokens), cut.finish_reason) == (7, "length")
    assert len(answer(max_completion_tokens=5, max_tokens=50).tokens) == 5


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    stopped = answer(stop=["railway"])
    assert "railway" not in stopped.text
    assert stopped.finish_reason == "stop"
    assert answer(stop="is a").text == "This "


def test_several_choices_differ() -> None:
    choices = compose(ATLAS, request(n=3), Random(1))
    assert len({choice.text for choice in choices}) == 3


def test_images_are_acknowledged() -> None:
    parts = [
        {"type": "text", "text": "What is on these?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,BBBB"}},
    ]
    assert "2 images" in answer(parts).text
    assert request(parts).prompt_tokens > 1500


@pytest.mark.parametrize(
    ("text", "more", "called"),
    [
        ("Explain railway signals", {}, []),
        ("use get_weather now", {}, ["get_weather"]),
        ("Please get weather for Cairo", {}, ["get_weather"]),
        ("look up what the weather is in Cairo", {}, ["get_weather"]),
        ("find a good book", {"tool_choice": "none"}, []),
        ("use get_weather now", {"tool_choice": "none"}, []),
        ("get_weather and get_stock", {}, ["get_weather", "get_stock"]),
        ("get_weather and get_stock", {"parallel_tool_calls": False}, ["get_weather"]),
        ("hello", {"tool_choice": "required"}, ["get_weather"]),
        (
            "hello",
            {"tool_choice": {"type": "function", "function": {"name": "get_stock"}}},
            ["get_stock"],
        ),
        (
            "hello",
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required"}}},
            ["get_weather"],
        ),
    ],
)
def test_a_tool_is_called_when_it_is_asked_for(
    text: str, more: dict[str, Any], called: list[str]
) -> None:
    choice = answer(text, tools=[WEATHER, STOCK], **more)
    assert [call.name for call in choice.calls] == called
    for call in choice.calls:
        assert list(json.loads("".join(call.arguments))) in (["city"], ["ticker"])
    assert bool(choice.tokens) is not bool(called)


def test_after_the_result_of_a_tool_the_answer_is_text() -> None:
    messages = [
        {"role": "user", "content": "use get_weather"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "get_weather"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    choice = answer(messages=messages, tools=[WEATHER])
    assert not choice.calls
    assert "tool's result" in choice.text


def test_a_forced_tool_ends_with_stop_and_a_chosen_one_with_tool_calls() -> None:
    forced = {"type": "function", "function": {"name": "get_weather"}}
    assert answer("hi", tools=[WEATHER], tool_choice=forced).finish_reason == "stop"
    assert answer("use get_weather", tools=[WEATHER]).finish_reason == "tool_calls"


def test_a_structured_answer_satisfies_what_was_asked_for() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(answer(response_format=wanted).text) == {"n": 1}
    assert json.loads(answer(response_format={"type": "json_object"}).text)["simulated"] is True


@given(st.text())
def test_tokens_join_to_the_text_they_were_cut_from(text: str) -> None:
    assert "".join(in_tokens(text)) == text


@given(st.text(max_size=200), st.integers(1, 40), st.integers(0, 10**6))
def test_an_answer_never_exceeds_its_limit_and_is_the_same_again(
    text: str, limit: int, seed: int
) -> None:
    wanted = request(text, max_tokens=limit)
    once, again = (compose(ATLAS, wanted, Random(seed)) for _ in range(2))
    assert once == again
    assert 0 < once[0].token_count <= limit


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b'"text"', None),
        (b"{}", "messages"),
        (b'{"messages": []}', "messages"),
        (b'{"messages": [{"content": "no role"}]}', "messages"),
        (b'{"messages": [{"role": "user"}], "stream": "yes"}', "stream"),
        (b'{"messages": [{"role": "user"}], "max_tokens": 0}', "max_tokens"),
        (b'{"messages": [{"role": "user"}], "n": 0}', "n"),
        (b'{"messages": [{"role": "user"}], "tool_choice": "maybe"}', "tool_choice"),
        (b'{"messages": [{"role": "user"}], "tool_choice": {"type": "x"}}', "tool_choice"),
    ],
)
def test_a_request_that_makes_no_sense_is_told_so(body: bytes, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        asked(fields_of(body))
    assert caught.value.param == param
    assert re.search(r"\w", caught.value.message)


def test_null_counts_as_not_given() -> None:
    assert request(stop=None, n=None, tools=None, max_tokens=None, stream=None) == request()


def test_a_model_refuses_what_it_cannot_do_and_says_what() -> None:
    image = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    schema = {"type": "json_schema", "json_schema": {"schema": {}}}
    pebble, unsupported = FLEET[11], FailureKind.UNSUPPORTED_PARAMETER
    cases = [
        (SPARK, request("x" * 80_000), FailureKind.CONTEXT_TOO_LONG, "context_length_exceeded"),
        (SPARK, request(max_tokens=5_000), FailureKind.INVALID_REQUEST, "invalid_value"),
        (SPARK, request(image), FailureKind.UNSUPPORTED_INPUT, None),
        (SPARK, request(tools=[WEATHER]), unsupported, "unsupported_parameter"),
        (pebble, request(response_format=schema), unsupported, "unsupported_parameter"),
    ]  # fmt: skip
    for persona, wanted, kind, code in cases:
        refused = refusal(persona, wanted)
        assert refused is not None
        assert (refused.kind, refused.status, refused.code) == (kind, 400, code)
    assert refusal(ATLAS, request(image, tools=[WEATHER], response_format=schema)) is None
