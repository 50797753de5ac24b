"""Does the order of what is said hold, wherever an upstream names the reason to end?"""

from __future__ import annotations

from typing import Any

import pytest
from raw_upstream import chunk, event
from translating import choice, failure, joined, read

from pointsman.core.errors import FailureKind as Kind

DONE = b"data: [DONE]\n\n"


def told(documents: list[dict[str, Any]]) -> list[tuple[int, str, str | None]]:
    """Index, text and reason of each choice of each chunk."""
    choices = [each for document in documents for each in document["choices"]]
    return [
        (each["index"], each["delta"].get("content", ""), each["finish_reason"]) for each in choices
    ]


def test_text_keeps_its_order_when_the_reason_comes_early() -> None:
    pieces = read(choice(0, "He", "stop"), choice(0, "llo"), choice(0, " world", "length"), DONE)
    assert told(joined(pieces)) == [
        (0, "He", None),
        (0, "llo", None),
        (0, " world", None),
        (0, "", "length"),
    ]
    assert [len(joined([piece])) for piece in pieces] == [1, 1, 1, 1]


def test_a_reason_in_every_chunk_keeps_no_text_waiting() -> None:
    pieces = read(*(choice(0, f"{n} ", "stop") for n in range(50)), DONE)
    assert len(pieces) == 51
    assert [text for _, text, _ in told(joined(pieces[:50]))] == [f"{n} " for n in range(50)]
    assert told(joined(pieces[50:])) == [(0, "", "stop")]


def test_the_last_reason_counts_even_when_nothing_is_said_with_it() -> None:
    pieces = read(choice(0, "a", "stop"), choice(0, "", "length"), DONE)
    assert told(joined(pieces)) == [(0, "a", None), (0, "", "length")]


def test_a_role_that_comes_with_a_reason_comes_first() -> None:
    role = event(chunk({"role": "assistant", "content": ""}, "stop"))
    first, *_ = joined(read(role, choice(0, "a", "stop"), DONE))
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}


def test_a_choice_may_begin_with_its_role_after_another_has_ended() -> None:
    role = {"index": 1, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    second = event({**chunk(), "choices": [role]})
    ends = [choice(0, "", "stop"), choice(1, "", "stop")]
    documents = joined(read(choice(0, "a"), ends[0], second, choice(1, "b"), ends[1], DONE))
    assert [each["choices"][0]["delta"].get("role") for each in documents] == [
        None,
        "assistant",
        None,
        None,
        None,
    ]


def test_what_ends_along_with_text_of_another_choice_is_told_apart() -> None:
    both = {
        **chunk(),
        "choices": [
            {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": 7, "logprobs": None},
            {"index": 1, "delta": {"content": "b"}, "finish_reason": None},
        ],
    }
    documents = joined(read(choice(0, "a"), event(both), choice(1, "", "length"), DONE))
    assert told(documents[1:]) == [
        (0, "", None),
        (1, "b", None),
        (0, "", "stop"),
        (1, "", "length"),
    ]
    assert documents[1]["choices"][0]["stop_reason"] is None
    assert documents[2]["choices"][0] == {
        "index": 0,
        "finish_reason": "stop",
        "stop_reason": 7,
        "delta": {},
    }
    assert len({(each["id"], each["created"], each["model"]) for each in documents}) == 1


def test_choices_that_end_in_one_chunk_each_tell_their_reason() -> None:
    empty: dict[str, str] = {}
    both = [{"index": index, "delta": empty, "finish_reason": "stop"} for index in (0, 1)]
    documents = joined(
        read(choice(0, "a"), choice(1, "b"), event({**chunk(), "choices": both}), DONE)
    )
    assert told(documents) == [(0, "a", None), (1, "b", None), (0, "", "stop"), (1, "", "stop")]


# Cuts


@pytest.mark.parametrize("done", [b"", DONE])
def test_every_choice_that_was_seen_must_have_ended(done: bytes) -> None:
    reads = [choice(0, "a"), choice(1, "b"), choice(0, "", "stop"), choice(1, "half of"), done]
    assert failure(*reads, done_required=False).kind is Kind.TRUNCATED


@pytest.mark.parametrize("done", [b"", DONE])
def test_a_choice_that_went_on_after_its_reason_must_end_again(done: bytes) -> None:
    reads = [choice(0, "He", "stop"), choice(0, "llo"), done]
    assert failure(*reads, done_required=False).kind is Kind.TRUNCATED
