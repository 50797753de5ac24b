"""Does a router know after its start what it knew before, and may its scoring be changed?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import pointsman
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.additions import Additions
from pointsman.app.config import Configuration, parse
from pointsman.app.running import Running
from pointsman.core.decision import Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.windows import Window

HELLO: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}

FLEET = """
server: {{data_dir: {folder}}}
providers: {{sim: {{type: simulated}}}}
models:
  sim/one: {{capabilities: {{general: 0.9}}, price: free}}
  sim/two: {{capabilities: {{general: 0.8}}, price: free}}
routing: {{scoring: {scoring}, exploration: {exploration}}}
"""


def configured(folder: Path, scoring: str = "posterior", exploration: float = 0.0) -> Configuration:
    return parse(FLEET.format(folder=folder, scoring=scoring, exploration=exploration), {})


def record_failures(store: Any, running: Running, count: int) -> None:
    """The better model has failed so often a minute ago."""
    at = running.parts.clock.now() - timedelta(minutes=1)
    records: list[Decision | Outcome] = []
    for number in range(count):
        decision_id = f"dec_{int(at.timestamp() * 1000):011x}{number:016x}"
        records += [
            Decision(
                *(decision_id, "r", at, "default", Task(), Strategy.BALANCED, (), (), 1.0, "cfg")
            ),
            Outcome(
                *(decision_id, 1, "sim/one", "default", at, FailureKind.UNAVAILABLE, False, 0.5)
            ),
        ]
    store.append(records)


class Fixed:
    """A configuration that can be changed, as a file can."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    def __call__(self, additions: Additions | None = None) -> Configuration:
        del additions
        return self.configuration


def replays(caplog: pytest.LogCaptureFixture) -> list[tuple[Any, ...]]:
    words = "models are scored by what the record says"
    found = [record.__dict__ for record in caplog.records if record.message == words]
    return [(each["scoring"], each["outcomes"], each["judgements"]) for each in found]


async def test_the_decisions_of_the_last_hour_are_shown_again_after_a_start(
    tmp_path: Path,
) -> None:
    configuration = configured(tmp_path)
    first = Running(configuration, load=lambda *_: configuration)
    record_failures(first.parts.store, first, 45)
    async with first.running():
        pass
    again = Running(configuration, load=lambda *_: configuration)
    async with again.running():
        assert len(again.parts.statistics.latest(100)) == 45


async def test_a_start_learns_from_the_record_before_it_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = configured(tmp_path)
    running = Running(configuration, load=lambda *_: configuration)
    record_failures(running.parts.store, running, 8)
    with caplog.at_level(logging.INFO):
        async with running.running():
            assert replays(caplog) == [("posterior", 8, 0)]
            counts = running.parts.statistics.period(Window.FIVE_MINUTES).counts
            assert (counts.attempts, counts.faults) == (8, 8)


async def test_a_program_knows_what_earlier_runs_have_learned(tmp_path: Path) -> None:
    text = FLEET.format(folder=tmp_path / "data", scoring="posterior", exploration=0)
    file = tmp_path / "fleet.yaml"
    file.write_text(text)
    async with pointsman.open(file, environ={}) as router:
        assert router.decide(HELLO).candidates[0].model_id == "sim/one"
        running = router._running
        record_failures(running.parts.store, running, 8)
    async with pointsman.open(file, environ={}) as router:
        assert router.decide(HELLO).candidates[0].model_id == "sim/two"


async def test_another_profile_takes_over_on_reload_and_knows_the_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = Fixed(configured(tmp_path))
    running = Running(file.configuration, load=file)
    record_failures(running.parts.store, running, 20)
    with caplog.at_level(logging.INFO):
        async with running.running():
            file.configuration = configured(tmp_path, "classic", exploration=0.02)
            assert await running.reload()
            await idle(running)
            assert [each[0] for each in replays(caplog)] == ["posterior", "classic"]
            assert replays(caplog)[-1] == ("classic", 20, 0)
            details = running.readiness().details
            assert (details["scoring"], details["learning_again"]) == ("classic", False)
            assert running.parts.exploration._policy.share == 0.02
            assert running.parts.statistics.period(Window.HOUR).counts.attempts == 20, "not twice"
            again = len(replays(caplog))
            file.configuration = configured(tmp_path, "classic", exploration=0.01)
            assert await running.reload()
            await idle(running)
            assert len(replays(caplog)) == again, "nothing else starts it"


async def idle(running: Running) -> None:
    """Wait for what a reload has begun."""
    changes = [task for task in running._tasks if task.get_name() == "scoring"]
    await asyncio.gather(*changes)


async def test_a_record_that_takes_longer_does_not_hold_up_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pointsman.app.running.READY_WITHIN_S", 0.0)
    configuration = configured(tmp_path)
    running = Running(configuration, load=lambda *_: configuration)
    record_failures(running.parts.store, running, 200)
    with caplog.at_level(logging.INFO):
        async with running.running():
            assert running.readiness().ready
            assert running.readiness().details["learning_again"]
            assert "serving, while what happened before is still being read" in caplog.text
            (replay,) = [task for task in running._tasks if task.get_name() == "replay"]
            await replay
    assert replays(caplog) == [("posterior", 200, 0)]


@pytest.mark.parametrize("change", ["start", "reload"])
async def test_what_goes_wrong_in_learning_again_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    def broken(self: SqliteStore, since: Any, limit: int) -> Sequence[Any]:
        raise RuntimeError("a mistake of ours")

    file = Fixed(configured(tmp_path))
    running = Running(file.configuration, load=file)
    if change == "start":
        monkeypatch.setattr(SqliteStore, "recent_outcomes", broken)
    async with running.running():
        monkeypatch.setattr(SqliteStore, "recent_outcomes", broken)
        file.configuration = configured(tmp_path, "classic")
        assert await running.reload()
        await idle(running)
        assert running.readiness().ready
    assert "the scoring could not be changed" in caplog.text
    assert ("could not be learned again" in caplog.text) is (change == "start")
