"""Is there one schema, however a database came to it, and is it the one that statements name?"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from former_schema import STEPS
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from store_contract import a_decision, an_outcome, ids
from store_learning_contract import a_feedback

from pointsman.adapters.stores.assignment_rows import (
    ASSIGNMENT_COLUMNS,
    RUN_COLUMNS,
    USAGE_COLUMNS,
)
from pointsman.adapters.stores.migrations.running import (
    current,
    move,
    moving,
    revisions,
    statements,
)
from pointsman.adapters.stores.rows import (
    DECISION_COLUMNS,
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    SET_COLUMNS,
)
from pointsman.adapters.stores.schema import APPLICATION_ID, HEAD
from pointsman.adapters.stores.schema.assignments import assignments, runs
from pointsman.adapters.stores.schema.columns import names_of
from pointsman.adapters.stores.schema.decisions import candidate_sets, decisions, outcomes
from pointsman.adapters.stores.schema.views import VIEWS
from pointsman.adapters.stores.schema.whole import TABLES, script
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import Candidate, Task, Term
from pointsman.engine.ports import DecisionQuery

FIRST_RELEASE = (
    """
    INSERT INTO ROUTING_CANDIDATE_SETS VALUES (7, '[["p/one",0.5,[["capability",0.5,""]]]]', '[]')
    """,
    """
    INSERT INTO ROUTING_DECISIONS VALUES ('dec_1', 'req_1', 1, 'coding', 12,
        '["coding",12,null,["vision"],[],0,[]]', 'builder', 'p/one', 0.5, 'balanced', 7, NULL,
        NULL, 1.0, 'cfg_1', NULL, 'auto', 0)
    """,
    """
    INSERT INTO ROUTING_OUTCOMES VALUES ('dec_1', 1, 'p/one', 'builder', 2, NULL, 0, 0.5, NULL,
        12, 3, 0, 0, 0, NULL, 0, '0.25', NULL, 200, '')
    """,
)
POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
SHAPE = "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pointsman.db"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def made_by_hand(db: sqlite3.Connection, steps: int) -> None:
    """A file as it was before there was Alembic, with what the first release wrote."""
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for number, step in enumerate(STEPS[:steps], start=1):
        for statement in step:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        for statement in FIRST_RELEASE if number == 1 else ():
            db.execute(statement)


def shape(db: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every table and view with its columns, every index with its own, whatever the spelling."""
    found = {}
    for kind, name, table in db.execute(SHAPE).fetchall():
        question = "index_xinfo" if kind == "index" else "table_xinfo"
        parts = db.execute(f"PRAGMA {question}({name})").fetchall()
        # Whether a key may be missing was not said by the first tables, and none ever is.
        columns = [(*row[:3], row[5] > 0 or row[3], *row[4:]) for row in parts]
        found[f"{kind} {name} of {table}".upper()] = columns if kind != "index" else parts
    found.pop("TABLE SCHEMA_VERSION OF SCHEMA_VERSION", None)
    return found


def new_shape(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    SqliteStore(folder / "new.db").close()
    with closing(sqlite3.connect(folder / "new.db")) as db:
        return shape(db)


def test_what_makes_a_new_file_is_what_the_definitions_say() -> None:
    shipped = files("pointsman.adapters.stores.schema").joinpath("sqlite.sql").read_text("utf-8")
    remedy = "run: python -m pointsman.adapters.stores.schema.whole"
    assert shipped == script(sqlite.dialect()), remedy


def test_all_steps_from_nothing_come_to_what_a_new_file_has(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    with moving(db) as connection:
        move(connection)
    assert shape(db) == new_shape(tmp_path)
    assert len(shape(db)) > len(TABLES) + len(VIEWS)


def test_the_newest_revision_is_the_one_that_a_start_looks_for() -> None:
    assert [each.number for each in revisions()] == list(range(1, HEAD + 1))
    assert all(each.question.endswith("?") for each in revisions())


def test_statements_name_columns_that_there_are() -> None:
    named = {*DECISION_COLUMNS, *FEEDBACK_COLUMNS}
    assert named <= set(names_of(decisions))
    assert set(SET_COLUMNS) == set(names_of(candidate_sets))
    assert set(OUTCOME_COLUMNS) == set(names_of(outcomes))
    assert {*ASSIGNMENT_COLUMNS, *USAGE_COLUMNS, "FAILED_REQUESTS"} == set(names_of(assignments))
    assert set(RUN_COLUMNS) == set(names_of(runs))


@pytest.mark.parametrize("steps", range(1, len(STEPS) + 1))
def test_a_file_from_before_alembic_is_brought_up_to_date(
    path: Path, db: sqlite3.Connection, steps: int, tmp_path: Path
) -> None:
    made_by_hand(db, steps)
    store = SqliteStore(path)
    stored = store.decision("dec_1")
    assert stored is not None
    assert stored.decision.task == Task("coding", 12, needs=frozenset({"vision"}))
    terms = (Term("capability", 0.5, ""),)
    assert stored.decision.candidates == (Candidate("p/one", 0.5, terms),)
    assert not stored.decision.explored
    assert [outcome.cost_usd for outcome in stored.outcomes] == [Decimal("0.25")]
    assert store.judge(a_feedback(decision_id="dec_1"))
    store.append([a_decision(1), an_outcome(1)])
    assert len(store.decisions(DecisionQuery())) == 2
    store.close()
    assert shape(db) == new_shape(tmp_path)
    assert db.execute("PRAGMA user_version").fetchone() == (HEAD,)
    assert db.execute("SELECT VERSION_NUM FROM SCHEMA_VERSION").fetchall() == [(f"{HEAD:04d}",)]


def test_down_and_up_again_every_step_keeps_what_every_step_knows(
    path: Path, db: sqlite3.Connection, tmp_path: Path
) -> None:
    store = SqliteStore(path)
    store.append([each for n in range(3) for each in (a_decision(n), an_outcome(n))])
    store.close()
    for target in (*range(HEAD - 1, 0, -1), *range(2, HEAD + 1)):
        with moving(db) as connection:
            move(connection, target)
            assert current(connection) == target
        assert db.execute("PRAGMA user_version").fetchone() == (target,)
        assert db.execute("SELECT count(*) FROM ROUTING_DECISIONS").fetchone() == (3,)
        assert db.execute("SELECT count(*) FROM ROUTING_OUTCOMES").fetchone() == (3,)
        if target <= len(STEPS):
            with closing(sqlite3.connect(":memory:")) as then:
                made_by_hand(then, target)
                assert shape(then) == shape(db)
    assert shape(db) == new_shape(tmp_path)
    again = SqliteStore(path)
    assert ids(again.decisions(DecisionQuery())) == [2, 1, 0]
    again.close()


def test_down_to_nothing_leaves_no_table(path: Path, db: sqlite3.Connection) -> None:
    SqliteStore(path).close()
    with moving(db) as connection:
        move(connection, 0)
    assert shape(db) == {}


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path, db: sqlite3.Connection) -> None:
    made_by_hand(db, 3)
    db.execute("CREATE TABLE ALERTS (THEIRS)")
    before = shape(db)
    with pytest.raises(Exception, match="ALERTS already exists"), moving(db) as connection:
        move(connection)
    assert shape(db) == before
    assert db.execute("PRAGMA user_version").fetchone() == (3,)


def test_every_view_answers(path: Path, db: sqlite3.Connection) -> None:
    store = SqliteStore(path)
    store.append([a_decision(), an_outcome()])
    store.close()
    for view in VIEWS:
        db.execute(f"SELECT * FROM {view}").fetchall()


STARTING = """
import sys
from pointsman.adapters.stores.sqlite import SqliteStore
SqliteStore(sys.argv[1]).close()
SqliteStore(sys.argv[1]).close()
print(*(name for name in ("sqlalchemy", "alembic") if name in sys.modules))
"""


def test_neither_a_new_file_nor_one_that_is_up_to_date_needs_sqlalchemy(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTING, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_the_statements_for_postgresql_quote_no_name_and_partition_by_day() -> None:
    for text in (script(POSTGRESQL), statements("postgresql")):
        assert set(re.findall(r'"(\w+)"', text)) <= {"C", "SCHEMA_VERSION_pkc"}
        assert text.count("PARTITION BY RANGE (DECISION_ID)") == 2
    assert "DROP VIEW" in statements("postgresql", start=HEAD, target=0)


def test_a_dialect_that_is_not_installed_is_said_to_be_missing() -> None:
    with pytest.raises(LookupError, match="nosuch"):
        statements("nosuch")
