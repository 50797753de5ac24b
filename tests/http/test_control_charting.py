"""Does the control API draw what happened when, and rank who did what?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from control_server import NOON, Client, control_server

from pointsman.adapters.http.control.charting import METRICS
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage


def asked(minutes_ago: float, model_id: str, agent_id: str, total_s: float) -> Sequence[object]:
    at = NOON - timedelta(minutes=minutes_ago)
    name = f"dec_{int(at.timestamp() * 1000):011x}{int(total_s * 1000):016x}"
    chosen = (Candidate(model_id, 0.5, ()),)
    decision = Decision(
        name, "r", at, agent_id, Task("coding"), Strategy.COST, chosen, (), 1.0, "cfg"
    )
    failure = FailureKind.RESET if total_s > 5 else None
    ended = Outcome(
        name, 1, model_id, agent_id, at, failure, False, total_s, None, Usage(100, 10, 50),
        Decimal("0.25"),
    )  # fmt: skip
    return decision, ended


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("charts") / "pointsman.db") as client:
        records = [
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


def values(client: Client, query: str) -> dict[str, list[float | None]]:
    body = client.get(f"/timeseries?{query}")
    assert {len(each["values"]) for each in body["series"]} <= {len(body["times"])}
    return {each["name"]: each["values"] for each in body["series"]}


def test_a_range_may_end_earlier_than_now(client: Client) -> None:
    earlier = "range=1h&until=2026-03-01T11:00:00Z"
    body = client.get(f"/timeseries?{earlier}&dimension=model")
    assert (body["times"][0], body["times"][-1]) == ("2026-03-01T10:00:00Z", "2026-03-01T10:59:00Z")
    assert [each["name"] for each in body["series"]] == ["acme/small"]
    ranking = client.get(f"/ranking?{earlier}")["ranking"]
    assert [(each["name"], each["value"]) for each in ranking] == [("acme/small", 1)]
    (row,) = client.get(f"/heatmap?{earlier}&dimension=all")["rows"]
    assert row["requests"] == 1
    assert sum(filter(None, client.get(f"/outlook?{earlier}")["values"])) == 1
    ahead = client.get("/timeseries?range=1h&until=2030-01-01T00:00:00Z")
    assert ahead["times"] == client.get("/timeseries?range=1h")["times"]
    status, error = client.refused("GET", "/timeseries?range=24h&until=0001-01-01T00:00:00Z")
    assert (status, error["param"]) == (400, "until")


def test_a_chart_has_a_value_for_every_step(client: Client) -> None:
    body = client.get("/timeseries?range=1h")
    assert (body["metric"], body["unit"], body["dimension"]) == ("requests", "count", "all")
    assert (body["step_s"], len(body["times"])) == (60, 60)
    assert body["times"][0] == "2026-03-01T11:00:00Z"
    (total,) = body["series"]
    assert {n: v for n, v in enumerate(total["values"]) if v} == {30: 2, 50: 1}
    assert body["complete_until"] <= "2026-03-01T12:00:00Z"


def test_members_are_drawn_by_themselves(client: Client) -> None:
    found = values(client, "range=2h&step=1h&dimension=model&metric=cost_usd")
    assert found == {"acme/small": [0.25, 0.25], "acme/big/v2": [0, 0.5]}
    assert values(client, "range=2h&step=1h&dimension=model&name=acme/small") == {
        "acme/small": [1, 1]
    }


def test_what_is_no_count_is_unknown_where_nothing_happened(client: Client) -> None:
    rates = values(client, "range=3h&step=1h&metric=success_rate")[""]
    assert rates == [None, 1.0, pytest.approx(2 / 3)]
    latencies = values(client, "range=3h&step=1h&metric=latency_p50")[""]
    assert latencies[0] is None
    assert latencies[1:] == [pytest.approx(500, rel=0.02), pytest.approx(1_000, rel=0.02)]


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_drawn_and_ranked(client: Client, metric: str) -> None:
    (total,) = values(client, f"range=1d&metric={metric}").values()
    assert all(value is None or value >= 0 for value in total)
    ranked = client.get(f"/ranking?metric={metric}")["ranking"]
    assert [row["value"] for row in ranked] == sorted((r["value"] for r in ranked), reverse=True)


def test_the_best_and_the_worst_are_named(client: Client) -> None:
    best = client.get("/ranking?metric=success_rate&range=2h")
    assert [(row["name"], row["value"]) for row in best["ranking"]] == [
        ("acme/small", 1.0),
        ("acme/big/v2", 0.5),
    ]
    worst = client.get("/ranking?metric=success_rate&range=2h&order=least&limit=1")
    assert [(r["name"], r["requests"], r["attempts"]) for r in worst["ranking"]] == [
        ("acme/big/v2", 2, 2)
    ]
    slowest = client.get("/ranking?metric=latency_p95&dimension=agent&range=1d")
    assert [row["name"] for row in slowest["ranking"]] == ["builder", "tester"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("metric=happiness", "metric"),
        ("range=401d", "range"),
        ("range=30d&step=1m", "step"),
        ("range=tomorrow", "range"),
        ("dimension=colour", "dimension"),
        ("every=1h", "every"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(client: Client, query: str, param: str) -> None:
    status, error = client.refused("GET", f"/timeseries?{query}")
    assert (status, error["param"]) == (400, param)


def test_a_long_range_has_few_points(client: Client) -> None:
    lengths = {r: len(client.get(f"/timeseries?range={r}")["times"]) for r in ("1h", "30d")}
    assert lengths == {"1h": 60, "30d": 120}
