"""Does the shape of a request say what it needs?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.decision import Task
from pointsman.core.features import (
    MAX_PARAMETERS,
    Shape,
    TypesInferred,
    Wishes,
    estimated_tokens,
    parameters,
    task_of,
)


def task(shape: Shape, *fields: str) -> Task:
    return task_of(shape, Wishes(), max_output_tokens=None, fields=fields)


@pytest.mark.parametrize(
    ("shape", "need"),
    [
        (Shape(parts=frozenset({"text", "image_url"})), "vision"),
        (Shape(parts=frozenset({"input_audio"})), "audio_input"),
        (Shape(parts=frozenset({"file"})), "file_input"),
        (Shape(parts=frozenset({"video_url"})), "video_input"),
        (Shape(uses_tools=True), "function_calling"),
        (Shape(wants_schema=True), "structured_output"),
    ],
)
def test_what_a_request_brings_is_needed(shape: Shape, need: str) -> None:
    assert task(shape).needs == {need}


@pytest.mark.parametrize(
    ("shape", "preferred"),
    [(Shape(wants_json=True), "structured_output"), (Shape(wants_reasoning=True), "reasoning")],
)
def test_what_could_be_done_without_is_preferred(shape: Shape, preferred: str) -> None:
    assert task(shape).needs == frozenset()
    assert task(shape).prefers == {preferred}


def test_plain_text_needs_nothing() -> None:
    assert task(Shape(text_bytes=40, messages=1, parts=frozenset({"text"}))) == Task(
        prompt_tokens=14
    )


def test_wishes_are_added_to_what_the_shape_says() -> None:
    wishes = Wishes("coding", frozenset({"vision"}), frozenset({"math"}), 9000)
    made = task_of(Shape(uses_tools=True), wishes, max_output_tokens=7, fields=())
    assert made.type == "coding"
    assert made.needs == {"vision", "function_calling"}
    assert made.prefers == {"math"}
    assert (made.min_context, made.max_output_tokens) == (9000, 7)


def test_a_task_knows_whether_it_is_streamed_and_whether_a_tool_is_at_work() -> None:
    made = task_of(
        Shape(in_tool_loop=True), Wishes(), max_output_tokens=None, fields=(), stream=True
    )
    assert made.stream
    assert made.in_tool_loop
    assert not task(Shape()).stream


def test_only_optional_fields_are_remembered() -> None:
    assert task(Shape(), "model", "messages", "stream", "tools", "seed").parameters == {
        "tools",
        "seed",
    }


COUNTS = st.integers(0, 10**6)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_more_of_anything_is_never_fewer_tokens(
    text_bytes: int, messages: int, images: int, attachments: int, tool_bytes: int
) -> None:
    shape = Shape(
        text_bytes=text_bytes,
        messages=messages,
        images=images,
        attachments=attachments,
        tool_bytes=tool_bytes,
    )
    tokens = estimated_tokens(shape)
    assert tokens >= 0
    for field in ("text_bytes", "messages", "images", "attachments", "tool_bytes"):
        more = shape._replace(**{field: getattr(shape, field) + 100})
        assert estimated_tokens(more) > tokens


def test_what_is_no_name_of_a_parameter_is_not_remembered() -> None:
    sound = {"seed", "_private", "x-vendor", "a.b", "Seed2", "s" * 64}
    odd = {"", "1st", "two words", "s" * 65, "né", "a\n", "a/b"}
    assert parameters(sound | odd | {"model", "messages"}) == sound


def test_of_many_parameters_always_the_same_are_remembered() -> None:
    names = [f"field_{number}" for number in range(1000)]
    some = parameters(names)
    assert len(some) == MAX_PARAMETERS
    assert some == parameters(reversed(names))


FRENCH = "Translate the following sentence into French: I like cats."


def test_a_type_is_inferred_with_how_sure_it_is_or_not_at_all() -> None:
    plain, types = Task(prompt_tokens=9), TypesInferred()
    for _ in range(2):
        sure = types.typed(plain, FRENCH)
        assert sure == plain._replace(type="translation", type_probability=sure.type_probability)
        assert sure.inferred
        assert sure.type_probability is not None
        assert 0.6 <= sure.type_probability <= 1.0
        assert types.typed(plain, "xyzzy") is plain


def test_what_is_remembered_of_inferences_is_bounded_and_holds_no_words() -> None:
    types = TypesInferred(most=3)
    for number in range(10):
        types.typed(Task(), f"{FRENCH} {number}")
    assert len(types._known) == 3
    assert "cats" not in repr(types._known)
    assert types.typed(Task(), f"{FRENCH} 0").type == "translation"
