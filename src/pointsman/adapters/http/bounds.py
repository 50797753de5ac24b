"""How much, how long and how many does the gateway accept from its callers?"""

from __future__ import annotations

from dataclasses import dataclass


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
