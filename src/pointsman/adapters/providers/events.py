"""Which server-sent events are in the bytes that arrived so far?

The wire format is WHATWG's (HTML, section 9.2): lines end in LF, CR or CRLF, a blank line ends an
event, a line that starts with a colon is a comment. Only `data` matters to the dialects spoken
here; `event`, `id` and `retry` are read over.
"""

from __future__ import annotations

from pointsman.core.errors import FailureKind, UpstreamError

MAX_EVENT_BYTES = 8 * 1024 * 1024
BOM = b"\xef\xbb\xbf"


class EventDecoder:
    """Turns network reads of any size into the data of whole events, in order.

    `between_events` says whether the next byte begins an event, and none that a byte order mark may
    precede.
    """

    __slots__ = ("_after_cr", "_first", "_limit", "_pending", "between_events")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._pending = bytearray()
        self._after_cr = False
        self._first = True
        self._limit = limit
        self.between_events = False

    def feed(self, data: bytes) -> list[bytes]:
        """The data of every event that `data` completes.

        Raises `UpstreamError` (MALFORMED) when an event grows beyond the limit.
        """
        # The common case costs one split: whole events in one read, one data line each. Quotes,
        # braces and escapes need no look, as JSON holds no raw line end.
        if not self._pending and data[:6] == b"data: " and data[-2:] == b"\n\n":
            payloads = data[6:-2].split(b"\n\ndata: ")
            if b"\r" not in data and data.count(b"\n") == 2 * len(payloads):
                self._first = self._after_cr = False
                self.between_events = True
                return payloads
        payloads = self._feed_any(data)
        self.between_events = not (self._pending or self._after_cr or self._first)
        return payloads

    def finish(self) -> list[bytes]:
        """The data of a last event that no blank line ended, once the input is over.

        The standard drops it. Servers exist that end on `data: [DONE]` and one line end or none;
        whether it is whole is for the reader of the data to say.
        """
        rest, self._pending = bytes(self._pending), bytearray()
        payload = self._payload(rest)
        return [] if payload is None else [payload]

    def _feed_any(self, data: bytes) -> list[bytes]:
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]
            self._after_cr = False
        if not data:
            return []
        self._after_cr = data[-1:] == b"\r"
        pending = self._pending
        searched = max(0, len(pending) - 1)
        pending += data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = pending.rfind(b"\n\n", searched)
        if end < 0:
            self._check(len(pending))
            return []
        whole = bytes(pending[:end])
        del pending[: end + 2]
        self._check(len(pending))
        payloads = [self._payload(event) for event in whole.split(b"\n\n")]
        return [payload for payload in payloads if payload is not None]

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise UpstreamError(
                FailureKind.MALFORMED, f"an event of more than {self._limit} bytes was sent"
            )

    def _payload(self, event: bytes) -> bytes | None:
        if self._first and event:
            self._first = False
            event = event.removeprefix(BOM)
        lines = [
            line[6:] if line[5:6] == b" " else line[5:]
            for line in event.split(b"\n")
            if line.startswith(b"data:")
        ]
        # The standard joins lines by a line end. Between the parts of JSON a space means the same,
        # and a payload that holds a line end could not be sent on as one line.
        return b" ".join(lines) if lines else None
