"""Who may do what with which key, and does a key ever show?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fleets import fleet, provider
from gateway_process import CONTROL, GatewayProcess, Serve, chat_body
from raw_client import CHAT, connected, unchunked
from simulated_upstream import SimulatedUpstream, simulated_upstream

SECRETS = {name: f"pm-{name}-8f1c7b2e5d9a4036" for name in ("caller", "bound", "viewer", "admin")}
UPSTREAM_KEY = "sk-upstream-77aa11bb22cc"
KEYS: list[dict[str, Any]] = [
    {"name": "caller", "key": SECRETS["caller"]},
    {"name": "bound", "key": SECRETS["bound"], "agents": ["coder", "tester"]},
    {"name": "viewer", "key": "${VIEWER_KEY}", "role": "viewer"},
    {
        "name": "admin",
        "sha256": hashlib.sha256(SECRETS["admin"].encode()).hexdigest(),
        "role": "admin",
    },
]
AGENTS = {
    "coder": {"prefers": ["coding"], "deny": ["up/first"]},
    "tester": {},
    "other": {"pinned": "up/third"},
}
DECISIONS = f"{CONTROL}/decisions"


@pytest.fixture(scope="module")
def guarded_upstream() -> Iterator[SimulatedUpstream]:
    """An upstream that wants a key of its own."""
    with simulated_upstream(api_key=UPSTREAM_KEY) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def guarded(
    guarded_upstream: SimulatedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    config = fleet(
        guarded_upstream.url,
        keys=KEYS,
        agents=AGENTS,
        server={"log_format": "json", "log_level": "debug"},
        providers=provider(guarded_upstream.url, api_key="${UPSTREAM_KEY}"),
    )
    environ = {"VIEWER_KEY": SECRETS["viewer"], "UPSTREAM_KEY": UPSTREAM_KEY}
    folder = tmp_path_factory.mktemp("guarded")
    with GatewayProcess(folder, config, environ=environ) as gateway:
        yield gateway


def shown(name: str, **headers: str) -> dict[str, str]:
    """Headers that show the key of that name."""
    return {"authorization": f"Bearer {SECRETS[name]}", **headers}


def served_agent(guarded: GatewayProcess, headers: dict[str, str], **fields: Any) -> str:
    answer = guarded.chat(headers, **fields)
    assert answer.status == 200, answer
    decision = guarded.decision(answer.headers["x-pointsman-decision"], shown("admin"))
    agent: str = decision["agent_id"]
    return agent


@pytest.mark.parametrize(
    ("name", "chat", "read", "write", "metrics"),
    [
        ("caller", 200, 403, 403, 403),
        ("bound", 200, 403, 403, 403),
        ("viewer", 403, 200, 403, 200),
        ("admin", 200, 200, 200, 200),
    ],
)
def test_each_role_may_do_its_own_work(
    guarded: GatewayProcess, name: str, chat: int, read: int, write: int, metrics: int
) -> None:
    assert guarded.chat(shown(name)).status == chat
    assert guarded.get(DECISIONS, shown(name)).status == read
    level = guarded.call("PUT", f"{CONTROL}/log-level", {"level": "debug"}, shown(name))
    assert level.status == write, level
    assert guarded.get("/metrics", shown(name)).status == metrics
    assert guarded.get("/v1/models", shown(name)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer pm-wrong"},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {SECRETS['admin']}"},
        {"authorization": SECRETS["admin"]},
        {"x-api-key": "pm-wrong"},
        {"authorization": f"Bearer {SECRETS['admin'][:-1]}"},
        {"authorization": "Bearer caf\xe9"},
        {"authorization": f"Bearer {'x' * 20_000}"},
    ],
    ids=lambda headers: str(headers)[:40],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", DECISIONS, "/metrics"])
def test_without_a_good_key_nothing_is_told(
    guarded: GatewayProcess, headers: dict[str, str], path: str
) -> None:
    method = "POST" if path.endswith("completions") else "GET"
    answer = guarded.call(method, path, None, headers)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["api-key", "x-api-key"])
def test_the_headers_of_other_clients_carry_a_key_too(guarded: GatewayProcess, header: str) -> None:
    assert guarded.chat({header: SECRETS["caller"]}).status == 200


ADMIN, CALLER = SECRETS["admin"], SECRETS["caller"]
ONE_KEY_TWICE = {
    "a bearer's and Anthropic's": [("authorization", f"Bearer {CALLER}"), ("x-api-key", CALLER)],
    "Azure's and Anthropic's": [("api-key", CALLER), ("x-api-key", CALLER)],
    "in all": [
        *(("x-api-key", CALLER), ("Authorization", f"bearer  {CALLER} ")),
        *(("api-key", f"{CALLER} "), ("x-api-key", CALLER)),
    ],
    "beside what is no key": [("authorization", "Basic dXNlcg=="), ("x-api-key", CALLER)],
    "beside nothing": [("authorization", f"Bearer {CALLER}"), ("x-api-key", "")],
}
TWO_KEYS = {
    "a bearer's and Anthropic's": [("authorization", f"Bearer {CALLER}"), ("x-api-key", ADMIN)],
    "the other way round": [("x-api-key", ADMIN), ("authorization", f"Bearer {CALLER}")],
    "a bearer's and Azure's": [("authorization", f"Bearer {ADMIN}"), ("api-key", CALLER)],
    "Azure's and Anthropic's": [("api-key", ADMIN), ("x-api-key", CALLER)],
    "a third behind two": [
        *(("authorization", f"Bearer {CALLER}"), ("api-key", CALLER)),
        ("x-api-key", ADMIN),
    ],
    "one that nobody knows": [("authorization", f"Bearer {ADMIN}"), ("x-api-key", "pm-wrong")],
    "neither known": [("authorization", "Bearer pm-wrong"), ("x-api-key", "pm-other")],
    "in one header": [("authorization", f"Bearer {ADMIN}"), ("authorization", f"Bearer {CALLER}")],
}
TAKES = {
    "chat": f"POST {CHAT}",
    "models": "GET /v1/models",
    "one model": "GET /v1/models/auto",
    "decisions": f"GET {DECISIONS}",
    "a change": f"PUT {CONTROL}/log-level",
    "events": f"GET {CONTROL}/events",
    "signing in": f"POST {CONTROL}/session",
    "metrics": "GET /metrics",
    "alert tools": "GET /api/v2/status",
}


async def said_to(
    gateway: GatewayProcess, asked: str, lines: list[tuple[str, str]], body: bytes = b""
) -> tuple[int, bytes]:
    """The status, and what is said, to a request with these lines in its head."""
    about = {"content-type": "application/json", "content-length": str(len(body))}
    usual = {"host": "gateway.example", "connection": "close", **about}
    head = "".join(f"{name}: {value}\r\n" for name, value in (*usual.items(), *lines))
    async with connected(gateway) as client:
        await client.send(f"{asked} HTTP/1.1\r\n{head}\r\n".encode() + body)
        status, said, whole = unchunked(await client.rest())
    assert whole
    return status, said


@pytest.mark.parametrize("lines", ONE_KEY_TWICE.values(), ids=ONE_KEY_TWICE)
async def test_one_key_may_be_shown_twice(
    guarded: GatewayProcess, lines: list[tuple[str, str]]
) -> None:
    body = json.dumps(chat_body()).encode()
    status, said = await said_to(guarded, TAKES["chat"], lines, body)
    assert status == 200, said


@pytest.mark.parametrize("lines", TWO_KEYS.values(), ids=TWO_KEYS)
@pytest.mark.parametrize("asked", TAKES.values(), ids=TAKES)
async def test_who_shows_two_keys_is_refused_whatever_each_may_do(
    guarded: GatewayProcess, asked: str, lines: list[tuple[str, str]]
) -> None:
    """A proxy that checks the one must not let the other in."""
    status, said = await said_to(guarded, asked, lines)
    error = json.loads(said)["error"]
    assert (status, error["type"]) == (400, "invalid_request_error")
    named = [name for name in dict(lines) if name in error["message"].lower()]
    assert len(named) >= min(2, len(dict(lines)))
    assert not any(secret in said.decode() for secret in (*SECRETS.values(), "pm-wrong"))


def test_the_scheme_is_read_in_any_case(guarded: GatewayProcess) -> None:
    assert guarded.chat({"authorization": f"bearer {SECRETS['caller']}"}).status == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health"])
def test_health_is_open_to_all(guarded: GatewayProcess, path: str) -> None:
    assert guarded.get(path).status == 200
    assert guarded.get(path, {"host": "gateway.example"}).status == 200


def test_with_keys_any_host_name_will_do(guarded: GatewayProcess) -> None:
    headers = shown("caller", host="gateway.example", origin="https://app.example")
    assert guarded.chat(headers).status == 200


def test_a_bound_key_speaks_for_its_first_agent(guarded: GatewayProcess) -> None:
    assert served_agent(guarded, shown("bound")) == "coder"
    assert guarded.chat(shown("bound")).headers["x-pointsman-model"] == "up/second"


def test_a_bound_key_may_name_any_of_its_agents(guarded: GatewayProcess) -> None:
    assert served_agent(guarded, shown("bound", **{"x-pointsman-agent": "tester"})) == "tester"
    assert served_agent(guarded, shown("bound"), model="agent/tester") == "tester"
    assert served_agent(guarded, shown("bound"), pointsman={"agent": "tester"}) == "tester"
    borrowed = shown("bound", **{"x-claude-code-agent-id": "tester"})
    assert served_agent(guarded, borrowed) == "tester"


def test_a_bound_key_may_speak_for_no_other_agent(guarded: GatewayProcess) -> None:
    for answer in (
        guarded.chat(shown("bound", **{"x-pointsman-agent": "other"})),
        guarded.chat(shown("bound"), model="agent/other"),
        guarded.chat(shown("bound"), pointsman={"agent": "other"}),
    ):
        assert (answer.status, answer.error["code"]) == (403, "agent_not_allowed")
    borrowed = shown("bound", **{"x-litellm-agent-id": "other"})
    assert served_agent(guarded, borrowed) == "coder"


def test_a_bound_key_sees_its_own_agents_only(guarded: GatewayProcess) -> None:
    def agents(name: str) -> set[str]:
        entries = guarded.get("/v1/models", shown(name)).document["data"]
        return {entry["id"] for entry in entries if entry["id"].startswith("agent/")}

    assert agents("bound") == {"agent/coder", "agent/tester"}
    assert agents("caller") >= {"agent/coder", "agent/tester", "agent/other"}
    assert guarded.get("/v1/models/agent/other", shown("bound")).status == 404


def test_a_free_key_is_the_default_agent_until_it_says_otherwise(guarded: GatewayProcess) -> None:
    assert served_agent(guarded, shown("caller")) == "default"
    assert served_agent(guarded, shown("caller"), model="agent/other") == "other"
    pinned = guarded.chat(shown("caller"), model="agent/other")
    assert pinned.headers["x-pointsman-model"] == "up/third"


def test_no_key_ever_shows(guarded: GatewayProcess, guarded_upstream: SimulatedUpstream) -> None:
    wrong = "pm-wrong-but-still-secret"
    guarded_upstream.order("first", "status", status=401)
    shown_to_admin = [
        guarded.get(f"{CONTROL}/config", shown("admin")),
        guarded.get(f"{CONTROL}/models", shown("admin")),
        guarded.get(DECISIONS, shown("admin")),
        guarded.get("/metrics", shown("admin")),
        guarded.get("/readyz"),
    ]
    assert [answer.status for answer in shown_to_admin] == [200] * 5
    said = [
        *shown_to_admin,
        guarded.chat(shown("admin")),
        guarded.chat({"authorization": f"Bearer {wrong}"}),
        guarded.chat(shown("viewer")),
        guarded.chat(shown("bound", **{"x-pointsman-agent": "other"})),
    ]
    words = b"".join(answer.body + repr(answer.headers).encode() for answer in said).decode()
    stored = b"".join(path.read_bytes() for path in guarded.data_dir.iterdir())
    for secret in (*SECRETS.values(), UPSTREAM_KEY, wrong):
        assert secret not in words
        assert secret not in guarded.log
        assert secret not in guarded.greeting
        assert secret.encode() not in stored


def test_no_prompt_or_answer_is_logged(guarded: GatewayProcess) -> None:
    answer = guarded.chat(shown("caller"), messages=[{"role": "user", "content": "Zanzibar?"}])
    assert answer.status in (200, 502)
    assert "Zanzibar" not in guarded.log
    assert "simulated answer" not in guarded.log


def test_without_keys_nobody_beyond_this_machine_is_listened_to(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    with pytest.raises(AssertionError, match="only this machine may be served"):
        serve(fleet(upstream.url), arguments=("--host", "0.0.0.0"))


def test_with_keys_any_address_may_be_listened_on(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, keys=KEYS[:1]), arguments=("--host", "0.0.0.0"))
    assert gateway.chat(shown("caller")).status == 200
    assert gateway.chat().status == 401
