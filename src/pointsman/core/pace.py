"""How many messages may a channel send now, and when is there room for the next?"""

from __future__ import annotations


class Pace:
    """So many messages per minute, of which `burst` may go at once after a rest.

    A bucket of tokens; time is that of a clock that never runs backwards, in seconds. Raises
    `ValueError` unless both are positive.
    """

    __slots__ = ("_burst", "_level", "_per_s", "_since_s")

    def __init__(self, per_minute: float, burst: int) -> None:
        if per_minute <= 0 or burst < 1:
            raise ValueError("a pace allows some messages per minute, and at least one at once")
        self._per_s = per_minute / 60.0
        self._burst = float(burst)
        self._level = float(burst)
        self._since_s: float | None = None

    def room(self, now_s: float) -> int:
        """So many may go now."""
        if self._since_s is not None:
            grown = self._level + (now_s - self._since_s) * self._per_s
            self._level = min(grown, self._burst)
        self._since_s = now_s
        # What is a token but for the last bit of a float is one, or nobody would ever be in time.
        return int(self._level + 1e-9)

    def spend(self) -> None:
        """One goes."""
        self._level = max(self._level - 1.0, 0.0)

    def wait_s(self, now_s: float) -> float:
        """How long until one may go; 0 when it may now."""
        if self.room(now_s):
            return 0.0
        return (1.0 - self._level) / self._per_s
