"""Is any body, however odd, either read or refused by name, and never a failure of ours?"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.adapters.http.wire import OURS, chat_request
from pointsman.core.decision import Strategy
from pointsman.core.errors import RequestError

FIELDS = (
    "model messages stream stream_options max_tokens max_completion_tokens tools functions "
    "response_format reasoning_effort prompt_cache_key metadata models fallbacks pointsman user"
)
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
    assert request.fields.keys() == document.keys() - set(OURS)


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


@pytest.mark.parametrize("tools", [[], None])
def test_empty_tools_need_no_skill(tools: list[Any] | None) -> None:
    assert not chat_request(body_of(tools=tools)).task.needs


def test_the_last_of_two_equal_names_counts_for_both_sides() -> None:
    body = b'{"model": "a", "model": "b", "messages": [{"role": "user", "content": "x"}]}'
    request = chat_request(body)
    assert request.model == msgspec.json.decode(request.fields["model"]) == "b"
