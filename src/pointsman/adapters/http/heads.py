"""What does the head of a request say?"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import httptools

from pointsman.adapters.http.replies import Header

_UPGRADE = re.compile(rb"(?i)(\r\n)upgrade:")
_SEEN_WHOLE = (b"\r\nupgrade:", b"\r\n\r\n")
"""An offer, and the end of a head."""
_LONGEST = max(map(len, _SEEN_WHOLE))


class RequestHead(NamedTuple):
    """What stands before a body.

    `target` is the path with its query as it was sent, `path` the path without its percent signs.
    `fields` are the headers in their order, with names in lower case.
    """

    method: str
    target: bytes
    path: str
    version: str
    fields: list[Header]


@lru_cache(maxsize=64)
def path_of(target: bytes) -> str:
    """The path of a request's target. Raises httptools' error when it is none."""
    path: str = httptools.parse_url(target).path.decode("ascii")
    return unquote(path) if "%" in path else path


def size_of(target: bytes, fields: list[Header]) -> int:
    """How many bytes of a head the target and these fields are, with what parts them."""
    return len(target) + sum(len(name) + len(value) + 4 for name, value in fields)


class Offers:
    """Takes the offer to upgrade out of the heads of one connection, wherever a packet ends.

    A server may ignore the offer (RFC 9110, 7.8); Java's HTTP client makes it with every request.
    The parser underneath would take the body for the new protocol.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def taken_out(self, data: bytes) -> bytes:
        """More of a head with the offer made unreadable, its length kept, in the head alone.

        What may be the beginning of an offer, or of the head's end, is held back until more comes,
        as more must: a head goes on until its end was seen.
        """
        if self._held:
            data, self._held = self._held + data, b""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            size = _begun(data)
            if size:
                data, self._held = data[:-size], data[-size:]
        head = data[:end] if end >= 0 else data
        # A look first: the expression takes ten times as long.
        if b"upgrade:" not in head.lower():
            return data
        return _UPGRADE.sub(rb"\1x-upgrd:", head) + data[len(head) :]


def _begun(data: bytes) -> int:
    """How many bytes at the end may be the beginning of what must be seen whole."""
    end = data[1 - _LONGEST :].lower()
    sizes = range(len(end), 0, -1)
    return next((n for n in sizes if any(s.startswith(end[-n:]) for s in _SEEN_WHOLE)), 0)
