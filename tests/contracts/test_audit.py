"""Is it kept who changed what, also after a restart, and never half?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from assignment_store_contract import a_run
from audit_contract import NOON, AuditContract, a_key, an_act

from pointsman.adapters.stores.auditing import AUDIT_COLUMNS
from pointsman.adapters.stores.knowing import CORRECTION_COLUMNS, KEY_COLUMNS
from pointsman.adapters.stores.schema.administration import api_keys, audit_log, corrections
from pointsman.adapters.stores.schema.columns import names_of
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.correction import LEARNED, Lesson
from pointsman.engine.history_ports import AuditQuery


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "pointsman.db")
    yield store
    store.close()


class TestAuditInSqlite(AuditContract):
    pass


def test_an_act_is_there_after_a_restart(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "pointsman.db")
    first.audit.record(an_act(1))
    first.close()
    again = SqliteStore(tmp_path / "pointsman.db")
    assert again.audit.acts(AuditQuery()) == [an_act(1)]
    again.close()


def test_without_its_act_no_decision_about_the_fleet_is_kept(
    store: SqliteStore, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "pointsman.db")) as db:
        db.execute("ALTER TABLE AUDIT_LOG RENAME TO AUDIT_LOG_GONE")
    with pytest.raises(Exception, match="AUDIT_LOG"):
        store.assignments.keep(a_run(2))
    assert store.assignments.run(a_run(2).id) is None


def test_statements_name_columns_that_there_are() -> None:
    assert set(names_of(audit_log)) - set(AUDIT_COLUMNS) == {"REQUEST_ID"}
    later = {"EXPIRES_AT", "REVOKED_AT", "REVOKED_BY"}
    assert set(names_of(api_keys)) - set(KEY_COLUMNS) == later
    assert set(names_of(corrections)) - set(CORRECTION_COLUMNS) == {"DECISION_ID"}


def test_what_was_learned_and_which_keys_there_were_is_read_as_sql(
    store: SqliteStore, tmp_path: Path
) -> None:
    window = Lesson("m", "context_window", 4_096, 8_192, LEARNED, NOON, NOON + timedelta(hours=1))
    store.audit.keep_lessons([window, window._replace(property="unsupported:n", value=True)])
    store.audit.keep_lessons([window._replace(value=2_048)])
    store.audit.keep_keys([a_key(1), a_key(2)], "fleet.yaml", NOON, 1)
    store.audit.keep_keys([a_key(2)], "fleet.yaml", NOON + timedelta(hours=1), 1)
    with closing(sqlite3.connect(tmp_path / "pointsman.db")) as db:
        learned = db.execute(
            "SELECT PROPERTY, VALUE_JSON, FORMER_JSON FROM CATALOGUE_CORRECTIONS ORDER BY 1"
        ).fetchall()
        keys = db.execute(
            "SELECT NAME, ROLE, AGENTS_JSON, REVOKED_AT IS NULL FROM API_KEYS ORDER BY 1"
        ).fetchall()
    assert learned == [("context_window", "2048", "8192"), ("unsupported:n", "true", "8192")]
    assert keys == [("key 1", "caller", '["coder"]', 0), ("key 2", "caller", '["coder"]', 1)]
