"""Do gateways agree on who watches and what is told, whatever becomes of one of them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alert_store_contract import AGENT, MINUTE, MODEL, TOLD, a_rule, a_silence, an_alert, an_entry
from rota_contract import Pair, RotaContract, a_report
from store_contract import NOON

from memory_rota import MemoryRota, SharedWatch
from notices import notification
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.sharing import SharedAlerts
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.alert_log import State
from pointsman.core.alert_memory import Kept, Step
from pointsman.core.alert_silences import Ack
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery
from pointsman.engine.alert_ports import LEASE_S, EntryQuery, Happened, Hold

ACK = Ack(an_alert().id, "ada", NOON, NOON + MINUTE, "on it")


class TestMemoryRota(RotaContract):
    @pytest.fixture
    def pair(self) -> Pair:
        shared = SharedWatch()

        def lapse() -> None:
            shared.now_s += LEASE_S + 1

        return Pair(MemoryRota(shared, "one"), MemoryRota(shared, "other"), lapse)


@pytest.fixture
def stores(upgraded_database: str) -> Iterator[tuple[PostgresStore, PostgresStore]]:
    address = address_of(upgraded_database)
    made = PostgresStore(address), PostgresStore(address)
    yield made
    for each in made:
        each.close()


Stores = tuple[PostgresStore, PostgresStore]


def run(store: PostgresStore, statement: str) -> Any:
    async def work(session: Any) -> Any:
        return await session.fetchval(statement)

    return store.link.run(work)


class TestPostgresRota(RotaContract):
    @pytest.fixture
    def pair(self, stores: Stores) -> Pair:
        one, other = stores

        def lapse() -> None:
            run(one, "UPDATE ALERT_WATCH SET LEASED_UNTIL = 1")

        return Pair(one.rota, other.rota, lapse)


def test_reports_that_nobody_reads_are_forgotten(stores: Stores) -> None:
    one, other = stores
    one.rota.tell(a_report(one.rota))
    run(one, "UPDATE ALERT_REPORTS SET REPORTED_AT = REPORTED_AT - 130000000")
    other.rota.tell(a_report(other.rota))
    assert run(one, "SELECT count(*) FROM ALERT_REPORTS") == 1


# Alerts of gateways that share them ---------------------------------------------------------------

Beside = Callable[[str], SqliteStore]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    made: list[SqliteStore] = []

    def make(name: str) -> SqliteStore:
        made.append(SqliteStore(tmp_path / name / "alerts.db"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def shared(stores: Stores, beside: Beside) -> tuple[SharedAlerts, SharedAlerts]:
    """Those of the gateway that has the watch, and of another."""
    one, other = stores
    assert one.rota.take(over=True) is Hold.TAKEN
    return one.shared_alerts(beside("one")), other.shared_alerts(beside("other"))


Shared = tuple[SharedAlerts, SharedAlerts]


def test_only_who_has_the_watch_tells_and_says_how_alerts_stand(
    shared: Shared, stores: Stores
) -> None:
    leads, follows = shared
    leads.keep(Happened([Kept(an_alert(), TOLD)], [an_entry(1)], [notification()]), NOON)
    stale = Kept(an_alert())
    unknown = Kept(an_alert(AGENT))
    more = [notification(id="ntf-2")]
    follows.keep(Happened([stale, unknown], [an_entry(2)], more), NOON)
    assert {each.alert.scope: each for each in leads.alerts(NOON)} == {
        MODEL: Kept(an_alert(), TOLD),
        AGENT: unknown,
    }
    assert [each.id for each in follows.entries(EntryQuery())] == ["e0002", "e0001"]
    assert stores[0].outbox.row("ntf-2") is None


def test_an_end_that_the_database_does_not_know_of_is_taken_from_anybody(shared: Shared) -> None:
    leads, follows = shared
    leads.keep(Happened([Kept(an_alert(), TOLD)]), NOON)
    over = Kept(an_alert(state=State.RESOLVED, minute=4), TOLD)
    follows.keep(Happened([over]), NOON)
    assert list(leads.alerts(NOON)) == [over]


def about(kept: Kept, name: str) -> Notification:
    told = notification(id=name)
    return replace(told, alerts=(replace(told.alerts[0], alert_id=kept.alert.id),))


def test_who_was_held_up_and_has_lost_the_watch_tells_only_what_nobody_else_knows(
    shared: Shared, stores: Stores
) -> None:
    held_up, watches = shared
    run(stores[0], "UPDATE ALERT_WATCH SET LEASED_UNTIL = 1")
    assert stores[1].rota.take(over=True) is Hold.TAKEN
    known, unknown = Kept(an_alert(), TOLD), Kept(an_alert(AGENT), TOLD)
    watches.keep(Happened([known]), NOON)
    told = [about(known, "again"), about(unknown, "news")]
    held_up.keep(Happened([known, unknown], [], told), NOON)
    # It counts as told, so it is told; who has the watch has told the other.
    assert len(watches.alerts(NOON)) == 2
    assert [row.id for row in stores[0].outbox.rows(OutboxQuery())] == ["news"]


def break_down(store: PostgresStore) -> None:
    for table in ("ALERTS", "ALERT_SILENCES", "ALERT_RULES"):
        run(store, f"ALTER TABLE {table} RENAME TO {table}_AWAY")


def mend(store: PostgresStore) -> None:
    for table in ("ALERTS", "ALERT_SILENCES", "ALERT_RULES"):
        run(store, f"ALTER TABLE {table}_AWAY RENAME TO {table}")


def test_what_people_do_while_the_database_is_away_is_brought_there_once_it_is_back(
    shared: Shared, stores: Stores
) -> None:
    leads, follows = shared
    leads.keep(Happened([Kept(an_alert(), TOLD)]), NOON)
    leads.keep_rule(a_rule("gone"))
    leads.keep_rule(a_rule("newer", 9))
    leads.keep_silence(a_silence("later"), NOON)
    assert len(follows.rules()) == 2
    break_down(stores[0])
    follows.take(Kept(an_alert(), ack=ACK), an_entry(1, step=Step.ACKED))
    follows.keep_rule(a_rule("newer", 2))
    follows.keep_rule(a_rule("mine"))
    assert follows.remove_rule("gone")
    follows.keep_silence(a_silence("mine", minute=5), NOON)
    follows.keep_silence(replace(a_silence("later"), updated_at=NOON - MINUTE), NOON)
    with pytest.raises(StoreError):
        follows.rules()
    mend(stores[0])
    assert follows.rules() == [a_rule("mine"), a_rule("newer", 9)]
    assert leads.rules() == follows.rules()
    assert list(leads.alerts(NOON)) == [Kept(an_alert(), TOLD, ACK)]
    assert list(leads.silences(NOON)) == [a_silence("later"), a_silence("mine", minute=5)]
    assert [each.step for each in leads.entries(EntryQuery())] == [Step.ACKED]


def test_what_came_last_of_what_people_did_is_what_counts(shared: Shared, stores: Stores) -> None:
    leads, follows = shared
    leads.keep(Happened([Kept(an_alert())]), NOON)
    break_down(stores[0])
    follows.take(Kept(an_alert(), ack=ACK), an_entry(1, step=Step.ACKED))
    follows.take(Kept(an_alert()), an_entry(2, step=Step.UNACKED))
    mend(stores[0])
    follows.alerts(NOON)
    assert list(leads.alerts(NOON)) == [Kept(an_alert())]


def test_what_a_gateway_kept_by_itself_before_is_brought_to_the_database(
    stores: Stores, beside: Beside
) -> None:
    file = beside("former")
    kept = Kept(an_alert(), TOLD, ACK)
    lines = [an_entry(number) for number in range(1_200)]
    file.alerts.keep(Happened([kept], lines, [notification()]), NOON)
    file.alerts.keep_silence(a_silence(), NOON)
    file.alerts.keep_rule(a_rule())
    alerts = stores[0].shared_alerts(file)
    assert [each._replace(ack=None) for each in alerts.alerts(NOON)] == [kept._replace(ack=None)]
    assert alerts.alert(kept.alert.id) == kept
    assert len(alerts.entries(EntryQuery(limit=2_000))) == 1_200
    assert (alerts.silences(NOON), alerts.rules()) == ([a_silence()], [a_rule()])
    assert "pager" in stores[0].outbox.due(NOON + timedelta(hours=1))
    assert not file.alerts.entries(EntryQuery())
    assert not file.outbox.counts()


def test_what_no_database_takes_is_refused_and_waits_nowhere(
    shared: Shared, stores: Stores
) -> None:
    leads, _ = shared
    run(stores[0], "ALTER TABLE ALERT_RULES ADD CHECK (RULE_VERSION < 5)")
    with pytest.raises(StoreError):
        leads.keep_rule(a_rule("mine", 9))
    assert leads.rules() == []
