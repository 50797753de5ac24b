"""What has come of a response, and how is it waited for, read and broken off?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from pointsman.adapters.providers.breaks import Broken
from pointsman.adapters.providers.unpacking import Unpacker
from pointsman.core.evidence import Transport

HIGH_WATER_BYTES = 256 * 1024
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 256


Taker = Callable[[bytes], bool]
"""Takes a part of a body at once, or leaves it to the reader."""


class Unacceptable(Exception):
    """A response that is HTTP, and still not one we can take."""


class Carrier(Protocol):
    """The connection that a response comes over."""

    def abandon(self) -> None:
        """Close at once, because nobody wants the rest."""

    def resume_reading(self) -> None: ...


class Response:
    """A response under way. One task at a time may wait for it.

    `status` is 0 until the head has come. Whoever holds a response reads it to its end or closes
    it; once its last byte is in, the connection is free for others, read or not.
    """

    __slots__ = (
        "_aborted",
        "_carrier",
        "_failure",
        "_fields",
        "_loop",
        "_packed",
        "_parts",
        "_taker",
        "_timer",
        "_waiter",
        "buffered_bytes",
        "ended",
        "reason",
        "status",
    )

    def __init__(self, carrier: Carrier, loop: asyncio.AbstractEventLoop) -> None:
        self._carrier: Carrier | None = carrier
        self._loop = loop
        self._fields: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self._packed: Unpacker | None = None
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._taker: Taker | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._aborted = False
        self.buffered_bytes = 0
        self.ended = False
        self.reason = ""
        self.status = 0

    @property
    def settled(self) -> bool:
        """Whether it is known how this goes: the head has come, or none will."""
        return self.status > 0 or self._failure is not None

    @property
    def headers(self) -> dict[str, str]:
        """All headers by their lower-case names; what came repeatedly is joined by commas."""
        return {n.decode("latin-1"): v.decode("latin-1") for n, v in self._fields.items()}

    def header(self, name: bytes) -> str:
        """One header by its lower-case name; empty where it did not come."""
        return self._fields.get(name, b"").decode("latin-1")

    @property
    def measured(self) -> bool:
        """Whether it said where it ends; otherwise only the end of the connection tells."""
        return b"content-length" in self._fields or b"transfer-encoding" in self._fields

    # For whoever asked

    def begun(self) -> bool:
        """Whether the head has come. Raises `Broken`, or the reason of an abort, if none will."""
        if not self.status and self._failure is not None:
            raise self._failure
        return self.status > 0

    def whole(self) -> bytes | None:
        """The body, if all of it is here and it is not compressed; nothing may have been read yet.

        It is never large, as reading from the network pauses at the high-water mark.
        """
        if not self.ended or self._failure is not None or self._packed is not None:
            return None
        return self._taken()

    def read_some(self, taker: Taker | None = None) -> Coroutine[Any, Any, bytes]:
        """What has come of the body since, unpacked; b"" at its honest end.

        While this waits, what comes is offered to `taker`, unless it is packed; what that takes is
        gone. Raises `Broken`, or the reason of an abort, once what came before is read. Cancelled,
        it hangs up.
        """
        return self._read_raw(taker) if self._packed is None else self._read_unpacked(self._packed)

    def abort(self, reason: Exception) -> None:
        """Make a pending and every later read raise `reason`; hang up on an unfinished response.

        What has failed before keeps its own reason.
        """
        self._parts.clear()
        self._aborted = True
        if self._failure is None:
            self._failure = reason
        self._let_go()

    def close(self) -> None:
        """Hang up on an unfinished response; of a finished one nothing is left. Idempotent."""
        if not self.ended and self._failure is None:
            self.abort(Broken(Transport.RESET, "the response was closed before its end"))

    def linger(self, limit_s: float) -> None:
        """Let the end come without a reader, and hang up if it does not come in time."""
        if not self.ended and self._failure is None:
            self._timer = self._loop.call_later(limit_s, self.close)

    def news(self) -> asyncio.Future[None]:
        """Done when something may have changed. Whoever is cancelled while waiting must hang up."""
        self._waiter = self._loop.create_future()
        return self._waiter

    # For the connection

    def begin(self, status: int, reason: bytes, lines: Sequence[tuple[bytes, bytes]]) -> None:
        """The head has come. Raises `Unacceptable`."""
        if len(lines) > MAX_HEADERS:
            raise Unacceptable("a head of too many lines")
        fields = self._fields
        size = 0
        for name, value in lines:
            size += len(name) + len(value)
            key = name.lower()
            fields[key] = fields[key] + b", " + value if key in fields else value
        if size > MAX_HEAD_BYTES:
            raise Unacceptable("a head that is too large")
        if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise Unacceptable("a transfer coding that was not asked for")
        coding = fields.get(b"content-encoding", b"identity")
        if coding not in (b"identity", b""):
            self._packed = Unpacker(coding.decode("latin-1"))
        self.reason = reason.decode("latin-1")
        self.status = status

    def take(self, data: bytes) -> None:
        """A part of the body has come."""
        self._parts.append(data)
        self.buffered_bytes += len(data)

    def passed_on(self) -> bool:
        """Whether what has just come was taken without waking the reader."""
        if self._taker is None or self._waiter is None or len(self._parts) != 1:
            return False
        try:
            taken = self._taker(self._parts[0])
        except Exception as defect:  # noqa: BLE001 - it must not pass for a break of the connection
            self.abort(defect)
            return True
        if taken:
            self._parts.clear()
            self.buffered_bytes = 0
        return taken

    def end(self) -> None:
        """The last byte is in, and the connection is not ours any more."""
        self.ended = True
        self._carrier = None
        self._stop_timer()
        self.wake()

    def fail(self, failure: Exception) -> None:
        """The connection is lost; what came before may still be read."""
        if self._failure is None:
            self._failure = failure
        self._carrier = None
        self._stop_timer()
        self.wake()

    def wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _let_go(self) -> None:
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            carrier.abandon()
        self._stop_timer()
        self.wake()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _read_raw(self, taker: Taker | None = None) -> bytes:
        while not (self._parts or self.ended or self._failure is not None):
            self._taker = taker
            try:
                await self.news()
            except BaseException:
                self.close()
                raise
            finally:
                self._taker = None
        if not self._parts and self._failure is not None:
            raise self._failure
        return self._taken() if self._parts else b""

    def _taken(self) -> bytes:
        parts, self._parts = self._parts, []
        if self.buffered_bytes > HIGH_WATER_BYTES and self._carrier is not None:
            self._carrier.resume_reading()
        self.buffered_bytes = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _read_unpacked(self, packed: Unpacker) -> bytes:
        # A little input unpacks to much, and all of it may be here: others get their turn between.
        await self._pause()
        while not (unpacked := packed.more()):
            data = await self._read_raw()
            if data:
                packed.feed(data)
            elif packed.finished:
                return b""
            else:
                raise Broken(Transport.TRUNCATED, "the compressed body ended in the middle")
            await self._pause()
        return unpacked

    async def _pause(self) -> None:
        """Let others run. A cancelled pause hangs up. Raises the reason of an abort."""
        try:
            await asyncio.sleep(0)
        except BaseException:
            self.close()
            raise
        if self._aborted and self._failure is not None:
            raise self._failure
