"""Which request is this, and which conversation does it belong to?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

REQUEST_ID_HEADER = b"x-request-id"
SESSION_HEADERS = (
    b"x-session-id",
    b"x-conversation-id",
    b"x-pointsman-session",
    b"x-claude-code-session-id",
    b"x-litellm-session-id",
    b"x-switchyard-session-id",
)

_SESSION_HEADERS = frozenset(SESSION_HEADERS)
_SOUND = re.compile(rb"[\x21-\x7e]{1,128}").fullmatch


def request_id_of(headers: Mapping[bytes, bytes], random: Random) -> str:
    """The caller's own request id where it is short printable ASCII, else a new one.

    It is sent back and written to logs, so nothing else may pass.
    """
    given = headers.get(REQUEST_ID_HEADER)
    if given and _SOUND(given):
        return given.decode("ascii")
    return f"req_{random.getrandbits(96):024x}"


def session_of(headers: Mapping[bytes, bytes], in_body: str | None) -> str | None:
    """The conversation that a request belongs to, as a header or else the body names it."""
    if not _SESSION_HEADERS.isdisjoint(headers):
        for header in SESSION_HEADERS:
            given = headers.get(header)
            if given and _SOUND(given):
                return given.decode("ascii")
    return in_body[:256] if in_body else None
