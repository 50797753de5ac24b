"""Is this chunk like the one before, but for the text it carries?

Most chunks of a stream are the same bytes around another few words. Once one of them has been taken
apart, the next is recognised by what stands before and behind its text, and given our names without
being read as JSON at all. Whatever deviates by a byte is for the careful way.
"""

from __future__ import annotations

import re

EVENT = b"data: "
EVENT_END = b"\n\n"
_KEY = b'"content"'
# Some writers of JSON put a space behind the colon.
_BEFORE_TEXT = re.compile(_KEY + rb': ?"')


class Pattern:
    """The bytes around the text of a chunk, as they come from upstream and as they leave us."""

    __slots__ = ("_after", "_after_ours", "_around", "_before", "_before_ours")

    def __init__(self, before: bytes, after: bytes, before_ours: bytes, after_ours: bytes) -> None:
        self._before = before
        self._after = after
        self._before_ours = before_ours
        self._after_ours = after_ours
        self._around = len(before) + len(after)

    def framed(self) -> Pattern:
        """The same for a chunk that is still a server-sent event, and is to remain one."""
        before, before_ours = EVENT + self._before, EVENT + self._before_ours
        return Pattern(before, self._after + EVENT_END, before_ours, self._after_ours + EVENT_END)

    def match(self, payload: bytes) -> tuple[bytes, int] | None:
        """The chunk under our names and the length of its text; None when it is not so simple.

        The text must be plain: no quote or backslash, so that it surely is one JSON string; valid
        UTF-8; and nothing that JSON would want escaped.
        """
        if len(payload) <= self._around:
            return None
        if not (payload.startswith(self._before) and payload.endswith(self._after)):
            return None
        inner = payload[len(self._before) : len(payload) - len(self._after)]
        try:
            text = inner.decode()
        except UnicodeDecodeError:
            return None
        if '"' in text or "\\" in text or not text.isprintable():
            return None
        return self._before_ours + inner + self._after_ours, len(text)


def pattern_of(payload: bytes, ours: bytes) -> Pattern | None:
    """The pattern of a chunk that has been translated into `ours`, if it has one."""
    start, start_ours = _start_of_text(payload), _start_of_text(ours)
    if start is None or start_ours is None:
        return None
    end = payload.find(b'"', start)
    text = payload[start:end]
    end_ours = start_ours + len(text)
    if end < start or b"\\" in text or ours[start_ours:end_ours] != text:
        return None
    return Pattern(payload[:start], payload[end:], ours[:start_ours], ours[end_ours:])


def _start_of_text(chunk: bytes) -> int | None:
    """Where the text begins; None where there is none, or might be another."""
    found = _BEFORE_TEXT.search(chunk)
    return found.end() if found is not None and chunk.count(_KEY) == 1 else None
