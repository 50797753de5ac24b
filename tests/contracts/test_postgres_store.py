"""Does PostgreSQL keep what every store keeps, and what is its own about it?"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from aggregate_contract import AggregateContract
from assignment_store_contract import AssignmentStoreContract
from audit_contract import AuditContract
from store_contract import NOON, StoreContract, a_decision, an_outcome, ids
from store_learning_contract import LearningContract, measured

from pointsman.adapters.stores import days
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move, status
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.schema import HEAD
from pointsman.core.decision import Candidate, Decision, Outcome
from pointsman.core.errors import StoreError
from pointsman.core.fleet import Usage
from pointsman.engine.ports import DecisionQuery


@pytest.fixture
def store(upgraded_database: str) -> Iterator[PostgresStore]:
    store = PostgresStore(address_of(upgraded_database))
    yield store
    store.close()


class TestPostgresStore(StoreContract):
    pass


class TestLearningFromPostgres(LearningContract):
    pass


class TestAssignmentsInPostgres(AssignmentStoreContract):
    pass


class TestAggregatesInPostgres(AggregateContract):
    pass


class TestAuditInPostgres(AuditContract):
    pass


def rows_of(database: str, question: str) -> list[tuple[object, ...]]:
    async def ask() -> list[tuple[object, ...]]:
        session = await asyncpg.connect(database)
        try:
            return [tuple(row) for row in await session.fetch(question)]
        finally:
            await session.close()

    return asyncio.run(ask())


DAY = datetime(2026, 3, 1, tzinfo=UTC)


def made_at(at: datetime, number: int = 0, **changes: Any) -> Decision:
    """A decision with an id as a gateway makes them."""
    decision_id = f"dec_{int(at.timestamp() * 1000):011x}{number:013x}"
    return a_decision(number, id=decision_id, at=at, **changes)


def ended(decision: Decision, **changes: Any) -> Outcome:
    return an_outcome(decision_id=decision.id, at=decision.at, **changes)


def days_in(database: str) -> list[str]:
    found = rows_of(
        database,
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ 'decisions_2'"
        " ORDER BY relname",
    )
    return [str(name)[-8:] for (name,) in found]


def test_a_day_of_decisions_is_a_partition_and_goes_as_one(
    store: PostgresStore, upgraded_database: str
) -> None:
    kept = [made_at(DAY + timedelta(hours=7 * n), n) for n in range(12)]
    store.append([record for each in kept for record in (each, ended(each))])
    assert days_in(upgraded_database) == ["20260301", "20260302", "20260303", "20260304"]
    gone = [each for each in kept if each.at < DAY + timedelta(days=2)]
    assert store.forget_before(DAY + timedelta(days=2, hours=12)) == len(gone) == 7
    found = store.decisions(DecisionQuery())
    assert [each.decision for each in found] == kept[: len(gone) - 1 : -1]
    assert all(len(each.outcomes) == 1 for each in found)
    assert rows_of(upgraded_database, "SELECT count(*) FROM ROUTING_OUTCOMES") == [(5,)]


def test_days_are_made_before_they_come(upgraded_database: str) -> None:
    store = PostgresStore(address_of(upgraded_database), now=lambda: DAY)
    store.forget_before(DAY - timedelta(days=30))
    assert days_in(upgraded_database) == ["20260301", "20260302", "20260303", "20260304"]
    store.close()


def test_what_came_while_its_day_had_no_partition_goes_into_it_when_it_gets_one(
    store: PostgresStore, upgraded_database: str
) -> None:
    # A clock that jumps brings more days at once than are made at once.
    kept = [made_at(DAY + timedelta(days=n), n) for n in range(days.MOST_MADE + 5)]
    store.append([record for each in kept for record in (each, ended(each))])
    assert rows_of(upgraded_database, "SELECT count(*) FROM ROUTING_DECISIONS_DEFAULT") == [(5,)]
    last = kept[-1].at
    later = PostgresStore(address_of(upgraded_database), now=lambda: last)
    assert later.forget_before(last) == len(kept) - 1
    assert [each.decision for each in later.decisions(DecisionQuery())] == kept[-1:]
    assert f"{last:%Y%m%d}" in days_in(upgraded_database)
    assert rows_of(upgraded_database, "SELECT count(*) FROM ROUTING_OUTCOMES") == [(1,)]
    later.close()


def test_candidate_sets_go_with_the_last_day_that_refers_to_them(
    store: PostgresStore, upgraded_database: str
) -> None:
    alike = tuple(measured(f"p/{k}", 0) for k in range(20))

    def candidates(number: int) -> tuple[Candidate, ...]:
        return (measured("p/learns", number), *alike) if number % 3 else alike

    kept = [made_at(DAY + timedelta(hours=n), n, candidates=candidates(n)) for n in range(48)]
    store.append(kept)
    count = "SELECT count(*) FROM ROUTING_CANDIDATE_SETS"
    assert rows_of(upgraded_database, count) == [(33,)]
    assert store.forget_before(DAY + timedelta(days=1)) == 24
    assert rows_of(upgraded_database, count) == [(18,)], "16, one that the first refers to, a base"
    assert [each.decision for each in store.decisions(DecisionQuery())] == kept[:23:-1]
    store.forget_before(DAY + timedelta(days=9))
    assert rows_of(upgraded_database, count) == [(0,)]


def test_several_gateways_write_the_same_sets_and_new_days_at_once(upgraded_database: str) -> None:
    several = tuple(measured(f"p/{k}", k) for k in range(6))
    failures: list[Exception] = []

    def work(gateway: int) -> None:
        store = PostgresStore(address_of(upgraded_database))
        try:
            for turn in range(8):
                at = DAY + timedelta(days=turn, seconds=gateway)
                orders = [several[k:] + several[:k] for k in range(6)]
                batch = [
                    made_at(at, 100 * gateway + n, candidates=order)
                    for n, order in enumerate(orders)
                ]
                store.append([record for each in batch for record in (each, ended(each))])
        except Exception as error:  # noqa: BLE001 - the thread's end is told to the test
            failures.append(error)
        finally:
            store.close()

    gateways = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for gateway in gateways:
        gateway.start()
    for gateway in gateways:
        gateway.join()
    assert failures == []
    count = "SELECT count(*), count(DISTINCT DECISION_ID) FROM ROUTING_DECISIONS"
    assert rows_of(upgraded_database, count) == [(288, 288)]


def test_what_the_database_refuses_holds_up_no_others(store: PostgresStore) -> None:
    sound = [a_decision(n) for n in range(20)]
    worst = Usage(1, 1, reported_cost_usd=Decimal("1e300000"))
    store.append(
        [*sound, a_decision(50, session="a\0b"), an_outcome(3, usage=worst), an_outcome(4)]
    )
    assert ids(store.decisions(DecisionQuery())) == [50, *range(19, -1, -1)]
    assert [each.decision.session for each in store.decisions(DecisionQuery(limit=1))] == ["a?b"]
    assert store.unstorable == {"decision": 0, "outcome": 1}
    found = store.decision(a_decision(4).id)
    assert found is not None
    assert found.outcomes == (an_outcome(4),)


def test_a_database_without_our_tables_says_what_to_do(database: str) -> None:
    store = PostgresStore(address_of(database))
    with pytest.raises(StoreError, match="run `pointsman db upgrade`"):
        store.append([a_decision()])
    move(address_of(database))
    store.append([a_decision()])
    assert store.decision(a_decision().id) is not None
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(upgraded_database: str) -> None:
    rows_of(upgraded_database, "UPDATE SCHEMA_VERSION SET VERSION_NUM = '9999'")
    store = PostgresStore(address_of(upgraded_database))
    with pytest.raises(StoreError, match=r"revision 9999.*upgrade pointsman"):
        store.append([a_decision()])
    with pytest.raises(StoreError, match="newer pointsman"):
        move(address_of(upgraded_database))
    store.close()


def test_up_and_down_and_up_again_with_rows_in_it(database: str) -> None:
    address = address_of(database)
    for target in range(1, HEAD + 1):
        move(address, target)
        assert status(address) == target
    store = PostgresStore(address)
    kept = made_at(DAY)
    store.append([kept, ended(kept), a_decision(1)])
    store.close()
    for target in (*range(HEAD - 1, 0, -1), *range(2, HEAD + 1)):
        move(address, target)
    store = PostgresStore(address)
    assert len(store.decisions(DecisionQuery())) == 2
    store.close()
    move(address, 0)
    assert status(address) == 0
    left = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert rows_of(database, f"{left} AND relname !~* 'schema_version'") == []


def test_several_who_upgrade_at_once_do_it_once(database: str) -> None:
    moved: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: moved.append(move(address_of(database)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(moved) == [(0, HEAD), *[(HEAD, HEAD)] * 3]


def test_a_damaged_record_is_a_store_error(store: PostgresStore, upgraded_database: str) -> None:
    store.append([a_decision(), an_outcome()])
    rows_of(upgraded_database, "UPDATE ROUTING_OUTCOMES SET FAILURE_KIND = 'gremlins'")
    with pytest.raises(StoreError, match="gremlins"):
        store.decision(a_decision().id)
    with pytest.raises(StoreError, match="gremlins"):
        list(store.recent_outcomes(NOON - timedelta(days=1), 5))


@pytest.mark.parametrize(
    ("decision_id", "day"),
    [
        (days.first_id(20_513), 20_513),
        (f"{days.first_id(20_513)}00ff", 20_513),
        ("dec_0000000001", None),
        ("dec_00000000001", None),
        ("other", None),
        ("dec_fffffffffffff", None),
    ],
)
def test_an_id_tells_its_day(decision_id: str, day: int | None) -> None:
    assert days.day_of(decision_id) == day


def test_a_clock_that_is_an_hour_off_loses_nothing(
    store: PostgresStore, upgraded_database: str
) -> None:
    moments = [DAY + timedelta(hours=hours) for hours in (0, 1, -1, 2, -2)]
    kept = [made_at(at, n) for n, at in enumerate(moments)]
    for each in kept:
        store.append([each, ended(each)])
    assert days_in(upgraded_database) == ["20260228", "20260301"]
    found = [each.decision for each in store.decisions(DecisionQuery())]
    assert found == sorted(kept, key=lambda each: each.id, reverse=True)


def test_outcomes_of_decisions_that_were_lost_leave_no_page_short(store: PostgresStore) -> None:
    """They are tried again on a model that is asked for, and newer than all that is found."""
    store.append([a_decision(number, "p/two") for number in (1, 2, 3)])
    store.append([an_outcome(number, "p/two", attempt=2) for number in (3, 4, 5, 6)])
    asked = DecisionQuery(model_id="p/two", limit=2)
    found = store.decisions(asked)
    assert [each.decision.id[-1] for each in found] == ["3", "2"]
    rest = store.decisions(asked._replace(before=found[-1].decision.id))
    assert [each.decision.id[-1] for each in rest] == ["1"]
