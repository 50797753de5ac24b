"""Is the upstream sent what the caller meant, and nothing it must not see?"""

from __future__ import annotations

import json

import pytest
from raw_upstream import (
    FixedClock,
    RawUpstream,
    call,
    completion,
    document,
    head,
    pieces_of,
)
from reaching import (
    KEY,
    WHOLE_STREAM,
    provider,
    saying,
)

from pointsman.adapters.providers.openai import OpenAIProvider
from pointsman.adapters.providers.presets import PRESETS, Endpoint, Quirks
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError


async def test_the_request_carries_the_callers_fields_byte_for_byte_and_our_model() -> None:
    async with provider(saying(document(completion()))) as (house, upstream):
        await pieces_of(
            await house.open(
                call({"temperature": b"0.70", "model": b'"auto"', "x": b'[1, {"a":2}]'})
            )
        )
    sent = upstream.requests[0]
    assert sent.line == "POST /v1/chat/completions HTTP/1.1"
    assert b'"temperature":0.70' in sent.body
    assert b'"x":[1, {"a":2}]' in sent.body
    assert sent.document["model"] == "fine-1-2025"
    assert "stream" not in sent.document
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["content-type"] == "application/json"


async def test_usage_is_asked_for_beside_the_callers_own_stream_options() -> None:
    async with provider(saying(*WHOLE_STREAM)) as (house, upstream):
        await pieces_of(await house.open(call(stream=True)))
        options = b'{"include_usage":false,"include_obfuscation":false}'
        await pieces_of(await house.open(call({"stream_options": options}, stream=True)))
        await pieces_of(await house.open(call({"stream_options": b'"odd"'}, stream=True)))
    sent = [request.document["stream_options"] for request in upstream.requests]
    assert sent[0] == {"include_usage": True}
    assert sent[1] == {"include_usage": True, "include_obfuscation": False}
    assert sent[2] == {"include_usage": True}
    assert upstream.requests[0].document["stream"] is True


async def test_an_upstream_that_refuses_fields_is_not_sent_them() -> None:
    quirks = PRESETS["mistral"].quirks
    async with provider(saying(*WHOLE_STREAM), quirks) as (house, upstream):
        fields = {"store": b"true", "max_completion_tokens": b"9", "user": b'"u"'}
        await pieces_of(await house.open(call(fields, stream=True)))
        both = {"max_tokens": b"7", "max_completion_tokens": b"9", "stream_options": b'{"a":1}'}
        await pieces_of(await house.open(call(both, stream=True)))
    first, second = (request.document for request in upstream.requests)
    assert set(first) == {"model", "messages", "max_tokens", "stream"}
    assert first["max_tokens"] == 9
    assert second["max_tokens"] == 7
    assert "max_completion_tokens" not in second
    assert second["stream_options"] == {"a": 1}


async def test_azure_has_the_model_in_the_path_a_version_and_its_own_key_header() -> None:
    async with provider(saying(document(completion())), PRESETS["azure"].quirks) as (
        house,
        upstream,
    ):
        await pieces_of(await house.open(call()))
    sent = upstream.requests[0]
    assert (
        "/v1/openai/deployments/fine-1-2025/chat/completions?api-version=2024-10-21 " in sent.line
    )
    assert sent.headers["api-key"] == KEY
    assert "authorization" not in sent.headers


async def test_the_session_is_forwarded_where_it_finds_a_warm_cache() -> None:
    quirks = Quirks(affinity_header="x-session-affinity")
    async with provider(saying(document(completion())), quirks) as (house, upstream):
        await pieces_of(await house.open(call(session="s-1")))
        await pieces_of(await house.open(call(session="not\r\nplain")))
        await pieces_of(await house.open(call()))
    sent = [request.headers.get("x-session-affinity") for request in upstream.requests]
    assert sent[0] == "s-1"
    assert sent[1] is not None
    assert len(sent[1]) == 64
    assert sent[2] is None


async def test_a_body_of_many_megabytes_is_sent_whole() -> None:
    big = json.dumps("x" * 3_000_000).encode()
    async with provider(saying(document(completion()))) as (house, upstream):
        await pieces_of(await house.open(call({"big": big})))
    assert len(upstream.requests[0].document["big"]) == 3_000_000


async def test_no_cookie_is_kept_and_no_redirect_followed() -> None:
    moved = head(302, location="http://elsewhere.test/", content_length="0", set_cookie="a=b")
    async with provider(saying(moved)) as (house, upstream):
        for _ in range(2):
            with pytest.raises(UpstreamError) as caught:
                await house.open(call())
            assert caught.value.kind is Kind.WRONG_ADDRESS
            assert "elsewhere.test" in caught.value.message
    assert "cookie" not in upstream.requests[1].headers


async def answers_by(endpoint: Endpoint) -> bool:
    """Whether a call gets an answer; if not, because the name of the host has no address."""
    house = OpenAIProvider(endpoint, FixedClock())
    try:
        return bool(await pieces_of(await house.open(call())))
    except UpstreamError as failure:
        return failure.kind is not Kind.NAME_UNRESOLVED
    finally:
        await house.close()


async def test_a_proxy_of_the_environment_is_used_only_where_that_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with RawUpstream(saying(document(completion()))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "near.invalid")
        assert await answers_by(Endpoint("a", "http://far.invalid/v1", KEY, trust_env=True))
        assert not await answers_by(Endpoint("a", "http://near.invalid/v1", KEY, trust_env=True))
        assert not await answers_by(Endpoint("a", "http://far.invalid/v1", KEY))
        assert len(proxy.requests) == 1
    assert proxy.requests[0].line == "POST http://far.invalid/v1/chat/completions HTTP/1.1"
