"""What does the SQLite store do when there is no room, on the disk or in its quota?"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_contract import a_decision, an_outcome, ids

from pointsman.adapters.stores.reserve import Reserve
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery
from small_disk import clear, fill, small_disk

MEGABYTE = 1_048_576


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, megabytes=24) as place:
        yield place


def test_what_is_forgotten_on_a_full_disk_makes_room_with_the_reserve(disk: Path) -> None:
    store = SqliteStore(disk / "pointsman.db", reserve=4 * MEGABYTE)
    store.append([each for n in range(500) for each in (a_decision(n), an_outcome(n))])
    fill(disk)
    much = [a_decision(n, session="s" * 4_000) for n in range(1_000, 5_000)]
    with pytest.raises(StoreError, match="Free some space"):
        store.append(much)
    # What goes first must not keep the large part from going.
    assert store.assignments.forget_unused(a_decision(400).at) == 0
    assert store.forget_before(a_decision(400).at) == 400
    assert min(ids(store.decisions(DecisionQuery(limit=10_000)))) == 400
    store.close()


def test_once_there_is_room_again_the_reserve_is_set_aside_first(disk: Path) -> None:
    store = SqliteStore(disk / "pointsman.db", reserve=4 * MEGABYTE)
    reserve = disk / "pointsman.db-reserve"
    assert reserve.stat().st_size == 4 * MEGABYTE
    assert stat.S_IMODE(reserve.stat().st_mode) == 0o600
    store.append([a_decision(n) for n in range(10)])
    fill(disk)
    store._file._reserve.release()
    fill(disk)
    with pytest.raises(StoreError, match=r"No space left on device.*Free some space"):
        store.append([a_decision(11)])
    clear(disk)
    store.append([a_decision(11)])
    assert reserve.stat().st_size == 4 * MEGABYTE
    assert ids(store.decisions(DecisionQuery()))[0] == 11
    store.close()


def test_a_store_starts_on_a_full_disk(disk: Path) -> None:
    store = SqliteStore(disk / "pointsman.db", reserve=4 * MEGABYTE)
    store.append([a_decision(1)])
    store.close()
    fill(disk)
    again = SqliteStore(disk / "pointsman.db", reserve=4 * MEGABYTE)
    assert ids(again.decisions(DecisionQuery())) == [1]
    again.close()


def test_without_a_reserve_a_full_disk_is_said_to_be_one(disk: Path) -> None:
    store = SqliteStore(disk / "pointsman.db")
    fill(disk)
    with pytest.raises(StoreError, match="Free some space"):
        store.append([a_decision(n, session="s" * 5_000) for n in range(2_000)])
    clear(disk)
    store.append([a_decision(1)])
    store.close()


def test_beyond_its_quota_the_oldest_make_room_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.db"
    store = SqliteStore(path, max_bytes=2 * MEGABYTE)
    for first in range(0, 6_000, 200):
        store.append([a_decision(n, session=f"{n:01000}") for n in range(first, first + 200)])
    kept = ids(store.decisions(DecisionQuery(limit=10_000)))
    assert kept == list(range(5_999, 5_999 - len(kept), -1)), "what is kept is the newest"
    assert store.crowded_out == 6_000 - len(kept) > 0
    assert path.stat().st_size < 3 * MEGABYTE
    store.close()


def test_a_quota_that_was_lowered_is_come_to_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.db"
    store = SqliteStore(path)
    store.append([a_decision(n, session=f"{n:01000}") for n in range(3_000)])
    store.close()
    lower = SqliteStore(path, max_bytes=MEGABYTE)
    kept = [3_000]
    while kept[-1] != kept[-2] if len(kept) > 1 else True:
        lower.append([a_decision(10_000 + len(kept))])
        kept.append(len(lower.decisions(DecisionQuery(limit=10_000))))
        assert kept[-2] - kept[-1] <= 400
        if len(kept) > 50:
            break
    assert kept[-1] < 1_000
    lower.close()


def test_a_reserve_of_no_bytes_is_always_held(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "file", 0)
    assert reserve.hold()
    assert not reserve.release()
    assert not any(tmp_path.iterdir())


def test_a_reserve_is_taken_up_again_after_a_restart(tmp_path: Path) -> None:
    first = Reserve(tmp_path / "file", 100_000)
    assert not first.held
    assert first.hold()
    assert Reserve(tmp_path / "file", 100_000).held
    assert not Reserve(tmp_path / "file", 50_000).held, "another size is made anew"
    assert first.release()
    assert not first.held


def test_where_blocks_cannot_be_asked_for_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate")
    assert Reserve(tmp_path / "file", 100_000).hold()
    found = (tmp_path / "file-reserve").stat()
    assert found.st_size == 100_000
    assert found.st_blocks * 512 >= 100_000
