"""Do the processes that speak to HANA die without anything being lost, doubled or held up?

On the stand-in for its driver: of HANA itself this says nothing. The processes are real.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from store_contract import NOON, a_decision, an_outcome, ids

from database_server import sessions_of
from pointsman.adapters.stores.hana.address import hana_address
from pointsman.adapters.stores.hana.apart import MODULE, Begun, HanaApart, HanaProcess, begin
from pointsman.adapters.stores.hana.line import Call
from pointsman.adapters.stores.hana.schema import move
from pointsman.adapters.stores.spool.store import SpooledStore
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery

STANDIN = Path(__file__).parent.parent / "standin"
URL = "hana://me:pass-of-mine@standin:39017/?databaseName=HXE"
LARGE = 1_000_000_000
A_LOOK = Call("", "decision", ("dec_1",), {})


@pytest.fixture(autouse=True)
def _driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(STANDIN)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STANDIN), *filter(None, sys.path)]))
    folder = tmp_path / "hana"
    folder.mkdir()
    monkeypatch.setenv("STANDIN_HANA", str(folder))
    move(hana_address(URL))


def processes() -> list[int]:
    """Those of this process that speak to HANA."""
    found = []
    for pid in sessions_of(os.getpid()):
        with suppress(OSError):
            if MODULE.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def awaited(found: Callable[[], object], within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < until, found
        threading.Event().wait(0.01)


@pytest.fixture
def process() -> Iterator[HanaProcess]:
    process = HanaProcess(URL)
    yield process
    process.close()


def kept(folder: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(folder / "hana" / "HXE.db")) as db:
        return [row[0] for row in db.execute(f"SELECT DECISION_ID FROM {table}")]


@pytest.mark.parametrize("seed", [7])
def test_a_writer_that_is_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, seed: int
) -> None:
    print(f"seed {seed}")
    chance, number, deaths = Random(seed), 0, 0
    store = SpooledStore(tmp_path / "spool.db", HanaApart(URL), max_bytes=LARGE)
    while deaths < 6:
        for _ in range(5):
            size = chance.randint(1, 40)
            batch = range(number, number + size)
            store.append([each for n in batch for each in (a_decision(n), an_outcome(n))])
            number += size
        awaited(processes)
        threading.Event().wait(chance.uniform(0.0, 0.4))
        for pid in processes():
            os.kill(pid, signal.SIGKILL)
            deaths += 1
    awaited(lambda: not store.backlog().records)
    tally = store.tally()
    store.close()
    assert processes() == []
    for table, which in (("DECISIONS", 0), ("OUTCOMES", 1)):
        found = kept(tmp_path, f"ROUTING_{table}")
        assert len(found) == len(set(found)) == number
        assert tally["taken"][which] == tally["passed on"][which] == number
    assert tally["lost"].total == 0


def test_what_waits_is_counted_while_the_database_is_away(tmp_path: Path) -> None:
    (tmp_path / "hana").rename(tmp_path / "elsewhere")
    store = SpooledStore(tmp_path / "spool.db", HanaApart(URL), max_bytes=LARGE)
    store.append([a_decision(1), an_outcome(1)])
    awaited(lambda: store.backlog().reason)
    backlog = store.backlog()
    assert (backlog.records, backlog.in_public()["state"]) == (2, "failing")
    assert "hana://standin:39017/HXE cannot be reached" in str(backlog.reason)
    assert "mine" not in str(backlog.reason)
    (tmp_path / "elsewhere").rename(tmp_path / "hana")
    awaited(lambda: not store.backlog().records)
    assert ids(store.decisions(DecisionQuery())) == [1]
    assert store.backlog().in_public()["state"] == "ok"
    store.close()


def test_who_died_while_nobody_asked_is_begun_anew(process: HanaProcess) -> None:
    assert process.ask(A_LOOK) is None
    (first,) = processes()
    os.kill(first, signal.SIGKILL)
    awaited(lambda: not processes())
    assert process.ask(A_LOOK) is None
    assert processes() != [first]


def test_who_dies_over_a_question_leaves_it_open_and_is_begun_anew_after_a_pause(
    process: HanaProcess,
) -> None:
    process.ask(A_LOOK)
    (first,) = processes()
    os.kill(first, signal.SIGSTOP)
    killer = threading.Timer(0.1, os.kill, (first, signal.SIGKILL))
    killer.start()
    with pytest.raises(StoreError, match="it has ended"):
        process.ask(A_LOOK)
    killer.join()
    with pytest.raises(StoreError, match="cannot be reached"):
        process.ask(A_LOOK)  # at once: the pause is not over
    awaited(lambda: _answers(process))
    assert processes() != [first]


def _answers(process: HanaProcess) -> bool:
    with suppress(StoreError):
        return process.ask(A_LOOK) is None
    return False


def test_one_that_does_not_answer_is_given_up(process: HanaProcess) -> None:
    process.ask(A_LOOK)
    (pid,) = processes()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(StoreError, match=r"no answer within 0.05 s"):
        process.ask(A_LOOK, 0.05)
    assert processes() == []


def test_who_waits_for_one_that_hangs_does_not_hold_up_the_end() -> None:
    process = HanaProcess(URL)
    process.ask(A_LOOK)
    (pid,) = processes()
    os.kill(pid, signal.SIGSTOP)
    told: list[StoreError] = []

    def ask() -> None:
        with pytest.raises(StoreError) as refused:
            process.ask(A_LOOK)
        told.append(refused.value)

    waiting = threading.Thread(target=ask)
    waiting.start()
    awaited(process._lock.locked)
    process.close()
    waiting.join()
    assert told
    assert processes() == []
    with pytest.raises(StoreError, match="is closed"):
        process.ask(A_LOOK)


def test_signals_that_end_the_gateway_let_a_process_finish(process: HanaProcess) -> None:
    process.ask(A_LOOK)
    (pid,) = processes()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, each)
    assert process.ask(A_LOOK) is None
    assert processes() == [pid]


def test_a_process_ends_with_whoever_made_it() -> None:
    process, line = begin()
    line.close()
    assert process.wait(10) == 0


def test_a_process_that_cannot_be_made_is_a_store_error() -> None:
    def none() -> Begun:
        raise OSError("no more processes")

    with pytest.raises(StoreError, match="no more processes"):
        HanaProcess(URL, none).ask(A_LOOK)


def test_a_call_that_makes_no_sense_is_an_error_and_ends_nothing(process: HanaProcess) -> None:
    with pytest.raises(StoreError, match="a call of nonsense failed"):
        process.ask(Call("", "nonsense", (), {}))
    assert process.ask(A_LOOK) is None


def test_a_long_answer_that_is_not_read_to_its_end_leaves_nothing_behind() -> None:
    store = HanaApart(URL)
    store.append([each for n in range(1_500) for each in (a_decision(n), an_outcome(n))])
    next(store.recent_outcomes(NOON, 10_000))
    assert len(list(store.recent_outcomes(NOON, 10_000))) == 1_500
    store.close()
    assert processes() == []


def test_the_password_is_on_no_command_line(process: HanaProcess) -> None:
    process.ask(A_LOOK)
    (pid,) = processes()
    assert b"mine" not in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize("module", ["asyncpg", "hdbcli"])
def test_who_serves_loads_neither_the_driver_nor_that_of_another_database(module: str) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None;"
        " import pointsman.adapters.stores.hana.apart, pointsman.adapters.stores.hana.process"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
