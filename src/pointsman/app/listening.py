"""How is a port taken, so that one in use is told before anything is started?"""

from __future__ import annotations

import socket

from pointsman.core.errors import ConfigError, Problem

BACKLOG = 2048
"""Connections that the system accepts for us while we are busy."""


def listening_at(host: str, port: int, source: str) -> socket.socket:
    """A listening socket; `port` 0 takes a free one. `source` said where.

    Raises `ConfigError` when the address is in use, not ours, or none.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "choose another with --host and --port"
        problem = Problem("server", f"cannot listen: {reason}", remedy, f"{host}:{port}")
        raise ConfigError([problem], source) from error
    listening.setblocking(False)
    return listening


def address_of(listening: socket.socket) -> str:
    """Its `host:port`, as URLs have it."""
    host, number = listening.getsockname()[:2]
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
