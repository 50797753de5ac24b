"""Is any body, however odd, either read or refused by name, and never a failure of ours?"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.adapters.http.wire import chat_request
from pointsman.core.decision import Strategy
from pointsman.core.errors import RequestError

FIELDS = (
    "model messages stream stream_options max_tokens max_completion_tokens tools functions "
    "response_format reasoning_effort prompt_cache_key metadata models fallbacks pointsman user"
)
OURS = ("pointsman", "models", "fallbacks")
HELLO = [{"role": "user", "content": "Hello"}]
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "x"]), inner)
    ),
    max_leaves=8,
)
ODD_BODIES = st.dictionaries(st.sampled_from(FIELDS.split()), JSON_VALUES, max_size=6)


def body_of(**fields: Any) -> bytes:
    return json.dumps({"model": "auto", "messages": HELLO, **fields}).encode()


@given(st.binary(max_size=200))
@example(b"\xff\xfe{}")
@example(b'{"model": "\\ud800"}')
@example(b"[" * 5_000)
def test_any_bytes_are_refused_by_name(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        chat_request(body)
    assert caught.value.message
    assert len(caught.value.message) < 400


@given(ODD_BODIES, st.booleans())
def test_any_document_is_read_or_refused_by_name(odd: dict[str, Any], completed: bool) -> None:
    document = {"model": "auto", "messages": HELLO, **odd} if completed else odd
    body = json.dumps(document).encode()
    try:
        request = chat_request(body)
    except RequestError:
        return
    assert document.keys() - set(OURS) <= request.fields.keys() <= document.keys()
    assert "pointsman" not in request.fields


@given(st.dictionaries(st.text().filter(lambda name: name not in FIELDS.split()), JSON_VALUES))
def test_what_is_not_ours_to_read_is_kept_as_it_was_written(extra: dict[str, Any]) -> None:
    fields = chat_request(body_of(**extra)).fields
    for name, value in extra.items():
        assert fields[name] == json.dumps(value).encode()


@given(st.text())
def test_a_prompt_of_any_letters_is_measured(text: str) -> None:
    request = chat_request(body_of(messages=[{"role": "user", "content": text}]))
    assert request.task.prompt_tokens >= 0


@pytest.mark.parametrize(
    ("fields", "session"),
    [
        ({}, None),
        ({"prompt_cache_key": "k"}, "k"),
        ({"metadata": {"session_id": "m"}}, "m"),
        ({"prompt_cache_key": "k", "metadata": {"session_id": "m"}}, "k"),
        ({"prompt_cache_key": "k", "pointsman": {"session": "p"}}, "p"),
        ({"metadata": {"other": 1}}, None),
        ({"metadata": {"session_id": 5}}, "5"),
        ({"metadata": {"session_id": None}, "prompt_cache_key": 7.5}, "7.5"),
        ({"metadata": "m"}, None),
    ],
)
def test_the_conversation_is_taken_from_where_it_is_said_most_clearly(
    fields: dict[str, Any], session: str | None
) -> None:
    assert chat_request(body_of(**fields)).session == session


def test_wishes_are_read_and_leave_nothing_behind() -> None:
    wishes = {
        "agent": "coder",
        "task_type": "coding",
        "requires": ["vision"],
        "prefers": ["low_latency"],
        "min_context": 9000,
        "strategy": "fast",
        "deadline_ms": 1500,
        "session": "s",
    }
    request = chat_request(body_of(pointsman=wishes, models=["a"], fallbacks=["b"]))
    assert (request.agent, request.session, request.deadline_s) == ("coder", "s", 1.5)
    assert request.strategy is Strategy.SPEED
    assert request.fallbacks == ["a"]
    assert request.task.type == "coding"
    assert request.task.min_context == 9000
    assert request.fields.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"tools": [{"type": "function"}]}, "function_calling"),
        ({"functions": [{"name": "f"}]}, "function_calling"),
        ({"response_format": {"type": "json_schema"}}, "structured_output"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "vision",
        ),
    ],
)
def test_what_a_request_uses_a_model_must_be_able_to_do(fields: dict[str, Any], needs: str) -> None:
    assert needs in chat_request(body_of(**fields)).task.needs
    assert needs not in chat_request(body_of()).task.needs


TOOL_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("last", "open_loop"),
    [
        ({"role": "user", "content": "Hello"}, False),
        ({"role": "assistant", "content": "Hi"}, False),
        ({"role": "assistant", "content": "Hi", "tool_calls": []}, False),
        ({"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}, True),
        ({"role": "tool", "tool_call_id": "c", "content": "42"}, True),
        ({"role": "function", "name": "f", "content": "42"}, True),
        ({"role": 5, "content": {"odd": 1}}, False),
        ({"content": "Hello"}, False),
    ],
)
def test_a_tool_loop_is_open_until_the_model_has_answered(
    last: dict[str, Any], open_loop: bool
) -> None:
    before = [{"role": "tool", "tool_call_id": "b", "content": "1"}]
    assert chat_request(body_of(messages=[*before, last])).task.in_tool_loop is open_loop


@pytest.mark.parametrize("stream", [True, False, None])
def test_a_task_says_whether_it_is_streamed(stream: bool | None) -> None:
    assert chat_request(body_of(stream=stream)).task.stream is bool(stream)


@pytest.mark.parametrize("tools", [[], None])
def test_empty_tools_need_no_skill(tools: list[Any] | None) -> None:
    assert not chat_request(body_of(tools=tools)).task.needs


GLANCED = (
    "stream_options max_tokens max_completion_tokens tools functions response_format "
    "reasoning_effort prompt_cache_key metadata models fallbacks"
)
MESSAGES = st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "x"]), JSON_VALUES)


@given(
    st.dictionaries(st.sampled_from(GLANCED.split()), JSON_VALUES),
    st.lists(MESSAGES, min_size=1, max_size=3),
    st.text(min_size=1),
    st.sampled_from([None, True, False]),
)
def test_what_we_only_glance_at_never_refuses_a_request_and_passes_untouched(
    odd: dict[str, Any], messages: list[dict[str, Any]], model: str, stream: bool | None
) -> None:
    document = {"model": model, "messages": messages, "stream": stream, **odd}
    request = chat_request(json.dumps(document).encode())
    assert (request.model, request.stream) == (model, bool(stream))
    for name, value in document.items():
        if name not in OURS:
            assert request.fields[name] == json.dumps(value).encode()


@given(st.dictionaries(st.sampled_from(GLANCED.split()), JSON_VALUES))
def test_an_odd_field_does_not_change_what_is_read_of_the_others(odd: dict[str, Any]) -> None:
    plain = {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
            {"role": "tool", "content": "four"},
        ],
        "stream_options": {"include_usage": True},
        "max_tokens": 16,
        "max_completion_tokens": 17,
        "tools": [{"type": "function"}],
        "functions": [{"name": "f"}],
        "response_format": {"type": "json_schema"},
        "reasoning_effort": "low",
        "prompt_cache_key": "k",
        "metadata": {"session_id": "s"},
        "models": ["up/a"],
        "fallbacks": ["up/b"],
    }
    kept = {name: value for name, value in plain.items() if name not in odd}
    strict = chat_request(body_of(**kept))
    lenient = chat_request(body_of(**kept, **odd))
    assert strict.task.needs <= lenient.task.needs
    if "tools" not in odd:
        assert strict.task.prompt_tokens <= lenient.task.prompt_tokens
    if not odd.keys() & {"models", "fallbacks"}:
        assert lenient.fallbacks == ["up/a"]
    if not odd.keys() & {"max_tokens", "max_completion_tokens"}:
        assert lenient.task.max_output_tokens == 17
    if not odd.keys() & {"prompt_cache_key", "metadata"}:
        assert lenient.session == "k"


HI = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    "content",
    [
        ["some words"],
        [{"type": "text", "text": {"value": "some words"}}],
        {"text": "some words"},
        [{"type": 1, "text": "some words"}],
        5_000_000_000_000,
    ],
    ids=str,
)
def test_content_of_an_unknown_shape_counts_as_the_text_it_is_written_in(content: Any) -> None:
    measured = chat_request(body_of(messages=[HI, {"role": "user", "content": content}])).task
    alone = chat_request(body_of(messages=[HI])).task
    written = len(json.dumps(content)) // 4
    assert 0 < measured.prompt_tokens - alone.prompt_tokens <= written + 5


def test_a_part_of_a_known_type_is_known_whatever_stands_beside_it() -> None:
    parts = [{"type": "image_url", "image_url": {}, "text": None}, "odd", {"type": "input_audio"}]
    task = chat_request(body_of(messages=[{"content": parts}])).task
    assert task.needs == {"vision", "audio_input"}
    parts[0]["text"] = 5  # type: ignore[index]
    assert chat_request(body_of(messages=[{"content": parts}])).task.needs == task.needs


@pytest.mark.parametrize(
    ("max_tokens", "read"),
    [(16, 16), (16.0, 16), ("16", None), (True, None), (-1.5, None), (10**400, 10**9)],
    ids=lambda value: str(value)[:10],
)
def test_tokens_are_read_where_they_are_a_number(max_tokens: Any, read: int | None) -> None:
    assert chat_request(body_of(max_tokens=max_tokens)).task.max_output_tokens == read


@pytest.mark.parametrize(
    ("fallbacks", "read", "passed_on"),
    [
        (["up/a"], ["up/a"], False),
        ([], [], False),
        ([{"model": "up/a"}, "up/b"], ["up/a", "up/b"], False),
        ([{"gpt-4": ["claude"]}], [], True),
        (["up/a", 5], [], True),
        ("up/a", [], True),
        (None, [], True),
    ],
)
def test_a_list_of_names_is_for_us_and_any_other_shape_for_the_upstream(
    fallbacks: Any, read: list[str], passed_on: bool
) -> None:
    for name in ("fallbacks", "models"):
        request = chat_request(body_of(**{name: fallbacks}))
        assert request.fallbacks == read
        assert (name in request.fields) is passed_on


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [HI, "Hi"]}, "messages[1]"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"pointsman": []}, "pointsman"),
        ({"pointsman": {"agnet": "x"}}, "pointsman"),
        ({"pointsman": {"requires": "vision"}}, "pointsman.requires"),
        ({"pointsman": {"deadline_ms": 0}}, "pointsman.deadline_ms"),
        ({"pointsman": {"min_context": -1}}, "pointsman.min_context"),
        ({"pointsman": {"min_context": 10**30}}, "pointsman.min_context"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_what_must_be_right_is_refused_with_its_place(fields: dict[str, Any], place: str) -> None:
    for odd in ({}, {"max_tokens": 16.0}):
        with pytest.raises(RequestError) as caught:
            chat_request(body_of(**{**fields, **odd}))
        assert caught.value.param == place


def test_an_unknown_wish_is_named_together_with_those_that_are_known() -> None:
    with pytest.raises(RequestError) as caught:
        chat_request(body_of(pointsman={"x" * 1_000_000: 1}))
    assert "xxx" in caught.value.message
    assert "known are agent, task_type, requires" in caught.value.message
    assert len(caught.value.message) < 400


def test_the_last_of_two_equal_names_counts_for_both_sides() -> None:
    body = b'{"model": "a", "model": "b", "messages": [{"role": "user", "content": "x"}]}'
    request = chat_request(body)
    assert request.model == msgspec.json.decode(request.fields["model"]) == "b"


@pytest.mark.parametrize("given", [0, -1, 86_400_000])
def test_a_deadline_that_is_none_is_told_as_it_was_sent(given: int) -> None:
    with pytest.raises(RequestError, match=rf"not {given}\.$") as caught:
        chat_request(body_of(pointsman={"deadline_ms": given}))
    assert (caught.value.param, caught.value.code) == ("pointsman.deadline_ms", "invalid_value")


@pytest.mark.parametrize(
    ("wish", "bound"),
    [
        ({"task_type": "x" * 65}, "length <= 64"),
        ({"requires": ["x" * 65]}, "length <= 64"),
        ({"prefers": ["vision", "x" * 1_000_000]}, "length <= 64"),
        ({"requires": [""]}, "length >= 1"),
        ({"requires": ["vision"] * 17}, "length <= 16"),
        ({"prefers": [f"c{number}" for number in range(17)]}, "length <= 16"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wish_without_bounds_is_refused_with_its_place_and_the_bound(
    wish: dict[str, Any], bound: str
) -> None:
    with pytest.raises(RequestError) as caught:
        chat_request(body_of(pointsman=wish))
    (name,) = wish
    assert (caught.value.param or "").startswith(f"pointsman.{name}")
    assert bound in caught.value.message


def test_wishes_up_to_the_bounds_are_read() -> None:
    names = ["x" * 63 + letter for letter in "abcdefghijklmnop"]
    wishes = {"task_type": "y" * 64, "requires": names, "prefers": names}
    task = chat_request(body_of(pointsman=wishes)).task
    assert task.type == "y" * 64
    assert task.needs == task.prefers == set(names)


@given(st.dictionaries(st.text(max_size=80), st.none(), max_size=80))
@example({"x" * 1_000_000: None})
@example({f"field_{number}": None for number in range(1000)})
def test_what_is_remembered_of_any_request_is_bounded(fields: dict[str, None]) -> None:
    document = fields | {"model": "auto", "messages": [HI], "pointsman": None, "stream": None}
    request = chat_request(json.dumps(document).encode())
    assert len(request.task.parameters) <= 64
    assert all(len(name) <= 64 for name in request.task.parameters)
    assert request.fields.keys() == document.keys() - {"pointsman"}


def test_more_fields_than_any_api_has_are_refused_before_they_are_looked_at() -> None:
    assert len(chat_request(body_of(**{f"x{n}": 1 for n in range(1_022)})).fields) == 1_024
    with pytest.raises(RequestError) as caught:
        chat_request(body_of(**{f"x{n}": 1 for n in range(1_023)}))
    assert caught.value.code == "too_many_fields"
    assert "1025 fields" in caught.value.message
