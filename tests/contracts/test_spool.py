"""Is what the spool has taken safe, counted, and brought to the database once and whole?"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from spooling import Table, an_act, rows, until
from store_contract import StoreContract, a_decision, an_outcome, ids
from store_learning_contract import LearningContract, a_feedback

from database_server import DatabaseServer
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.rows import DECISION_COLUMNS
from pointsman.adapters.stores.spool.file import Count, SpoolFile, encoded, rows_of
from pointsman.adapters.stores.spool.forwarding import Forwarder
from pointsman.adapters.stores.spool.store import SpooledStore
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import AuditQuery
from pointsman.engine.ports import DecisionQuery

LARGE = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[SpoolFile]:
    spool = SpoolFile(path, LARGE)
    yield spool
    spool.close()


@pytest.fixture
def store(upgraded_database: str, path: Path) -> Iterator[SpooledStore]:
    behind = PostgresStore(address_of(upgraded_database))
    store = SpooledStore(path, behind, max_bytes=LARGE)
    yield store
    store.close()


class TestSpooledPostgres(StoreContract):
    pass


class TestLearningFromSpooledPostgres(LearningContract):
    pass


def all_of(spool: SpoolFile) -> list[str]:
    """The ids of the decisions that wait, oldest first."""
    portion = spool.oldest(1_000_000)
    batches = () if portion is None else portion.batches
    return [row[0] for batch in batches for row in rows_of(batch).decisions]


def test_what_was_taken_is_there_after_a_restart_in_its_order(path: Path) -> None:
    first = SpoolFile(path, LARGE)
    for number in range(5):
        first.append(rows(a_decision(number), an_outcome(number)), at_us=number)
    first.close()
    second = SpoolFile(path, LARGE)
    assert second.waiting.records == Count(5, 5)
    assert second.waiting.oldest_us == 0
    assert all_of(second) == [a_decision(number).id for number in range(5)]
    second.close()


def test_what_comes_out_is_what_went_in(spool: SpoolFile) -> None:
    batch = rows(a_decision(1), an_outcome(1), a_decision(2, session="\ud800"))
    spool.append(batch, at_us=1)
    portion = spool.oldest(10)
    assert portion is not None
    out = rows_of(portion.batches[0])
    assert [[tuple(row) for row in part] for part in out[:1]] == [list(batch.sets)]
    assert tuple(out.decisions[0]) == batch.decisions[0]
    assert out.decisions[1][DECISION_COLUMNS.index("SESSION_ID")] == "?"
    assert tuple(out.outcomes[0]) == batch.outcomes[0]


def test_a_portion_is_whole_batches_of_so_many_records(spool: SpoolFile) -> None:
    for number in range(6):
        spool.append(rows(a_decision(number), a_decision(100 + number)), at_us=number)
    portion = spool.oldest(5)
    assert portion is not None
    assert portion.records == Count(4, 0)
    spool.passed_on(portion)
    assert spool.waiting.records == Count(8, 0)
    assert spool.waiting.oldest_us == 2
    small = spool.oldest(1)
    assert small is not None
    assert small.records == Count(2, 0), "one batch at least"


def test_the_figures_add_up(spool: SpoolFile) -> None:
    spool.append(rows(a_decision(1), an_outcome(1), an_outcome(2)), at_us=1)
    spool.append(rows(a_decision(2)), at_us=2)
    portion = spool.oldest(1)
    assert portion is not None
    spool.passed_on(portion, lost=Count(0, 1))
    assert spool.tally() == {
        "taken": Count(2, 2),
        "passed on": Count(1, 1),
        "lost": Count(0, 1),
    }
    assert spool.waiting.records == Count(1, 0)


def test_when_it_is_full_the_oldest_go_and_are_counted(path: Path) -> None:
    size = len(encoded(rows(a_decision(1))))
    spool = SpoolFile(path, 10 * size + size // 2)
    for number in range(1, 31):
        spool.append(rows(a_decision(number)), at_us=number)
    assert spool.waiting.bytes <= 10.5 * size
    left = all_of(spool)
    assert left == [a_decision(n).id for n in range(31 - len(left), 31)]
    assert len(left) >= 9
    assert spool.tally()["lost"] == Count(30 - len(left), 0)
    assert spool.waiting.oldest_us == 31 - len(left)
    spool.close()


def test_what_is_being_passed_on_is_not_thrown_away(path: Path) -> None:
    size = len(encoded(rows(a_decision(1))))
    spool = SpoolFile(path, 4 * size)
    spool.append(rows(a_decision(1)), at_us=1)
    portion = spool.oldest(1)
    assert portion is not None
    for number in range(2, 12):
        spool.append(rows(a_decision(number)), at_us=number)
    spool.passed_on(portion)
    tally = spool.tally()
    assert tally["passed on"] == Count(1, 0)
    waiting = spool.waiting.records
    assert tally["taken"].total == 1 + tally["lost"].total + waiting.total
    assert waiting == Count(len(all_of(spool)), 0)
    spool.close()


def test_room_is_given_back_when_all_was_passed_on(spool: SpoolFile, path: Path) -> None:
    for number in range(300):
        spool.append(rows(a_decision(number, session="s" * 20_000)), at_us=number)
    while (portion := spool.oldest(100)) is not None:
        spool.passed_on(portion)
    for _ in range(5):
        spool.give_back()
    with sqlite3.connect(path) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()
    assert pages < 50


def test_nobody_but_the_owner_can_read_it(spool: SpoolFile, path: Path) -> None:
    spool.append(rows(a_decision(1)), at_us=1)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_files_of_others_are_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    with pytest.raises(StoreError, match="another program"):
        SpoolFile(path, LARGE)


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    SpoolFile(path, LARGE).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="newer pointsman"):
        SpoolFile(path, LARGE)


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match=r"spool\.db cannot be opened.*not a database"):
        SpoolFile(path, LARGE)


def test_a_file_that_is_taken_away_is_noticed_and_begun_anew(spool: SpoolFile, path: Path) -> None:
    spool.append(rows(a_decision(1)), at_us=1)
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(StoreError, match="removed or replaced"):
        spool.append(rows(a_decision(2)), at_us=2)
    spool.append(rows(a_decision(2)), at_us=2)
    assert all_of(spool) == [a_decision(2).id]


def test_a_full_disk_is_a_store_error_and_nothing_is_half_written(spool: SpoolFile) -> None:
    spool.append(rows(a_decision(1)), at_us=1)
    spool._db.execute("PRAGMA max_page_count = 20")
    with pytest.raises(StoreError, match="full"):
        spool.append(rows(*(a_decision(n, session="s" * 5_000) for n in range(200))), at_us=2)
    assert spool.waiting.records == Count(1, 0)
    assert spool.tally()["taken"] == Count(1, 0)
    assert all_of(spool) == [a_decision(1).id]


def test_what_an_earlier_version_wrote_is_read_by_column(spool: SpoolFile) -> None:
    spool.append(rows(a_decision(1)), at_us=1)
    portion = spool.oldest(1)
    assert portion is not None
    batch = dict(portion.batches[0])
    order = ["EXPLORED", "DECISION_ID", "UNKNOWN"]
    batch["decision_columns"] = order
    batch["rows"] = [[], [[1, "dec_1", 7]], []]
    row = rows_of(batch).decisions[0]
    assert row[DECISION_COLUMNS.index("DECISION_ID")] == "dec_1"
    assert row[DECISION_COLUMNS.index("EXPLORED")] == 1
    assert row[DECISION_COLUMNS.index("REQUEST_ID")] is None


def test_the_forwarder_empties_the_spool(spool: SpoolFile) -> None:
    table = Table()
    forwarder = Forwarder(spool, table)
    for number in range(200):
        spool.append(rows(a_decision(number)), at_us=number)
        forwarder.wake()
    assert forwarder.settled(10)
    forwarder.close(1)
    assert list(table.kept) == [a_decision(number).id for number in range(200)]
    assert spool.tally()["passed on"] == Count(200, 0)


def test_an_outage_costs_nothing_but_delay(
    spool: SpoolFile, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table(up=False)
    forwarder = Forwarder(spool, table)
    spool.append(rows(a_decision(1)), at_us=1)
    forwarder.wake()
    until(lambda: forwarder.failure is not None)
    assert not forwarder.settled(60), "at once, since it fails"
    spool.append(rows(a_decision(2)), at_us=2)
    table.up.set()
    until(lambda: not spool.waiting.records.total)
    forwarder.close(5)
    assert forwarder.failure is None
    assert len(table.kept) == 2
    assert spool.tally()["lost"] == Count()
    assert "wait in the spool: the table is away" in caplog.text
    assert "takes records again" in caplog.text


def test_what_the_database_refuses_and_what_is_damaged_is_counted_as_lost(
    spool: SpoolFile,
) -> None:
    table = Table(up=False)
    table.refused = frozenset({a_decision(2).id})
    for number in range(1, 5):
        spool.append(rows(a_decision(number)), at_us=number)
    spool._db.execute("UPDATE BATCHES SET PAYLOAD = x'00' WHERE SEQ = 3")
    table.up.set()
    forwarder = Forwarder(spool, table)
    assert forwarder.settled(10)
    forwarder.close(1)
    assert list(table.kept) == [a_decision(1).id, a_decision(4).id]
    assert spool.tally()["lost"] == Count(2, 0)
    assert spool.tally()["passed on"] == Count(2, 0)


def test_what_a_forwarder_left_behind_the_next_one_brings(path: Path) -> None:
    away = Table(up=False)
    spool = SpoolFile(path, LARGE)
    forwarder = Forwarder(spool, away)
    spool.append(rows(a_decision(1)), at_us=1)
    forwarder.close(0.2)
    spool.close()
    table, spool = Table(), SpoolFile(path, LARGE)
    forwarder = Forwarder(spool, table)
    assert forwarder.settled(10)
    forwarder.close(1)
    spool.close()
    assert list(table.kept) == [a_decision(1).id]


def test_questions_fail_while_the_database_is_away_and_answers_are_whole_afterwards(
    path: Path,
) -> None:
    with DatabaseServer() as server:
        address = address_of(server.url())
        move(address)
        store = SpooledStore(path, PostgresStore(address), max_bytes=LARGE)
        store.append([a_decision(1), an_outcome(1)])
        assert ids(store.decisions(DecisionQuery())) == [1]
        server.kill()
        for number in range(2, 30):
            store.append([a_decision(number), an_outcome(number)])
        with pytest.raises(StoreError, match=r"postgresql://127\.0\.0\.1:\d+/postgres"):
            store.decisions(DecisionQuery())
        with pytest.raises(StoreError):
            store.judge(a_feedback(3))
        store.audit.record(an_act(7))
        with pytest.raises(StoreError):
            store.audit.acts(AuditQuery())
        backlog = store.backlog()
        assert backlog.records == 56
        assert backlog.reason is not None
        assert "pointsman@" not in backlog.reason
        server.start()
        until(lambda: not store.backlog().records)
        assert ids(store.decisions(DecisionQuery(limit=99))) == list(range(29, 0, -1))
        assert store.judge(a_feedback(3))
        assert store.tally()["lost"] == Count()
        assert list(store.audit.acts(AuditQuery())) == [an_act(7)]
        store.close()


def test_of_a_decision_that_still_waits_it_is_not_said_that_there_is_none(
    database: str, path: Path
) -> None:
    """The database has no tables yet, so nothing gets there; then another gateway makes them."""
    store = SpooledStore(path, PostgresStore(address_of(database)), max_bytes=LARGE)
    store.append([a_decision(1)])
    until(lambda: store.backlog().reason is not None)
    with pytest.raises(StoreError, match="db upgrade"):
        store.judge(a_feedback(1))
    move(address_of(database))
    until(lambda: not store.backlog().records)
    assert store.judge(a_feedback(1))
    store.close()
