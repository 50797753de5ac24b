"""Does a request that cannot be served get a clear answer, and does the server live on?"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from gateway_process import CONTROL, GatewayProcess, chat_body
from raw_client import CHAT, connected, request_bytes, unchunked
from simulated_upstream import SimulatedUpstream

HELLO = '"messages": [{"role": "user", "content": "Hello"}]'
CODE = "code"
PARAM = "param"
WORDS = "words"

BODIES: list[tuple[str | bytes, dict[str, str]]] = [
    (b"", {CODE: "invalid_json", WORDS: "empty"}),
    ("{", {CODE: "invalid_json"}),
    ("{,}", {CODE: "invalid_json"}),
    ("model=auto&messages=hi", {CODE: "invalid_json"}),
    ("[]", {CODE: "invalid_request", WORDS: "object"}),
    ("null", {CODE: "invalid_request", WORDS: "object"}),
    (b"\xef\xbb\xbf{}", {CODE: "invalid_json"}),
    (b"\x00\x01\x02", {CODE: "invalid_json"}),
    (b'{"model": "auto", "user": "\xff", ' + HELLO.encode() + b"}", {CODE: "invalid_utf8"}),
    ('{"model": "auto", "x": ' + "[" * 100_000, {CODE: "invalid_json"}),
    ('{"model": "auto"}', {PARAM: "messages"}),
    (f"{{{HELLO}}}", {PARAM: "model"}),
    (f'{{"model": "", {HELLO}}}', {PARAM: "model"}),
    (f'{{"model": 5, {HELLO}}}', {PARAM: "model", WORDS: "str"}),
    (f'{{"model": null, {HELLO}}}', {PARAM: "model"}),
    ('{"model": "auto", "messages": []}', {PARAM: "messages", CODE: "empty_array"}),
    ('{"model": "auto", "messages": "hi"}', {PARAM: "messages"}),
    ('{"model": "auto", "messages": [5]}', {PARAM: "messages[0]"}),
    (f'{{"model": "auto", "stream": "yes", {HELLO}}}', {PARAM: "stream"}),
    (f'{{"model": "auto", "pointsman": {{"agnet": "x"}}, {HELLO}}}', {WORDS: "agnet"}),
    (
        f'{{"model": "auto", "pointsman": {{"min_context": -1}}, {HELLO}}}',
        {PARAM: "pointsman.min_context"},
    ),
    (
        f'{{"model": "auto", "pointsman": {{"deadline_ms": 0}}, {HELLO}}}',
        {PARAM: "pointsman.deadline_ms"},
    ),
    (
        f'{{"model": "auto", "pointsman": {{"strategy": "best"}}, {HELLO}}}',
        {PARAM: "pointsman.strategy"},
    ),
]

UNKNOWN_MODELS = [
    ("frist", "up/first"),
    ("up/secnd", "up/second"),
    ("auto:quick", "auto:"),
    ("agent/codr", "agent/coder"),
    ("gpt-4", "gpt-4o"),
    ("x" * 5_000, "GET /v1/models"),
    ("ما-هذا", "GET /v1/models"),
]


@pytest.fixture(autouse=True)
def _alive(gateway: GatewayProcess, upstream: SimulatedUpstream) -> Iterator[None]:
    yield
    assert gateway.chat().status == 200
    assert "failed inside" not in gateway.log


def short(value: object) -> str:
    return repr(value)[:50]


@pytest.mark.parametrize(("body", "wanted"), BODIES, ids=short)
def test_a_body_with_a_mistake_is_refused_in_words_that_name_it(
    gateway: GatewayProcess,
    upstream: SimulatedUpstream,
    body: str | bytes,
    wanted: dict[str, str],
) -> None:
    data = body if isinstance(body, bytes) else body.encode()
    answer = gateway.call("POST", CHAT, data)
    assert answer.status == 400, answer
    error = answer.error
    assert error["type"] == "invalid_request_error"
    assert error["code"] == wanted.get(CODE, error["code"])
    assert error["param"] == wanted.get(PARAM, error["param"])
    assert wanted.get(WORDS, "") in error["message"]
    assert answer.headers["x-request-id"]
    assert upstream.requests == []


def test_a_choice_cannot_stand_in_a_list_of_models(gateway: GatewayProcess) -> None:
    answer = gateway.chat(model="up/first", models=["auto"])
    assert (answer.status, answer.error["param"]) == (400, "models[0]")
    assert answer.error["code"] == "not_a_model"


@pytest.mark.parametrize("field", ["models", "fallbacks"])
@pytest.mark.parametrize("odd", ["up/fifth", {"model": "up/fifth"}], ids=["name", "object"])
def test_an_unknown_model_in_a_list_is_told_with_its_place(
    gateway: GatewayProcess, field: str, odd: str | dict[str, str]
) -> None:
    answer = gateway.chat(None, model="up/first", **{field: ["up/second", odd]})
    error = answer.error
    assert (answer.status, error["code"], error["param"]) == (404, "model_not_found", f"{field}[1]")
    assert "'up/fifth'" in error["message"]


@pytest.mark.parametrize(("name", "hint"), UNKNOWN_MODELS, ids=short)
def test_an_unknown_model_is_not_found_and_what_is_near_is_named(
    gateway: GatewayProcess, name: str, hint: str
) -> None:
    answer = gateway.chat(model=name)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert hint in answer.error["message"]
    assert len(answer.error["message"]) < 500


@pytest.mark.parametrize("where", ["header", "body"])
def test_an_agent_that_is_not_declared_is_a_mistake(gateway: GatewayProcess, where: str) -> None:
    if where == "header":
        answer = gateway.chat({"x-pointsman-agent": "ghost"})
    else:
        answer = gateway.chat(pointsman={"agent": "ghost"})
    assert (answer.status, answer.error["code"]) == (400, "unknown_agent")
    assert "coder" in answer.error["message"]


def test_an_agent_that_is_offline_is_not_served(gateway: GatewayProcess) -> None:
    answer = gateway.chat({"x-pointsman-agent": "idle"})
    assert (answer.status, answer.error["code"]) == (403, "agent_not_online")


@pytest.mark.parametrize("given", ["soon", "-1", "0", "nan", "inf", ""])
def test_a_deadline_that_is_none_is_a_mistake(gateway: GatewayProcess, given: str) -> None:
    answer = gateway.chat({"x-pointsman-deadline-ms": given})
    assert (answer.status, answer.error["param"]) == (400, "x-pointsman-deadline-ms")
    assert answer.error["code"] == "invalid_value"
    assert f"not {given!r}" in answer.error["message"]


@pytest.mark.parametrize("path", [CHAT, f"{CONTROL}/route"])
def test_a_misspelt_header_of_ours_is_refused_wherever_it_would_have_counted(
    gateway: GatewayProcess, path: str
) -> None:
    answer = gateway.call("POST", path, chat_body(), {"X-Pointsman-Agnet": "coder"})
    error = answer.error
    assert (answer.status, error["type"], error["code"], error["param"]) == (
        *(400, "invalid_request_error", "unknown_header"),
        "x-pointsman-agnet",
    )
    assert "'x-pointsman-agent'" in error["message"]


@pytest.mark.parametrize(("second", "status"), [("coder", 200), ("idle", 400)])
async def test_a_header_of_ours_that_is_said_twice_says_one_thing(
    gateway: GatewayProcess, second: str, status: int
) -> None:
    """A proxy that puts an agent in must not be talked over by who stands behind it."""
    body = json.dumps(chat_body()).encode()
    agents = f"coder\r\nx-pointsman-agent: {second}"
    async with connected(gateway) as client:
        await client.send(request_bytes(body, {"connection": "close", "x-pointsman-agent": agents}))
        told, said, _ = unchunked(await client.rest())
    assert told == status, said
    if status == 400:
        assert json.loads(said)["error"]["code"] == "invalid_http"


@pytest.mark.parametrize("coding", ["identity", "Identity", "IDENTITY"])
def test_a_body_that_is_said_to_be_plain_is_read(gateway: GatewayProcess, coding: str) -> None:
    assert gateway.chat({"content-encoding": coding}).status == 200


def test_a_compressed_body_is_refused_by_its_name(gateway: GatewayProcess) -> None:
    body = gzip.compress(json.dumps(chat_body()).encode())
    answer = gateway.call("POST", CHAT, body, {"content-encoding": "gzip"})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("DELETE", CHAT, "POST"),
        ("OPTIONS", CHAT, "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/livez", "GET"),
        ("POST", "/metrics", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(
    gateway: GatewayProcess, method: str, path: str, allowed: str
) -> None:
    answer = gateway.call(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.error["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/chat", f"{CHAT}/", "//v1/models", "/v1/embeddings", "/..%2f", "/%ff"]
)
def test_a_path_where_nothing_is_says_what_there_is(gateway: GatewayProcess, path: str) -> None:
    for method in ("GET", "POST"):
        answer = gateway.call(method, path)
        assert (answer.status, answer.error["code"]) == (404, "not_found")
        assert CHAT in answer.error["message"]


@pytest.mark.parametrize(
    "given",
    ["a b", "a" * 129, "caf\xe9", "a\tb", ""],
    ids=["space", "long", "latin", "tab", "empty"],
)
def test_a_request_id_that_is_not_plain_is_replaced(gateway: GatewayProcess, given: str) -> None:
    answer = gateway.chat({"x-request-id": given})
    assert answer.status == 200, answer
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("user 42", "user 42"),
        ("x" * 200, "x" * 200),
        ("größe".encode().decode("latin-1"), "größe"),
        ("gr\xf6\xdfe", "größe"),
        ("", None),
    ],
    ids=["space", "long", "utf-8", "latin-1", "empty"],
)
def test_a_session_is_kept_in_the_words_of_its_caller(
    gateway: GatewayProcess, given: str, kept: str | None
) -> None:
    answer = gateway.chat({"x-session-id": given})
    assert gateway.decision(answer.headers["x-pointsman-decision"])["session"] == kept


def test_two_agents_in_one_request_are_a_mistake_that_names_both(gateway: GatewayProcess) -> None:
    answer = gateway.chat({"x-pointsman-agent": "coder"}, model="agent/idle")
    assert (answer.status, answer.error["code"]) == (400, "conflicting_agents")
    assert "coder" in answer.error["message"]
    assert "idle" in answer.error["message"]


def test_nothing_of_a_forged_header_gets_into_the_answer(gateway: GatewayProcess) -> None:
    forged = "x%0d%0aset-cookie:%20a=b"
    answer = gateway.chat({"x-request-id": forged})
    assert answer.headers["x-request-id"] == forged
    assert "set-cookie" not in answer.headers


def test_what_no_model_can_do_is_the_callers_to_change(gateway: GatewayProcess) -> None:
    answer = gateway.chat(pointsman={"requires": ["telepathy"]})
    assert (answer.status, answer.error["code"]) == (400, "no_eligible_model")
    assert "telepathy" in answer.error["message"]
    decision: dict[str, Any] = gateway.decision(answer.headers["x-pointsman-decision"])
    assert len(decision["rejections"]) == 3
    assert decision["outcomes"] == []


MANY = '{"role": "user", "content": "Hello"}, ' * 5_000


def test_a_mistake_at_the_end_of_a_large_body_is_named_as_well(gateway: GatewayProcess) -> None:
    body = f'{{"model": "auto", "messages": [{MANY} 5]}}'
    answer = gateway.call("POST", CHAT, body.encode())
    assert (answer.status, answer.error[PARAM]) == (400, "messages[5000]")


async def test_nobody_waits_while_a_body_of_very_many_messages_is_read(
    gateway: GatewayProcess,
) -> None:
    body = f'{{"model": "nobody", "messages": [{MANY * 80} {{"role": "user", "content": "x"}}]}}'
    async with connected(gateway) as slow, connected(gateway) as quick:
        await slow.send(request_bytes(body.encode()))
        answer = asyncio.create_task(slow.until(b"\r\n\r\n"))
        for _ in range(20):
            await quick.send(b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            assert (await quick.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await quick.until(b"}")
        assert not answer.done()
        assert (await answer).startswith(b"HTTP/1.1 404")
