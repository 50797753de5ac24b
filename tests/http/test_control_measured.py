"""Does the control API tell what was measured, field for field, and only what was asked for?"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from control_server import NOON, Client, OneNoon, control_server

from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.tally import Tally

PLAIN = Outcome(
    "dec_1", 1, "acme/small", "builder", NOON, None, False, 0.8, None, Usage(100, 20, 60),
    Decimal("0.25"),
)  # fmt: skip
STREAM = PLAIN._replace(
    model_id="acme/big/v2", streamed=True, total_s=2.0, first_token_s=0.1, cost_usd=None
)
FAULT = PLAIN._replace(failure=FailureKind.RESET, usage=None, cost_usd=Decimal(0), total_s=9.0)
EXCUSED = FAULT._replace(failure=FailureKind.CONTENT_FILTER, agent_id="other")
NOTHING = {**dict.fromkeys(("min", "max", "avg", "p50", "p95", "p99")), "count": 0}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("first") / "pointsman.db") as client:
        yield client


@pytest.fixture
def client(served: Client) -> Client:
    """A router that has just started."""
    served.router.tally, served.router.statistics = Tally(), LiveStatistics(OneNoon())
    return served


@pytest.fixture
def busy(client: Client) -> Client:
    """A router that has seen something of everything."""
    tally, statistics = client.router.tally, client.router.statistics
    for number, (model_id, score) in enumerate([("acme/small", 0.5), ("acme/big/v2", 0.75)]):
        chosen = (Candidate(model_id, score, ()),)
        decision = Decision(
            f"dec_{number}", "r", NOON, "builder", Task(), Strategy.COST, chosen, (), 1.0, "cfg"
        )
        tally.decided(decision)
        statistics.decided(decision)
    for outcome in (FAULT, STREAM, PLAIN, PLAIN._replace(decision_id="dec_2"), EXCUSED):
        tally.learn(outcome)
        statistics.ended(outcome)
    tally.refused("model_not_found")
    statistics.answered(0.002)
    return client


def near(**values: float) -> dict[str, Any]:
    return {name: pytest.approx(value, rel=0.011) for name, value in values.items()}


def test_metrics_say_how_fast_how_well_and_at_what_cost(busy: Client) -> None:
    body = busy.get("/metrics")
    assert (body["window"], body["window_s"], body["success"]) == ("5m", 300, True)
    assert body["timestamp"] == "2026-03-01T12:00:00Z"
    assert body["latency"] == {
        **near(min=800, max=2000, avg=1200, p50=800, p95=2000, p99=2000),
        "count": 3,
    }
    assert body["success_rate"] == {
        "total_requests": 5,
        "successful_requests": 3,
        "failed_requests": 1,
        "excused_requests": 1,
        "success_rate": 0.75,
    }
    assert body["failures"] == {"reset": 1, "content_filter": 1}
    assert body["first_token"]["max"] == body["first_token"]["p50"] == 100
    assert body["inter_token"]["p50"] == pytest.approx(100, rel=0.011)
    assert body["slow"] == [
        {"threshold_ms": 500, "count": 2, "share": pytest.approx(2 / 3)},
        {"threshold_ms": 1000, "count": 0, "share": 0},
        {"threshold_ms": 2000, "count": 0, "share": 0},
    ]
    assert body["tokens"] == {"prompt": 300, "completion": 60, "cached": 180}
    assert (body["cost_usd"], body["unpriced_answers"]) == (0.5, 1)
    assert (body["overhead"]["p50"], body["overhead"]["count"]) == (2, 1)


def test_metrics_are_told_apart_by_model_and_by_agent(busy: Client) -> None:
    body = busy.get("/metrics?window=1m")
    assert [each["model_id"] for each in body["models"]] == ["acme/small", "acme/big/v2"]
    assert [each["agent_id"] for each in body["agents"]] == ["builder", "other"]
    assert (body["model_count"], body["agent_count"]) == (2, 2)
    small, big = body["models"]
    assert small["success_rate"]["success_rate"] == pytest.approx(2 / 3)
    assert (small["latency"]["count"], small["first_token"]) == (2, NOTHING)
    assert (small["match_score"], big["match_score"]) == (50, 75)
    assert body["agents"][1]["success_rate"]["success_rate"] is None
    assert body["agents"][1]["latency"] == NOTHING


def test_top_models_are_ranked_by_success_times_match(busy: Client) -> None:
    top = busy.get("/metrics")["top_models"]
    assert [each["model_id"] for each in top] == ["acme/big/v2", "acme/small"]
    assert top[0] == {
        "model_id": "acme/big/v2",
        "model_name": "acme/big/v2",
        "score": 75,
        "success_rate": 1,
        "match_score": 75,
        "total_requests": 1,
    }
    assert (top[1]["model_name"], top[1]["score"]) == ("Small", pytest.approx(100 / 3))


def test_a_model_that_is_gone_from_the_fleet_keeps_its_id(busy: Client) -> None:
    statistics = busy.router.statistics
    chosen = (Candidate("old/one", 1.0, ()),)
    statistics.decided(
        Decision("dec_9", "r", NOON, "builder", Task(), Strategy.COST, chosen, (), 1.0, "cfg")
    )
    statistics.ended(PLAIN._replace(model_id="old/one"))
    assert busy.get("/metrics")["top_models"][0]["model_name"] == "old/one"


def test_metrics_can_be_narrowed(busy: Client) -> None:
    body = busy.get("/metrics?agent_id=other&window=1h")
    assert (body["window_s"], body["success_rate"]["total_requests"]) == (3_600, 1)
    assert [each["model_id"] for each in body["models"]] == ["acme/small"]
    body = busy.get("/metrics?model_id=acme/big/v2&limit=1")
    assert [each["agent_id"] for each in body["agents"]] == ["builder"]
    assert body["latency"]["count"] == 1
    assert busy.get("/metrics?limit=1")["model_count"] == 2
    assert len(busy.get("/metrics?limit=1")["models"]) == 1


def test_of_nothing_there_are_no_figures(client: Client) -> None:
    body = client.get("/metrics")
    assert body["latency"] == body["overhead"] == NOTHING
    assert body["success_rate"]["success_rate"] is None
    assert (body["models"], body["agents"], body["top_models"]) == ([], [], [])
    assert [each["share"] for each in body["slow"]] == [None, None, None]
    stats = client.get("/stats")
    assert stats["attempts"]["success_rate"] is None
    assert (stats["failures"], stats["cost_usd"]) == ({}, 0)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("window=2m", "window"),
        ("limit=0", "limit"),
        ("limit=1000", "limit"),
        ("agent_id=", "agent_id"),
        ("model=acme/small", "model"),
        ("window=1m&window=5m", "window"),
    ],
)
def test_a_bad_question_is_named(client: Client, query: str, param: str) -> None:
    status, error = client.refused("GET", f"/metrics?{query}")
    assert (status, error["param"]) == (400, param)
    assert param in error["message"]


def test_stats_count_the_fleet_and_everything_since_the_start(busy: Client) -> None:
    body = busy.get("/stats")
    assert (body["total_agents"], body["online_agents"], body["total_models"]) == (2, 2, 2)
    assert (body["total_assignments"], body["avg_match_score"]) == (0, None)
    assert (body["started_at"], body["uptime_s"]) == ("2026-03-01T11:58:00Z", 120)
    assert body["config_version"] == "cfg_9"
    assert body["requests"] == {
        "by_strategy": {"cost": 2},
        "refused": {"model_not_found": 1},
        "panic": 0,
    }
    assert body["attempts"] == {
        "total_requests": 5,
        "successful_requests": 3,
        "failed_requests": 1,
        "excused_requests": 1,
        "success_rate": 0.75,
    }
    assert body["failures"] == {"content_filter": 1, "reset": 1}
    assert (body["fallbacks"], body["in_flight"]) == (1, 3)
    assert body["circuits"] == {"open": 1, "closed": 2}
    assert body["tokens"] == {"prompt": 300, "completion": 60, "cached": 180}
    assert (body["cost_usd"], body["unpriced_answers"]) == (0.5, 1)
    assert body["ledger"] == {
        "queued": 1,
        "written": 2,
        "dropped": {"decision": 0, "outcome": 4},
        "not_durable": 0,
        "crowded_out": 0,
        "failing_s": 0,
    }


def test_a_viewer_may_look_and_a_caller_may_not(client: Client, tmp_path: Path) -> None:
    for path in ("/metrics", "/stats"):
        assert client.call("GET", path, role="viewer")[0] == 200
        assert client.call("GET", path, role="caller")[0] == 403
