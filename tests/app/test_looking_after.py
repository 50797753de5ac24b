"""Are assignments taken up as soon as they can be read, and does nobody touch them before?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pointsman.app.clock import SystemClock
from pointsman.app.config import load
from pointsman.app.looking_after import LookingAfter
from pointsman.app.wiring import Wired, wired
from pointsman.core.errors import StoreError
from pointsman.engine.aside import ThreadAside
from pointsman.engine.ports import AssignmentPage, AssignmentQuery, AssignmentStore

FLEET = """\
server: {data_dir: data}
providers: {sim: {type: simulated}}
models: {sim/swift-mini: {}}
agents: {coder: {}}
assignment: {mode: auto}
"""


class AwayAtFirst:
    """A store of assignments that cannot be read the first few times."""

    def __init__(self, store: AssignmentStore, times: int) -> None:
        self._store = store
        self.times = times

    def mark(self) -> str:
        return self._store.mark()

    def listed(self, query: AssignmentQuery) -> AssignmentPage:
        if self.times:
            self.times -= 1
            raise StoreError("the disk is gone")
        return self._store.listed(query)


class Impatient(SystemClock):
    async def sleep(self, seconds: float) -> None:
        """Nobody waits here."""


@pytest.fixture
def parts(tmp_path: Path) -> Wired:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, "utf-8")
    configuration = load(path, {})
    server = replace(configuration.server, data_dir=tmp_path / "data")
    clock = Impatient()
    return wired(replace(configuration, server=server), clock, ThreadAside(clock))


async def test_they_are_taken_up_once_the_store_is_back(
    parts: Wired, caplog: pytest.LogCaptureFixture
) -> None:
    book = parts.assignments
    away = AwayAtFirst(book.store, times=3)
    book.store = away  # type: ignore[assignment]  # what is asked for here
    keeper = LookingAfter(parts)
    await keeper.turn()
    assert not book.loaded, "nothing is planned before it is known who stands where"
    await keeper.take_up()
    assert (book.loaded, away.times) == (True, 0)
    told = [record for record in caplog.records if "without assignments" in record.getMessage()]
    assert len(told) == 1, "said once, not every second"
    parts.store.close()
