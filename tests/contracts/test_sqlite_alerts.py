"""Are alerts, their history and what is to be told of them in one file, in one transaction?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_store_contract import AlertStoreContract, an_alert, an_entry
from store_contract import NOON

from notices import notification
from pointsman.adapters.stores.alerts import StoredAlerts
from pointsman.adapters.stores.outbox_rows import stored_notification
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.alert_memory import Kept
from pointsman.core.errors import StoreError
from pointsman.engine.alert_ports import EntryQuery, Happened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pointsman.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


@pytest.fixture
def alerts(store: SqliteStore) -> StoredAlerts:
    return store.alerts


class TestAlertsInSqlite(AlertStoreContract):
    pass


def test_what_is_to_be_told_is_in_the_outbox_as_it_was_made(
    alerts: StoredAlerts, path: Path
) -> None:
    alerts.keep(Happened(notifications=[notification(3), notification(3)]), NOON)
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT OUTBOX_ID, STATE, PAYLOAD_JSON FROM ALERT_OUTBOX").fetchall()
    db.close()
    assert [row[:2] for row in rows] == [("ntf-0001", "pending")]
    assert stored_notification(rows[0][2]) == notification(3)


def test_all_of_a_look_is_kept_or_nothing(alerts: StoredAlerts, path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TRIGGER no_room BEFORE INSERT ON ALERT_OUTBOX"
            " BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    db.close()
    happened = Happened([Kept(an_alert())], [an_entry(1)], [notification()])
    with pytest.raises(StoreError, match="no room"):
        alerts.keep(happened, NOON)
    assert list(alerts.alerts(NOON)) == []
    assert list(alerts.entries(EntryQuery())) == []
