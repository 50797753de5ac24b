"""How does SQLite carry out what was meant for HANA?

Only what pointsman says is understood, each kind of statement by one rule of `RULES`. Databases are
files in the folder that `STANDIN_HANA` names.
"""

from __future__ import annotations

import calendar
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

paramstyle = "qmark"

UNREACHABLE = -10709
CODES = (
    (r"no such (table|column|view)", 259),
    (r"UNIQUE constraint", 301),
    (r"NOT NULL constraint", 287),
    (r"locked", 131),
    (r"too big", 274),
)

SYSTEM = """
CREATE TABLE IF NOT EXISTS TABLE_PARTITIONS (
    SCHEMA_NAME TEXT, TABLE_NAME TEXT, LEVEL_1_RANGE_MIN_VALUE TEXT, MAX_VALUE TEXT
);
CREATE TABLE IF NOT EXISTS PROCEDURES (PROCEDURE_NAME TEXT PRIMARY KEY, DEFINITION TEXT);
CREATE VIEW IF NOT EXISTS TABLES AS
    SELECT 'S' AS SCHEMA_NAME, upper(name) AS TABLE_NAME FROM sqlite_master WHERE type = 'table';
CREATE TABLE IF NOT EXISTS DUMMY (DUMMY TEXT PRIMARY KEY);
INSERT OR IGNORE INTO DUMMY VALUES ('X');
"""
KEYS = {"ROUTING_AGGREGATES": 4}
"""How many columns are the primary key of a table that is written over, where it is not one."""

FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("MOD", 2, lambda value, by: value % by),
    ("FLOOR", 1, lambda value: value // 1),
    ("TO_BIGINT", 1, int),
    ("TO_TIMESTAMP", 1, lambda text: text),
    ("SECONDS_BETWEEN", 2, lambda _, until: calendar.timegm(time.strptime(until, ISO))),
)
ISO = "%Y-%m-%d %H:%M:%S"


class Error(Exception):
    """As the driver's: a code of the server, or a negative one of its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.errorcode = code
        self.errortext = text


def connect(**arguments: Any) -> Connection:
    folder = Path(os.environ.get("STANDIN_HANA", "/nowhere"))
    if not folder.is_dir():
        raise Error(UNREACHABLE, "Connection failed (RTE:[89006] System call 'connect' failed)")
    name = arguments.get("currentSchema", arguments.get("databaseName", "HXE"))
    return Connection(folder / f"{name}.db")


class Connection:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(SYSTEM)
        for name, count, function in FUNCTIONS:
            self._db.create_function(name, count, function, deterministic=True)

    def setautocommit(self, on: bool) -> None:
        assert not on

    def cursor(self) -> Cursor:
        return Cursor(self._db)

    def commit(self) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def rollback(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        self._db.close()


class Cursor:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._cursor = db.cursor()

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        self._run(lambda said: self._cursor.execute(said, _plain(parameters)), statement)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._run(lambda said: self._cursor.executemany(said, map(_plain, rows)), statement)

    def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    def close(self) -> None:
        self._cursor.close()

    def _run(self, carry_out: Callable[[str], object], statement: str) -> None:
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            for said in translated(statement):
                carry_out(said)
        except sqlite3.Error as error:
            words = str(error)
            code = next((code for shape, code in CODES if re.search(shape, words)), 2)
            raise Error(code, words) from error


def _plain(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(str(value) if isinstance(value, Decimal) else value for value in values)


def translated(statement: str) -> list[str]:
    """The statements by which SQLite does the same."""
    for shape, made in RULES:
        found = re.match(shape, statement.strip(), re.DOTALL)
        if found:
            return made(found)
    here = statement.replace("CURRENT_SCHEMA", "'S'")
    return [here.replace("CURRENT_UTCTIMESTAMP", "CURRENT_TIMESTAMP")]


def _upsert(found: re.Match[str]) -> list[str]:
    names, count = found["columns"].split(", "), KEYS.get(found["table"], 1)
    key, others = ", ".join(names[:count]), names[count:]
    replaced = ", ".join(f"{name} = excluded.{name}" for name in others)
    insert = f"INSERT INTO {found['table']} ({found['columns']}) VALUES ({found['values']})"
    return [f"{insert} ON CONFLICT ({key}) DO UPDATE SET {replaced}"]


def _add_partition(found: re.Match[str]) -> list[str]:
    table, first, after = found["table"], found["first"], found["after"]
    return [f"INSERT INTO TABLE_PARTITIONS VALUES ('S', '{table}', '{first}', '{after}')"]


def _drop_partition(found: re.Match[str]) -> list[str]:
    table, first, after = found["table"], found["first"], found["after"]
    named = f"TABLE_NAME = '{table}' AND LEVEL_1_RANGE_MIN_VALUE = '{first}'"
    return [
        f"DELETE FROM {table} WHERE DECISION_ID >= '{first}' AND DECISION_ID < '{after}'",
        f"DELETE FROM TABLE_PARTITIONS WHERE {named}",
    ]


def _procedure(found: re.Match[str]) -> list[str]:
    text = found[0].replace("'", "''")
    return [f"INSERT INTO PROCEDURES VALUES ('{found['name']}', '{text}')"]


def _drop_schema(found: re.Match[str]) -> list[str]:
    (Path(os.environ["STANDIN_HANA"]) / f"{found['schema']}.db").unlink()
    return []


def _count(found: re.Match[str]) -> list[str]:
    return [
        (
            "UPDATE AGENT_MODEL_ASSIGNMENTS SET TOTAL_REQUESTS = TOTAL_REQUESTS + 1,"
            " SUCCESSFUL_REQUESTS = SUCCESSFUL_REQUESTS + 1"
            f" WHERE ASSIGNMENT_ID = '{found['id']}'"
        )
    ]


def _recommend(_: re.Match[str]) -> list[str]:
    return [
        (
            "SELECT AGENT_ID, MODEL_ID FROM AGENT_MODEL_ASSIGNMENTS WHERE STATUS = 'ACTIVE'"
            " ORDER BY 1.0 * SUCCESSFUL_REQUESTS / NULLIF(TOTAL_REQUESTS, 0) DESC LIMIT 1"
        )
    ]


def _nothing(_: re.Match[str]) -> list[str]:
    return []


BOUNDS = r"PARTITION '(?P<first>[^']*)' <= VALUES < '(?P<after>[^']*)'$"
RULES: tuple[tuple[str, Callable[[re.Match[str]], list[str]]], ...] = (
    # Each schema is a file: it is there when it is used, and those of tests go with their folder.
    (r"CREATE SCHEMA \w+$", _nothing),
    (r"DROP SCHEMA (?P<schema>\w+) CASCADE$", _drop_schema),
    (r"CALL SP_UPDATE_ASSIGNMENT_METRICS\('(?P<id>\w+)', 1, (?P<ms>[0-9.]+)\)$", _count),
    (r"CALL SP_GET_ROUTING_RECOMMENDATION\('\w+', 'quality', \?\)$", _recommend),
    (
        (
            r"(SET TRANSACTION (AUTOCOMMIT DDL OFF|ISOLATION LEVEL REPEATABLE READ)"
            r"|LOCK TABLE \w+ IN (INTENTIONAL )?EXCLUSIVE MODE)$"
        ),
        _nothing,
    ),
    (r"ALTER TABLE \w+ PARTITION BY RANGE \(\w+\) \(PARTITION OTHERS\)$", _nothing),
    (r"ALTER TABLE (?P<table>\w+) ADD " + BOUNDS, _add_partition),
    (r"ALTER TABLE (?P<table>\w+) DROP " + BOUNDS, _drop_partition),
    (
        (
            r"UPSERT (?P<table>\w+) \((?P<columns>[^)]*)\) VALUES \((?P<values>[^)]*)\)"
            r" WITH PRIMARY KEY$"
        ),
        _upsert,
    ),
    (
        r"CREATE GLOBAL TEMPORARY COLUMN TABLE (?P<table>\w+) AS \((?P<select>.*)\) WITH NO DATA$",
        lambda found: [f"CREATE TABLE {found['table']} AS {found['select']} WHERE 0"],
    ),
    (
        r"CREATE COLUMN TABLE (?P<rest>.*)$",
        lambda found: ["CREATE TABLE " + re.sub(r"\bDECIMAL\b", "TEXT", found["rest"])],
    ),
    (
        r"ALTER TABLE (?P<table>\w+) ADD \((?P<column>.*)\)$",
        lambda found: [f"ALTER TABLE {found['table']} ADD COLUMN {found['column']}"],
    ),
    (
        r"ALTER TABLE (?P<table>\w+) DROP \((?P<column>\w+)\)$",
        lambda found: [f"ALTER TABLE {found['table']} DROP COLUMN {found['column']}"],
    ),
    (r"CREATE PROCEDURE (?P<name>\w+).*\bEND$", _procedure),
    (
        r"DROP PROCEDURE (?P<name>\w+)$",
        lambda found: [f"DELETE FROM PROCEDURES WHERE PROCEDURE_NAME = '{found['name']}'"],
    ),
)
