"""Can people see through the control API how alerts are told, try it out, and send again?"""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from control_server import BASE, NOON, Client, control_server

from notices import notification
from pointsman.core.errors import NotifyError
from pointsman.core.notification import Notification
from pointsman.core.outbox import RowState, Settled
from pointsman.engine.sending import Channel

SECRET = "s3cret-s3cret"
FORMS = ("csv", "json", "ndjson")


class Pager:
    """A channel that takes what comes, or says why not."""

    one_by_one = False

    def __init__(self) -> None:
        self.error: str | None = None
        self.seen: list[Notification] = []

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        if self.error:
            raise NotifyError(self.error)
        self.seen.append(notification)
        return earlier

    def preview(self, notification: Notification) -> str:
        return f"payload of {notification.alerts[0].summary}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("first") / "pointsman.db") as client:
        yield client


@pytest.fixture
def pager() -> Pager:
    return Pager()


@pytest.fixture
def client(served: Client, tmp_path: Path, pager: Pager) -> Client:
    client = served.with_store(tmp_path / "pointsman.db")
    client.router.channels = {"pager": Channel(pager, type="webhook")}
    return client


def keep(client: Client, *names: str) -> None:
    told = [notification(id=name, group_key=name, channel="pager") for name in names]
    client.router.store.outbox.put(told, NOON)


def test_channels_are_listed_with_how_they_do(client: Client) -> None:
    keep(client, "a", "b")
    status, answer = client.call("GET", "/alerts/channels", role="viewer")
    assert status == 200
    assert answer["total_count"] == 1
    assert answer["channels"] == [
        {
            "name": "pager",
            "type": "webhook",
            "failures": 0,
            "delivered": 0,
            "failed_attempts": 0,
            "given_up": 0,
            "told_together": 0,
            "waiting": 2,
            "dead": 0,
        }
    ]


def test_a_test_is_sent_and_says_that_it_is_one(client: Client, pager: Pager) -> None:
    status, answer = client.call("POST", "/alerts/channels/pager/test")
    assert (status, answer["success"], answer["error"]) == (200, True, None)
    client.call("POST", "/alerts/channels/pager/test?resolved=true")
    fires, ends = pager.seen
    assert "This is a test" in fires.alerts[0].summary
    assert fires.group_key == ends.group_key
    assert (fires.first, ends.first) == (True, False)


def test_a_test_that_does_not_arrive_says_why(client: Client, pager: Pager) -> None:
    pager.error = "the receiver answered 401"
    status, answer = client.call("POST", "/alerts/channels/pager/test")
    assert (status, answer["success"], answer["error"]) == (200, False, pager.error)


def test_a_dry_run_shows_the_payload_and_sends_nothing(client: Client, pager: Pager) -> None:
    _, answer = client.call("POST", "/alerts/channels/pager/test?dry_run=true")
    assert answer["payload"].startswith("payload of This is a test")
    assert answer["dry_run"]
    assert not pager.seen


def test_only_an_admin_sends_and_only_where_there_is_a_channel(client: Client) -> None:
    assert client.call("POST", "/alerts/channels/pager/test", role="viewer")[0] == 403
    status, answer = client.call("POST", "/alerts/channels/pigeon/test")
    assert status == 404
    assert answer["error"]["message"] == "No channel is called 'pigeon'; known: pager."


def test_the_outbox_is_listed_a_page_at_a_time(client: Client) -> None:
    keep(client, "a", "b", "c")
    outbox = client.router.store.outbox
    until = NOON + timedelta(minutes=1)
    rows = outbox.lease("pager", now=NOON, until=until, limit=1)
    outbox.settle(rows[0], Settled(RowState.DEAD, NOON, error="the receiver answered 410"))
    _, page = client.call("GET", "/alerts/outbox?limit=2", role="viewer")
    assert [row["notification_id"] for row in page["notifications"]] == ["c", "b"]
    _, rest = client.call("GET", f"/alerts/outbox?limit=2&cursor={page['next_cursor']}")
    (dead,) = rest["notifications"]
    assert rest["next_cursor"] is None
    assert (dead["state"], dead["error"], dead["attempts"]) == (
        "dead",
        "the receiver answered 410",
        1,
    )
    assert dead["next_at"] is None
    _, waiting = client.call("GET", "/alerts/outbox?state=pending&channel=pager")
    assert waiting["count"] == 2
    assert client.call("GET", "/alerts/outbox?channel=pigeon")[1]["count"] == 0
    assert client.call("GET", "/alerts/outbox?state=lost")[0] == 400


def test_a_dead_notification_is_sent_again(client: Client) -> None:
    keep(client, "a")
    outbox = client.router.store.outbox
    until = NOON + timedelta(minutes=1)
    rows = outbox.lease("pager", now=NOON, until=until, limit=1)
    outbox.settle(rows[0], Settled(RowState.DEAD, NOON, error="no"))
    assert client.call("POST", "/alerts/outbox/a/resend", role="viewer")[0] == 403
    assert client.call("POST", "/alerts/outbox/a/resend")[0] == 200
    assert client.call("GET", "/alerts/outbox")[1]["notifications"][0]["state"] == "pending"
    status, answer = client.call("POST", "/alerts/outbox/z/resend")
    assert (status, answer["error"]["code"]) == (404, "notification_not_found")


def test_all_notifications_are_given_out_however_many_there_are(client: Client) -> None:
    keep(client, *(f"n{number:04d}" for number in range(450)))
    told: list[str] = []
    path = "/alerts/outbox?limit=200&state=pending"
    while True:
        page = client.get(path)
        told += [each["notification_id"] for each in page["notifications"]]
        if page["next_cursor"] is None:
            break
        path = f"/alerts/outbox?limit=200&state=pending&cursor={page['next_cursor']}"
    asked = f"http://127.0.0.1:{client.port}{BASE}/export/notifications"
    given = {form: fetched(f"{asked}?state=pending&format={form}") for form in FORMS}
    rows = list(csv.DictReader(io.StringIO(given["csv"])))
    assert [each["notification_id"] for each in rows] == told
    assert rows[0]["channel"] == "pager"
    assert [each["notification_id"] for each in json.loads(given["json"])] == told
    lines = [json.loads(line) for line in given["ndjson"].splitlines()]
    assert lines == json.loads(given["json"])
    assert fetched(f"{asked}?state=dead&format=json").strip() == "[]"
    assert fetched(f"{asked}?state=dead&format=csv").startswith("notification_id,channel")


def fetched(url: str) -> str:
    request = urllib.request.Request(url, headers={"x-role": "viewer"})
    with urllib.request.urlopen(request) as answer:
        content: bytes = answer.read()
        return content.decode()
