"""Can the fleet be assigned, looked at and put back over the control API?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from control_server import BASE, BIG, SMALL, Client, control_server

from pointsman.adapters.http.control.assignment_views import runs_csv
from pointsman.core.assignment.records import (
    Chosen,
    Figures,
    Run,
    RunKind,
    RunState,
    assignment_id,
)
from pointsman.core.fleet import Agent

CODER = Agent("coder", "Coder", requires=("coding",))
CLERK = Agent("clerk")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("first") / "pointsman.db") as client:
        yield client


@pytest.fixture
def client(served: Client, tmp_path: Path) -> Client:
    client = served.with_store(tmp_path / "pointsman.db")
    client.router.agents = (CODER, CLERK)
    return client


def sent(client: Client, method: str, path: str, **body: Any) -> Any:
    status, answer = client.call(method, path, json.dumps(body).encode())
    assert status == 200, answer
    return answer


def refused(client: Client, method: str, path: str, **body: Any) -> tuple[int, str, str]:
    status, error = client.refused(method, path, json.dumps(body).encode())
    return status, error["code"], error["message"]


def test_a_dry_run_shows_the_plan_and_changes_nothing(client: Client) -> None:
    plan = sent(client, "POST", "/auto-assign-all?dry_run=true&advice=true", strategy="optimal")
    assert (plan["dry_run"], plan["run_id"], plan["total_assignments"]) == (True, None, 2)
    assert {each["agent_id"] for each in plan["moved"]} == {"coder", "clerk"}
    assert plan["changed_agents"] == 2
    assert plan["broken_now"] == []
    assert 0.0 < plan["avg_match_score"] <= 100.0
    assert plan["advice"] == {"relaxations": [], "hopeless": [], "more_would_bring": []}
    assert client.get("/assignments")["total_count"] == 0


def test_a_plan_that_was_seen_is_put_in_place_and_undone(client: Client) -> None:
    seen = sent(client, "POST", "/auto-assign-all?dry_run=true")
    done = sent(client, "POST", "/auto-assign-all", expect=seen["plan_id"], reason="first")
    assert done["plan_id"] == seen["plan_id"]
    page = client.get("/assignments?status=ACTIVE")
    assert (page["total_count"], page["total_pages"]) == (2, 1)
    coder = next(each for each in page["assignments"] if each["agent_id"] == "coder")
    assert coder["assignment_id"] == assignment_id("coder", BIG.id)
    assert (coder["assignment_method"], coder["assigned_by"], coder["rank"]) == (
        "AUTO",
        "tester",
        0,
    )
    assert (coder["has_performance_data"], coder["success_rate"]) == (False, None)
    runs = client.get("/assignment-runs")
    assert [(run["kind"], run["reason"]) for run in runs["runs"]] == [("plan", "first")]
    undone = sent(client, "POST", f"/assignment-runs/{done['run_id']}/undo", reason="no")
    assert undone["run"]["undoes"] == done["run_id"]
    assert client.get("/assignments?status=ACTIVE")["total_count"] == 0
    assert client.get(f"/assignment-runs/{done['run_id']}")["run"]["state"] == "undone"


def test_a_plan_that_is_another_by_now_is_refused(client: Client) -> None:
    found = refused(client, "POST", "/auto-assign-all", expect="plan_0")
    assert found[:2] == (409, "plan_changed")


def test_a_front_is_shown_and_a_point_of_it_taken(client: Client) -> None:
    front = sent(client, "POST", "/auto-assign-all?dry_run=true", strategy="pareto")
    assert sum(point["knee"] for point in front["points"]) == 1
    point = front["points"][0]["plan_id"]
    done = sent(client, "POST", "/auto-assign-all", strategy="pareto", point=point)
    run = client.get(f"/assignment-runs/{done['run_id']}")["run"]
    assert (run["strategy"], run["point"]["plan_id"]) == ("pareto", point)
    assert refused(client, "POST", "/auto-assign-all", strategy="pareto")[1] == "missing_value"


def test_what_was_solved_is_told(client: Client) -> None:
    done = sent(client, "POST", "/auto-assign-all")
    inputs = client.get(f"/assignment-runs/{done['run_id']}/inputs")
    assert [agent["id"] for agent in inputs["problem"]["agents"]] == ["coder", "clerk"]
    assert refused(client, "GET", "/assignment-runs/run_0/inputs")[:2] == (404, "no_inputs")


def test_a_person_puts_an_agent_elsewhere_and_lets_go(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all")
    before = client.get("/assignments?agent_id=clerk&status=ACTIVE")["assignments"][0]
    other = SMALL.id if before["model_id"] == BIG.id else BIG.id
    put = sent(
        client, "PUT", f"/assignments/{before['assignment_id']}", model_id=other, notes="demo"
    )
    assert put["assignment"]["assignment_method"] == "MANUAL"
    assert put["assignment"]["notes"] == "demo"
    sent(client, "POST", "/auto-assign-all")
    kept = client.get("/assignments?method=MANUAL")["assignments"]
    assert [each["model_id"] for each in kept] == [other]
    overridden = client.get("/assignments?status=OVERRIDDEN")["assignments"]
    assert [each["model_id"] for each in overridden] == [before["model_id"]]
    status, answer = client.call("DELETE", f"/assignments/{put['assignment']['assignment_id']}")
    assert (status, answer["success"]) == (200, True)
    after = client.get("/assignments?agent_id=clerk&status=ACTIVE")["assignments"]
    assert [each["model_id"] for each in after] == [before["model_id"]]


def test_an_agent_that_stood_nowhere_does_so_again_when_its_override_is_deleted(
    client: Client,
) -> None:
    put = sent(client, "POST", "/assignments", agent_id="clerk", model_id=SMALL.id)
    name = put["assignment"]["assignment_id"]
    status, answer = client.call("DELETE", f"/assignments/{name}")
    assert (status, answer["message"]) == (200, f"clerk no longer has {SMALL.id}.")
    assert client.get("/assignments?status=ACTIVE")["assignments"] == []
    assert client.get("/agents/clerk/assignment")["in_force"] == []
    sent(client, "POST", f"/assignment-runs/{answer['run_id']}/undo")
    assert client.get("/assignments?method=MANUAL")["assignments"][0]["model_id"] == SMALL.id
    released = sent(client, "PUT", f"/assignments/{name}", status="INACTIVE")
    assert released["assignment"]["assignment_method"] == "AUTO", "the next plan may move it"


def test_a_change_that_says_nothing_moves_nobody(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all")
    spares = client.get("/assignments?method=FALLBACK")["assignments"]
    standing = client.get("/assignments?status=ACTIVE")["assignments"]
    for each in (*spares, *standing):
        for body in ({}, {"notes": "look"}):
            found = refused(client, "PUT", f"/assignments/{each['assignment_id']}", **body)
            assert found[:2] == (400, "missing_value")
            assert found[2].startswith("status: say what becomes of ")
    assert client.get("/assignments?status=ACTIVE")["assignments"] == standing


def test_what_a_change_leaves_out_stays(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all")
    before = client.get("/assignments?agent_id=clerk&status=ACTIVE")["assignments"][0]
    other = SMALL.id if before["model_id"] == BIG.id else BIG.id
    trial = sent(client, "POST", "/assignments", agent_id="clerk", model_id=other, share=0.1)
    path = f"/assignments/{trial['assignment']['assignment_id']}"
    noted = sent(client, "PUT", path, notes="slow")["assignment"]
    assert (noted["status"], noted["trial_share"], noted["notes"]) == ("TESTING", 0.1, "slow")
    until = "2100-01-31T12:00:00Z"
    held = sent(client, "PUT", path, status="ACTIVE", valid_until=until)
    assert held["message"] == (
        f"clerk stands on {other} until 2100-01-31T12:00:00+00:00, or it is released."
    )
    again = sent(client, "PUT", path, notes="demo")["assignment"]
    assert (again["status"], again["valid_until"], again["notes"]) == ("ACTIVE", until, "demo")


def test_an_agent_tries_a_model(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all")
    before = client.get("/assignments?agent_id=clerk&status=ACTIVE")["assignments"][0]
    other = SMALL.id if before["model_id"] == BIG.id else BIG.id
    put = sent(client, "POST", "/assignments", agent_id="clerk", model_id=other, share=0.1)
    assert (put["assignment"]["status"], put["assignment"]["trial_share"]) == ("TESTING", 0.1)
    words = client.get("/agents/clerk/assignment")["words"]
    assert words[-1].startswith(f"it is on trial: {other} gets 10% of the requests of clerk")
    ended = sent(
        client, "PUT", f"/assignments/{put['assignment']['assignment_id']}", status="INACTIVE"
    )
    assert ended["assignment"]["status"] == "INACTIVE"
    again = refused(
        client, "PUT", f"/assignments/{put['assignment']['assignment_id']}", status="INACTIVE"
    )
    assert again[:2] == (409, "not_in_force")


def test_why_an_agent_stands_there_is_told_with_all_it_could_have(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all")
    why = client.get("/agents/coder/assignment")
    assert why["model_id"] == BIG.id
    assert why["words"][0].startswith(f"coder stands on {BIG.id}: score")
    eligible = {option["model_id"]: option["eligible"] for option in why["options"]}
    assert eligible == {BIG.id: True, SMALL.id: False}
    assert why["options"][-1]["objection"]
    assert refused(client, "GET", "/agents/nobody/assignment")[:2] == (404, "unknown_agent")
    assert refused(client, "GET", "/agents/default/assignment")[:2] == (409, "agent_not_assigned")


def test_assignments_are_told_a_page_at_a_time_and_as_a_table(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all")
    first = client.get("/assignments?page_size=1")
    assert (len(first["assignments"]), first["total_pages"]) == (1, first["total_count"])
    past = client.get("/assignments?page_size=1&page=99")
    assert (past["assignments"], past["total_count"]) == ([], first["total_count"])
    connection = HTTPConnection("127.0.0.1", client.port, timeout=10)
    connection.request("GET", f"{BASE}/assignments.csv", headers={"x-role": "viewer"})
    response = connection.getresponse()
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.read().decode())))
    connection.close()
    assert len(rows) == first["total_count"]
    assert {row["agent_id"] for row in rows} == {"coder", "clerk"}


@pytest.mark.parametrize(
    "until",
    ["9999-12-31T23:59:59-14:00", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00"],
)
def test_an_end_that_could_not_be_read_again_is_refused(client: Client, until: str) -> None:
    body = {"agent_id": "clerk", "model_id": SMALL.id, "valid_until": until}
    assert refused(client, "POST", "/assignments", **body)[:2] == (400, "invalid_value")
    last = {**body, "valid_until": "9999-12-30T23:59:59Z"}
    assert sent(client, "POST", "/assignments", **last)["assignment"]["valid_until"]
    assert client.get("/assignments?status=ACTIVE")["total_count"] == 1, "and is read again"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_filter_may_name_the_first_and_the_last_instant_of_any_zone(
    client: Client, at: str
) -> None:
    sent(client, "POST", "/auto-assign-all")
    early = at.startswith("0001")
    assert client.get(f"/assignment-runs?since={at}")["count"] == (1 if early else 0)
    assert client.get(f"/assignment-runs?until={at}")["count"] == (0 if early else 1)


def test_runs_are_found_by_what_they_are_and_told_as_a_table(client: Client) -> None:
    sent(client, "POST", "/auto-assign-all", strategy="greedy", reason="=1+1")
    sent(client, "POST", "/assignments", agent_id="clerk", model_id=SMALL.id, notes="demo")
    ((last, first), query) = client.get("/assignment-runs")["runs"], "&since=2020-01-01T00:00:00"
    for asked, found in (
        ("kind=override", [last]),
        ("strategy=greedy", [first]),
        (f"decided_by={first['decided_by']}{query}", [last, first]),
        ("until=2020-01-01T00:00:00Z", []),
        ("state=proposed", []),
    ):
        assert client.get(f"/assignment-runs?{asked}")["runs"] == found
    connection = HTTPConnection("127.0.0.1", client.port, timeout=10)
    connection.request("GET", f"{BASE}/assignment-runs.csv?kind=plan", headers={"x-role": "viewer"})
    response = connection.getresponse()
    assert response.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(response.read().decode()))
    connection.close()
    assert (row["run_id"], row["kind"], row["reason"]) == (first["run_id"], "plan", "'=1+1")


def test_a_table_of_runs_names_who_is_unassigned_and_which_point_was_taken() -> None:
    figures = Figures(0.5, 3.0, unassigned=(("b", ("full",)), ("c", ())), notes=("=x",))
    run = Run(
        *("run_1", datetime(2026, 3, 1, tzinfo=UTC), RunKind.PLAN, RunState.APPLIED, "ops", "v1"),
        changes=(),
        settled_at=datetime(2026, 3, 1, tzinfo=UTC),
        plan=figures,
        point=Chosen("plan_7", 0.5, None, 3.0, knee=True),
    )
    (row,) = csv.DictReader(io.StringIO(runs_csv([run])))
    assert (row["unassigned"], row["point"], row["notes"]) == ("b c", "plan_7", "'=x")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/assignments?page=0", "page: Expected `int` >= 1 ('0'). From 1."),
        ("/assignments?status=GONE", "Invalid enum value 'GONE'. One of: ACTIVE, INACTIVE,"),
        ("/assignment-runs?limit=x", "limit: Expected `int`, got `str` ('x'). How many at most."),
        ("/assignment-runs?since=noon", "datetime ('noon'), such as 2030-01-31T12:00:00Z. Made at"),
        ("/assignment-runs?kind=coup", "kind: Invalid enum value 'coup'. One of: plan, override,"),
        ("/assignment-runs?decided_by=", "decided_by: Expected `str` of length >= 1 ('')."),
    ],
)
def test_what_a_filter_cannot_be_is_named_with_what_it_can(
    client: Client, path: str, message: str
) -> None:
    assert message in refused(client, "GET", path)[2]


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/assignments", {"agent_id": "clerk", "model_id": BIG.id, "notes": "a\0b"}, "notes"),
        ("/auto-assign-all", {"without": ["\0"]}, "without[0]"),
        ("/auto-assign-all", {"reason": "\\\0"}, "reason"),
    ],
)
def test_no_text_has_a_nul_whatever_the_store_could_keep(
    client: Client, path: str, body: dict[str, Any], place: str
) -> None:
    status, error = client.refused("POST", path, json.dumps(body).encode())
    assert (status, error["code"], error["param"]) == (400, "invalid_value", place)
    written = rb'{"reason": "a backslash, \\u0000"}'
    assert client.call("POST", "/auto-assign-all?dry_run=true", written)[0] == 200
    assert client.call("POST", "/auto-assign-all", b'{"reason": "\\u0000')[0] == 400
    assert client.call("POST", "/auto-assign-all", b'"\\u0000"')[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/auto-assign-all", {"strategy": "best"}, 400, "invalid_value"),
        ("POST", "/auto-assign-all", {"point": "knee"}, 400, "invalid_value"),
        ("POST", "/auto-assign-all", {"without": [BIG.id]}, 400, "invalid_value"),
        ("POST", "/auto-assign-all?dry_run=true", {"without": ["x"]}, 400, "unknown_model"),
        ("POST", "/auto-assign-all", {"extra": 1}, 400, "invalid_value"),
        ("POST", "/assignments", {"agent_id": "x", "model_id": BIG.id}, 400, "unknown_agent"),
        ("POST", "/assignments", {"agent_id": "coder", "model_id": "x"}, 404, "model_not_found"),
        (
            "POST",
            "/assignments",
            {"agent_id": "coder", "model_id": SMALL.id},
            400,
            "missing_capability",
        ),
        (
            "POST",
            "/assignments",
            {"agent_id": "coder", "model_id": BIG.id, "valid_until": "2020-01-01T00:00:00Z"},
            400,
            "invalid_value",
        ),
        ("PUT", "/assignments/asg_0", {}, 404, "unknown_assignment"),
        ("DELETE", "/assignments/asg_0", {}, 404, "unknown_assignment"),
        ("GET", "/assignments?status=GONE", {}, 400, "invalid_value"),
        ("GET", "/assignment-runs/run_0", {}, 404, "unknown_run"),
        ("POST", "/assignment-runs/run_0/undo", {}, 404, "unknown_run"),
        ("POST", "/assignment-runs/run_0/apply", {}, 404, "unknown_run"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: Client, method: str, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    assert refused(client, method, path, **body)[:2] == (status, code)


def test_a_viewer_may_see_what_a_plan_would_change_and_only_that(client: Client) -> None:
    for query, expected in (
        ("?dry_run=true", 200),
        ("?dry_run=true&advice=true", 200),
        ("?dry_run=false", 403),
        ("?dry_run=true&dry_run=false", 403),
        ("?dry_run=1", 403),
    ):
        path = f"/auto-assign-all{query}"
        assert client.call("POST", path, b"{}", role="viewer")[0] == expected, query
    assert client.call("POST", "/auto-assign-all?dry_run=true", b"{}", role="caller")[0] == 403
    assert client.get("/assignments")["total_count"] == 0


@pytest.mark.parametrize("role", ["viewer", "caller"])
def test_only_admins_change_who_stands_where(client: Client, role: str) -> None:
    for method, path in (
        ("POST", "/auto-assign-all"),
        ("POST", "/assignments"),
        ("DELETE", "/assignments/asg_0"),
        ("POST", "/assignment-runs/run_0/undo"),
    ):
        status, _ = client.call(method, path, b"{}", role=role)
        assert status == 403


def test_the_place_of_a_mistake_is_called_what_callers_call_it(client: Client) -> None:
    _, error = client.refused("GET", "/assignment-runs?state=lost")
    assert error["param"] == "state"
    assert error["message"].startswith("state: ")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (TimeoutError(), 504, "took_too_long"),
        (ChildProcessError("gone"), 503, "process_lost"),
    ],
)
def test_a_plan_that_is_not_worked_out_is_told(
    client: Client, fault: Exception, status: int, code: str
) -> None:
    class Failing:
        async def run(self, rows: object, answer: object) -> list[object]:
            del rows, answer
            raise fault

    client.router.assignments().aside = Failing()  # type: ignore[assignment]  # fails whatever is asked
    assert refused(client, "POST", "/auto-assign-all?dry_run=true")[:2] == (status, code)
