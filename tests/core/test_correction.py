"""Does a refusal correct the catalogue, no further than it goes, and with its source?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pointsman.core.correction import LEARNED, MOST_UNSUPPORTED, corrected
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Model, Source

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MODEL = Model(
    "p/m", "p", "m", context_window=128_000, sources={"context_window": Source("declared")}
)


def too_long(words: str) -> UpstreamError:
    return UpstreamError(FailureKind.CONTEXT_TOO_LONG, words)


def refuses(name: str, code: str | None = None) -> UpstreamError:
    return UpstreamError(FailureKind.UNSUPPORTED_PARAMETER, "no", param=name, upstream_code=code)


def test_a_smaller_window_is_believed_and_says_where_it_comes_from() -> None:
    better = corrected(MODEL, too_long("maximum context length is 8192 tokens"), NOW)
    assert better is not None
    assert better.context_window == 8192
    assert better.sources["context_window"] == Source(LEARNED, "2026-03-01")
    assert MODEL.context_window == 128_000, "the declared entry stays as it is"


def test_an_unknown_window_becomes_known() -> None:
    unknown = replace(MODEL, context_window=None)
    better = corrected(unknown, too_long("maximum context length is 8192 tokens"), NOW)
    assert better is not None
    assert better.context_window == 8192


@pytest.mark.parametrize(
    "words",
    [
        "maximum context length is 200000 tokens",
        "maximum context length is 128000 tokens",
        "maximum context length is 0 tokens",
        "too long",
    ],
)
def test_what_is_no_smaller_window_teaches_nothing(words: str) -> None:
    assert corrected(MODEL, too_long(words), NOW) is None


def test_a_refused_parameter_is_remembered_with_its_source() -> None:
    better = corrected(MODEL, refuses("logprobs"), NOW)
    assert better is not None
    assert better.unsupported == {"logprobs"}
    assert better.sources["unsupported:logprobs"] == Source(LEARNED, "2026-03-01")
    assert corrected(better, refuses("logprobs"), NOW) is None, "known already"


def test_a_refused_value_says_nothing_about_the_parameter() -> None:
    assert corrected(MODEL, refuses("temperature", "unsupported_value"), NOW) is None


def test_a_refusal_that_names_nothing_teaches_nothing() -> None:
    error = UpstreamError(FailureKind.UNSUPPORTED_PARAMETER, "something is wrong")
    assert corrected(MODEL, error, NOW) is None


def test_callers_who_invent_fields_cannot_fill_the_memory() -> None:
    model = MODEL
    for number in range(3 * MOST_UNSUPPORTED):
        model = corrected(model, refuses(f"invented_{number}"), NOW) or model
    assert len(model.unsupported) == MOST_UNSUPPORTED


@pytest.mark.parametrize("kind", [FailureKind.SERVER_ERROR, FailureKind.MODEL_NOT_FOUND])
def test_other_failures_correct_nothing(kind: FailureKind) -> None:
    assert corrected(MODEL, UpstreamError(kind, "maximum context length is 1 token"), NOW) is None
