"""What does the head of a request say?"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import httptools

from pointsman.adapters.http.replies import Header

_UPGRADE = re.compile(rb"(?i)(\r\n)upgrade:")


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


def without_upgrade(data: bytes) -> bytes:
    """The bytes with the offer to upgrade made unreadable, length kept, in the head alone.

    A server may ignore the offer (RFC 9110, 7.8); Java's HTTP client makes it with every request.
    The parser underneath would take the body for the new protocol.
    """
    end = data.find(b"\r\n\r\n")
    # A look at the small letters first: the expression takes ten times as long.
    if data.find(b"pgrade:", 0, end if end >= 0 else len(data)) < 0:
        return data
    head, rest = (data[:end], data[end:]) if end >= 0 else (data, b"")
    return _UPGRADE.sub(rb"\1x-upgrd:", head) + rest
