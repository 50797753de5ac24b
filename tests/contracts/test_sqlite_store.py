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
from assignment_store_contract import AssignmentStoreContract
from store_contract import StoreContract, a_decision, an_outcome, ids
from store_learning_contract import LearningContract, measured

from pointsman.adapters.stores.file import READERS
from pointsman.adapters.stores.rows import json_text
from pointsman.adapters.stores.sets import FOLLOWERS, CandidateSets
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


class TestLearningFromSqlite(LearningContract):
    pass


class TestAssignmentsInSqlite(AssignmentStoreContract):
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
    for place in ("CANDIDATE_SETS SET CANDIDATES_JSON", "DECISIONS SET STRATEGY"):
        rows_of(path, f"UPDATE ROUTING_{place} = '[['")
        with pytest.raises(StoreError, match="damaged"):
            store.decisions(DecisionQuery())


def test_a_failure_kind_nobody_knows_is_a_store_error(store: SqliteStore, path: Path) -> None:
    store.append([a_decision(), an_outcome()])
    rows_of(path, "UPDATE ROUTING_OUTCOMES SET FAILURE_KIND = 'gremlins'")
    with pytest.raises(StoreError, match="gremlins"):
        store.decision(a_decision().id)


def test_a_batch_that_fails_leaves_nothing_behind(store: SqliteStore, path: Path) -> None:
    rows_of(path, "DROP TABLE ROUTING_OUTCOMES")
    with pytest.raises(StoreError, match="cannot be written"):
        store.append([a_decision(), an_outcome()])
    for table in ("ROUTING_DECISIONS", "ROUTING_CANDIDATE_SETS"):
        assert rows_of(path, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_full_disk_is_said_to_be_one(store: SqliteStore) -> None:
    store._file._writer.execute("PRAGMA max_page_count = 20")
    many = [a_decision(n, session="s" * 5_000) for n in range(200)]
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
    with store._file.reading() as reader:
        store.close()
        assert reader.execute("SELECT count(*) FROM ROUTING_DECISIONS").fetchone() == (1,)


def rows_of(path: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as db:
        found = db.execute(statement).fetchall()
    db.close()
    return found


SETS = "SELECT SET_ID FROM ROUTING_CANDIDATE_SETS"


def test_candidates_that_stand_in_many_decisions_are_kept_once(
    store: SqliteStore, path: Path
) -> None:
    several = tuple(Candidate(f"p/{n}", 0.5, ()) for n in range(5))
    orders = (several, several[2:] + several[:2], several[1:4])
    store.append([a_decision(n, candidates=several) for n in range(50)])
    store.append([a_decision(100 + n, candidates=order) for n, order in enumerate(orders)])
    assert len(rows_of(path, SETS)) == 1
    kept = [stored.decision.candidates for stored in store.decisions(DecisionQuery(limit=3))]
    assert kept == list(reversed(orders))


def test_the_same_candidates_are_the_same_set_after_a_restart(path: Path) -> None:
    for number in (1, 2):
        store = SqliteStore(path)
        store.append([a_decision(number)])
        store.close()
    assert len(rows_of(path, SETS)) == 1


def test_a_set_is_forgotten_with_its_last_decision_and_kept_anew(
    store: SqliteStore, path: Path
) -> None:
    others = (Candidate("p/other", 0.5, ()),)
    first, second = a_decision(1), a_decision(2, candidates=others)
    store.append([first, second])
    assert store.forget_before(second.at) == 1
    assert len(rows_of(path, SETS)) == 1
    again = first._replace(id="dec_0000000003", at=second.at)
    store.append([again])
    stored = store.decision(again.id)
    assert stored is not None
    assert stored.decision == again


def test_sets_that_differ_for_every_decision_are_forgotten_with_it(
    store: SqliteStore, path: Path
) -> None:
    alike = tuple(measured(f"p/{k}", 0) for k in range(20))

    def candidates(number: int) -> tuple[Candidate, ...]:
        return (measured("p/learns", number), *alike) if number % 3 else alike

    store.append([a_decision(n, candidates=candidates(n)) for n in range(600)])
    assert len(rows_of(path, SETS)) == 401
    assert store.forget_before(a_decision(500).at) == 500
    assert len(rows_of(path, SETS)) == 67 + 1, "and the one to which the others refer"
    assert [d.decision.candidates for d in store.decisions(DecisionQuery(limit=200))] == [
        candidates(n) for n in range(599, 499, -1)
    ]
    store.forget_before(a_decision(600).at)
    assert rows_of(path, SETS) == []


def test_a_set_that_differs_little_says_only_what_is_new(store: SqliteStore, path: Path) -> None:
    several = [measured(f"p/{k}", k) for k in range(20)]
    kept = []
    for number in range(200):
        several[number % 7] = measured(f"p/{number % 7}", number)
        kept.append(a_decision(number, candidates=tuple(several)))
        store.append(kept[-1:])
    whole, partial = (
        rows_of(path, f"SELECT avg(length(CANDIDATES_JSON)), count(*) {condition}")[0]
        for condition in (
            "FROM ROUTING_CANDIDATE_SETS WHERE BASE_SET_ID IS NULL",
            "FROM ROUTING_CANDIDATE_SETS WHERE BASE_SET_ID IS NOT NULL",
        )
    )
    assert (whole[1], partial[1]) == (1, 199)
    assert isinstance(whole[0], float)
    assert isinstance(partial[0], float)
    assert partial[0] < 0.4 * whole[0]
    found = store.decisions(DecisionQuery(limit=200))
    assert [stored.decision for stored in found] == kept[::-1]


def test_a_base_that_was_forgotten_meanwhile_is_kept_anew(store: SqliteStore, path: Path) -> None:
    several = tuple(measured(f"p/{k}", k) for k in range(6))
    later = (measured("p/0", 9), *several[1:])
    store.append([a_decision(1, candidates=several)])
    store.append([a_decision(2, candidates=later)])
    store.forget_before(a_decision(3).at)
    assert rows_of(path, SETS) == []
    store.append([a_decision(3, candidates=later)])
    stored = store.decision(a_decision(3).id)
    assert stored is not None
    assert stored.decision.candidates == later


def test_room_that_was_made_is_used_again(store: SqliteStore, path: Path) -> None:
    def fill(first: int) -> int:
        store.append([a_decision(n) for n in range(first, first + 500)])
        store.forget_before(a_decision(first + 500).at)
        store._file._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size

    sizes = [fill(first) for first in (0, 500, 1_000, 1_500)]
    assert sizes[-1] <= 1.1 * sizes[0]


def test_a_closed_store_forgets_nothing(store: SqliteStore) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.forget_before(a_decision().at)


def test_a_decision_whose_candidates_are_missing_is_a_store_error(
    store: SqliteStore, path: Path
) -> None:
    store.append([a_decision()])
    rows_of(path, "DELETE FROM ROUTING_CANDIDATE_SETS")
    with pytest.raises(StoreError, match="missing"):
        store.decision(a_decision().id)


def test_an_order_that_leads_beyond_its_set_is_a_store_error(
    store: SqliteStore, path: Path
) -> None:
    store.append([a_decision()])
    rows_of(path, "UPDATE ROUTING_DECISIONS SET CANDIDATE_ORDER = '[7]'")
    with pytest.raises(StoreError, match="damaged"):
        store.decision(a_decision().id)


def test_json_of_the_same_candidates_is_made_once_and_few_are_remembered() -> None:
    made: list[object] = []

    def json(value: object) -> str:
        made.append(value)
        return json_text(value)

    sets = CandidateSets(json, size=2)
    several = [
        a_decision(n, candidates=(Candidate(f"p/{n}", 0.5, ()),), rejections=()) for n in range(3)
    ]
    first = sets.reference(several[0])
    count = len(made)
    assert sets.reference(several[0]) == first
    assert len(made) == count
    for one in several:
        sets.reference(one)
    count = len(made)
    assert sets.reference(several[0]) == first
    assert len(made) > count
    assert len(sets._homes) <= 2


def test_of_scores_that_go_on_changing_the_last_are_remembered(store: SqliteStore) -> None:
    sets = CandidateSets(json_text)
    first = tuple(Candidate(f"p/{n}", 0.5, ()) for n in range(5))
    made = []
    for version in range(20):
        newest = Candidate("p/0", version / 100, ())
        made.append(a_decision(version, candidates=(newest, *first[1:]), rejections=()))
        sets.reference(made[-1])
    assert len(sets._known) == 1 + FOLLOWERS
    assert len(sets._seen) == 1 + FOLLOWERS
    assert len(sets._homes) <= len(first) + FOLLOWERS
    store.append(made)
    for decision in made:
        found = store.decision(decision.id)
        assert found is not None
        assert found.decision == decision


def test_who_stops_reading_what_was_recent_gives_the_file_back(store: SqliteStore) -> None:
    store.append([an_outcome(n) for n in range(50)])
    for _ in range(3 * READERS):
        assert next(iter(store.recent_outcomes(an_outcome(0).at, 50)))[0] == an_outcome(0)


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
