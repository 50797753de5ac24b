"""Which decisions were made last?"""

from __future__ import annotations

from collections import deque

from pointsman.core.decision import Decision


class DecisionRing:
    """The last decisions, for display alone: nothing is decided or counted from it."""

    def __init__(self, most: int = 1_000) -> None:
        self._decisions: deque[Decision] = deque(maxlen=most)

    def add(self, decision: Decision) -> None:
        self._decisions.append(decision)

    def add_older(self, decision: Decision) -> bool:
        """Add one from before all others; False when there is no room for it."""
        if len(self._decisions) == self._decisions.maxlen:
            return False
        self._decisions.appendleft(decision)
        return True

    def latest(self, limit: int) -> tuple[Decision, ...]:
        """At most `limit` decisions, the newest first."""
        found = reversed(self._decisions)
        return tuple(decision for decision, _ in zip(found, range(limit), strict=False))
