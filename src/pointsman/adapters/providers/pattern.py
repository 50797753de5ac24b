"""Is this chunk like the one before, but for the text it carries?

Most chunks of a stream are the same bytes around another few words. Once one of them has been taken
apart, the next is recognised by what stands before and behind its text, and given our names without
being read as JSON at all. Whatever deviates by a byte is for the careful way.
"""

from __future__ import annotations

_KEY = b'"content":"'


class Pattern:
    """The bytes around the text of a chunk, as they come from upstream and as they leave us."""

    __slots__ = ("_after", "_after_ours", "_around", "_before", "_before_ours")

    def __init__(self, before: bytes, after: bytes, before_ours: bytes, after_ours: bytes) -> None:
        self._before = before
        self._after = after
        self._before_ours = before_ours
        self._after_ours = after_ours
        self._around = len(before) + len(after)

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
        if b'"' in inner or b"\\" in inner:
            return None
        try:
            text = inner.decode()
        except UnicodeDecodeError:
            return None
        if not text.isprintable():
            return None
        return self._before_ours + inner + self._after_ours, len(text)


def pattern_of(payload: bytes, ours: bytes) -> Pattern | None:
    """The pattern of a chunk that has been translated into `ours`, if it has one."""
    if payload.count(_KEY) != 1 or ours.count(_KEY) != 1:
        return None
    start = payload.index(_KEY) + len(_KEY)
    end = payload.find(b'"', start)
    start_ours = ours.index(_KEY) + len(_KEY)
    text = payload[start:end]
    end_ours = start_ours + len(text)
    if end < start or b"\\" in text or ours[start_ours:end_ours] != text:
        return None
    return Pattern(payload[:start], payload[end:], ours[:start_ours], ours[end_ours:])
