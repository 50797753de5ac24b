"""Does the control API answer over a real socket, from a real store?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_server import BASE, Client, a_decision, an_outcome, control_server, failed

from pointsman.core.decision import (
    Decision,
    Outcome,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("first") / "pointsman.db") as client:
        yield client


@pytest.fixture
def client(served: Client, tmp_path: Path) -> Client:
    return served.with_store(tmp_path / "pointsman.db")


def test_agents_are_listed_with_what_they_need(client: Client) -> None:
    body = client.get("/agents")
    assert (body["success"], body["total_count"], body["config_version"]) == (True, 2, "cfg_9")
    assert [agent["agent_id"] for agent in body["agents"]] == ["builder", "default"]
    agent = client.get("/agents/builder")["agent"]
    assert agent == body["agents"][0]
    assert agent["allowed_models"] == ["acme/big/v2", "acme/small"]
    assert (agent["required_capabilities"], agent["pinned_model"]) == (["coding"], "acme/small")
    assert agent["weights"] == {"quality": 0.5, "latency": 0.3, "cost": 0.2}
    assert (agent["latency_budget_ms"], agent["explore"]) == (1500.0, False)
    default = body["agents"][1]
    assert (default["weights"], default["latency_budget_ms"]) == (None, None)
    assert (default["explore"], default["infer_task_type"]) == (True, True)


def test_models_are_listed_with_prices_sources_and_state(client: Client) -> None:
    body = client.get("/models")
    assert body["total_count"] == 2
    big, small = body["models"]
    assert big["price"] == {
        "state": "known",
        "input_usd_per_mtok": 2.5,
        "output_usd_per_mtok": 10.0,
        "cached_input_usd_per_mtok": 0.25,
        "cache_write_usd_per_mtok": 2.5,
        "per_request_usd": 0.0,
    }
    assert (big["circuit"], big["in_flight"], big["max_in_flight"]) == ("open", 8, 8)
    assert big["left_alone"] == {"reason": "broken", "for_s": 4.5}
    assert small["left_alone"] is None
    assert (big["utilisation"], big["over_target"], big["overloaded"]) == (1.0, True, True)
    assert (big["requests_per_min"], big["tokens_per_min"]) == (None, 90_000)
    assert big["unsupported_parameters"] == ["logprobs"]
    assert big["sources"] == {
        "context_window": {"origin": "learned from an answer", "as_of": "2026-03-01"},
        "x": {"origin": "file", "as_of": None},
    }
    assert (small["utilisation"], small["over_target"], small["overloaded"]) == (None, False, False)
    assert small["price"]["state"] == "unknown"
    assert set(small["price"].values()) == {"unknown", None}
    assert (small["display_name"], small["profiled"], small["strengths"]) == ("Small", False, {})


@pytest.mark.parametrize("path", ["/models/acme/big/v2", "/models/acme%2Fbig%2Fv2"])
def test_a_model_is_found_by_its_id_with_slashes(client: Client, path: str) -> None:
    assert client.get(path)["model"]["model_id"] == "acme/big/v2"


def test_a_decision_is_explained_in_full(client: Client) -> None:
    client.router.store.append([a_decision(1), failed(1), an_outcome(1, 2, model_id="acme/small")])
    decision = client.get("/decisions/dec_000001")["decision"]
    chosen = decision["candidates"][0]
    assert chosen["model_id"] == decision["model_id"] == "acme/big/v2"
    assert chosen["score"] == decision["score"] == pytest.approx(70)
    for candidate in decision["candidates"]:
        total = sum(term["value"] for term in candidate["terms"])
        assert total == pytest.approx(candidate["score"], abs=1e-9)
    assert chosen["terms"][0] == {
        "name": "capability",
        "value": 63.0,
        "weight": 0.0,
        "detail": "coding 0.90",
    }
    assert decision["rejections"] == [
        {
            "model_id": "acme/old",
            "code": "resting",
            "words": "asked us to wait",
            "retry_after_ms": 1500.0,
            "score": None,
        }
    ]
    assert decision["timestamp"] == "2026-03-01T12:01:00Z"
    assert (decision["propensity"], decision["config_version"]) == (0.5, "cfg_9")
    assert (decision["served_model_id"], decision["is_fallback"]) == ("acme/small", True)
    assert (decision["successful"], decision["failure"]) == (True, None)
    assert (decision["first_token_ms"], decision["latency_ms"]) == (250.0, 3000.0)
    assert (decision["cost_usd"], decision["cost_state"]) == (0.0025, "known")
    assert decision["task"]["needs"] == ["coding", "vision"]


def test_every_attempt_is_told_with_whom_it_blames(client: Client) -> None:
    client.router.store.append([a_decision(1), failed(1), an_outcome(1, 2, cost_usd=None)])
    first, second = client.get("/decisions/dec_000001")["decision"]["outcomes"]
    assert (first["failure"], first["blames"]) == ("server_error", "endpoint")
    assert (first["upstream_status"], first["message"], first["usage"]) == (500, "boom", None)
    assert (second["successful"], second["failure"], second["blames"]) == (True, None, None)
    assert second["usage"]["cached_tokens"] == 800
    assert (second["cost_usd"], second["cost_state"]) == (None, "unknown")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([a_decision(1)], (None, None, None, "pending", 0)),
        ([a_decision(1), an_outcome(1)], (True, None, 0.0025, "known", 1)),
        ([a_decision(1), an_outcome(1, cost_usd=None)], (True, None, None, "unknown", 1)),
        ([a_decision(1), failed(1)], (False, "server_error", 0.0, "known", 1)),
        ([a_decision(1, candidates=())], (False, "no_eligible_model", 0.0, "known", 0)),
    ],
)
def test_a_summary_says_how_it_ended_and_what_it_cost(
    client: Client, records: list[Decision | Outcome], expected: tuple[object, ...]
) -> None:
    client.router.store.append(records)
    (row,) = client.get("/decisions")["decisions"]
    fields = ("successful", "failure", "cost_usd", "cost_state", "attempts")
    assert tuple(row[name] for name in fields) == expected


def test_pages_follow_one_another_to_the_end(client: Client) -> None:
    client.router.store.append([a_decision(n) for n in range(1, 8)])
    seen, path = [], "/decisions?limit=3"
    while True:
        page = client.get(path)
        seen += [row["request_id"] for row in page["decisions"]]
        assert page["count"] == len(page["decisions"])
        if page["next_cursor"] is None:
            break
        path = f"/decisions?limit=3&cursor={page['next_cursor']}"
    assert seen == [f"req_{n}" for n in range(7, 0, -1)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("agent_id=builder", ["req_2", "req_1"]),
        ("agent_id=b%20c", ["req_3"]),
        ("model_id=acme/small", ["req_2"]),
        ("session=s3", ["req_3"]),
        ("request_id=req_1", ["req_1"]),
        ("success=true", ["req_2"]),
        ("success=false", ["req_1"]),
        ("success=false&agent_id=b%20c", []),
        ("q=S3", ["req_3"]),
        ("q=small+fallback", ["req_2"]),
        ("q=builder+server_error", ["req_1"]),
    ],
)
def test_decisions_are_filtered(client: Client, query: str, expected: list[str]) -> None:
    client.router.store.append(
        [
            *(a_decision(1), failed(1)),
            *(a_decision(2), an_outcome(2, 2, model_id="acme/small")),
            a_decision(3, agent_id="b c", session="s3"),
        ]
    )
    rows = client.get(f"/decisions?{query}")["decisions"]
    assert [row["request_id"] for row in rows] == expected


def test_the_configuration_is_shown_with_its_version(client: Client) -> None:
    assert client.get("/config") == {
        "success": True,
        "config_version": "cfg_9",
        "config": {"keys": [{"name": "ops", "key": "***"}]},
        "source": "",
        "origins": {},
        "rejected": None,
    }


def test_an_admin_sets_the_log_level(client: Client) -> None:
    assert client.call("PUT", "/log-level", b'{"level": "debug"}') == (
        200,
        {"success": True, "level": "debug"},
    )
    assert client.router.levels == ["debug"]


OF_ALERTS = {
    ("get", "/alerts"),
    ("get", "/alerts/active"),
    ("get", "/alerts/history"),
    ("get", "/alerts/{alert_id}"),
    ("post", "/alerts/{alert_id}/ack"),
    ("delete", "/alerts/{alert_id}/ack"),
    ("get", "/alerts/silences"),
    ("post", "/alerts/silences"),
    ("get", "/alerts/silences/{silence_id}"),
    ("put", "/alerts/silences/{silence_id}"),
    ("delete", "/alerts/silences/{silence_id}"),
    ("get", "/alerts/metrics"),
    ("get", "/alerts/rules"),
    ("get", "/alerts/rules/{name}"),
    ("put", "/alerts/rules/{name}"),
    ("patch", "/alerts/rules/{name}"),
    ("delete", "/alerts/rules/{name}"),
    ("post", "/alerts/rules/{name}/dry-run"),
}


CALLS = {
    ("get", "/alerts/channels"),
    ("post", "/alerts/channels/{name}/test"),
    ("get", "/alerts/outbox"),
    ("post", "/alerts/outbox/{notification_id}/resend"),
    *((method, "/agents") for method in ("get", "post")),
    *((method, "/agents/{agent_id}") for method in ("get", "put", "patch", "delete")),
    *((method, "/models") for method in ("get", "post")),
    *((method, "/models/{model_id}") for method in ("get", "put", "patch", "delete")),
    ("get", "/drains"),
    ("post", "/drains"),
    ("delete", "/drains/{model_id}"),
    ("get", "/overview"),
    ("get", "/flows"),
    ("get", "/decisions"),
    ("get", "/decisions/{decision_id}"),
    ("post", "/decisions/{decision_id}/again"),
    ("post", "/decisions/{decision_id}/feedback"),
    ("post", "/route"),
    ("post", "/weights/preview"),
    ("get", "/config"),
    ("put", "/log-level"),
    ("get", "/stats"),
    ("get", "/metrics"),
    ("get", "/timeseries"),
    ("get", "/ranking"),
    ("get", "/heatmap"),
    ("get", "/outlook"),
    ("get", "/audit"),
    ("get", "/export/{what}"),
    ("get", "/export/alerts"),
    ("get", "/export/notifications"),
    ("delete", "/agents/{agent_id}/data"),
    ("post", "/auto-assign-all"),
    ("get", "/assignments"),
    ("get", "/assignments.csv"),
    ("get", "/assignment-runs.csv"),
    ("post", "/assignments"),
    ("put", "/assignments/{id}"),
    ("delete", "/assignments/{id}"),
    ("get", "/assignment-runs"),
    ("get", "/assignment-runs/{run_id}"),
    ("get", "/assignment-runs/{run_id}/inputs"),
    ("post", "/assignment-runs/{run_id}/apply"),
    ("post", "/assignment-runs/{run_id}/undo"),
    ("get", "/agents/{agent_id}/assignment"),
}


def test_the_openapi_document_describes_every_call(client: Client) -> None:
    document = client.get("/openapi.json")
    calls = {
        (method, path.removeprefix(BASE))
        for path, item in document["paths"].items()
        for method in item
    }
    assert calls - OF_ALERTS == CALLS
    listed = document["paths"][f"{BASE}/decisions"]["get"]["parameters"]
    assert {parameter["name"] for parameter in listed} == {
        *("limit", "cursor", "agent_id", "model_id", "session", "request_id", "success"),
        *("since", "until", "q", "kind", "provider"),
    }
    assert document["info"]["version"] == "1.2.3"
    assert "http://" not in json.dumps(document)


def test_the_openapi_document_says_what_the_bodies_mean(client: Client) -> None:
    schemas = client.get("/openapi.json")["components"]["schemas"]
    assert "explore" in schemas["AgentBody"]["description"]
    assert "from 1 to 5" in schemas["FeedbackRequest"]["description"]
