"""Does the control API answer over a real socket, from a real store, and name every mistake?"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from pointsman.adapters.http.control import ROLE_KEY, ConfigView, ControlApi, LiveModel
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import (
    Candidate,
    Decision,
    Objection,
    Outcome,
    ReasonCode,
    Rejection,
    Strategy,
    Task,
    Term,
)
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import (
    Agent,
    Fleet,
    Limits,
    Model,
    Price,
    PriceState,
    Rate,
    Source,
    Usage,
)
from pointsman.engine.ports import DecisionQuery, StoredDecision

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "/api/v1/model-router"

BIG = Model(
    "acme/big/v2",
    "acme",
    "big-v2",
    strengths={"coding": 0.9},
    context_window=8_192,
    price=Price(PriceState.KNOWN, Rate(Decimal("2.5")), Rate(Decimal(10)), Rate(Decimal("0.25"))),
    limits=Limits(max_in_flight=8),
    unsupported=frozenset({"logprobs"}),
    sources={"context_window": Source("learned from an answer", "2026-03-01"), "x": Source("file")},
)
SMALL = Model("acme/small", "acme", "small", "Small", profiled=False)
BUILDER = Agent(
    "builder",
    "Builder",
    requires=("coding",),
    allow=frozenset({"acme/small", "acme/big/v2"}),
    pinned="acme/small",
)


@dataclass
class Router:
    """The running router: a real store, a real fleet."""

    store: SqliteStore
    levels: list[str] = field(default_factory=list)

    def fleet(self) -> Fleet:
        return Fleet([BUILDER], [BIG, SMALL], "cfg_9")

    def live(self, model_id: str) -> LiveModel:
        return LiveModel("open", 3) if model_id == BIG.id else LiveModel()

    def config(self) -> ConfigView:
        return ConfigView("cfg_9", {"keys": [{"name": "ops", "key": "***"}]})

    def set_log_level(self, level: str) -> None:
        if level == "error":
            raise RuntimeError("the log is on fire")
        self.levels.append(level)

    async def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        return await asyncio.to_thread(self.store.decisions, query)

    async def decision(self, decision_id: str) -> StoredDecision | None:
        return await asyncio.to_thread(self.store.decision, decision_id)


@dataclass
class Client:
    router: Router
    port: int

    def call(
        self, method: str, path: str, body: bytes | None = None, role: str = "admin"
    ) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"x-role": role, "content-type": "application/json"}
        connection.request(method, BASE + path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if text else None

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def refused(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """(status, error): the envelope is checked on the way."""
        status, answer = self.call(method, path, body)
        assert set(answer) == {"error"}
        assert set(answer["error"]) == {"message", "type", "param", "code"}
        return status, answer["error"]


def dispatcher(api: ControlApi) -> Any:
    """The part of the outer application that checks keys: here the role is simply said."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        roles = [value for name, value in scope["headers"] if name == b"x-role"]
        if roles[0]:
            scope[ROLE_KEY] = roles[0].decode()
        await api(scope, receive, send)

    return app


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One server for all tests; `client` puts a fresh store under it for each."""
    router = Router(SqliteStore(tmp_path_factory.mktemp("first") / "pointsman.db"))
    app = dispatcher(ControlApi(router, version="1.2.3"))
    config = uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield Client(router, server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(10)
    router.store.close()


@pytest.fixture
def client(served: Client, tmp_path: Path) -> Client:
    served.router.store.close()
    served.router.store = SqliteStore(tmp_path / "pointsman.db")
    served.router.levels.clear()
    return served


def a_decision(n: int, **changes: Any) -> Decision:
    terms = (Term("capability", 0.63, "coding 0.90"), Term("latency", 0.17), Term("cost", -0.1))
    decision = Decision(
        id=f"dec_{n:06d}",
        request_id=f"req_{n}",
        at=NOON + timedelta(minutes=n),
        agent_id="builder",
        task=Task("coding", 1_000, None, frozenset({"vision", "coding"})),
        strategy=Strategy.BALANCED,
        candidates=(
            Candidate("acme/big/v2", sum(term.value for term in terms), terms),
            Candidate("acme/small", 0.5, (Term("capability", 0.5),)),
        ),
        rejections=(Rejection("acme/old", Objection(ReasonCode.RESTING, "asked us to wait", 1.5)),),
        propensity=0.5,
        config_version="cfg_9",
        session="s1",
        asked_model="auto",
    )
    return decision._replace(**changes)


def an_outcome(n: int, attempt: int = 1, **changes: Any) -> Outcome:
    outcome = Outcome(
        decision_id=f"dec_{n:06d}",
        attempt=attempt,
        model_id="acme/big/v2",
        agent_id="builder",
        at=NOON + timedelta(minutes=n, seconds=1),
        failure=None,
        streamed=True,
        total_s=1.5,
        first_token_s=0.25,
        usage=Usage(1_000, 50, 800),
        cost_usd=Decimal("0.0025"),
        upstream_model="big-v2-0301",
    )
    return outcome._replace(**changes)


def failed(n: int, attempt: int = 1, **changes: Any) -> Outcome:
    return an_outcome(
        n,
        attempt,
        failure=FailureKind.SERVER_ERROR,
        usage=None,
        cost_usd=Decimal(0),
        first_token_s=None,
        status=500,
        message="boom",
    )._replace(**changes)


def test_agents_are_listed_with_what_they_need(client: Client) -> None:
    body = client.get("/agents")
    assert (body["success"], body["total_count"], body["config_version"]) == (True, 2, "cfg_9")
    assert [agent["agent_id"] for agent in body["agents"]] == ["builder", "default"]
    agent = client.get("/agents/builder")["agent"]
    assert agent == body["agents"][0]
    assert agent["allowed_models"] == ["acme/big/v2", "acme/small"]
    assert (agent["required_capabilities"], agent["pinned_model"]) == (["coding"], "acme/small")


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
    assert (big["circuit"], big["in_flight"], big["max_in_flight"]) == ("open", 3, 8)
    assert big["unsupported_parameters"] == ["logprobs"]
    assert big["sources"] == {
        "context_window": {"origin": "learned from an answer", "as_of": "2026-03-01"},
        "x": {"origin": "file", "as_of": None},
    }
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
    assert chosen["terms"][0] == {"name": "capability", "value": 63.0, "detail": "coding 0.90"}
    assert decision["rejections"] == [
        {
            "model_id": "acme/old",
            "code": "resting",
            "words": "asked us to wait",
            "retry_after_ms": 1500.0,
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
    ],
)
def test_decisions_are_filtered(client: Client, query: str, expected: list[str]) -> None:
    client.router.store.append(
        [
            *(a_decision(1), failed(1)),
            *(a_decision(2), an_outcome(2, model_id="acme/small")),
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
    }


def test_an_admin_sets_the_log_level(client: Client) -> None:
    assert client.call("PUT", "/log-level", b'{"level": "debug"}') == (
        200,
        {"success": True, "level": "debug"},
    )
    assert client.router.levels == ["debug"]


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("admin", "GET", 200),
        ("viewer", "GET", 200),
        ("viewer", "PUT", 403),
        ("caller", "GET", 403),
        ("caller", "PUT", 403),
        ("", "GET", 403),
        ("root", "GET", 403),
    ],
)
def test_each_role_may_do_what_it_may(client: Client, role: str, method: str, status: int) -> None:
    path, body = ("/config", None) if method == "GET" else ("/log-level", b'{"level": "info"}')
    answered, answer = client.call(method, path, body, role)
    assert answered == status
    if status == 403:
        assert answer["error"]["type"] == "permission_error"
        assert answer["error"]["code"] == "permission_denied"
        assert client.router.levels == []


@pytest.mark.parametrize(
    ("path", "param", "code"),
    [
        ("/agents/nobody", "agent_id", "unknown_agent"),
        ("/models/acme/none", "model_id", "unknown_model"),
        ("/decisions/dec_0", "decision_id", "unknown_decision"),
        ("/nothing", None, "not_found"),
        ("", None, "not_found"),
        ("/docs", None, "not_found"),
        ("/agents/builder/more", None, "not_found"),
    ],
)
def test_what_is_not_there_is_said_in_the_same_envelope(
    client: Client, path: str, param: str | None, code: str
) -> None:
    status, error = client.refused("GET", path)
    assert (status, error["type"]) == (404, "not_found_error")
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("agent=builder", "agent", "unknown_parameter"),
        ("limit=0", "limit", "invalid_value"),
        ("limit=201", "limit", "invalid_value"),
        ("limit=ten", "limit", "invalid_value"),
        ("limit=5&limit=6", "limit", "invalid_value"),
        ("cursor=yesterday", "cursor", "invalid_value"),
        ("success=maybe", "success", "invalid_value"),
        ("session=", "session", "invalid_value"),
    ],
)
def test_a_mistake_in_a_query_is_named(client: Client, query: str, param: str, code: str) -> None:
    status, error = client.refused("GET", f"/decisions?{query}")
    assert (status, error["param"], error["code"]) == (400, param, code)
    assert param in error["message"]


def test_a_call_without_parameters_takes_none(client: Client) -> None:
    status, error = client.refused("GET", "/agents?limit=5")
    assert (status, error["param"]) == (400, "limit")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"level": "loud"}', 400, "loud"),
        (b'{"level": "info", "for": "ever"}', 400, "for"),
        (b"{}", 400, "level"),
        (b"{", 400, ""),
        (b"", 400, "JSON body"),
        (b'{"level": "' + b"x" * 5_000 + b'"}', 413, ""),
    ],
)
def test_a_mistake_in_a_body_is_named(client: Client, body: bytes, status: int, words: str) -> None:
    answered, error = client.refused("PUT", "/log-level", body)
    assert (answered, error["type"]) == (status, "invalid_request_error")
    assert words in error["message"]
    assert client.router.levels == []


def test_a_method_that_a_path_does_not_take_is_405(client: Client) -> None:
    status, error = client.refused("DELETE", "/agents")
    assert (status, error["code"]) == (405, "method_not_allowed")
    assert "DELETE" in error["message"]


def test_a_store_out_of_reach_is_503(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.router.store.close()
    for path in ("/decisions", "/decisions/dec_1"):
        status, error = client.refused("GET", path)
        assert (status, error["type"], error["code"]) == (503, "server_error", "store_unavailable")
    assert "closed" in caplog.text


def test_a_mistake_of_ours_is_500_and_its_words_stay_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        status, error = client.refused("PUT", "/log-level", b'{"level": "error"}')
    assert (status, error["code"]) == (500, "internal_error")
    assert "fire" not in error["message"]
    assert "the log is on fire" in caplog.text


def test_the_openapi_document_describes_every_call(client: Client) -> None:
    document = client.get("/openapi.json")
    calls = {
        (method, path.removeprefix(BASE))
        for path, item in document["paths"].items()
        for method in item
    }
    assert calls == {
        ("get", "/agents"),
        ("get", "/agents/{agent_id}"),
        ("get", "/models"),
        ("get", "/models/{model_id}"),
        ("get", "/decisions"),
        ("get", "/decisions/{decision_id}"),
        ("get", "/config"),
        ("put", "/log-level"),
    }
    listed = document["paths"][f"{BASE}/decisions"]["get"]["parameters"]
    assert {parameter["name"] for parameter in listed} == {
        *("limit", "cursor", "agent_id", "model_id", "session", "request_id", "success")
    }
    assert document["info"]["version"] == "1.2.3"
    assert "http://" not in json.dumps(document)
