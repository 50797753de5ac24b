"""How much, how long and how many does the gateway accept from its callers?"""

from __future__ import annotations

from dataclasses import dataclass

BODY_BYTES_PER_S = 64 * 1024
"""The slowest a body may come in the long run, beyond the time that every body is allowed."""

UNWANTED_BODIES = 4
"""How many times the largest body is read, and dropped, of one that has been refused."""

MOST_WAITING_BYTES = 64 * 1024
"""Of a request that waits: beyond this the connection is not read until its turn comes."""

LAST_REQUEST_S = 1.0
"""How long a connection that was to be kept is, once the server stops: its other side may have sent
a request when it hears of the end, and a proxy never sends one twice."""


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What the gateway accepts from its callers, in bytes, seconds and connections."""

    max_body_bytes: int = 20 * 1024 * 1024
    max_header_bytes: int = 32 * 1024
    header_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    write_timeout_s: float = 60.0
    idle_timeout_s: float = 75.0
    max_connections: int = 4096
