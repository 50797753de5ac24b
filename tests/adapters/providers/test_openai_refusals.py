"""Is a refusal laid at the right door, without giving a key away?"""

from __future__ import annotations

import json

import pytest
from raw_upstream import (
    EVENTS,
    Request,
    Wire,
    call,
    document,
    event,
    framed,
    head,
)
from reaching import (
    KEY,
    PLAIN,
    failing,
    provider,
    saying,
)

from pointsman.adapters.providers import openai
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":{"message":"bad","type":"invalid_request_error"}}', Kind.INVALID_REQUEST),
        (401, b'{"error":{"message":"who?","code":"invalid_api_key"}}', Kind.KEY_REJECTED),
        (429, b'{"error":{"message":"quota","code":"insufficient_quota"}}', Kind.BILLING),
        (404, b"404 page not found", Kind.WRONG_ADDRESS),
        (404, b'{"error":{"message":"The model x does not exist"}}', Kind.MODEL_NOT_FOUND),
        (
            422,
            b'{"detail":[{"loc":["body","store"],"type":"extra_forbidden"}]}',
            Kind.UNSUPPORTED_PARAMETER,
        ),
        (500, b"", Kind.SERVER_ERROR),
        (502, b"<html><title>Bad gateway</title></html>", Kind.BAD_GATEWAY),
        (
            503,
            b'{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}',
            Kind.UNAVAILABLE,
        ),
        (
            529,
            b'{"type":"error","error":{"type":"overloaded_error","message":"o"}}',
            Kind.OVERLOADED,
        ),
    ],
)
async def test_a_refusal_is_laid_at_the_right_door(status: int, body: bytes, kind: Kind) -> None:
    failure = await failing(saying(document(body, status)), call(stream=True))
    assert failure.kind is kind
    assert failure.status == status
    assert failure.message


async def test_a_refusal_keeps_the_words_and_never_the_key() -> None:
    body = json.dumps(
        {
            "error": {
                "message": f"key {KEY} and Bearer abcdefghij {'x' * 5000}",
                "param": "p",
                "code": 7,
            }
        }
    ).encode()
    failure = await failing(saying(document(body, 400, retry_after="3")), call())
    assert KEY not in str(failure)
    assert "abcdefghij" not in str(failure)
    assert len(failure.message) <= 1000
    assert (failure.param, failure.upstream_code, failure.retry_after_s) == ("p", "7", 3.0)


def texts(failure: UpstreamError) -> str:
    """All that is the upstream's in a failure."""
    return f"{failure} {failure.param} {failure.upstream_code}"


@pytest.mark.parametrize("name", ["code", "type", "status"])
async def test_the_key_is_no_name_of_a_mistake_either(name: str) -> None:
    said = {"message": "no", "param": f"headers.{KEY}", name: f"bad_{KEY}"}
    failure = await failing(saying(document(json.dumps({"error": said}).encode(), 400)), call())
    assert (failure.param, failure.upstream_code) == ("headers.[key]", "bad_[key]")
    assert KEY not in texts(failure)


@pytest.mark.parametrize("name", ["code", "type"])
async def test_a_name_that_is_a_novel_is_cut(name: str) -> None:
    said = {"message": "no", "param": "p" * 5_000, name: "c" * 5_000}
    failure = await failing(saying(document(json.dumps({"error": said}).encode(), 400)), call())
    assert failure.param == "p" * 199 + "…"
    assert failure.upstream_code == "c" * 199 + "…"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_key_does_not_come_out_of_an_answer_either(stream: bool) -> None:
    said = {"message": f"bad key {KEY}", "param": KEY, "code": 401, "type": "x"}
    body = {"error": said}
    answer = (EVENTS, framed(event(body))) if stream else (document(json.dumps(body).encode()),)
    failure = await failing(saying(*answer), call(stream=stream))
    assert failure.kind is Kind.KEY_REJECTED
    assert KEY not in texts(failure)


async def test_a_secret_header_of_the_endpoint_stays_secret() -> None:
    body = b'{"error":{"message":"wrong token-value-1"}}'
    script = saying(document(body, 401))
    async with provider(script, x_access_token="token-value-1") as (house, upstream):
        with pytest.raises(UpstreamError) as caught:
            await house.open(call())
    assert "token-value-1" not in str(caught.value)
    assert upstream.requests[0].headers["x_access_token"] == "token-value-1"


async def test_a_refusal_that_never_ends_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "_REFUSAL_S", 0.05)

    async def script(_: Request, wire: Wire) -> None:
        await wire.send(head(500, content_length="1000"), b"it was")
        await wire.gone()

    assert (await failing(script, call())).message == "it was"


async def test_only_the_start_of_a_long_refusal_is_read() -> None:
    long = b"a " * 200_000
    failure = await failing(saying(document(long, 500)), call())
    assert len(failure.message) <= 1000


async def test_no_configured_header_is_quoted_whatever_its_name() -> None:
    script = saying(document(b'{"error":{"message":"no tenant-4711 or tenant-4711-b here"}}', 401))
    named = {"x_tenant": "tenant-4711", "x_house": "tenant-4711-b", "x_tier": "here"}
    async with provider(script, PLAIN, **named) as (house, _):
        with pytest.raises(UpstreamError) as caught:
            await house.open(call())
    assert caught.value.message == "no [key] or [key] here"
