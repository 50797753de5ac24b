"""What do tools see that know Alertmanager's API v2?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from control_server import Client, control_server

from pointsman.app.clock import SystemClock
from pointsman.app.config import parse
from pointsman.app.wiring import Wired, wired
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.engine.aside import ThreadAside

FLEET = """
providers: {sim: {type: simulated}}
models: {sim/a: {}}
agents: {coder: {}}
alerts:
  channels: {hook: {type: webhook, url: "${HOOK}"}, other: {type: webhook, url: "${HOOK}"}}
  routes: [{channels: [hook], types: [RAPID_FAILURES, LOW_SUCCESS_RATE]}]
  rules:
    slow_to_fire: {for_s: 600, scope: [model], when: [{metric: faults_in_a_row, ladder: {info: 1}}]}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    environ = {"HOOK": "https://hooks.example/1", "HOME": str(tmp_path_factory.mktemp("home"))}
    clock = SystemClock()
    parts: Wired = wired(parse(FLEET, environ), clock, ThreadAside(clock))
    for _ in range(30):
        now, failure = parts.clock.now(), FailureKind.SERVER_ERROR
        parts.service._ledger.ended(Outcome("d", 1, "sim/a", "coder", now, failure, False, 0.1))
    asyncio.run(parts.watching.watch.look())
    with control_server(tmp_path_factory.mktemp("data") / "pointsman.db") as client:
        client.router.desk = parts.watching.desk
        yield client
    parts.store.close()


def call(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", client.port, timeout=10)
    sent = None if body is None else json.dumps(body).encode()
    headers = {"x-role": "admin", "content-type": "application/json"}
    connection.request(method, f"/api/v2{path}", sent, headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text else None


def get(client: Client, path: str) -> Any:
    status, body = call(client, "GET", path)
    assert status == 200, body
    return body


def names(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["labels"]["alertname"], each["labels"]["scope"]) for each in found}


def test_status_and_receivers_are_those_of_a_server_without_a_cluster(client: Client) -> None:
    status = get(client, "/status")
    assert status["cluster"] == {"status": "disabled", "peers": []}
    assert set(status["versionInfo"]) >= {"version", "goVersion", "revision"}
    assert status["uptime"].endswith("Z")
    assert get(client, "/receivers") == [{"name": "hook"}]


def test_alerts_are_told_in_alertmanagers_words(client: Client) -> None:
    found = get(client, "/alerts")
    one = next(each for each in found if each["labels"]["alertname"] == "low_success_rate")
    assert set(one) == {
        "annotations",
        "receivers",
        "fingerprint",
        "startsAt",
        "updatedAt",
        "endsAt",
        "status",
        "labels",
        "generatorURL",
    }
    assert one["status"] == {
        "state": "active",
        "silencedBy": [],
        "inhibitedBy": [],
        "mutedBy": [],
    }
    assert one["receivers"] == [{"name": "hook"}]
    hidden = next(each for each in found if each["labels"]["alertname"] == "model_failure")
    assert hidden["status"]["state"] == "suppressed"
    assert hidden["receivers"] == [{"name": "nobody"}]
    waits = next(each for each in found if each["labels"]["alertname"] == "slow_to_fire")
    assert waits["status"]["state"] == "unprocessed"


@pytest.mark.parametrize(
    ("query", "rules"),
    [
        (f"filter={quote('alertname=low_success_rate')}&filter={quote('agent=coder')}", 1),
        (f"filter={quote('alertname=~.*rate')}", 2),
        ("inhibited=false&unprocessed=false&receiver=hook", 4),
        ("active=false&inhibited=false", 1),
        ("receiver=other", 0),
    ],
)
def test_alerts_are_filtered_as_alertmanager_does(client: Client, query: str, rules: int) -> None:
    assert len(get(client, f"/alerts?{query}")) == rules


def test_groups_are_those_that_are_told_together(client: Client) -> None:
    found = get(client, "/alerts/groups?receiver=hook&inhibited=false")
    assert [each["labels"] for each in found] == [
        {"alert_type": "LOW_SUCCESS_RATE"},
        {"alert_type": "RAPID_FAILURES"},
    ]
    assert {each["receiver"]["name"] for each in found} == {"hook"}
    assert sum(len(each["alerts"]) for each in found) == 4


@pytest.mark.parametrize("path", ["/alerts", "/alerts/groups", "/silences"])
def test_a_filter_that_is_none_is_refused_in_plain_words(client: Client, path: str) -> None:
    status, body = call(client, "GET", f"{path}?filter=nonsense")
    assert status == 400
    assert "is no matcher" in body


def test_a_receiver_that_is_no_expression_is_refused(client: Client) -> None:
    assert call(client, "GET", "/alerts?receiver=(")[0] == 400
    status, body = call(client, "GET", f"/alerts?receiver={quote('(a+)+b')}")
    assert status == 400
    assert "could take too long" in body


def test_silences_are_made_listed_changed_and_ended(client: Client) -> None:
    asked = {
        "matchers": [{"name": "alertname", "value": "low_.*", "isRegex": True, "isEqual": True}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2100-01-01T00:00:00.000Z",
        "createdBy": "ada",
        "comment": "moving",
    }
    status, body = call(client, "POST", "/silences", asked)
    assert status == 200
    name = body["silenceID"]
    one = get(client, f"/silence/{name}")
    assert (one["status"], one["createdBy"]) == ({"state": "active"}, "ada")
    assert one["matchers"] == asked["matchers"]
    assert len(get(client, "/alerts?silenced=false&inhibited=false&unprocessed=false")) == 2
    wanted = quote('alertname="low_success_rate"')
    assert len(get(client, f"/silences?filter={quote('alertname=~low_.*')}")) == 1
    assert [each["id"] for each in get(client, "/silences")] == [name]
    assert get(client, f"/silences?filter={wanted}") == []
    changed = {**asked, "id": name, "comment": "still moving", "matchers": [
        {"name": "alertname", "value": "low_success_rate", "isRegex": False},
        {"name": "agent", "value": "x", "isRegex": True, "isEqual": False},
        {"name": "agent", "value": "y", "isRegex": False, "isEqual": False},
    ]}  # fmt: skip
    assert call(client, "POST", "/silences", changed)[1] == {"silenceID": name}
    assert get(client, f"/silences?filter={wanted}")[0]["comment"] == "still moving"
    assert call(client, "DELETE", f"/silence/{name}")[0] == 200
    assert call(client, "DELETE", f"/silence/{name}")[0] == 404
    assert get(client, f"/silence/{name}")["status"] == {"state": "expired"}
    assert call(client, "GET", "/silence/nobody")[0] == 404


@pytest.mark.parametrize("body", [{}, {"matchers": 1}, []])
def test_a_silence_that_is_none_is_refused_in_plain_words(client: Client, body: Any) -> None:
    status, answer = call(client, "POST", "/silences", body)
    assert status == 400
    assert isinstance(answer, str)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "named"),
    [
        ("2020-01-01T00:00:00Z", "2020-12-31T23:59:59Z", "endsAt: a silence cannot end in the"),
        ("0001-01-01T00:00:00+05:00", "2100-01-01T00:00:00Z", "startsAt: give an instant"),
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "endsAt: give an instant"),
    ],
)
def test_a_silence_at_an_impossible_time_is_refused(
    client: Client, starts_at: str, ends_at: str, named: str
) -> None:
    matchers = [{"name": "a", "value": "b", "isRegex": False}]
    dates = {"startsAt": starts_at, "endsAt": ends_at}
    asked = {"matchers": matchers, **dates, "createdBy": "ada", "comment": ""}
    status, answer = call(client, "POST", "/silences", asked)
    assert (status, named in answer) == (400, True)


def test_alerts_cannot_be_posted(client: Client) -> None:
    assert call(client, "POST", "/alerts", [])[0] == 405


# Requests as tools make them, by their public sources ------------------------------------------


def test_what_karma_asks_for_is_there(client: Client) -> None:
    """It asks for groups and silences without any parameter, and takes no null for an answer."""
    version = get(client, "/status")["versionInfo"]["version"]
    assert version.split("+")[0].count(".") == 2, "it is read as a semantic version"
    assert isinstance(get(client, "/silences"), list)
    for group in get(client, "/alerts/groups"):
        assert group["receiver"]["name"]
        for alert in group["alerts"]:
            assert alert["fingerprint"]
            assert alert["startsAt"]
            assert alert["generatorURL"] is not None
            assert alert["status"]["state"] in ("active", "suppressed", "unprocessed")
            assert isinstance(alert["status"]["inhibitedBy"], list)
            assert isinstance(alert["status"]["silencedBy"], list)
            assert set(map(type, alert["labels"].values())) == {str}


@pytest.mark.parametrize(
    "query",
    [
        "active=true&silenced=true&inhibited=true",
        "active=true&silenced=true&inhibited=true&muted=true",
        "filter=" + quote('alertname="low_success_rate"') + "&active=true&silenced=false",
        "filter=" + quote('alertname=~"low.*"') + "&filter=" + quote('agent!="x"'),
        "receiver=" + quote("^(?:hook)$"),
    ],
)
def test_what_grafana_asks_for_is_there(client: Client, query: str) -> None:
    assert get(client, f"/alerts/groups?{query}")
    assert get(client, f"/alerts?{query}")


def test_a_silence_as_grafana_posts_it_is_made_changed_and_ended(client: Client) -> None:
    matcher = {"name": "alertname", "value": "x", "isRegex": False, "isEqual": True}
    wanted = {
        "matchers": [matcher, {"name": "agent", "value": "b", "isRegex": False}],
        "startsAt": "2026-01-01T00:00:00.000Z",
        "endsAt": "2100-01-01T02:00:00.000+02:00",
        "createdBy": "admin",
        "comment": "created 2026-01-01 00:00",
        "duration": "2h",
        "timeZone": "browser",
    }
    status, body = call(client, "POST", "/silences", wanted)
    assert (status, list(body)) == (200, ["silenceID"])
    one = get(client, f"/silence/{body['silenceID']}")
    assert [each["isEqual"] for each in one["matchers"]] == [True, True]
    changed = {**wanted, "id": body["silenceID"], "comment": "longer"}
    assert call(client, "POST", "/silences", changed)[1] == body
    assert call(client, "DELETE", f"/silence/{body['silenceID']}")[0] == 200
    assert get(client, f"/silence/{body['silenceID']}")["status"]["state"] == "expired"
