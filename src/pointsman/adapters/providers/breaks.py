"""What can break between us and an upstream, below the level of its answers?"""

from __future__ import annotations

from pointsman.core.evidence import Transport


class Broken(Exception):
    """The way to an upstream, or what came over it, failed. The message holds no secret."""

    def __init__(self, transport: Transport, message: str) -> None:
        super().__init__(message)
        self.transport = transport


class Unanswered(Broken):
    """The connection broke before a byte of the answer came.

    On a connection that was kept open from before, the upstream had most likely closed it already
    and has not read the request; on a new one nobody can know.
    """

    def __init__(self, message: str) -> None:
        super().__init__(Transport.RESET, message)
