"""Are decisions kept for as long as the operator says, and no longer?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pointsman.app.config import parse
from pointsman.app.running import Running
from pointsman.core.decision import Decision, Strategy, Task
from pointsman.core.errors import ConfigError


def a_running(folder: Path, server: str = "") -> Running:
    configuration = parse(f"server: {{data_dir: {folder}{server}}}", {})
    return Running(configuration, load=lambda: configuration)


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
    await running._forget_old_decisions()
    assert store.decision(old.id) is None
    assert store.decision(young.id) is not None
    store.close()


async def test_a_store_that_cannot_forget_does_not_end_the_housekeeping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = a_running(tmp_path)
    running.parts.store.close()
    await running._forget_old_decisions()
    assert "cannot be forgotten" in caplog.text


def test_keeping_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="keep_decisions_days"):
        parse("server: {keep_decisions_days: 0}", {})
