"""What was recorded of attempts, made up: one by one, and counted up over any time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from pointsman.core.aggregate import Dimension
from pointsman.core.attempts import Row, columns_of_rows, row_of
from pointsman.core.decision import Outcome
from pointsman.core.errors import StoreError
from pointsman.core.period import Period
from pointsman.engine.history_ports import Figures, Point, Series, SeriesQuery


class Record:
    """Fails while it is `broken`."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self.outcomes = list(outcomes)
        self.broken = False

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, None]]:
        self._check()
        found = [each for each in self.outcomes if each.at >= since]
        return ((each, None) for each in found[-limit:])

    def series(self, query: SeriesQuery) -> Series:
        self._check()
        rows: dict[str, list[Row]] = {}
        for outcome in self.outcomes:
            name = _name(outcome, query.dimension)
            if query.start <= outcome.at < query.end and name in (query.names or (name,)):
                rows.setdefault(name, []).append(row_of(outcome, 0))
        return Series([_point(query, name, each) for name, each in rows.items()], query.end)

    def roll(self, now: datetime) -> int:
        """Nothing is left to be counted up."""
        del now
        return 0

    def forget_periods(self, grain_s: int, before: datetime) -> int:
        """Nothing is kept but attempts."""
        del grain_s, before
        return 0

    def _check(self) -> None:
        if self.broken:
            raise StoreError("the record cannot be read")


def _name(outcome: Outcome, dimension: Dimension) -> str:
    return {
        Dimension.ALL: "",
        Dimension.PROVIDER: outcome.model_id.partition("/")[0],
        Dimension.MODEL: outcome.model_id,
        Dimension.AGENT: outcome.agent_id,
    }[dimension]


def _point(query: SeriesQuery, name: str, rows: list[Row]) -> Point:
    period = Period()
    period.learn(columns_of_rows(rows))
    counts = period.counts
    figures = Figures(
        attempts=counts.attempts,
        successes=counts.successes,
        faults=counts.faults,
        unpriced=counts.unpriced,
        prompt_tokens=counts.prompt_tokens,
        cached_tokens=counts.cached_tokens,
        cost_picos=counts.picos,
    )
    return Point(query.start, name, figures, period if query.latencies else None)
