"""How does watching hear of what happens without any request paying for it?

Requests append, one call into C; whoever watches takes all there is at each look. What nobody takes
is bounded: the oldest is dropped, as if it had happened before the watch began.
"""

from __future__ import annotations

from collections import deque

from pointsman.core.decision import Decision, Outcome

MOST = 100_000
"""More than half a minute's at 3,000 requests a second."""


class Heard:
    """What happened since the last look. `decided` and `ended` are on the path of requests."""

    def __init__(self, most: int = MOST) -> None:
        self._decisions: deque[Decision] = deque(maxlen=most)
        self._outcomes: deque[Outcome] = deque(maxlen=most)
        self.decided = self._decisions.append
        self.ended = self._outcomes.append

    def decisions(self) -> list[Decision]:
        """The decisions made since this was last called, oldest first."""
        return _taken(self._decisions)

    def outcomes(self) -> list[Outcome]:
        """The attempts that ended since this was last called, oldest first."""
        return _taken(self._outcomes)


def _taken(waiting: deque[Decision] | deque[Outcome]) -> list:  # type: ignore[type-arg]
    found = list(waiting)
    waiting.clear()
    return found
