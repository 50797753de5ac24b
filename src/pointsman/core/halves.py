r"""How is JSON read that holds half a character?

`"\ud83d"` is JSON, and comes of an emoji that was cut in two; but no text can hold it, so our
decoder refuses the document. Where a document is read and passed on, each half gets a mark before
it, which makes of it a character that stands for nothing, and plain letters. What leaves us has the
bytes that came. Where a document is only looked at, a half reads as Unicode's replacement.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    # An even number of backslashes is text; then a whole character, or what we look for.
    rb"(?P<before>(?<!\\)(?:\\\\)*+)"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
_FORBIDDEN = re.compile(rb"(?i:\\ufdd0)|" + re.escape("\ufdd0".encode()))
_MARKED = re.compile(rb"(?:" + _FORBIDDEN.pattern + rb")([dD][89a-fA-F][0-9a-fA-F]{2})")


def marked(document: bytes) -> bytes | None:
    """The document in a form that can be read; None where half characters are not what ails it.

    Also None where it holds the mark, U+FDD0, itself: Unicode promises that no text needs it.
    """
    if _FORBIDDEN.search(document):
        return None
    readable = _with(document, rb"\\ufdd0\g<half>")
    return None if readable == document else readable


def unmarked(document: bytes) -> bytes:
    """What was made of a marked document, with its half characters as they came."""
    return _MARKED.sub(rb"\\u\1", document)


def replaced(document: bytes) -> bytes:
    """The document with U+FFFD for each half, which is a character long as the half was."""
    return _with(document, rb"\\ufffd")


def _with(document: bytes, instead: bytes) -> bytes:
    """The template in the place of each half; whole characters stay."""

    def other(found: re.Match[bytes]) -> bytes:
        return found[0] if found["half"] is None else found.expand(rb"\g<before>" + instead)

    return _ESCAPES.sub(other, document)
