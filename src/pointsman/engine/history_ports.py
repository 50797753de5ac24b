"""What does the engine need of a store besides decisions: what happened when, and who changed what?

Each protocol has one contract suite in `tests/contracts/` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pointsman.core.aggregate import Dimension
from pointsman.core.audit import Act, KeyOnRecord
from pointsman.core.correction import Lesson
from pointsman.core.period import Period


class SeriesQuery(NamedTuple):
    """What happened when, from `start` on and before `end`, in steps from multiples of `step_s`.

    `names` are the members of the dimension that are wanted, empty for the `limit` busiest.
    `latencies` asks for the periods, which cost more than figures.
    """

    start: datetime
    end: datetime
    step_s: int
    dimension: Dimension = Dimension.ALL
    names: Sequence[str] = ()
    limit: int = 20
    latencies: bool = False


class Figures(NamedTuple):
    """What is counted of requests and their attempts; `cost_picos` in trillionths of a dollar."""

    decisions: int = 0
    refused: int = 0
    explored: int = 0
    panics: int = 0
    fallbacks: int = 0
    scored: int = 0
    score_sum: float = 0.0
    attempts: int = 0
    successes: int = 0
    faults: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_picos: int = 0


class Point(NamedTuple):
    """What happened to one member in the step from `starts_at` on."""

    starts_at: datetime
    name: str
    figures: Figures
    period: Period | None = None


class Series(NamedTuple):
    """Points in order of name and time, of steps in which something happened.

    What was asked from `complete_until` on is not in them yet, but for what came back late.
    """

    points: Sequence[Point]
    complete_until: datetime


class AggregateStore(Protocol):
    """Keeps how much happened in each period. Called from worker threads; every method may block.

    All methods raise `StoreError` and nothing else.
    """

    def roll(self, now: datetime) -> int:
        """Reckon the periods that are over by `now`, some at a time; returns how many.

        A period that is reckoned again, because something of it came late, takes the place of what
        it was: nothing is counted twice.
        """

    def series(self, query: SeriesQuery) -> Series: ...

    def forget_periods(self, grain_s: int, before: datetime) -> int:
        """Delete the periods of this length that began before then; returns how many rows."""


class AuditQuery(NamedTuple):
    """Which acts to list, newest first. `before` is the id of the last one already seen."""

    limit: int = 50
    before: str | None = None
    actor: str | None = None
    action: str | None = None
    kind: str | None = None
    subject: str | None = None


class AuditStore(Protocol):
    """Keeps who changed what. Called from worker threads; every method may block.

    All methods raise `StoreError` and nothing else. Decisions about the fleet are written down by
    the `AssignmentStore`, in the transaction that keeps them.
    """

    def record(self, act: Act) -> None:
        """Keep an act, durably; one that is already kept is left as it is."""

    def acts(self, query: AuditQuery) -> Sequence[Act]: ...

    def keep_keys(self, keys: Sequence[KeyOnRecord], source: str, at: datetime, seed: int) -> None:
        """Note which keys `source` declares at an instant, with an act for each change, or nothing.

        Those it declared before and no longer does are noted as revoked. `seed` is of 64 bits.
        """

    def keep_lessons(self, lessons: Sequence[Lesson]) -> None:
        """Keep what answers have taught about models: of each property the last."""

    def forget_acts(self, before: datetime) -> int:
        """Delete what was done before then; returns how many acts."""
