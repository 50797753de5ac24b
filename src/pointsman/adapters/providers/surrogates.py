r"""How is JSON read that holds half a character?

`"\ud83d"` is JSON, and comes of an emoji that was cut over two chunks; but no text can hold it, so
our decoder refuses the document. Each such escape gets a mark before it, which makes it a character
that stands for nothing, and plain letters. What leaves us has the bytes that came.
"""

from __future__ import annotations

import re

_HALF = re.compile(rb"\\u([dD][89a-fA-F][0-9a-fA-F]{2})")
_MARKS = (rb"\ufdd0", "\ufdd0".encode())
"""As it is put in, and as our encoder writes it. Unicode promises that no text needs it."""
_MARKED = re.compile(
    rb"(?:" + b"|".join(map(re.escape, _MARKS)) + rb")([dD][89a-fA-F][0-9a-fA-F]{2})"
)


def marked(document: bytes) -> bytes | None:
    """The document in a form that can be read; None where half characters are not what ails it."""
    if any(mark in document for mark in _MARKS) or not _HALF.search(document):
        return None
    return _HALF.sub(rb"\\ufdd0\1", document)


def unmarked(document: bytes) -> bytes:
    """What was made of a marked document, with its half characters as they came."""
    return _MARKED.sub(rb"\\u\1", document)
