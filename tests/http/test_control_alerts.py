"""What does the control API tell of alerts, and what does it let people do?"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from control_server import BASE, Client, control_server

from pointsman.app.clock import SystemClock
from pointsman.app.config import parse
from pointsman.app.wiring import Wired, wired
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.engine.aside import ThreadAside

FLEET = """
providers: {sim: {type: simulated}}
models: {sim/a: {}, sim/b: {}}
agents: {coder: {}}
alerts:
  routes: [{channels: [hook]}]
  channels: {hook: {type: webhook, url: "${HOOK}"}}
  rules:
    of_the_file: {scope: [model], when: [{metric: faults_in_a_row, ladder: {info: 100}}]}
"""


def fails(parts: Wired, times: int, good: int = 0) -> None:
    for place in range(times + good):
        failure = FailureKind.SERVER_ERROR if place < times else None
        now = parts.clock.now()
        parts.service._ledger.ended(Outcome("d", 1, "sim/a", "coder", now, failure, False, 0.1))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    home = tmp_path_factory.mktemp("home")
    environ = {"HOOK": "https://hooks.example/1", "HOME": str(home)}
    clock = SystemClock()
    found = wired(parse(FLEET, environ), clock, ThreadAside(clock))
    fails(found, 30)
    asyncio.run(found.watching.watch.look())
    yield found
    found.store.close()


@pytest.fixture(scope="module")
def client(parts: Wired, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("data") / "pointsman.db") as client:
        client.router.desk = parts.watching.desk
        yield client


def post(client: Client, path: str, body: Any, method: str = "POST") -> tuple[int, Any]:
    return client.call(method, path, json.dumps(body).encode())


# Alerts ----------------------------------------------------------------------------------------


def test_open_alerts_are_told_with_their_evidence_the_gravest_first(client: Client) -> None:
    body = client.get("/alerts/active")
    rules = {each["rule"] for each in body["alerts"]}
    assert rules == {
        "model_failure",
        "low_success_rate",
        "rapid_failures",
        "no_models_available",
    } - (set() if "no_models_available" in rules else {"no_models_available"})
    first = body["alerts"][0]
    assert (first["severity"], first["state"]) == ("CRITICAL", "firing")
    one = next(each for each in body["alerts"] if each["rule"] == "low_success_rate")
    assert one["alert_type"] == "LOW_SUCCESS_RATE"
    assert (one["metric_value"], one["evidence_count"], one["window_s"]) == (0.0, 30, 300.0)
    assert one["threshold_value"] == pytest.approx(0.8)
    assert "beyond doubt" in one["message"]
    assert "confidence interval" in one["explanation"]
    assert body["by_severity"]["CRITICAL"] == body["total_count"]
    hidden = [each for each in body["alerts"] if each["inhibited_by"]]
    assert {each["model_id"] for each in hidden} == {"sim/a"}


def test_the_overview_says_what_is_good_enough_and_when_alerts_began(client: Client) -> None:
    client.router.statistics = client.router.statistics  # of a clock that stands still at noon
    found = client.get("/overview?range=1h")
    assert found["targets"] == {"success_rate": 0.95, "cost_usd_per_hour": None}
    told = {each["alert_id"]: each for each in found["marks"]}
    active = client.get("/alerts/active")["alerts"]
    assert set(told) == {each["alert_id"] for each in active if each["state"] == "firing"}
    one = next(each for each in active if each["alert_type"] == "MODEL_FAILURE")
    mark = told[one["alert_id"]]
    assert (mark["severity"], mark["scope"]) == ("CRITICAL", "model sim/a")
    assert mark["at"] == one["starts_at"]


def test_alerts_are_narrowed_to_what_is_asked_for(client: Client) -> None:
    def rules(query: str) -> set[str]:
        return {each["rule"] for each in client.get(f"/alerts{query}")["alerts"]}

    assert rules("?model_id=sim/a") == {"model_failure", "rapid_failures"}
    assert rules("?agent_id=coder") == {"low_success_rate"}
    assert rules("?rule=model_failure&severity=CRITICAL&state=firing") == {"model_failure"}
    assert rules("?alert_type=RAPID_FAILURES") == {"rapid_failures"}
    assert rules("?state=pending") == set()
    assert len(client.get("/alerts?limit=1")["alerts"]) == 1


def test_ten_thousand_alerts_are_all_there_page_by_page(parts: Wired, client: Client) -> None:
    """The listings leave none out, whatever a page holds, and build only what they show."""
    log, model = parts.watching.alerts.log, ScopeKind.MODEL
    some = next(iter(log.all()))
    crowd = [some._replace(rule="crowd", scope=Scope(model, f"p/{n}")) for n in range(10_000)]
    for each in crowd:
        log.restore(each)
    try:
        seen: list[str] = []
        query = "?rule=crowd&limit=3000"
        cursor = ""
        for _ in range(4):
            page = client.get(f"/alerts/active{query}{cursor}")
            assert page["total_count"] == 10_000
            seen += [each["model_id"] for each in page["alerts"]]
            cursor = f"&cursor={page['next_cursor']}"
        assert page["next_cursor"] is None
        assert len(seen) == 10_000
        assert set(seen) == {each.scope.id for each in crowd}
    finally:
        for each in crowd:
            log.end(each, parts.watching.desk.now(), "the test is over")


def test_a_cursor_that_is_none_is_refused(client: Client) -> None:
    status, body = client.call("GET", "/alerts?cursor=nonsense")
    assert status == 400
    assert body["error"]["param"] == "cursor"


def test_the_history_is_told_in_pages(client: Client) -> None:
    first = client.get("/alerts/history?limit=2")
    assert first["count"] == 2
    second = client.get(f"/alerts/history?cursor={first['next_cursor']}&severity=CRITICAL")
    ids = [each["event_id"] for each in (*first["events"], *second["events"])]
    assert ids == sorted(ids, reverse=True)
    only = client.get("/alerts/history?rule=model_failure&alert_type=MODEL_FAILURE")["events"]
    assert {each["rule"] for each in only} == {"model_failure"}
    assert only[-1]["step"] == "firing"
    assert only[-1]["scope"] == {"kind": "model", "id": "sim/a"}


def test_an_alert_is_taken_and_given_back(client: Client) -> None:
    (one,) = client.get("/alerts?agent_id=coder")["alerts"]
    path = f"/alerts/{one['alert_id']}"
    status, body = post(client, f"{path}/ack", {"comment": "on it", "hours": 2})
    assert (status, body["message"]) == (200, f"tester has taken {one['alert_id']} for 2 h")
    found = client.get(path)
    assert (found["alert"]["acknowledged"]["by"], found["events"][0]["step"]) == (
        "tester",
        "acknowledged",
    )
    assert found["events"][0]["details"] == {"comment": "on it"}
    assert client.call("DELETE", f"{path}/ack")[0] == 200
    assert client.refused("DELETE", f"{path}/ack")[0] == 404
    assert client.get(path)["alert"]["acknowledged"] is None


def test_who_is_not_there_is_not_found(client: Client) -> None:
    assert client.refused("GET", "/alerts/nobody")[1]["code"] == "unknown_alert"
    status, error = client.refused("POST", "/alerts/nobody/ack", b"{}")
    assert (status, error["param"]) == (404, "alert_id")


@pytest.mark.parametrize(
    "query", ["severity=bad", "state=over", "alert_type=X", "limit=0", "cursor=x", "modl_id=x"]
)
def test_a_filter_that_makes_no_sense_is_refused(client: Client, query: str) -> None:
    name = "alerts/history" if "cursor" in query else "alerts"
    assert client.refused("GET", f"/{name}?{query}")[0] == 400


# Silences --------------------------------------------------------------------------------------


def test_a_silence_is_made_changed_and_ended(client: Client) -> None:
    matchers = [{"name": "model", "value": "sim/.*", "operator": "=~"}]
    asked = {"matchers": matchers, "comment": "moving", "hours": 1}
    status, body = post(client, "/alerts/silences", asked)
    assert (status, body["silence"]["state"], body["silence"]["created_by"]) == (
        201,
        "active",
        "tester",
    )
    name = body["silence"]["silence_id"]
    (one,) = client.get("/alerts?rule=model_failure")["alerts"]
    assert one["silenced_by"] == [name]
    longer = {**asked, "hours": None, "ends_at": "2100-01-01T00:00:00+01:00"}
    status, body = post(client, f"/alerts/silences/{name}", longer, "PUT")
    assert (status, body["silence"]["ends_at"]) == (200, "2099-12-31T23:00:00Z")
    assert client.get(f"/alerts/silences/{name}")["silence"]["matchers"] == matchers
    assert client.call("DELETE", f"/alerts/silences/{name}")[0] == 200
    assert client.refused("DELETE", f"/alerts/silences/{name}")[0] == 404
    assert post(client, f"/alerts/silences/{name}", asked, "PUT")[0] == 404
    assert client.get("/alerts/silences?state=active")["total_count"] == 0
    assert client.get("/alerts/silences")["silences"][0]["state"] == "expired"
    assert client.refused("GET", "/alerts/silences/nobody")[1]["code"] == "unknown_silence"


ONE = [{"name": "a", "value": "b"}]


def dated(starts_at: str | None, **until: Any) -> dict[str, Any]:
    return {"matchers": ONE, "comment": "", "starts_at": starts_at, **until}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"matchers": ONE, "comment": ""}, "either ends_at or hours"),
        ({"matchers": ONE, "comment": "", "ends_at": "2100-01-01T00:00:00"}, "needs an offset"),
        ({"matchers": ONE, "comment": "", "ends_at": "2000-01-01T00:00:00Z"}, "ends_at: a silence"),
        (dated("2000-01-01T00:00:00Z", hours=1), "ends_at: a silence cannot end in the past"),
        (dated("2099-01-01T00:00:00Z", ends_at="2098-01-01T00:00:00Z"), "ends after it"),
        (dated("9999-12-31T23:00:00-05:00", hours=1), "starts_at: give an instant"),
        (dated("0001-01-01T00:00:00+05:00", hours=1), "starts_at: give an instant"),
        (dated("9999-12-30T23:30:00Z", hours=5), "ends_at: a silence ends before"),
        (dated(None, ends_at="9999-12-31T23:30:00Z"), "ends_at: give an instant"),
        ({"matchers": ONE, "comment": "", "hours": 1e-9}, "0.000277"),
        ({"matchers": ONE, "comment": "", "hours": 721}, "720"),
        ({"matchers": [{**ONE[0], "operator": "!="}], "comment": "", "hours": 1}, "every alert"),
        (
            {
                "matchers": [{"name": "a", "value": "(", "operator": "=~"}],
                "comment": "",
                "hours": 1,
            },
            "regular",
        ),
        ({"matchers": [], "comment": "", "hours": 1}, "length"),
        ({"matchers": ONE, "comment": "", "hours": 1, "x": 1}, "unknown field"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(
    client: Client, body: dict[str, Any], words: str
) -> None:
    status, answer = post(client, "/alerts/silences", body)
    assert status == 400
    assert words in answer["error"]["message"]


# Rules -----------------------------------------------------------------------------------------


def test_rules_say_who_wrote_them_and_how_many_alerts_are_open(client: Client) -> None:
    body = client.get("/alerts/rules")
    found = {each["name"]: each for each in body["rules"]}
    assert found["model_failure"]["origin"] == "default"
    assert found["model_failure"]["open_alerts"] == 1
    assert found["of_the_file"]["origin"] == "configuration"
    assert found["high_latency"]["when"][0]["ladder"] == {
        "warning": 0.5,
        "error": 1.0,
        "critical": 2.0,
    }
    metrics = {each["name"]: each for each in client.get("/alerts/metrics")["metrics"]}
    assert metrics["success_rate"]["worse"] == "lower"


def test_a_rule_is_written_changed_and_removed(client: Client) -> None:
    rule = {"scope": ["model"], "when": [{"metric": "wait_s", "ladder": {"warning": 3}}]}
    status, body = post(client, "/alerts/rules/mine", rule, "PUT")
    assert (status, body["rule"]["origin"], body["rule"]["version"]) == (200, "api", 1)
    assert body["rule"]["updated_by"] == "tester"
    status, body = post(client, "/alerts/rules/mine", {**rule, "for_s": 60}, "PUT")
    assert (body["rule"]["version"], body["rule"]["for_s"]) == (2, 60.0)
    assert client.get("/alerts/rules/mine")["rule"]["for_s"] == 60.0
    assert client.call("DELETE", "/alerts/rules/mine")[0] == 200
    assert client.refused("GET", "/alerts/rules/mine")[0] == 404
    assert client.refused("DELETE", "/alerts/rules/mine")[0] == 404
    assert client.refused("DELETE", "/alerts/rules/model_failure")[0] == 409


def test_a_rule_is_turned_off_and_on(client: Client) -> None:
    path = "/alerts/rules/catalogue_corrected"
    status, body = post(client, path, {"enabled": False}, "PATCH")
    assert (status, body["rule"]["enabled"], body["rule"]["origin"]) == (200, False, "api")
    status, body = post(client, path, {"enabled": True}, "PATCH")
    assert (body["rule"]["enabled"], body["rule"]["scope"]) == (True, ["model"])
    assert client.call("DELETE", path)[0] == 200
    assert post(client, "/alerts/rules/nobody", {"enabled": True}, "PATCH")[0] == 404
    status, body = post(client, "/alerts/rules/of_the_file", {"enabled": False}, "PATCH")
    assert status in (400, 409)
    assert "configuration file" in body["error"]["message"]
    assert post(client, path, {"enabled": "no"}, "PATCH")[0] == 400


def test_of_six_who_remove_a_rule_at_once_one_does_and_no_change_is_lost(client: Client) -> None:
    path = "/alerts/rules/at_once"
    rule = {"scope": ["model"], "when": [{"metric": "wait_s", "ladder": {"warning": 3}}]}
    post(client, path, rule, "PUT")
    with ThreadPoolExecutor(6) as several:
        switched = several.map(
            lambda each: post(client, path, {"enabled": bool(each % 2)}, "PATCH")[0], range(6)
        )
        assert list(switched) == [200] * 6
        assert client.get(path)["rule"]["version"] == 7
        removed = several.map(lambda _: client.call("DELETE", path)[0], range(6))
        assert sorted(removed) == [200] + [404] * 5


def test_all_mistakes_of_a_rule_are_named_at_once(client: Client) -> None:
    wrong = {"scope": ["x"], "for_s": -1, "when": [{"metric": "wit", "ladder": {"warning": 1}}]}
    status, answer = post(client, "/alerts/rules/mine", wrong, "PUT")
    assert (status, answer["error"]["code"]) == (400, "invalid_rule")
    for words in ("rule.scope[0]", "rule.for_s", "rule.when[0].metric"):
        assert words in answer["error"]["message"]
    status, answer = post(client, "/alerts/rules/of_the_file", wrong, "PUT")
    assert "configuration file" in answer["error"]["message"]


def test_a_rule_is_tried_on_what_was_recorded(client: Client, parts: Wired) -> None:
    now = parts.clock.now()
    failed = Outcome("d", 1, "sim/b", "coder", now, FailureKind.SERVER_ERROR, False, 0.1)
    parts.store.append([failed._replace(attempt=number) for number in range(1, 13)])
    rule = {
        "scope": ["model"],
        "when": [
            {"metric": "faults_in_a_row", "ladder": {"error": 12}},
            {"metric": "utilisation", "ladder": {"error": 1}},
        ],
    }
    status, body = post(client, "/alerts/rules/mine/dry-run?days=1", rule)
    assert status == 200
    assert (body["fired"], body["by_severity"], body["attempts"]) == (1, {"ERROR": 1}, 12)
    assert body["not_judged"] == ["utilisation"]
    assert body["message"].startswith("mine would have fired 1 time since")
    assert body["episodes"][0]["scope"] == {"kind": "model", "id": "sim/b"}
    status, body = post(client, "/alerts/rules/model_failure/dry-run", {})
    assert (status, body["fired"]) == (200, 1)
    assert post(client, "/alerts/rules/nobody/dry-run", {})[0] == 404
    assert post(client, "/alerts/rules/mine/dry-run", {"x": 1})[0] == 400
    assert client.refused("GET", "/alerts/rules/mine")[0] == 404, "nothing was written"


def test_a_viewer_looks_and_changes_nothing(client: Client) -> None:
    assert client.call("GET", "/alerts", role="viewer")[0] == 200
    assert client.call("POST", "/alerts/x/ack", b"{}", role="viewer")[0] == 403
    assert client.call("PUT", "/alerts/rules/x", b"{}", role="viewer")[0] == 403
    assert client.call("DELETE", "/alerts/silences/x", role="viewer")[0] == 403
    assert client.call("GET", "/alerts", role="caller")[0] == 403


def test_the_whole_history_is_given_out_as_it_is_told(client: Client) -> None:
    told = client.get("/alerts/history?limit=500&rule=rapid_failures")["events"]
    assert told
    asked = f"http://127.0.0.1:{client.port}{BASE}/export/alerts?rule=rapid_failures"
    given = {form: fetched(f"{asked}&format={form}") for form in ("csv", "json")}
    assert json.loads(given["json"]) == told
    rows = list(csv.DictReader(io.StringIO(given["csv"])))
    assert [(each["event_id"], each["scope.kind"]) for each in rows] == [
        (each["event_id"], each["scope"]["kind"]) for each in told
    ]
    assert fetched(f"{asked}&format=json&until=2020-01-01T00:00:00") == "[]\n"


def fetched(url: str) -> str:
    request = urllib.request.Request(url, headers={"x-role": "viewer"})
    with urllib.request.urlopen(request) as answer:
        content: bytes = answer.read()
        return content.decode()


def test_a_rule_about_nobody_there_is_refused_and_one_about_somebody_is_taken(
    client: Client,
) -> None:
    when = [{"metric": "success_rate", "ladder": {"error": 0.5}}]
    rule = {"scope": ["agent"], "only": {"agent": ["nobody"]}, "when": when}
    status, answer = post(client, "/alerts/rules/about", rule, "PUT")
    assert status == 400
    assert "rule.only.agent: no agent is declared as 'nobody'" in answer["error"]["message"]
    assert client.refused("GET", "/alerts/rules/about")[0] == 404
    assert post(client, "/alerts/rules/about", {**rule, "only": {"agent": ["coder"]}}, "PUT")[
        0
    ] in {200, 201}
    assert client.call("DELETE", "/alerts/rules/about")[0] == 200
