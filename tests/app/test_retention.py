"""Are decisions kept for as long as the operator says, and no longer?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pointsman.app.config import parse
from pointsman.app.configuration import KeySettings
from pointsman.app.running import Running
from pointsman.core.decision import Decision, Strategy, Task
from pointsman.core.errors import ConfigError
from pointsman.engine.history_ports import AuditQuery, SeriesQuery


def a_running(folder: Path, server: str = "") -> Running:
    configuration = parse(f"{{server: {{data_dir: {folder}{server}}}}}", {})
    return Running(configuration, load=lambda *_: configuration)


def a_decision(running: Running, number: int, age: timedelta) -> Decision:
    return Decision(
        id=f"dec_{number}",
        request_id="req_1",
        at=running.parts.clock.now() - age,
        agent_id="default",
        task=Task(),
        strategy=Strategy.BALANCED,
        candidates=(),
        rejections=(),
        propensity=1.0,
        config_version="1",
    )


@pytest.mark.parametrize(("server", "days"), [("", 30), (", keep_decisions_days: 2", 2)])
async def test_housekeeping_forgets_what_is_older_than_the_setting(
    tmp_path: Path, server: str, days: int
) -> None:
    running = a_running(tmp_path, server)
    store = running.parts.store
    margin = timedelta(hours=1)
    old = a_decision(running, 1, timedelta(days=days) + margin)
    young = a_decision(running, 2, timedelta(days=days) - margin)
    store.append([old, young])
    await running._upkeep.forget()
    assert store.decision(old.id) is None
    assert store.decision(young.id) is not None
    store.close()


async def test_a_store_that_cannot_forget_does_not_end_the_housekeeping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = a_running(tmp_path)
    running.parts.store.close()
    await running._upkeep.forget()
    assert "cannot be forgotten" in caplog.text


def test_keeping_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="keep_decisions_days"):
        parse("server: {keep_decisions_days: 0}", {})


async def test_what_happened_is_counted_up_and_its_minutes_forgotten(tmp_path: Path) -> None:
    running = a_running(tmp_path, "}, store: {keep_minutes_days: 1")
    store, now = running.parts.store, running.parts.clock.now()
    for age in (timedelta(days=2), timedelta(hours=2)):
        made = a_decision(running, 1, age)
        store.append([made._replace(id=f"dec_{int(made.at.timestamp() * 1000):011x}{'0' * 16}")])
    await running._upkeep.roll()
    everything = SeriesQuery(now - timedelta(days=3), now, 60)
    assert len(store.aggregates.series(everything).points) == 2
    await running._upkeep.forget()
    assert len(store.aggregates.series(everything).points) == 1
    hours = store.aggregates.series(everything._replace(step_s=3_600)).points
    assert sum(point.figures.decisions for point in hours) == 2
    store.close()


async def test_a_store_that_counts_nothing_up_does_not_end_the_turns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = a_running(tmp_path)
    running.parts.store.close()
    for _ in range(3):
        await running._upkeep.roll()
    assert caplog.text.count("cannot be brought up to date") == 1


async def test_which_configuration_is_served_since_when_is_noted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = a_running(tmp_path)
    store = running.parts.store
    for _ in range(2):
        await running._upkeep.note_version()
    running.configuration = replace(running.configuration, version="another")
    await running._upkeep.note_version()
    found = store.audit.acts(AuditQuery())
    assert [act.action for act in found] == ["configuration.reload", "configuration.start"]
    assert found[0].before == {"version": found[1].subject}
    store.close()
    running.configuration = replace(running.configuration, version="a third")
    await running._upkeep.note_version()
    assert "the audit log does not say" in caplog.text


async def test_which_keys_there_are_is_noted_when_they_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = a_running(tmp_path)
    audit = running.parts.store.audit
    key = KeySettings("ci", "ab" * 32, "caller", ("coder",))
    for keys in ((key,), (key,), ()):
        running.configuration = replace(running.configuration, keys=keys)
        await running._upkeep.note_keys()
    found = audit.acts(AuditQuery(kind="key"))
    assert [act.action for act in found] == ["key.revoke", "key.add"]
    assert found[1].after == {"name": "ci", "role": "caller", "agents": ["coder"]}
    running.parts.store.close()
    running.configuration = replace(running.configuration, keys=(key,))
    await running._upkeep.note_keys()
    assert "which keys there are" in caplog.text


async def test_what_an_answer_has_taught_is_written_down_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = a_running(tmp_path)
    parts = running.parts

    def taught() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(tmp_path / "pointsman.db")) as db:
            return db.execute(
                "SELECT PROPERTY, VALUE_JSON FROM CATALOGUE_CORRECTIONS ORDER BY 1"
            ).fetchall()

    model = next(iter(parts.registry.fleet.models.values()))
    parts.registry.correct(replace(model, context_window=2_048), parts.clock.now())
    for _ in range(2):
        await running._upkeep.keep_lessons()
    assert taught() == [("context_window", "2048")]
    parts.registry.correct(
        replace(model, context_window=1_024, unsupported=frozenset({"n"})), parts.clock.now()
    )
    await running._upkeep.keep_lessons()
    assert taught() == [("context_window", "1024"), ("unsupported:n", "true")]
    parts.store.close()
    parts.registry.correct(replace(model, context_window=4_096), parts.clock.now())
    await running._upkeep.keep_lessons()
    assert "cannot be written down yet" in caplog.text
