"""Does the outbox in the SQLite file keep the contract, for several workers too?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from outbox_contract import NOW, OutboxContract, ids, keep, take

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.errors import StoreError
from pointsman.core.outbox import OutboxQuery, RowState, Settled
from pointsman.engine.delivery_ports import Outbox


class TestSqliteOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self, tmp_path: Path) -> Iterator[Outbox]:
        store = SqliteStore(tmp_path / "pointsman.db")
        yield store.outbox
        store.close()


def test_what_waits_outlives_the_process(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "pointsman.db")
    keep(first.outbox, ("a", "g"), ("b", "h"))
    (row,) = take(first.outbox, limit=1)
    first.close()
    again = SqliteStore(tmp_path / "pointsman.db")
    assert ids(take(again.outbox, NOW + timedelta(hours=1))) == ["a", "b"]
    assert not again.outbox.settle(row, Settled(RowState.DELIVERED, NOW))
    again.close()
    with pytest.raises(StoreError, match="closed"):
        again.outbox.due(NOW)


def test_of_many_workers_one_holds_a_channel_at_a_time(tmp_path: Path) -> None:
    """Two stores on one file, four threads: every row is delivered by exactly one of them."""
    stores = [SqliteStore(tmp_path / "pointsman.db") for _ in range(2)]
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
