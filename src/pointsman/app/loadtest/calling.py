"""How did one request go, as its caller saw it?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from pointsman.adapters.providers.events import EventDecoder
from pointsman.adapters.providers.http_heads import address_of
from pointsman.adapters.providers.http_response import Response
from pointsman.adapters.providers.transport import BREAKS, Channel, failure_of, read_at_most
from pointsman.app.loadtest.requests import Request
from pointsman.core.errors import UpstreamError

MAX_ANSWER_BYTES = 64 * 1024 * 1024
CONNECT_S = 10.0
MAX_CODE_CHARS = 60
CUT = "stream without an end"
TIMEOUT = "timeout"


class Went(NamedTuple):
    """How a request went. Times in seconds on one clock; `fault` is empty where all is well.

    `due` is when it should have been sent, `sent` when it was. `first` is when the first piece of
    a stream came, None for others. `tokens` are those of the answer, where it says so, and
    `prompt_tokens` those of the question, of which `cached_tokens` were read from a cache.
    """

    due: float
    sent: float
    ended: float
    first: float | None = None
    status: int = 0
    fault: str = ""
    model: str = ""
    agent: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0

    @property
    def felt_s(self) -> float:
        """How long a caller waited who wanted to ask when it was due."""
        return self.ended - self.due

    @property
    def served_s(self) -> float:
        """How long it took from being sent."""
        return self.ended - self.sent


class _Details(msgspec.Struct):
    cached_tokens: Any = None


class _Usage(msgspec.Struct):
    completion_tokens: Any = None
    prompt_tokens: Any = None
    prompt_tokens_details: _Details | None = None


class _Seen(msgspec.Struct):
    """What is looked at of an answer, or of a piece of one."""

    model: Any = None
    usage: _Usage | None = None
    error: Any = None


_seen = msgspec.json.Decoder(_Seen)


class Caller:
    """Sends requests to one address and tells how they went. Never raises for what comes back.

    `url` is the base of an OpenAI-compatible API, with `/v1` or without. Raises `ValueError` when
    it is no address.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        origin = address_of(url.rstrip("/"))
        base = origin.path.removesuffix("/v1")
        self._target = f"{base}/v1/chat/completions".encode("ascii")
        fixed = {"content-type": "application/json", "user-agent": "pointsman-loadtest"}
        self._channel = Channel(origin, {**fixed, **headers})
        self._timeout_s = timeout_s

    async def call(self, request: Request, due: float) -> Went:
        """Send a request that was due at `due` on the monotonic clock."""
        went = Went(due, time.monotonic(), due, agent=request.agent)
        try:
            async with asyncio.timeout(self._timeout_s):
                went = await self._answered(request, went)
        except TimeoutError:
            went = went._replace(fault=TIMEOUT)
        except UpstreamError as error:
            went = went._replace(fault=error.kind.code)
        except BREAKS as error:
            went = went._replace(fault=failure_of(error).kind.code)
        return went._replace(ended=time.monotonic())

    async def _answered(self, request: Request, went: Went) -> Went:
        headers = dict(request.headers)
        response = await self._channel.post(self._target, request.body, headers, CONNECT_S)
        try:
            went = went._replace(status=response.status)
            if request.streamed and response.status == 200:
                return await _streamed(response, went)
            return await _plain(response, went)
        finally:
            response.close()

    async def close(self) -> None:
        await self._channel.close()


async def _plain(response: Response, went: Went) -> Went:
    body = await read_at_most(response, MAX_ANSWER_BYTES)
    seen = _read(body or b"")
    if response.status != 200:
        return went._replace(fault=f"status {response.status}{_code_of(seen)}")
    if seen is None:
        return went._replace(fault="no JSON")
    return _noted(went, seen)


async def _streamed(response: Response, went: Went) -> Went:
    """A stream is over once it says so; one that just ends was cut."""
    decoder, ended = EventDecoder(), False
    while data := await response.read_some():
        if went.first is None:
            went = went._replace(first=time.monotonic())
        for event in decoder.feed(data):
            if event == b"[DONE]":
                ended = True
                continue
            seen = _read(event)
            if seen is None or seen.error is not None:
                return went._replace(fault="no JSON" if seen is None else "error in the stream")
            went = _noted(went, seen)
    return went if ended else went._replace(fault=CUT)


def _code_of(seen: _Seen | None) -> str:
    """What programs call the error, where the answer says it."""
    error = seen.error if seen is not None else None
    code = error.get("code") if isinstance(error, dict) else None
    return f" {code[:MAX_CODE_CHARS]}" if isinstance(code, str) else ""


def _read(data: bytes) -> _Seen | None:
    try:
        return _seen.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _noted(went: Went, seen: _Seen) -> Went:
    if seen.usage is not None:
        told, details = seen.usage, seen.usage.prompt_tokens_details
        went = went._replace(
            tokens=_count(told.completion_tokens, went.tokens),
            prompt_tokens=_count(told.prompt_tokens, went.prompt_tokens),
            cached_tokens=_count(details.cached_tokens if details else None, went.cached_tokens),
        )
    return went._replace(model=seen.model) if isinstance(seen.model, str) else went


def _count(told: Any, before: int) -> int:
    return told if isinstance(told, int) else before
