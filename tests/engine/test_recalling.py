"""What is read of the record: sums of what is counted up, attempts only where they are young?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.decision import Outcome
from pointsman.core.fleet import Usage
from pointsman.engine import recalling
from pointsman.engine.recalling import Records, Wanted, recall, usual_waits

NOON = datetime(2026, 3, 4, 12, 0, 30, tzinfo=UTC)
CODER = Scope(ScopeKind.AGENT, "coder")
MODEL = Scope(ScopeKind.MODEL, "p/m")
BUDGETS = (Budget(CODER, 10, Per.DAY), Budget(EVERYTHING, 100, Per.MONTH))


def attempt(place: int, at: datetime, usd: str = "0.01", agent: str = "coder") -> Outcome:
    """A stream whose first token took 0.2 s and whose end a minute."""
    milliseconds = int(at.timestamp() * 1_000)
    usage = Usage(1_000, 10, cached_tokens=600)
    return Outcome(
        f"dec_{milliseconds:011x}{place:08x}", 1, "p/m", agent, at, None,
        streamed=True, total_s=60.0, first_token_s=0.2, usage=usage, cost_usd=Decimal(usd),
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "pointsman.db")
    yield made
    made.close()


def records(store: SqliteStore, now: datetime) -> Records:
    while store.aggregates.roll(now):
        pass
    return Records(store, store.aggregates)


async def test_what_is_usual_is_that_of_the_week_not_of_its_newest_attempts(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six dear days, then one that is cheap and has all of the attempts that would be read."""
    monkeypatch.setattr(recalling, "MOST", 60)
    days = [NOON - timedelta(days=6 - place) for place in range(7)]
    store.append(
        [
            attempt(place, day - timedelta(minutes=place), "0.01" if day == NOON else "0.10")
            for day in days
            for place in range(60)
        ]
    )
    found = await recall(records(store, NOON), NOON, Wanted(waits=True))
    usual = found.usual[CODER]
    assert usual.cost_per_success_usd == pytest.approx((6 * 0.10 + 0.01) / 7, rel=0.03)
    assert usual.cache_hit_rate == pytest.approx(0.6)
    assert usual.wait_s is None, "it is the model that is slow"
    assert found.usual[MODEL].wait_s == pytest.approx(0.2, rel=0.02), "the first token, not the end"
    assert (found.spent, found.lately) == ([], [])
    waits = await usual_waits(store.aggregates, NOON)
    assert waits == {MODEL: pytest.approx(0.2, rel=0.02)}
    unasked = await recall(records(store, NOON), NOON, Wanted())
    assert unasked.usual[MODEL].wait_s is None


async def test_a_budget_counts_its_whole_period_and_what_is_too_young_to_be_counted_up(
    store: SqliteStore,
) -> None:
    midnight = NOON.replace(hour=0, minute=0, second=0)
    store.append(
        [
            attempt(1, midnight - timedelta(minutes=1), "50"),
            attempt(2, midnight + timedelta(minutes=1), "1"),
            attempt(3, midnight + timedelta(minutes=2), "2", agent="clerk"),
            attempt(4, NOON - timedelta(seconds=20), "4"),
            attempt(5, NOON + timedelta(seconds=1), "8"),
        ]
    )
    kept = records(store, NOON)
    found = await recall(kept, NOON, Wanted(BUDGETS))
    assert [each.usd for each in found.spent] == [5.0, 57.0]
    assert [each.begun.day for each in found.spent] == [4, 1]
    assert found.lately == []
    # Decisions are forgotten long before what they came to.
    store.forget_before(NOON - timedelta(hours=1))
    again = await recall(kept, NOON, Wanted(BUDGETS))
    assert again.spent == found.spent


async def test_nothing_is_counted_twice_where_the_periods_lag_behind(store: SqliteStore) -> None:
    store.append([attempt(n, NOON - timedelta(minutes=n), "1") for n in range(1, 9)])
    kept = records(store, NOON - timedelta(minutes=4))
    found = await recall(kept, NOON, Wanted(BUDGETS[:1], lately=True))
    assert [each.usd for each in found.spent] == [8.0]
    assert len(found.lately) == 8
    empty = await recall(kept, NOON + timedelta(days=1), Wanted(BUDGETS[:1], lately=True))
    assert ([each.usd for each in empty.spent], empty.lately) == ([0.0], [])
