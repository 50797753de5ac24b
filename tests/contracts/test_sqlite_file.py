"""Does the SQLite store notice when its file is lost while in use?"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_contract import a_decision, an_outcome, ids

from pointsman.adapters.stores.sqlite import SqliteStore
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


def rows_of(path: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as db:
        found = db.execute(statement).fetchall()
    db.close()
    return found


def remove(path: Path) -> None:
    path.unlink()


def remove_all(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def remove_with_its_directory(path: Path) -> None:
    remove_all(path)
    path.parent.rmdir()


def replace_by_another(path: Path) -> None:
    other = path.with_name("other.db")
    SqliteStore(other).close()
    other.replace(path)


@pytest.mark.parametrize(
    "happens", [remove, remove_all, remove_with_its_directory, replace_by_another]
)
def test_a_file_that_is_lost_while_in_use_is_said_to_be_and_a_new_one_begun(
    store: SqliteStore, path: Path, happens: Callable[[Path], None]
) -> None:
    store.append([a_decision(1)])
    assert ids(store.decisions(DecisionQuery())) == [1]
    happens(path)
    with pytest.raises(StoreError, match="removed or replaced while in use"):
        store.append([a_decision(2)])
    with pytest.raises(StoreError, match="removed or replaced while in use"):
        store.decisions(DecisionQuery())
    store.append([a_decision(2)])
    store.append([a_decision(3), an_outcome(3)])
    assert ids(store.decisions(DecisionQuery())) == [3, 2]
    assert len(rows_of(path, "SELECT 1 FROM ROUTING_DECISIONS")) == 2
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_reading_makes_no_file_where_one_was_removed(store: SqliteStore, path: Path) -> None:
    store.append([a_decision()])
    remove_all(path)
    with pytest.raises(StoreError, match="removed or replaced"):
        store.decisions(DecisionQuery())
    assert not path.exists()


def test_a_reader_of_a_lost_file_is_not_used_for_the_next(store: SqliteStore, path: Path) -> None:
    store.append([a_decision(1)])
    with store._file.reading() as reader:
        remove_all(path)
        with pytest.raises(StoreError):
            store.append([a_decision(2)])
        store.append([a_decision(2)])
        assert reader.execute("SELECT count(*) FROM ROUTING_DECISIONS").fetchone() == (1,)
    assert ids(store.decisions(DecisionQuery())) == [2]
