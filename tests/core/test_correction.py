"""Does a refusal correct the catalogue, no further than it goes, and with its source?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.core.correction import LEARNED, MOST_UNSUPPORTED, Lesson, corrected, lessons
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Model, Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MODEL = Model(
    "p/m", "p", "m", context_window=128_000, sources={"context_window": Source("declared")}
)
SENT = frozenset({"logprobs", "temperature", "tools"})


def too_long(words: str) -> UpstreamError:
    return UpstreamError(FailureKind.CONTEXT_TOO_LONG, words)


def refuses(name: str, code: str | None = None) -> UpstreamError:
    return UpstreamError(FailureKind.UNSUPPORTED_PARAMETER, "no", param=name, upstream_code=code)


def test_a_smaller_window_is_believed_and_says_where_it_comes_from() -> None:
    better = corrected(
        MODEL, too_long("This model's maximum context length is 8192 tokens"), SENT, NOW
    )
    assert better is not None
    assert better.context_window == 8192
    assert better.sources["context_window"] == Source(LEARNED, "2026-03-01")
    assert MODEL.context_window == 128_000, "the declared entry stays as it is"


def test_an_unknown_window_becomes_known() -> None:
    unknown = replace(MODEL, context_window=None)
    better = corrected(
        unknown, too_long("This model's maximum context length is 8192 tokens"), SENT, NOW
    )
    assert better is not None
    assert better.context_window == 8192


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 200000 tokens",
        "This model's maximum context length is 128000 tokens",
        "This model's maximum context length is 0 tokens",
        "This model's maximum context length is 1023 tokens",
        "Invalid value: 'maximum context length is 8192'",
        "Bad role: maximum context length is 8192",
        "too long",
    ],
)
def test_what_is_no_smaller_window_teaches_nothing(words: str) -> None:
    assert corrected(MODEL, too_long(words), SENT, NOW) is None


def test_a_refused_parameter_is_remembered_with_its_source() -> None:
    better = corrected(MODEL, refuses("logprobs"), SENT, NOW)
    assert better is not None
    assert better.unsupported == {"logprobs"}
    assert better.sources["unsupported:logprobs"] == Source(LEARNED, "2026-03-01")
    assert corrected(better, refuses("logprobs"), SENT, NOW) is None, "known already"


def test_a_refused_value_says_nothing_about_the_parameter() -> None:
    assert corrected(MODEL, refuses("temperature", "unsupported_value"), SENT, NOW) is None


def test_a_refusal_that_names_nothing_teaches_nothing() -> None:
    error = UpstreamError(FailureKind.UNSUPPORTED_PARAMETER, "something is wrong")
    assert corrected(MODEL, error, SENT, NOW) is None


def test_callers_who_invent_fields_cannot_fill_the_memory() -> None:
    model = MODEL
    for number in range(3 * MOST_UNSUPPORTED):
        name = f"invented_{number}"
        model = corrected(model, refuses(name), {name}, NOW) or model
    assert len(model.unsupported) == MOST_UNSUPPORTED


@pytest.mark.parametrize("kind", [FailureKind.SERVER_ERROR, FailureKind.MODEL_NOT_FOUND])
def test_other_failures_correct_nothing(kind: FailureKind) -> None:
    assert (
        corrected(
            MODEL, UpstreamError(kind, "This model's maximum context length is 2048"), SENT, NOW
        )
        is None
    )


def test_only_what_was_sent_can_have_been_refused() -> None:
    assert corrected(MODEL, refuses("seed"), SENT, NOW) is None


@pytest.mark.parametrize("param", ["tools[0].function.x", "temperature.x", "messages", "stream"])
def test_a_fault_inside_a_field_or_in_an_essential_one_says_nothing_about_it(param: str) -> None:
    sent = SENT | {"messages", "stream"}
    assert corrected(MODEL, refuses(param, "unknown_parameter"), sent, NOW) is None


@pytest.mark.parametrize(
    ("param", "code", "learnt"),
    [
        (None, None, False),
        (None, "invalid_request_error", False),
        (None, "unsupported_parameter", True),
        ("tools", None, True),
    ],
)
def test_tools_are_given_up_only_when_a_machine_says_so(
    param: str | None, code: str | None, learnt: bool
) -> None:
    error = UpstreamError(
        FailureKind.UNSUPPORTED_PARAMETER,
        "Unsupported parameter: 'tools' is not supported with this model.",
        param=param,
        upstream_code=code,
    )
    assert (corrected(MODEL, error, SENT, NOW) is not None) == learnt


def test_what_was_learned_is_what_differs_from_what_is_declared() -> None:
    until = NOW + timedelta(hours=1)
    served = replace(MODEL, context_window=8_192, unsupported=frozenset({"tools", "logprobs"}))
    assert lessons(MODEL, MODEL, NOW, until) == []
    assert lessons(MODEL, served, NOW, until) == [
        Lesson("p/m", "unsupported:logprobs", True, None, LEARNED, NOW, until),
        Lesson("p/m", "unsupported:tools", True, None, LEARNED, NOW, until),
        Lesson("p/m", "context_window", 8_192, 128_000, LEARNED, NOW, until),
    ]
    assert lessons(served, replace(served, context_window=None), NOW, until) == []
