"""Where can a server of a test listen, when it must be told the port before it begins?"""

from __future__ import annotations

import socket
from random import SystemRandom

BELOW_WHAT_SYSTEMS_GIVE = range(20_000, 32_000)
"""Whoever asks the system for any port is given a higher one, so none of these meanwhile."""


def free_port() -> int:
    """A port of the loopback where nobody listens."""
    while True:
        port = SystemRandom().choice(BELOW_WHAT_SYSTEMS_GIVE)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
