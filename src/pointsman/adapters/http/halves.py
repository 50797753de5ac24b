"""How is a body read whose texts hold half a character?

A character beyond the first plane is two escapes in JSON, and a program that cuts a text between
them sends one of these alone. The grammar allows it and our decoder does not. So we read copies in
which something else stands there, as long as what it stands for, and pass on what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REPLACEMENT = rb"\ufffd"
"""What Unicode has for a character that is none."""

_ESCAPES = re.compile(
    # An even number of backslashes is text; then a whole character, or what we look for.
    rb"(?<!\\)(?:\\\\)*+"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<one>\\u(?:[dD][89a-fA-F]|[eEfF][0-9a-fA-F])[0-9a-fA-F]{2}))"
)
_OF_A_HALF = (rb"\ud", rb"\uD")
_FOR_PRIVATE_USE = range(0xE000, 0xF900)


def stand_ins(body: bytes) -> dict[bytes, bytes]:
    """For each half in the body, as it is spelled there, an escape that the body does not hold.

    Empty where there is no half. Where there are more than escapes, some have none.
    """
    found = {one for one in _ESCAPES.findall(body) if one}
    halves = sorted(one for one in found if one.startswith(_OF_A_HALF))
    others = {one.lower() for one in found}
    free = (mark for code in _FOR_PRIVATE_USE if (mark := rb"\u%04x" % code) not in others)
    return dict(zip(halves, free, strict=False))


def exchanged(text: bytes, by: Mapping[bytes, bytes]) -> bytes:
    """The JSON with these escapes in place of those."""

    def other(found: re.Match[bytes]) -> bytes:
        whole, one = found[0], found["one"]
        return whole if one is None else whole[: -len(one)] + by.get(one, one)

    return _ESCAPES.sub(other, text)
