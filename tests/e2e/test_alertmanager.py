"""Does a real Alertmanager take our alerts, keep them while they fire, and let them go?"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from gateway_process import wait_until

from free_ports import free_port
from notices import notice, notification
from pointsman.adapters.notifiers.alertmanager import Alertmanager
from pointsman.adapters.notifiers.posting import Poster
from pointsman.core.notification import AlertNotice, NoticeState

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(PROGRAM is None, reason="no Alertmanager is installed"),
]

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of an Alertmanager of our own."""
    (tmp_path / "am.yml").write_text(CONFIG)
    port = free_port()
    process = subprocess.Popen(
        [
            PROGRAM or "",
            f"--config.file={tmp_path / 'am.yml'}",
            f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _answers(port), within_s=20)
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        get(port, "/-/ready")
    except OSError:
        return False
    return True


def get(port: int, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def held(port: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(get(port, "/api/v2/alerts"))
    return found


def manager(port: int) -> Alertmanager:
    return Alertmanager([Poster(f"http://127.0.0.1:{port}", now, allow_private=True)], now)


def fires(number: int, **changes: Any) -> AlertNotice:
    return notice(number, starts_at=now() - timedelta(minutes=2), **changes)


async def test_ten_thousand_alerts_are_taken_and_shown_by_amtool(port: int) -> None:
    alerts = tuple(fires(number) for number in range(10_000))
    await manager(port).notify(notification(alerts=alerts))
    wait_until(lambda: len(held(port)) == 10_000, within_s=60)
    one = next(each for each in held(port) if each["labels"]["model"] == "acme/model-7")
    assert one["labels"]["severity"] == "critical"
    assert one["annotations"]["summary"] == alerts[7].summary
    amtool = shutil.which("amtool")
    if amtool is not None:
        asked = [amtool, f"--alertmanager.url=http://127.0.0.1:{port}", "alert", "query"]
        asked.append("model=acme/model-7")
        shown = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True)
        assert "low_success_rate" in shown.stdout


async def test_an_alert_is_held_while_it_is_refreshed_and_gone_when_it_is_over(port: int) -> None:
    channel, alert = manager(port), fires(1)
    await channel.notify(notification(alerts=(alert,)))
    first = wait_until(lambda: held(port))[0]
    await channel.refresh([alert])
    again = wait_until(lambda: [a for a in held(port) if a["endsAt"] > first["endsAt"]])[0]
    assert again["fingerprint"] == first["fingerprint"]
    over = notice(1, starts_at=alert.starts_at, state=NoticeState.RESOLVED, ends_at=now())
    await channel.notify(notification(id="n2", alerts=(over,)))
    wait_until(lambda: not held(port), what="the end of the alert")
