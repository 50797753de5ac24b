"""Does what surrounds the statements for HANA keep what it should, and are they as reviewed?

Never run on HANA: its driver is not free, so `standin/hdbcli` carries the statements out on SQLite.
The golden files hold each of them as a person has read it; write them anew with
POINTSMAN_WRITE_GOLDEN=1 and read what has changed.
"""

from __future__ import annotations

import inspect
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from types import FunctionType
from typing import Any

import pytest
from aggregate_contract import AggregateContract
from assignment_store_contract import AssignmentStoreContract
from audit_contract import AuditContract
from store_contract import NOON, StoreContract, a_decision, an_outcome, ids
from store_learning_contract import LearningContract
from test_postgres_store import ended, made_at

from pointsman.adapters.stores import aggregating, series
from pointsman.adapters.stores.auditing import AuditLog
from pointsman.adapters.stores.days import day_at, first_id
from pointsman.adapters.stores.hana import portable
from pointsman.adapters.stores.hana import statements as say
from pointsman.adapters.stores.hana.address import hana_address
from pointsman.adapters.stores.hana.apart import Begun, HanaApart
from pointsman.adapters.stores.hana.process import serve
from pointsman.adapters.stores.hana.schema import move, script, status
from pointsman.adapters.stores.hana.store import HanaStore
from pointsman.adapters.stores.schema import DECISIONS, HEAD
from pointsman.adapters.stores.transactions import Found
from pointsman.core.aggregate import GRAINS_S, Dimension
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import AuditQuery, SeriesQuery
from pointsman.engine.ports import DecisionQuery

GOLDEN = Path(__file__).parent / "golden"
STANDIN = Path(__file__).parent.parent / "standin"
URL = "hana://me:pass-of-mine@standin:39017/?databaseName=HXE"
DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(STANDIN)
    monkeypatch.setenv("STANDIN_HANA", str(tmp_path))


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with our tables, to be copied: to make them anew takes longer."""
    folder = tmp_path_factory.mktemp("hana")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(STANDIN)
        patch.setenv("STANDIN_HANA", str(folder))
        move(hana_address(URL))
    return (folder / "HXE.db").read_bytes()


@pytest.fixture
def store(_made: bytes, tmp_path: Path) -> Iterator[HanaStore]:
    (tmp_path / "HXE.db").write_bytes(_made)
    store = HanaStore(hana_address(URL))
    yield store
    store.close()


class InThread:
    """A process of HANA's, as a thread of this one: what goes along the line is the same."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._thread = Thread(target=serve, args=(line,), daemon=True)
        self._thread.start()

    def kill(self) -> None:
        self._line.close()

    def wait(self, timeout: float | None = None) -> int:
        self._thread.join(timeout)
        return 0


def in_thread() -> Begun:
    ours, theirs = Pipe()
    return Begun(InThread(theirs), ours)


@pytest.fixture
def apart(_made: bytes, tmp_path: Path) -> Iterator[HanaApart]:
    (tmp_path / "HXE.db").write_bytes(_made)
    store = HanaApart(URL, in_thread)
    yield store
    store.close()


class Apart:
    """The same promises hold where the store is in another process."""

    @pytest.fixture
    def store(self, apart: HanaApart) -> HanaApart:
        return apart


class TestHanaStore(StoreContract):
    pass


class TestHanaApart(Apart, StoreContract):
    pass


class TestLearningFromHana(LearningContract):
    pass


class TestLearningFromHanaApart(Apart, LearningContract):
    pass


class TestAssignmentsInHana(AssignmentStoreContract):
    pass


class TestAssignmentsInHanaApart(Apart, AssignmentStoreContract):
    pass


class TestAggregatesInHana(AggregateContract):
    pass


class TestAggregatesInHanaApart(Apart, AggregateContract):
    pass


class TestAuditInHana(AuditContract):
    pass


class TestAuditInHanaApart(Apart, AuditContract):
    pass


def rows_of(folder: Path, question: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "HXE.db") as db:
        found = db.execute(question).fetchall()
    db.close()
    return found


def test_a_day_is_a_partition_and_goes_as_one(store: HanaStore, tmp_path: Path) -> None:
    kept = [made_at(DAY + timedelta(hours=7 * n), n) for n in range(12)]
    store.append([record for each in kept for record in (each, ended(each))])
    assert store.forget_before(DAY + timedelta(days=2, hours=12)) == 7
    found = [each.decision for each in store.decisions(DecisionQuery())]
    assert found == kept[:6:-1]
    days = "SELECT LEVEL_1_RANGE_MIN_VALUE FROM TABLE_PARTITIONS WHERE TABLE_NAME = ?"
    first = rows_of(tmp_path, days.replace("?", f"'{DECISIONS}' ORDER BY 1"))[0][0]
    assert first == first_id(day_at(DAY + timedelta(days=2)))


def test_what_is_refused_is_cut_or_left_out_and_holds_up_no_others(store: HanaStore) -> None:
    store.append([a_decision(1), a_decision(2, session="\ud800"), an_outcome(1)])
    assert ids(store.decisions(DecisionQuery())) == [2, 1]
    assert store.unstorable == {"decision": 0, "outcome": 0}


def test_up_and_down_with_rows_in_it(tmp_path: Path) -> None:
    address = hana_address(URL)
    assert move(address) == (0, HEAD)
    store = HanaStore(address)
    store.append([a_decision(1), an_outcome(1)])
    store.close()
    for target in (HEAD - 1, HEAD):
        move(address, target)
    assert status(address) == HEAD
    store = HanaStore(address)
    assert ids(store.decisions(DecisionQuery())) == [1]
    store.close()
    move(address, 0)
    assert status(address) == 0
    left = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN"
    assert rows_of(tmp_path, f"{left} ('TABLE_PARTITIONS', 'PROCEDURES', 'DUMMY')") == []


def test_a_server_that_is_away_and_one_without_tables_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = HanaStore(hana_address(URL))
    with pytest.raises(StoreError, match="pointsman db upgrade"):
        store.append([a_decision(1)])
    monkeypatch.setenv("STANDIN_HANA", str(tmp_path / "nowhere"))
    away = HanaStore(hana_address(URL))
    for _ in range(3):
        with pytest.raises(StoreError, match=r"hana://standin:39017/HXE cannot be reached"):
            away.decisions(DecisionQuery())
    store.close()


def test_without_the_driver_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hdbcli.dbapi", None)
    with pytest.raises(StoreError, match=r"pointsman\[hana\]"):
        list(HanaStore(hana_address(URL)).recent_outcomes(NOON, 1))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("hana://me:pass-of-mine@host/", "needs a host and the SQL port"),
        ("hana://me:pass-of-mine@host:many/", "cannot be read"),
        ("hana://me:pass-of-mine@host:39017/HXE", "named by"),
        ("hana://me:pass-of-mine@host:39017/?encript=true", "the option encript"),
        ("postgresql://me:pass-of-mine@host:39017/", "begins with postgresql:"),
    ],
)
def test_what_is_no_address_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        hana_address(url)
    assert "mine" not in str(refused.value)


def test_an_address_is_named_without_its_password() -> None:
    address = hana_address("hana://me:a%40b@host:39017/?databaseName=HXE&currentSchema=P")
    assert address.arguments["password"] == "a@b"
    assert repr(address) == "HanaAddress('hana://host:39017/HXE/P')"


VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "UPSERT", "LOCK", "SET")
VERBS_ALONE = [[verb] for verb in VERBS]


def said() -> Mapping[str, str]:
    """Every statement by its name; those with lists or filters with two of each."""
    found: dict[str, str] = {}
    for name, value in vars(say).items():
        if name.startswith("_") or (name.islower() and not inspect.isfunction(value)):
            continue
        if isinstance(value, str) and value.strip().partition(" ")[0] in VERBS:
            found[name] = value
        if isinstance(value, dict) and name not in {"ROWS", "KEYS", "BY_RESULT"}:
            found |= {f"{name}[{key}]": str(text) for key, text in value.items()}
        if isinstance(value, FunctionType) and name.endswith("_of") and name != "ids_of":
            arguments = (DECISIONS, 2) if name == "delete_of" else (2,)
            found[name] = value(*arguments)
    day = (first_id(20_513), first_id(20_514))
    found |= {f"partition {act}": say.partition(act, DECISIONS, *day) for act in ("ADD", "DROP")}
    conditions = ["d.DECISION_ID < ?", "d.SESSION_ID = ?", say.BY_RESULT[False]]
    found["ids_of chosen"] = say.ids_of(say.CHOSEN, conditions)
    found["ids_of tried"] = say.ids_of(say.TRIED, ["o.ATTEMPT > 1 AND o.MODEL_ID = ?"])
    return found


class Listener:
    """Hears what is asked of a database; only of members it knows one."""

    def __init__(self) -> None:
        self.heard: dict[str, None] = {}

    def execute(self, statement: str, _: Sequence[Any] = (), /) -> Found:
        self.heard[statement] = None
        return Found([("one", 1)] if statement == series.MEMBERS else [], rowcount=0)

    def executemany(self, statement: str, _: object, /) -> None:
        self.heard[statement] = None

    def read(self, work: Callable[[Listener], Any]) -> Any:
        return work(self)

    write = vitally = read


def said_of_all() -> Mapping[str, str]:
    """What is written once for all databases, as HANA has it."""
    listener = Listener()
    query = SeriesQuery(DAY, DAY + timedelta(hours=1), 600, Dimension.MODEL, latencies=True)
    for names in ((), ("one", "two")):
        series.read_series(listener, query._replace(names=names), dict.fromkeys(GRAINS_S, 2**31))
    log = AuditLog(listener)
    log.acts(AuditQuery(actor="me"))
    log.forget_acts(DAY)
    found = {name: value for name, value in vars(aggregating).items() if isinstance(value, str)}
    statements = {name: text for name, text in found.items() if text.split()[:1] in VERBS_ALONE}
    statements |= {f"of series and acts {n}": each for n, each in enumerate(listener.heard)}
    return {name: portable.said(text).statement for name, text in sorted(statements.items())}


def as_file(statements: Mapping[str, str] | list[str]) -> str:
    if isinstance(statements, list):
        return "".join(f"{each.strip()};\n\n" for each in statements)
    return "".join(f"-- {name}\n{text.strip()};\n\n" for name, text in statements.items())


@pytest.mark.parametrize(
    "name", ["hana_upgrade.sql", "hana_downgrade.sql", "hana_statements.sql", "hana_portable.sql"]
)
def test_what_is_said_is_what_was_reviewed(name: str) -> None:
    made = {
        "hana_upgrade.sql": lambda: as_file(script(0, HEAD)),
        "hana_downgrade.sql": lambda: as_file(script(HEAD, 0)),
        "hana_statements.sql": lambda: as_file(said()),
        "hana_portable.sql": lambda: as_file(said_of_all()),
    }[name]()
    path = GOLDEN / name
    if os.environ.get("POINTSMAN_WRITE_GOLDEN"):
        path.write_text(made, "utf-8")
    assert path.read_text("utf-8") == made, "POINTSMAN_WRITE_GOLDEN=1 writes it; read what changed"
