"""Is the overview of hours and days what the store has counted up?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from control_server import NOON, Client, control_server
from test_control_charting import asked

from pointsman.adapters.http.control.events import wish_of
from pointsman.core.errors import RequestError

DAY_MIN = 24 * 60


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("history") / "pointsman.db") as client:
        records = [
            *asked(2 * DAY_MIN - 60, "acme/small", "tester", 0.5),
            *asked(DAY_MIN + 300, "acme/small", "tester", 0.5),
            *asked(90, "acme/small", "tester", 0.5),
            *asked(30, "acme/small", "builder", 1.0),
            *asked(30, "acme/big/v2", "builder", 2.0),
            *asked(10, "acme/big/v2", "builder", 9.0),
        ]
        store = client.router.store
        store.append(records)  # type: ignore[arg-type]
        while store.aggregates.roll(NOON):
            pass
        yield client


def test_a_day_has_figures_course_and_standings_beside_the_day_before(client: Client) -> None:
    found = client.get("/overview?range=24h")
    assert (found["range"], found["step_s"], len(found["points"])) == ("24h", 600, 144)
    now = found["now"]
    assert (now["requests"], now["failed_attempts"], now["cost_usd"]) == (4, 1, 1.0)
    assert now["success_rate"] == 0.75
    assert now["p95_ms"] == pytest.approx(2_000, rel=0.02)
    assert now["cost_usd_per_hour"] == pytest.approx(1 / 24)
    assert found["before"]["requests"] == 2
    assert sum(point["requests"] for point in found["points"]) == 4
    assert {each["id"]: each["attempts"] for each in found["models"]} == {
        "acme/small": 2,
        "acme/big/v2": 2,
    }
    assert [each["id"] for each in found["agents"]] == ["builder", "tester"]
    assert found["agents"][0]["share"] == 0.75
    courses = {each["model_id"]: each for each in found["courses"]}
    assert set(courses) == {"acme/small", "acme/big/v2"}
    assert len(courses["acme/small"]["p95_ms"]) == 144


def test_a_week_has_a_point_for_every_hour_and_nothing_is_said_of_the_week_before(
    client: Client,
) -> None:
    found = client.get("/overview?range=7d")
    assert (found["step_s"], len(found["points"]), found["now"]["requests"]) == (3_600, 168, 6)
    assert found["before"] is None


def test_what_lasted_only_a_part_of_the_stretch_before_is_not_compared_with(
    client: Client,
) -> None:
    ago = "start=2026-02-28T16:00:00Z&end=2026-03-01T12:00:00Z"
    assert client.get(f"/overview?range=custom&{ago}")["before"] is None
    assert client.get("/overview?range=24h")["before"] is not None


def test_a_range_of_ones_own_is_told_from_its_start_to_its_end(client: Client) -> None:
    found = client.get("/overview?range=custom&start=2026-03-01T10:00:00Z&end=2026-03-01T11:00:00Z")
    assert (found["step_s"], len(found["points"]), found["now"]["requests"]) == (60, 60, 1)
    assert found["points"][0]["at"] == "2026-03-01T10:00:00Z"
    ahead = "/overview?range=custom&start=2026-03-02T10:00:00Z&end=2026-03-03T11:00:00Z"
    assert client.get(ahead)["now"]["requests"] == 0
    long = client.get(
        "/overview?range=custom&start=2026-01-01T00:00:00%2B01:00&end=2026-03-01T12:00:00Z"
    )
    assert (long["step_s"], long["now"]["requests"]) == (86_400, 6)


@pytest.mark.parametrize(
    ("start", "end", "step_s"),
    [
        ("2026-02-28T10:00:00Z", "2026-02-28T11:00:00Z", 60),
        ("2026-02-20T10:00:00Z", "2026-02-20T12:00:00Z", 3_600),
        ("2025-10-20T10:00:00Z", "2025-10-20T12:00:00Z", 86_400),
    ],
)
def test_what_lies_far_back_is_told_in_steps_that_are_still_kept(
    client: Client, start: str, end: str, step_s: int
) -> None:
    found = client.get(f"/overview?range=custom&start={start}&end={end}")
    assert found["step_s"] == step_s
    assert len(found["points"]) == {60: 60, 3_600: 2, 86_400: 1}[step_s]


def test_it_is_narrowed_to_agents_or_to_models(client: Client) -> None:
    small = client.get("/overview?range=24h&model_id=acme/small")
    assert (small["now"]["requests"], [each["id"] for each in small["models"]]) == (
        2,
        ["acme/small"],
    )
    assert small["agents"] == []
    tester = client.get("/overview?range=24h&agent_id=tester")
    assert tester["now"]["requests"] == 1, "whoever asked, declared by now or not"
    builder = client.get("/overview?range=24h&agent_id=builder")
    assert (builder["now"]["requests"], builder["models"], builder["courses"]) == (3, [], [])
    nobody = client.get("/overview?range=24h&kind=planner")
    assert (nobody["now"]["requests"], nobody["before"]) == (0, None)


def test_models_beyond_the_busiest_share_a_course(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pointsman.adapters.http.control.history_views.MOST_COURSES", 1)
    courses = client.get("/overview?range=24h")["courses"]
    assert [each["model_id"] for each in courses] == ["acme/big/v2", None]
    others = courses[1]
    assert sum(others["requests_per_s"]) * 600 == pytest.approx(2)
    assert set(others["p95_ms"]) == {None}


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("range=24h&agent_id=builder&model_id=acme/small", "range"),
        ("range=custom", "start"),
        ("range=custom&start=2026-03-01T10:00:00Z", "end"),
        ("range=custom&start=2026-03-01T10:00:00&end=2026-03-01T11:00:00Z", "start"),
        ("range=custom&start=2026-03-01T10:00:00Z&end=2026-03-01T10:01:00Z", "end"),
        ("range=custom&start=2020-03-01T10:00:00Z&end=2026-03-01T10:01:00Z", "start"),
        ("range=1h&start=2026-03-01T10:00:00Z", "start"),
        ("range=7d&end=2026-03-01T10:00:00Z", "end"),
    ],
)
def test_a_range_that_is_none_is_refused_by_both_calls_with_its_place(
    client: Client, query: str, param: str
) -> None:
    status, fault = client.refused("GET", f"/overview?{query}")
    assert (status, fault["param"]) == (400, param)
    with pytest.raises(RequestError) as refused:
        wish_of(query.encode(), {})
    assert refused.value.param == param


def test_the_stream_of_events_takes_the_same_ranges() -> None:
    wish = wish_of(b"range=custom&start=2026-03-01T10:00:00Z&end=2026-03-01T11:00:00Z", {})
    assert wish.query.range == "custom"
    assert wish.query.start is not None
    with pytest.raises(RequestError, match="is no instant"):
        wish_of(b"range=custom&start=yesterday", {})
