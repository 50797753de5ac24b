"""Are acts listed in the order in which they were done?"""

from __future__ import annotations

from pathlib import Path
from random import Random

from scripted import FakeClock

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.engine.audit import Audit
from pointsman.engine.history_ports import AuditQuery


async def test_acts_of_one_millisecond_are_listed_in_their_order(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "pointsman.db")
    audit = Audit(store.audit, FakeClock(), Random(1))
    done = [f"log_level.{number}" for number in range(20)]
    for action in done:
        await audit.note("ops", action, "log")
    found = await audit.acts(AuditQuery())
    assert [act.action for act in reversed(found)] == done
    store.close()
