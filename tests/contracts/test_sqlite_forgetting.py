"""Does the SQLite store let go of what is old, and of nothing else, while others append?"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from store_contract import a_decision, an_outcome, ids

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.engine.ports import DecisionQuery


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pointsman.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


def test_appending_goes_on_while_much_is_forgotten(store: SqliteStore) -> None:
    store.append([a_decision(n) for n in range(8_000)])
    forgetting = threading.Thread(target=store.forget_before, args=(a_decision(8_000).at,))
    forgetting.start()
    written = 0
    while forgetting.is_alive():
        store.append([a_decision(10_000 + written)])
        written += 1
    forgetting.join()
    assert written > 1
    assert len(store.decisions(DecisionQuery(limit=10_000))) == written


def test_many_are_forgotten_with_their_outcomes_and_no_others(
    store: SqliteStore, path: Path
) -> None:
    strays = [an_outcome(n) for n in range(300)]
    kept = [each for n in range(300, 6_000) for each in (a_decision(n), an_outcome(n))]
    store.append([*strays, *kept])
    assert store.forget_before(a_decision(250).at) == 0
    assert store.forget_before(a_decision(5_500).at) == 5_200
    left = [(a_decision(n).id,) for n in range(5_500, 6_000)]
    with closing(sqlite3.connect(path)) as db:
        for table in ("ROUTING_DECISIONS", "ROUTING_OUTCOMES"):
            rows = db.execute(f"SELECT DECISION_ID FROM {table} ORDER BY 1").fetchall()
            assert rows == left


def test_a_young_decision_with_an_old_id_outlives_the_old_ones_beside_it(
    store: SqliteStore,
) -> None:
    young = a_decision(100)._replace(at=a_decision(9_000).at)
    store.append([young if n == 100 else a_decision(n) for n in range(5_000)])
    assert store.forget_before(a_decision(4_500).at) == 4_499
    assert ids(store.decisions(DecisionQuery(limit=1_000)))[-2:] == [4_500, 100]


def test_the_memory_that_forgetting_much_takes_is_given_back(store: SqliteStore) -> None:
    def cache_kib() -> int:
        return -int(store._file._writer.execute("PRAGMA cache_size").fetchone()[0])

    usual = cache_kib()
    with store._file.much_at_once():
        assert cache_kib() > usual
    assert cache_kib() == usual
