"""Does what people did wait for the database, and get there once?"""

from __future__ import annotations

from pathlib import Path

from spooling import Table, an_act, rows, until
from store_contract import a_decision

from pointsman.adapters.stores.spool.file import SpoolFile
from pointsman.adapters.stores.spool.forwarding import Forwarder


def test_acts_of_people_wait_too_and_none_is_thrown_away(tmp_path: Path) -> None:
    """Also where what else waits is more than there is room for."""
    spool, away = SpoolFile(tmp_path / "spool.db", 20_000), Table(up=False)
    forwarder = Forwarder(spool, away)
    for number in range(60):
        spool.keep_act(an_act(number))
        spool.keep_act(an_act(number))
        spool.append(rows(a_decision(number)), at_us=number)
    forwarder.wake()
    assert not forwarder.settled(0.1)
    forwarder.close(0.1)
    spool.close()
    table, spool = Table(), SpoolFile(tmp_path / "spool.db", 20_000)
    forwarder = Forwarder(spool, table)
    assert forwarder.settled(10)
    forwarder.close(1)
    assert table.audit.kept == [an_act(number) for number in range(60)]
    assert spool.tally()["lost"].decisions > 0
    assert spool.acts() == ()
    spool.close()


def test_when_only_acts_have_waited_the_failure_is_over_with_them(tmp_path: Path) -> None:
    spool, table = SpoolFile(tmp_path / "spool.db", 20_000), Table(up=False)
    forwarder = Forwarder(spool, table)
    spool.keep_act(an_act(1))
    forwarder.wake()
    until(lambda: forwarder.failure is not None)
    table.up.set()
    until(lambda: not spool.anything_waits)
    until(lambda: forwarder.failure is None)
    forwarder.close(1)
    spool.close()
