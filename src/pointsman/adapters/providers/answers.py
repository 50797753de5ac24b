"""How is an answer under way read to its honest end, broken off, and its connection let go?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pointsman.adapters.providers.chunks import ChunkTranslator
from pointsman.adapters.providers.events import EventDecoder
from pointsman.adapters.providers.failures import ODD, broken, cleaned, odd
from pointsman.adapters.providers.http_response import Response
from pointsman.adapters.providers.splice import Naming
from pointsman.adapters.providers.transport import BREAKS, failure_of, read_at_most
from pointsman.core.blame import Transport
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.engine.ports import PassOn, Piece

MAX_BODY_BYTES = 64 * 1024 * 1024

Translation = Callable[[bytes, Naming], Piece]


class _HttpAnswer:
    """What both kinds of answer share: how they are broken off."""

    __slots__ = ("_failure", "_over", "_response", "_secrets")

    def __init__(self, response: Response, secrets: tuple[str, ...]) -> None:
        self._response = response
        self._secrets = secrets
        self._failure: Exception | None = None
        self._over = False

    def abort(self, reason: Exception) -> None:
        """Make a pending and every later `read` raise `reason`, and let go of the connection."""
        if self._failure is None:
            self._failure = reason
        if not self._over:
            self._response.abort(reason)

    async def close(self) -> None:
        """Let go of the connection; an unfinished answer is cancelled upstream. Idempotent."""
        if not self._over:
            self._response.close()

    def _failed(self, fault: BaseException) -> Exception:
        """The failure to raise for `fault`; every later read raises it again."""
        if self._failure is None:
            failure = fault if isinstance(fault, UpstreamError) else failure_of(fault)
            self._failure = cleaned(failure, self._secrets)
            self._response.close()
        return self._failure


class PlainAnswer(_HttpAnswer):
    """An answer that is one document."""

    __slots__ = ("_naming", "_translated")

    def __init__(
        self,
        response: Response,
        secrets: tuple[str, ...],
        naming: Naming,
        translated: Translation,
    ) -> None:
        super().__init__(response, secrets)
        self._naming = naming
        self._translated = translated

    async def read(self, pass_on: PassOn | None = None) -> Piece | None:  # noqa: ARG002 - whole
        """The document as one piece, then None. Raises `UpstreamError`."""
        if self._failure is not None:
            raise self._failure
        if self._over:
            return None
        try:
            body = self._response.whole()
            if body is None:
                body = await read_at_most(self._response, MAX_BODY_BYTES)
            if body is None:
                raise broken(Transport.MALFORMED, f"the body exceeds {MAX_BODY_BYTES} bytes")
            piece = self._translation(body)
        except (UpstreamError, *BREAKS) as fault:
            raise self._failed(fault) from None
        self._over = True
        return piece

    def _translation(self, body: bytes) -> Piece:
        try:
            return self._taken_apart(body)
        except UpstreamError as failure:
            if self._response.measured or failure.kind is not FailureKind.MALFORMED:
                raise
            # A body that only the end of the connection ended may have been cut.
            raise broken(Transport.TRUNCATED, failure.message) from None

    def _taken_apart(self, body: bytes) -> Piece:
        try:
            return self._translated(body, self._naming)
        except ODD as fault:
            # The document is foreign: what it breaks in us is its own fault, and no reason to stop.
            raise odd(fault) from None


class StreamedAnswer(_HttpAnswer):
    """An answer that comes as server-sent events."""

    __slots__ = ("_decoder", "_linger", "_translator")

    def __init__(
        self,
        response: Response,
        secrets: tuple[str, ...],
        translator: ChunkTranslator,
        linger: Callable[[Response], None],
    ) -> None:
        super().__init__(response, secrets)
        self._decoder = EventDecoder()
        self._translator = translator
        self._linger = linger

    async def read(self, pass_on: PassOn | None = None) -> Piece | None:
        """The next piece, or None once the answer is complete. Raises `UpstreamError`."""
        if self._failure is not None:
            raise self._failure
        if self._over:
            return None
        translator = self._translator
        taker = None if pass_on is None else partial(self._passed, pass_on)
        try:
            if translator.failure is not None:
                raise translator.failure
            while True:
                data = await self._response.read_some(taker)
                piece = self._translation(data)
                if piece is not None:
                    break
        except (UpstreamError, *BREAKS) as fault:
            raise self._failed(fault) from None
        if translator.complete:
            self._over = True
            self._linger(self._response)
        return piece

    def _passed(self, pass_on: PassOn, data: bytes) -> bool:
        """Whether the data went on, as one event like those before it."""
        piece = self._translator.alike(data) if self._decoder.between_events else None
        return piece is not None and pass_on(piece)

    def _translation(self, data: bytes) -> Piece | None:
        decoder, translator = self._decoder, self._translator
        if not data:
            return translator.end(decoder.finish())
        piece = translator.alike(data) if decoder.between_events else None
        return piece or translator.take(decoder.feed(data))
