"""Are alerts, their history and what is to be told of them kept in PostgreSQL as in a file?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alert_store_contract import AlertStoreContract, an_alert, an_entry
from outbox_contract import NOW, OutboxContract, keep
from store_contract import NOON

from notices import notification
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.alert_memory import Kept
from pointsman.core.errors import StoreError
from pointsman.core.outbox import OutboxQuery, RowState, Settled
from pointsman.engine.alert_ports import AlertStore, EntryQuery, Happened, Hold
from pointsman.engine.delivery_ports import Outbox


@pytest.fixture
def store(upgraded_database: str) -> Iterator[PostgresStore]:
    made = PostgresStore(address_of(upgraded_database))
    yield made
    made.close()


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "alerts.db")
    yield made
    made.close()


@pytest.fixture
def alerts(store: PostgresStore, beside: SqliteStore) -> AlertStore:
    """Of the gateway that has the watch."""
    assert store.rota.take(over=True) is Hold.TAKEN
    return store.shared_alerts(beside)


class TestAlertsInPostgres(AlertStoreContract):
    pass


class TestOutboxInPostgres(OutboxContract):
    @pytest.fixture
    def outbox(self, store: PostgresStore) -> Outbox:
        return store.outbox


def test_all_of_a_look_is_kept_or_nothing(store: PostgresStore, alerts: AlertStore) -> None:
    async def no_room(session: object) -> None:
        await session.execute("ALTER TABLE ALERT_OUTBOX ADD CHECK (OUTBOX_ID = '')")  # type: ignore[attr-defined]

    store.link.run(no_room)
    happened = Happened([Kept(an_alert())], [an_entry(1)], [notification()])
    with pytest.raises(StoreError):
        alerts.keep(happened, NOON)
    assert list(alerts.alerts(NOON)) == []
    assert list(alerts.entries(EntryQuery())) == []


def test_what_is_damaged_is_a_failure_of_the_store(
    store: PostgresStore, alerts: AlertStore
) -> None:
    async def damage(session: object) -> None:
        await session.execute("UPDATE ALERTS SET MEMORY_JSON = '{'")  # type: ignore[attr-defined]

    alerts.keep(Happened([Kept(an_alert())]), NOON)
    store.link.run(damage)
    with pytest.raises(StoreError, match="damaged record"):
        alerts.alerts(NOON)


def test_of_many_gateways_one_holds_a_channel_at_a_time(upgraded_database: str) -> None:
    """Two stores on one database, four threads: every row is delivered by exactly one of them."""
    stores = [PostgresStore(address_of(upgraded_database)) for _ in range(2)]
    names = [f"n{i:03}" for i in range(40)]
    keep(stores[0].outbox, *((name, name) for name in names))
    delivered: list[str] = []
    failures: list[BaseException] = []

    def work(outbox: Outbox, number: int) -> None:
        try:
            while len(delivered) < len(names):
                until = NOW + timedelta(minutes=2, microseconds=number)
                held = outbox.lease("pager", now=NOW + timedelta(minutes=1), until=until, limit=3)
                for row in held:
                    assert outbox.settle(row, Settled(RowState.DELIVERED, NOW))
                    delivered.append(row.id)
        except BaseException as error:
            failures.append(error)
            raise

    workers = [
        threading.Thread(target=work, args=(stores[number % 2].outbox, number))
        for number in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert sorted(delivered) == names
    assert len(stores[1].outbox.rows(OutboxQuery(limit=99, state=RowState.DELIVERED))) == 40
    for store in stores:
        store.close()
