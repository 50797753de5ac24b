"""Is what is usual told as it was counted, and what is ahead only where it is known?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from control_server import Client, control_server
from test_control_charting import asked

DAYS = 6


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Two requests at each 10:30, of the last days one more model, and a burst on one day."""
    with control_server(tmp_path_factory.mktemp("outlook") / "pointsman.db") as client:
        records: list[object] = []
        for day in range(DAYS):
            minutes = 24 * 60 * day + 90
            times = 12 if day == 2 else 2
            for place in range(times):
                records += asked(minutes + place / 100, "acme/small", "tester", 0.5)
        records += asked(30, "acme/big/v2", "builder", 2.0)
        records += asked(40, "acme/big/v2", "builder", 9.0)
        store = client.router.store
        store.append(records)  # type: ignore[arg-type]
        while store.aggregates.roll(client.router.now()):
            pass
        yield client


def test_hours_are_those_of_all_days_together(client: Client) -> None:
    found = client.get("/heatmap?range=7d")
    assert [row["name"] for row in found["rows"]] == ["acme/small", "acme/big/v2"]
    small, big = found["rows"]
    assert {hour: value for hour, value in enumerate(small["values"]) if value} == {10: 22}
    assert {hour: value for hour, value in enumerate(big["values"]) if value} == {11: 2}
    assert len(small["values"]) == 24


def test_what_is_no_count_is_null_where_nothing_happened_and_of_all_days_together(
    client: Client,
) -> None:
    rows = client.get("/heatmap?range=7d&metric=success_rate&utc_offset_min=120")["rows"]
    values = {row["name"]: row["values"] for row in rows}
    assert {n: v for n, v in enumerate(values["acme/big/v2"]) if v is not None} == {13: 0.5}
    slow = client.get("/heatmap?range=7d&metric=latency_p95&dimension=agent&limit=1")["rows"]
    assert [row["name"] for row in slow] == ["tester"]
    assert slow[0]["values"][10] == pytest.approx(500, rel=0.02)


def test_what_is_unusual_is_told_with_what_would_have_been_usual(client: Client) -> None:
    found = client.get("/outlook?range=7d&dimension=model&name=acme/small")
    assert (found["metric"], found["name"], found["season_s"]) == (
        "requests",
        "acme/small",
        86_400,
    )
    (burst,) = found["unusual"]
    assert (found["values"][burst], found["expected"][burst]) == (12, 2)
    assert found["high"][burst] < 12
    assert len(found["times"]) == len(found["values"]) == len(found["low"])
    first = next(place for place, value in enumerate(found["values"]) if value)
    assert found["values"][:first] == [None] * first, "before there was anything"
    assert len(found["ahead"]) == len(found["ahead_times"]) == 24
    assert found["ahead_times"][0] > found["times"][-1]
    assert found["trend"]["low"] <= found["trend"]["per_day"] <= found["trend"]["high"]


def test_where_too_little_is_known_nothing_is_made_up(client: Client) -> None:
    found = client.get("/outlook?range=1h&metric=latency_p95")
    assert (found["season_s"], found["trend"], found["ahead"]) == (None, None, [])
    assert set(found["expected"]) == {None}
    nobody = client.get("/outlook?range=24h&dimension=agent&name=nobody")
    assert (nobody["name"], set(nobody["values"]), nobody["unusual"]) == ("nobody", {None}, [])
    share = client.get("/outlook?range=24h&metric=success_rate")
    assert all(value <= 1.0 for value in share["ahead_high"])


def test_two_members_are_drawn_beside_each_other(client: Client) -> None:
    query = "range=24h&dimension=model&name=acme/small&versus=acme/big/v2"
    names = {each["name"] for each in client.get(f"/timeseries?{query}")["series"]}
    assert names == {"acme/small", "acme/big/v2"}


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/heatmap?metric=typo", "metric"),
        ("/heatmap?utc_offset_min=9999", "utc_offset_min"),
        ("/outlook?range=never", "range"),
        ("/outlook?range=30d&step=1m", "step"),
    ],
)
def test_nonsense_is_refused_with_its_place(client: Client, path: str, param: str) -> None:
    status, fault = client.refused("GET", path)
    assert (status, fault["param"]) == (400, param)
