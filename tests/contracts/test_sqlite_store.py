"""Does the SQLite store keep the contract, and its word when things go wrong?"""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_contract import StoreContract, a_decision, an_outcome, ids

from pointsman.adapters.stores.rows import EncodedOnce
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import Candidate
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pointsman.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


class TestSqliteStore(StoreContract):
    pass


def test_what_was_kept_is_there_after_a_restart(path: Path) -> None:
    first = SqliteStore(path)
    first.append([a_decision(), an_outcome()])
    first.close()
    second = SqliteStore(path)
    assert ids(second.decisions(DecisionQuery())) == [1]
    second.close()


def test_nobody_but_the_owner_can_read_it(store: SqliteStore, path: Path) -> None:
    store.append([a_decision()])
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_no_database_is_named_with_a_remedy(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match=r"pointsman\.db.*not a database.*Move it away"):
        SqliteStore(path)
    assert path.read_bytes().startswith(b"something else")


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=r"newer pointsman \(schema 99.*upgrade"):
        SqliteStore(path)


@pytest.mark.parametrize("version", [0, 1])
def test_the_database_of_another_program_is_left_alone(path: Path, version: int) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    with pytest.raises(StoreError, match="another program"):
        SqliteStore(path)


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Is a directory"):
        SqliteStore(tmp_path)


def test_a_damaged_record_is_a_store_error(store: SqliteStore, path: Path) -> None:
    store.append([a_decision(), an_outcome()])
    for column in ("CANDIDATES_JSON", "STRATEGY"):
        with sqlite3.connect(path) as db:
            db.execute(f"UPDATE ROUTING_DECISIONS SET {column} = '[['")
        db.close()
        with pytest.raises(StoreError, match="damaged"):
            store.decisions(DecisionQuery())


def test_a_failure_kind_nobody_knows_is_a_store_error(store: SqliteStore, path: Path) -> None:
    store.append([a_decision(), an_outcome()])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE ROUTING_OUTCOMES SET FAILURE_KIND = 'gremlins'")
    db.close()
    with pytest.raises(StoreError, match="gremlins"):
        store.decision(a_decision().id)


def test_a_batch_that_fails_leaves_nothing_behind(store: SqliteStore, path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE ROUTING_OUTCOMES")
    db.close()
    with pytest.raises(StoreError, match="cannot be written"):
        store.append([a_decision(), an_outcome()])
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM ROUTING_DECISIONS").fetchone() == (0,)
    db.close()


def test_a_full_disk_is_said_to_be_one(store: SqliteStore) -> None:
    store._writer.execute("PRAGMA max_page_count = 20")
    many = [a_decision(n, candidates=(Candidate("p/m", 0.5, ()),) * 200) for n in range(200)]
    with pytest.raises(StoreError, match="Free some space"):
        store.append(many)


def test_many_threads_write_and_read_at_once(store: SqliteStore) -> None:
    def work(first: int) -> None:
        for n in range(first, first + 20):
            store.append([a_decision(n), an_outcome(n)])
            assert store.decisions(DecisionQuery(limit=3))

    threads = [threading.Thread(target=work, args=(k * 100,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.decisions(DecisionQuery(limit=1_000))) == 160


def test_a_reader_that_is_in_use_when_the_store_closes_finishes(store: SqliteStore) -> None:
    store.append([a_decision()])
    with store._reader() as reader:
        store.close()
        assert reader.execute("SELECT count(*) FROM ROUTING_DECISIONS").fetchone() == (1,)


def test_json_of_the_same_candidates_is_made_once_and_few_are_remembered() -> None:
    encoded = EncodedOnce(size=2)
    several = [(Candidate(f"p/{n}", 0.5, ()),) for n in range(3)]
    first = encoded.json(several[0])
    assert encoded.json(several[0]) is first
    for one in several:
        encoded.json(one)
    assert encoded.json(several[0]) == first
    assert encoded.json(several[0]) is not first


APPENDER = """
import sys
from store_contract import a_decision, an_outcome
from pointsman.adapters.stores.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
for n in range(0, 10**9, 3):
    store.append([r for k in range(n, n + 3) for r in (a_decision(k), an_outcome(k))])
    print(n + 2, flush=True)
"""


def test_nothing_that_was_acknowledged_is_lost_when_the_process_is_killed(path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    child = subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE, env=environment
    )
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(40)]
    child.kill()
    acknowledged += [int(line) for line in child.stdout.read().split()]
    child.wait()
    child.stdout.close()
    store = SqliteStore(path)
    kept = store.decisions(DecisionQuery(limit=20_000))
    assert set(range(acknowledged[-1] + 1)) <= set(ids(kept))
    assert len(kept) % 3 == 0, "a batch is kept whole or not at all"
    assert all(len(stored.outcomes) == 1 for stored in kept)
    store.close()
