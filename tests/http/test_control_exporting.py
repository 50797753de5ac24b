"""Does the control API give out all that is kept, line by line?"""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from control_server import BASE, NOON, Client, control_server

from pointsman.adapters.http.control import searching
from pointsman.adapters.http.control.alert_bodies import EvidenceBody, StepBody
from pointsman.adapters.http.control.bodies import ModelBody, WeightsBody
from pointsman.adapters.http.control.export_bodies import columns, row
from pointsman.adapters.http.control.export_rows import DECISION_FIELDS, OUTCOME_FIELDS
from pointsman.core.decision import Candidate, Decision, Feedback, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

COUNT = 450


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("export") / "pointsman.db") as client:
        store = client.router.store
        records: list[Decision | Outcome] = []
        for number in range(COUNT):
            at = NOON + timedelta(minutes=number)
            name = f"dec_{int(at.timestamp() * 1000):011x}{number:016x}"
            chosen = (Candidate("acme/small", 0.5, ()),) if number else ()
            session = "=1+1" if number == 1 else None
            made = Decision(
                name, "r", at, "builder" if number % 2 else "other", Task("coding"),
                Strategy.COST, chosen, (), 1.0, "cfg", session,
            )  # fmt: skip
            records.append(made)
            if number > 1:
                failure = FailureKind.RESET if number == 2 else None
                usage = Usage(100, 20, 60)
                records.append(
                    Outcome(
                        name,
                        1,
                        "acme/small",
                        made.agent_id,
                        at,
                        failure,
                        True,
                        0.8,
                        0.1,
                        usage,
                        Decimal("0.25"),
                    )
                )
        store.append(records)
        said = Feedback(records[-1][0], "builder", "acme/small", "coding", NOON, rating=5)
        assert store.judge(said)
        yield client


def answered(client: Client, path: str) -> tuple[str, str]:
    """The content, and of which type it is said to be."""
    url = f"http://127.0.0.1:{client.port}{BASE}{path}"
    asked = urllib.request.Request(url, headers={"x-role": "viewer"})
    with urllib.request.urlopen(asked) as answer:
        content: bytes = answer.read()
        return content.decode(), answer.headers["content-type"]


def text(client: Client, path: str) -> str:
    return answered(client, path)[0]


def records_of(client: Client, path: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text(client, path).splitlines()]


def test_every_decision_is_a_line_of_json_newest_first(client: Client) -> None:
    found = records_of(client, "/export/decisions")
    assert len(found) == COUNT
    assert list(found[0]) == list(DECISION_FIELDS)
    newest, oldest = found[0], found[-1]
    assert newest["timestamp"] == "2026-03-01T19:29:00Z"
    assert (newest["score"], newest["success"], newest["latency_ms"]) == (50, True, 800)
    assert (newest["cost_usd"], newest["rating"], newest["served_model_id"]) == (
        0.25,
        5,
        "acme/small",
    )
    assert (oldest["model_id"], oldest["success"], oldest["latency_ms"]) == (None, False, None)
    assert (found[-2]["success"], found[-3]["failure"]) == (None, "reset")


def test_every_attempt_is_a_line(client: Client) -> None:
    found = records_of(client, "/export/outcomes")
    assert len(found) == COUNT - 2
    assert list(found[0]) == list(OUTCOME_FIELDS)
    assert (found[-1]["failure"], found[-1]["blames"], found[0]["failure"]) == (
        "reset",
        "endpoint",
        None,
    )
    assert (found[0]["first_token_ms"], found[0]["cached_tokens"]) == (100, 60)


def test_what_is_given_out_is_what_the_pages_tell_under_the_same_filter(client: Client) -> None:
    query = "agent_id=builder&success=true&since=2026-03-01T13:00:00Z&q=answered"
    told: list[str] = []
    path = f"/decisions?limit=100&{query}"
    while True:
        page = client.get(path)
        told += [each["decision_id"] for each in page["decisions"]]
        if page["next_cursor"] is None:
            break
        path = f"/decisions?limit=100&{query}&cursor={page['next_cursor']}"
    assert len(told) == (COUNT - 60) // 2
    given = json.loads(text(client, f"/export/decisions?format=json&{query}"))
    assert [each["decision_id"] for each in given] == told
    assert json.loads(text(client, "/export/decisions?format=json&q=nobody")) == []


def test_a_search_goes_on_where_it_has_stopped_to_look(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "LOOKED_THROUGH", 200)
    monkeypatch.setattr(searching, "AT_ONCE", 100)
    page = client.get("/decisions?q=%3D1%2B1")
    assert page["decisions"] == []
    found = []
    while page["next_cursor"] is not None:
        page = client.get(f"/decisions?q=%3D1%2B1&cursor={page['next_cursor']}")
        found += page["decisions"]
    assert [each["session"] for each in found] == ["=1+1"]


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("csv", "text/csv; charset=utf-8"),
        ("ndjson", "application/x-ndjson"),
        ("json", "application/json"),
    ],
)
def test_what_is_given_out_says_what_it_is(client: Client, form: str, kind: str) -> None:
    assert answered(client, f"/export/decisions?format={form}")[1] == kind


def test_a_table_runs_nothing_in_a_spreadsheet(client: Client) -> None:
    rows = list(csv.DictReader(io.StringIO(text(client, "/export/decisions?format=csv"))))
    assert len(rows) == COUNT
    assert rows[-2]["session"] == "'=1+1"
    empty = text(client, "/export/decisions?format=csv&agent_id=nobody")
    assert empty.strip() == ",".join(DECISION_FIELDS)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("agent_id=builder", COUNT // 2),
        ("since=2026-03-01T12:10:00Z&until=2026-03-01T12:20:00", 10),
        ("until=2026-03-01T12:05:00Z", 5),
        ("model_id=acme/small", COUNT - 1),
        ("success=false", 2),
        ("success=true&agent_id=builder", COUNT // 2 - 1),
        ("session=%3D1%2B1", 1),
        ("request_id=r", COUNT),
        ("since=2026-03-01T12:02:00.000Z&until=2026-03-01T12:02:00.001Z", 1),
        ("q=builder+answered", COUNT // 2 - 1),
        ("q=reset", 1),
        ("q=COST+under+way", 1),
        ("q=nothing+of+the+kind", 0),
    ],
)
def test_what_is_given_out_can_be_narrowed(client: Client, query: str, count: int) -> None:
    assert len(records_of(client, f"/export/decisions?{query}")) == count


@pytest.mark.parametrize(
    ("path", "status", "param"),
    [
        ("/export/secrets", 404, "what"),
        ("/export/decisions?format=xls", 400, "format"),
        ("/export/decisions?since=yesterday", 400, "since"),
        ("/export/decisions?since=2026-03-01T00:00:00&until=2026-03-01T00:00:00", 400, "until"),
        ("/export/decisions?limit=5", 400, "limit"),
    ],
)
def test_what_cannot_be_given_out_is_refused(
    client: Client, path: str, status: int, param: str
) -> None:
    found, error = client.refused("GET", path)
    assert (found, error["param"]) == (status, param)


def test_a_body_within_a_body_gives_columns_of_its_own() -> None:
    said = EvidenceBody.__struct_fields__[0]
    assert columns(StepBody)[:2] == ("event_id", "timestamp")
    assert {"scope.kind", "scope.id", f"evidence.{said}", "details"} <= set(columns(StepBody))
    assert "price.state" in columns(ModelBody)
    assert columns(ModelBody).count("drain.reason") == 1, "of what may be missing, too"
    weights = WeightsBody(quality=0.5, latency=0.25, cost=0.25)
    assert row(weights) == {"quality": 0.5, "latency": 0.25, "cost": 0.25}
    assert tuple(row(weights)) == columns(WeightsBody)
