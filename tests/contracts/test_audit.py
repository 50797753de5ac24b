"""Is it kept who changed what, also after a restart, and never half?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from assignment_store_contract import a_run
from audit_contract import AuditContract, an_act

from pointsman.adapters.stores.auditing import AUDIT_COLUMNS
from pointsman.adapters.stores.schema.administration import audit_log
from pointsman.adapters.stores.schema.columns import names_of
from pointsman.adapters.stores.sqlite import SqliteStore
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
