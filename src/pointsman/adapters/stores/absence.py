"""What does who talks to a database say while nobody answers, and what when a value is refused?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from pointsman.core.errors import StoreError

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0


class Unstorable(StoreError):
    """The database takes a value in no case; what else came with it can be written."""


class Away(NamedTuple):
    """Since when nobody answers (monotonic seconds), until when nobody is asked, and why."""

    since: float
    until: float
    pause_s: float
    reason: str


class Absence:
    """Whether somebody called `name` answers. One who does not is asked with growing pauses.

    Whoever comes in between is told at once.
    """

    def __init__(self, name: object, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._away: Away | None = None

    def check(self) -> None:
        """Raises `StoreError` as long as it is too early to ask again."""
        away = self._away
        if away is not None and self._clock() < away.until:
            raise StoreError(self._words(away))

    def noted(self, reason: str) -> StoreError:
        """The error to be raised now that nobody has answered."""
        now, before = self._clock(), self._away
        if before is None:
            away = Away(now, now + FIRST_PAUSE_S, FIRST_PAUSE_S, reason)
        else:
            pause_s = min(2 * before.pause_s, LONGEST_PAUSE_S)
            away = Away(before.since, now + pause_s, pause_s, reason)
        self._away = away
        return StoreError(self._words(away))

    def over(self) -> None:
        """Somebody has answered."""
        self._away = None

    def _words(self, away: Away) -> str:
        for_s = self._clock() - away.since
        return f"{self._name} cannot be reached for {for_s:.0f} s: {away.reason}"
