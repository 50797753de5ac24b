"""How is a model behind any OpenAI-compatible address called?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from urllib.parse import quote, urlencode

import msgspec

from pointsman.adapters.providers.answers import PlainAnswer, StreamedAnswer
from pointsman.adapters.providers.chunks import ChunkTranslator, whole_stream
from pointsman.adapters.providers.completion import as_document, as_events
from pointsman.adapters.providers.events import BOM
from pointsman.adapters.providers.failures import (
    ODD,
    broken,
    retry_after_s,
    scrubbed,
    upstream_error,
    words_of,
)
from pointsman.adapters.providers.http_heads import address_of
from pointsman.adapters.providers.http_response import Response
from pointsman.adapters.providers.presets import Endpoint, Quirks
from pointsman.adapters.providers.request import call_headers, encoded_body, endpoint_headers
from pointsman.adapters.providers.splice import Naming, Splicer
from pointsman.adapters.providers.transport import (
    BREAKS,
    Channel,
    environment_proxy,
    excerpt,
    failure_of,
    read_at_most,
)
from pointsman.core.blame import Transport
from pointsman.core.errors import UpstreamError
from pointsman.core.secret_shapes import SECRET_HEADER
from pointsman.engine.ports import Answer, Call, Clock, Piece

_MAX_REFUSAL_BYTES = 64 * 1024
_REFUSAL_S = 5.0
_PROBE_S = 10.0
_SHORTEST_SECRET = 8
_NO_STOP = frozenset({b"null", b'""', b"[]"})
_EVENTS = (b"data:", b"event:", b":")
_MAX_LIST_BYTES = 16 * 1024 * 1024


class OpenAIProvider:
    """One endpoint that speaks OpenAI's chat completions, with its quirks."""

    def __init__(self, endpoint: Endpoint, clock: Clock) -> None:
        self._quirks = endpoint.quirks
        self._clock = clock
        origin = address_of(endpoint.base_url.rstrip("/"))
        self._base = origin.path
        self._secrets = _secrets(endpoint)
        proxy = environment_proxy(origin) if endpoint.trust_env else None
        self._channel = Channel(origin, endpoint_headers(endpoint), proxy)
        self._chat = None if self._quirks.model_in_path else self._target(self._quirks.chat_path)

    async def open(self, call: Call) -> Answer:
        """Send the call and return once the upstream has accepted it. Raises `UpstreamError`."""
        quirks = self._quirks
        target = self._chat or self._target(
            quirks.chat_path.replace("{model}", quote(call.model.upstream_name, safe=""))
        )
        headers = call_headers(call, quirks)
        response = await self._channel.post(
            target, encoded_body(call, quirks), headers, call.connect_s
        )
        if not 200 <= response.status < 300:
            raise await self._refusal(response)
        naming = Naming(call.model.id, call.request_id, self._clock)
        may_be_empty = _may_be_empty(call, quirks)
        if not call.stream:
            plain = partial(as_document, may_be_empty=True) if may_be_empty else as_document
            return PlainAnswer(response, self._secrets, naming, plain)
        kind = response.header(b"content-type").lower()
        translator = ChunkTranslator(
            Splicer(naming), done_required=quirks.done_required, may_be_empty=may_be_empty
        )
        if kind.startswith("application/json"):
            whole = partial(_events_of, translator, may_be_empty=may_be_empty)
            return PlainAnswer(response, self._secrets, naming, whole)
        if kind.startswith("text/html"):
            response.close()
            raise broken(Transport.MALFORMED, "a web page came instead of a stream")
        return StreamedAnswer(response, self._secrets, translator, self._channel.linger)

    async def probe(self) -> Sequence[str]:
        """The upstream names of the models it offers; empty where it lists none.

        Raises `UpstreamError`.
        """
        if self._quirks.models_path is None:
            return ()
        target = self._target(self._quirks.models_path)
        try:
            async with asyncio.timeout(_PROBE_S):
                body = await self._fetched(target)
        except BREAKS as fault:
            raise failure_of(fault) from fault
        return [name.removeprefix(self._quirks.model_prefix) for name in _names(body or b"")]

    async def _fetched(self, target: bytes) -> bytes | None:
        response = await self._channel.get(target, _PROBE_S)
        try:
            if not 200 <= response.status < 300:
                raise await self._refusal(response)
            return await read_at_most(response, _MAX_LIST_BYTES)
        finally:
            response.close()

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        await self._channel.close()

    def _target(self, path: str) -> bytes:
        query = urlencode(self._quirks.query)
        return f"{self._base}{path}{'?' if query else ''}{query}".encode("ascii")

    async def _refusal(self, response: Response) -> UpstreamError:
        """What a status that is not a success means, and what the upstream said to it."""
        status, headers = response.status, response.headers
        body = await excerpt(response, _MAX_REFUSAL_BYTES, _REFUSAL_S)
        words = words_of(body)
        if not words.message:
            place = headers.get("location")
            said = f"redirects to {place}" if place else response.reason or "no reason given"
            words = words._replace(message=f"HTTP {status}: {said}")
        return upstream_error(
            words,
            status=status,
            retry_after_s=retry_after_s(headers, self._clock.now()),
            secrets=self._secrets,
        )


def _may_be_empty(call: Call, quirks: Quirks) -> bool:
    """Whether the caller named a text to stop at: an answer that begins with it says nothing."""
    return call.fields.get("stop", b"null") not in _NO_STOP and "stop" not in quirks.drop_fields


def _events_of(
    translator: ChunkTranslator, body: bytes, naming: Naming, *, may_be_empty: bool
) -> Piece:
    """A stream of what is labelled a document, and in some houses is a stream all the same."""
    if body.removeprefix(BOM).startswith(_EVENTS):
        return whole_stream(body, translator)
    return as_events(body, naming, may_be_empty=may_be_empty)


class _Listed(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Listed]


def _names(body: bytes) -> list[str]:
    try:
        # Together answers with the bare list.
        if body.lstrip()[:1] == b"[":
            listed = msgspec.json.decode(body, type=list[_Listed])
        else:
            listed = msgspec.json.decode(body, type=_List).data
    except ODD as fault:
        reason = scrubbed(str(fault))
        raise broken(Transport.MALFORMED, f"not a list of models: {reason}") from None
    return [entry.id for entry in listed]


def _secrets(endpoint: Endpoint) -> tuple[str, ...]:
    """The values that no message may hold."""
    # No name tells for sure that a value is harmless, so any that is long enough to be a secret and
    # to be no common word counts as one. The longest goes first: it may hold another.
    configured = [
        value
        for name, value in endpoint.headers.items()
        if len(value) >= _SHORTEST_SECRET or SECRET_HEADER.search(name)
    ]
    secrets = {secret for secret in (endpoint.api_key, *configured) if secret}
    return tuple(sorted(secrets, key=lambda secret: (-len(secret), secret)))
