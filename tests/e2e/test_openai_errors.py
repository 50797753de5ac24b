"""Does each failure reach a user of the OpenAI SDK as the exception that it expects?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from fleets import fleet, provider
from gateway_process import GatewayProcess, Serve
from openai import OpenAI
from scripted_upstream import ScriptedUpstream, Wire
from simulated_upstream import SimulatedUpstream

HELLO: Any = [{"role": "user", "content": "Hello"}]
KEYS = [
    {"name": "caller", "key": "pm-caller-0123456789"},
    {"name": "viewer", "key": "pm-viewer-0123456789", "role": "viewer"},
]


@pytest.fixture
def lone(serve: Serve, upstream: SimulatedUpstream) -> GatewayProcess:
    """One model, and keys."""
    routing = {"timeouts": {"first_token_s": 0.4, "total_s": 0.4}, "backoff_s": 0.01}
    return serve(fleet(upstream.url, only=("first",), keys=KEYS, routing=routing))


@contextmanager
def client(gateway: GatewayProcess, key: str = "pm-caller-0123456789") -> Iterator[OpenAI]:
    """A client with the retries that the SDK does by default."""
    with OpenAI(base_url=gateway.openai_url, api_key=key, timeout=20) as made:
        yield made


def raised(
    gateway: GatewayProcess, key: str = "pm-caller-0123456789", **options: Any
) -> openai.APIError:
    asked = {"model": "auto", "messages": HELLO, **options}
    with client(gateway, key) as made, pytest.raises(openai.APIError) as caught:
        made.chat.completions.create(**asked)
    return caught.value


def test_a_wrong_key_is_an_authentication_error(lone: GatewayProcess) -> None:
    error = raised(lone, "pm-wrong")
    assert isinstance(error, openai.AuthenticationError)
    assert error.code == "invalid_api_key"
    assert "pm-wrong" not in str(error)


def test_a_key_without_the_role_is_a_permission_error(lone: GatewayProcess) -> None:
    error = raised(lone, "pm-viewer-0123456789")
    assert isinstance(error, openai.PermissionDeniedError)
    assert error.type == "permission_error"


def test_an_unknown_model_is_not_found_and_a_near_one_is_suggested(
    lone: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    error = raised(lone, model="up/frist")
    assert isinstance(error, openai.NotFoundError)
    assert (error.code, error.param) == ("model_not_found", "model")
    assert "up/first" in error.message
    assert upstream.requests == []


@pytest.mark.parametrize("model", ["auto", "up/first"])
def test_a_prompt_that_fits_nowhere_is_a_bad_request(lone: GatewayProcess, model: str) -> None:
    messages = [{"role": "user", "content": "word " * 40_000}]
    error = raised(lone, model=model, messages=messages)
    assert isinstance(error, openai.BadRequestError)
    assert error.code == "context_length_exceeded"
    assert "This model's maximum context length is" in error.message


def test_what_the_upstream_cannot_process_is_unprocessable(
    lone: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "status", status=422)
    assert isinstance(raised(lone), openai.UnprocessableEntityError)
    assert len(upstream.requests) == 1


def test_a_rate_limit_says_when_to_come_back(
    lone: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "rate_limited", retry_after=30)
    error = raised(lone)
    assert isinstance(error, openai.RateLimitError)
    assert error.code == "rate_limit_exceeded"
    assert 30 <= int(error.response.headers["retry-after"]) <= 33
    assert 30_000 <= int(error.response.headers["retry-after-ms"]) <= 33_000
    assert error.response.headers["x-should-retry"] == "false"
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("fault", "calls"), [("server_error", 2), ("stall_first", 1), ("reset", 2)]
)
def test_the_sdk_does_not_multiply_our_attempts_by_its_own(
    lone: GatewayProcess, upstream: SimulatedUpstream, fault: str, calls: int
) -> None:
    upstream.order("first", fault)
    assert isinstance(raised(lone), openai.InternalServerError)
    assert len(upstream.requests) == calls


def test_a_stream_that_breaks_off_raises_after_what_has_come(
    lone: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "cut", after=3)
    said: list[str] = []
    with client(lone) as made:
        stream = made.chat.completions.create(model="auto", messages=HELLO, stream=True)
        with pytest.raises(openai.APIError, match="broke off"):
            said += [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert len(upstream.requests) == 1


def test_a_stream_that_fails_before_it_begins_raises_the_status(
    lone: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "server_error")
    error = raised(lone, stream=True)
    assert isinstance(error, openai.InternalServerError)
    assert error.status_code == 502


async def test_what_an_upstream_calls_a_mistake_is_for_the_caller_and_no_label(
    serve: Serve,
) -> None:
    key = "upstream-0123456789"
    codes = iter([f"bad_{key}", 'a\nb"} 1', *(f"code-{n}" for n in range(70))])

    async def script(wire: Wire) -> None:
        said = {"message": "too hot", "param": f"x.{key}", "code": next(codes)}
        body = json.dumps({"error": said}).encode()
        await wire.send(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n")
        await wire.send(b"content-length: %d\r\n\r\n" % len(body) + body)

    async with ScriptedUpstream(script) as upstream:
        setup = provider(upstream.url, api_key=key)
        gateway = serve(fleet(upstream.url, only=("first",), providers=setup))
        answers = [await asyncio.to_thread(gateway.chat) for _ in range(72)]
        metrics = (await asyncio.to_thread(gateway.get, "/metrics")).body.decode()
    assert {answer.status for answer in answers} == {400}
    assert [answer.error["code"] for answer in answers][:3] == ["bad_[key]", 'a\nb"} 1', "code-0"]
    assert answers[0].error["param"] == "x.[key]"
    refused = [row for row in metrics.splitlines() if row.startswith("pointsman_refused")]
    assert refused == ['pointsman_refused_requests_total{code="invalid_request"} 72.0']
    assert key not in metrics
    assert key not in gateway.log
