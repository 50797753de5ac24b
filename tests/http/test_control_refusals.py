"""Does the control API refuse whom it must, and name every mistake in one envelope?"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_server import Client, control_server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("first") / "pointsman.db") as client:
        yield client


@pytest.fixture
def client(served: Client, tmp_path: Path) -> Client:
    return served.with_store(tmp_path / "pointsman.db")


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        ("admin", "GET", 200),
        ("viewer", "GET", 200),
        ("viewer", "PUT", 403),
        ("caller", "GET", 403),
        ("caller", "PUT", 403),
        ("", "GET", 401),
        ("", "PUT", 401),
    ],
)
def test_each_role_may_do_what_it_may(client: Client, role: str, method: str, status: int) -> None:
    path, body = ("/config", None) if method == "GET" else ("/log-level", b'{"level": "info"}')
    answered, answer = client.call(method, path, body, role)
    assert answered == status
    if status != 200:
        assert client.router.levels == []
    if status == 403:
        assert answer["error"]["type"] == "permission_error"
        assert answer["error"]["code"] == "role_not_sufficient"
        assert f"has the role {role}" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("path", "param", "code"),
    [
        ("/agents/nobody", "agent_id", "unknown_agent"),
        ("/models/acme/none", "model_id", "model_not_found"),
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
    assert (status, error["type"]) == (404, "invalid_request_error")
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


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/metrics?window=7d", "window: Invalid enum value '7d'. One of: 1m, 5m, 1h."),
        (
            "/metrics?limit=0",
            "limit: Expected `int` >= 1 ('0'). How many models and agents at most.",
        ),
    ],
)
def test_a_mistake_in_a_query_is_told_with_what_may_stand_there(
    client: Client, path: str, words: str
) -> None:
    assert client.refused("GET", path)[1]["message"] == words


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
        (b'{"level": "\xff"}', 400, "UTF-8"),
        (b'{"level": ' + b"[" * 4_000, 400, "nested"),
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
