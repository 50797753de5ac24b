"""Does a real gateway deliver what is in its outbox, whatever receivers do, and tell how that goes?

What is to be told is put into the outbox as judging puts it: in the file, by whoever has it open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve, chat_body, pointsman, wait_until
from simulated_upstream import SimulatedUpstream

from notices import notice, notification
from pointsman.adapters.stores.sqlite import SqliteStore
from receiver import Receiver, receiving

TOKEN = "t0ken-in-the-address"
KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as it:
        yield it


def telling(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    """A section `alerts` with one webhook that is signed."""
    hook = {
        "type": "webhook",
        "url": f"{receiver.url}/{TOKEN}",
        "signing_keys": [f"whsec_{KEY}"],
        "allow_private": True,
        "timeout_s": 1,
    }
    return {"channels": {"pager": {**hook, **changes}}}


def put(gateway: GatewayProcess, *names: str, channel: str = "pager", **changes: Any) -> None:
    """What judging would commit."""
    store = SqliteStore(gateway.data_dir / "pointsman.db")
    now = datetime.now(UTC)
    told = [
        notification(
            id=name,
            channel=channel,
            group_key=name,
            alerts=(notice(alert_id=name, fingerprint=name, **changes),),
            made_at=now,
        )
        for name in names
    ]
    store.outbox.put(told, now)
    store.close()


def asking(gateway: GatewayProcess) -> Mapping[str, str]:
    return {"POINTSMAN_URL": gateway.url}


def test_a_channel_is_tried_out_from_the_command_line(
    serve: Serve, upstream: SimulatedUpstream, receiver: Receiver, tmp_path: Path
) -> None:
    gateway = serve(fleet(upstream.url, alerts=telling(receiver)))

    def run(*arguments: str) -> Any:
        return pointsman("alerts", *arguments, cwd=tmp_path, environ=asking(gateway))

    shown = run("test", "pager", "--dry-run")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["version"] == "4"
    assert not receiver.received

    assert run("test", "pager").stdout == "pager took the test.\n"
    (got,) = receiver.taken
    stamp = got.headers["webhook-timestamp"]
    content = f"{got.id}.{stamp}.{got.body}".encode()
    signature = base64.b64encode(hmac.digest(b"k" * 32, content, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{signature}"
    assert "This is a test" in got.document["alerts"][0]["annotations"]["summary"]

    receiver.behave(status=401, answer=f"no {TOKEN}")
    refused = run("test", "pager")
    assert refused.returncode == 1
    assert "the receiver answered 401" in refused.stdout
    assert run("test", "pigeon").returncode == 2
    assert run("channels").stdout.splitlines()[1].split()[:3] == ["pager", "webhook", "ok"]
    assert json.loads(run("channels", "--json").stdout)["total_count"] == 1
    assert run("outbox").stdout == "nothing\n"
    assert run("key").stdout.startswith("whsec_")
    for text in (gateway.log, refused.stdout, shown.stdout):
        assert TOKEN not in text
        assert KEY not in text


def test_what_is_in_the_outbox_is_delivered_and_a_dead_one_resent(
    serve: Serve, upstream: SimulatedUpstream, receiver: Receiver, tmp_path: Path
) -> None:
    gateway = serve(fleet(upstream.url, alerts=telling(receiver)))
    put(gateway, "one")
    assert receiver.wait_for(1)[0].id == "one"

    receiver.behave(status=410)
    put(gateway, "two")
    wait_until(lambda: gateway.control("/alerts/outbox?state=dead")["count"] == 1)
    receiver.behave()
    listed = pointsman("alerts", "outbox", cwd=tmp_path, environ=asking(gateway)).stdout
    assert "the receiver answered 410" in listed
    answer = pointsman("alerts", "resend", "two", cwd=tmp_path, environ=asking(gateway))
    assert answer.stdout == "It is sent again.\n"
    assert receiver.wait_for(2)[1].id == "two"
    again = pointsman("alerts", "resend", "two", "--json", cwd=tmp_path, environ=asking(gateway))
    assert json.loads(again.stdout)["success"]
    wait_until(lambda: len(receiver.taken) == 3)


@pytest.mark.parametrize(
    "trouble", [{"hang": True}, {"reset": True}, {"status": 429}, {"status": 500}, {"status": 302}]
)
def test_a_receiver_in_trouble_holds_up_no_request_and_gets_everything_after(
    serve: Serve, upstream: SimulatedUpstream, receiver: Receiver, trouble: dict[str, Any]
) -> None:
    gateway = serve(fleet(upstream.url, alerts=telling(receiver, timeout_s=0.3)))
    receiver.behave(**trouble)
    put(gateway, "one", "two")
    wait_until(lambda: receiver.received)
    assert gateway.chat(**chat_body()).status == 200
    receiver.behave()
    told = {alert["annotations"]["alert_id"] for alert in alerts_of(receiver, 2)}
    assert told == {"one", "two"}


def alerts_of(receiver: Receiver, count: int) -> list[dict[str, Any]]:
    """The alerts that the receiver has been told of, once there are so many."""

    def told() -> list[dict[str, Any]]:
        return [alert for each in receiver.taken for alert in each.document["alerts"]]

    wait_until(lambda: len(told()) >= count, within_s=30)
    return told()


def test_a_failing_channel_is_told_of_through_another(
    serve: Serve, upstream: SimulatedUpstream, receiver: Receiver
) -> None:
    with receiving() as broken:
        broken.behave(status=403)
        alerts = telling(receiver)
        alerts["channels"]["broken"] = telling(broken)["channels"]["pager"]
        gateway = serve(fleet(upstream.url, alerts=alerts))
        put(gateway, "one", channel="broken")
        (alert,) = alerts_of(receiver, 1)
        assert alert["labels"]["alertname"] == "channel_failing"
        assert alert["labels"]["channel"] == "broken"
        broken.behave()
        assert broken.wait_for(1)[0].id == "one"
        assert alerts_of(receiver, 2)[1]["status"] == "resolved"


def test_what_waits_outlives_a_restart_and_a_change_of_the_configuration(
    serve: Serve, upstream: SimulatedUpstream, receiver: Receiver
) -> None:
    nobody = telling(receiver, url="http://127.0.0.1:9/gone")
    gateway = serve(fleet(upstream.url, alerts=nobody))
    put(gateway, "one")
    wait_until(lambda: gateway.control("/alerts/channels")["channels"][0]["failures"])
    gateway.terminate()
    gateway.start()
    wait_until(lambda: gateway.control("/alerts/outbox")["notifications"][0]["attempts"] > 1)
    gateway.configure(fleet(upstream.url, alerts=telling(receiver)))
    assert receiver.wait_for(1, within_s=90)[0].id == "one"


def test_without_channels_the_outbox_is_left_alone(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    assert gateway.control("/alerts/channels")["total_count"] == 0
    assert gateway.control("/alerts/outbox")["count"] == 0
