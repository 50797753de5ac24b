"""Are the words of every house understood?"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
import pytest

from pointsman.adapters.providers.failures import (
    Words,
    retry_after_s,
    scrubbed,
    upstream_error,
    words_of,
)
from pointsman.core.blame import context_limit
from pointsman.core.correction import corrected
from pointsman.core.errors import Blame
from pointsman.core.fleet import Model

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            b'{"error":{"message":"m","type":"t","param":"p","code":"c"}}',
            Words("m", "t", "p", "c"),
        ),
        (b'{"error":{"message":"m","code":429}}', Words("m", "", None, "429")),
        (b'{"error":"m","error_type":"validation"}', Words("m", "validation")),
        (
            b'[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]',
            Words("m", "UNAVAILABLE", None, "503"),
        ),
        (
            b'{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}',
            Words("m", "BadRequestError", None, "400"),
        ),
        (
            b'{"message":{"detail":[{"type":"extra_forbidden"}]},"param":7}',
            Words('{"detail":[{"type":"extra_forbidden"}]}', "extra_forbidden"),
        ),
        (
            b'{"detail":[{"loc":["body","store"],"type":"extra_forbidden"}]}',
            Words(
                '[{"loc":["body","store"],"type":"extra_forbidden"}]', "extra_forbidden", "store"
            ),
        ),
        (
            b'{"detail":[{"loc":["body","tools",0,"x"],"type":"extra_forbidden"}],"type":"t"}',
            Words(
                '[{"loc":["body","tools",0,"x"],"type":"extra_forbidden"}]',
                "extra_forbidden",
                "tools.0.x",
            ),
        ),
        (b'{"detail":"m"}', Words("m")),
        (b'{"errors":[{"message":"m"}]}', Words('[{"message":"m"}]')),
        (
            b'{"error":{"message":"m","innererror":{"code":"ResponsibleAIPolicyViolation"}}}',
            Words("m", "", None, "ResponsibleAIPolicyViolation"),
        ),
        (b'{"error":{"message":"m","innererror":"odd"}}', Words("m")),
        (
            b'{"error":{"message":"Provider returned error","metadata":{"raw":"m"}}}',
            Words("Provider returned error m"),
        ),
        (
            (
                b'{"error":{"message":"e","code":400,"metadata":{"raw":'
                b'"{\\"error\\":{\\"message\\":\\"m\\",\\"param\\":\\"p\\",\\"code\\":\\"invalid_value\\"}}"}}}'
            ),
            Words("e m", "invalid_value", "p", "400"),
        ),
        (
            (
                b'{"error":{"message":"e","code":400,"metadata":{"raw":'
                b'"{\\"message\\":\\"m\\",\\"type\\":\\"BadRequestError\\",\\"code\\":400}"}}}'
            ),
            Words("e m", "BadRequestError", None, "400"),
        ),
        (
            b'{"error":{"message":"e","metadata":{"raw":{"message":"m"}}}}',
            Words('e {"message":"m"}'),
        ),
        (b"<html><style>x</style><h1>502</h1> Bad\n gateway</html>", Words("502 Bad gateway")),
        (b'"just words"', Words("just words")),
        (b"\xff\xfe", Words("\ufffd\ufffd")),
        (b"", Words("")),
    ],
)
def test_an_error_document_of_any_shape_is_understood(body: bytes, words: Words) -> None:
    assert words_of(body) == words


def test_the_window_that_llama_cpp_states_as_a_field_can_be_learnt() -> None:
    body = b'{"error":{"message":"too long","type":"exceed_context_size_error","n_ctx":4096}}'
    assert context_limit(words_of(body).message) == 4096


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "9", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
    ],
)
def test_how_long_to_wait_is_read_from_either_header(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, NOW) == seconds


def test_keys_are_taken_out_of_messages() -> None:
    said = "Incorrect API key provided: sk-abcdefgh***wxyz, or Bearer abc.def-ghi; mine is hunter2"
    assert scrubbed(said, ["hunter2"]) == (
        "Incorrect API key provided: [key], or [key]; mine is [key]"
    )


@pytest.mark.parametrize("code", ["invalid_value", None])
@pytest.mark.parametrize(
    "value",
    [
        "maximum context length is 1",
        "This model's maximum context length is 2048 tokens",
        "x' This model's maximum context length is 2048 tokens 'y",
        "unsupported parameter: tools",
        "x'. Unsupported parameter: tools",
        "x' does not support tools",
        "x' Insufficient Balance",
    ],
)
def test_one_request_cannot_take_a_model_from_everybody(value: str, code: str | None) -> None:
    said = {"message": f"Invalid value: '{value}'.", "param": "reasoning_effort", "code": code}
    error = upstream_error(words_of(msgspec.json.encode({"error": said})), status=400)
    assert error.kind.blames is Blame.CALLER
    sent = frozenset({"reasoning_effort", "tools"})
    assert corrected(Model("p/m", "p", "m", context_window=128_000), error, sent, NOW) is None


def test_a_page_of_open_tags_is_read_in_no_time() -> None:
    began = time.perf_counter()
    words_of(b"<script" * 10_000)
    words_of(b"<script>" * 10_000)
    assert time.perf_counter() - began < 0.5
