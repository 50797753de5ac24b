"""How does the fleet do, as the control API tells it once and again and again?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from control_server import BASE, NOON, Client, a_decision, an_outcome, control_server, failed

from pointsman.adapters.http.control import events
from pointsman.adapters.http.control.events import MOST_READERS, wish_of
from pointsman.core.errors import RequestError


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with control_server(tmp_path / "store.db") as made:
        router = made.router
        outcomes = failed(1), an_outcome(1, 2, model_id="acme/small"), an_outcome(2)
        router.store.append([a_decision(1), a_decision(2), *outcomes])
        for outcome in outcomes:
            router.statistics.ended(outcome._replace(at=NOON))
        yield made


def test_the_overview_has_figures_course_standings_and_the_last_decisions(client: Client) -> None:
    found = client.get("/overview")
    now = found["now"]
    assert (now["requests"], now["failed_attempts"], now["fallback_rate"]) == (2, 1, 0.5)
    assert now["success_rate"] == pytest.approx(2 / 3)
    assert now["p95_ms"] == pytest.approx(1500, rel=0.02)
    assert now["cost_usd"] == 0.005
    assert found["before"] is None
    assert [len(found["points"]), found["points"][-1]["requests"]] == [30, 2]
    assert found["points"][0]["requests_per_s"] is None
    assert [each["id"] for each in found["models"]] == ["acme/big/v2", "acme/small"]
    assert found["models"][0]["share"] == pytest.approx(2 / 3)
    assert [each["id"] for each in found["agents"]] == ["builder"]
    assert [each["decision_id"] for each in found["decisions"]] == ["dec_000002", "dec_000001"]
    assert [each["name"] for each in found["roster"]] == ["Builder", "Default agent"]
    live = {each["model_id"]: each["circuit"] for each in found["live"]}
    assert live == {"acme/big/v2": "open", "acme/small": "closed"}
    courses = {each["model_id"]: each["requests_per_s"][-1] for each in found["courses"]}
    assert set(courses) == {"acme/big/v2", "acme/small"}


def test_the_overview_is_narrowed_to_who_is_meant(client: Client) -> None:
    small = client.get("/overview?range=1h&model_id=acme/small")
    assert (small["range"], small["step_s"], len(small["points"])) == ("1h", 60, 60)
    assert [each["id"] for each in small["models"]] == ["acme/small"]
    assert [each["decision_id"] for each in small["decisions"]] == ["dec_000001"]
    assert client.get("/overview?provider=acme")["now"]["requests"] == 2
    nobody = client.get("/overview?provider=other&kind=planner")
    assert (nobody["now"]["requests"], nobody["decisions"], nobody["models"]) == (0, [], [])
    assert client.get("/overview?kind=planner")["decisions"] == []
    assert client.get("/overview?agent_id=builder")["now"]["requests"] == 2
    status, error = client.refused("GET", "/overview?range=2d")
    assert (status, error["param"]) == (400, "range")


@contextmanager
def opened(client: Client, query: str, **headers: str) -> Iterator[HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", client.port, timeout=10)
    connection.request("GET", f"{BASE}/events{query}", headers={"x-role": "viewer", **headers})
    with connection.getresponse() as response:
        yield response
    connection.close()


def event(response: HTTPResponse) -> dict[str, str]:
    """The next event, without its frame."""
    fields: dict[str, str] = {}
    while True:
        line = response.readline().decode().rstrip("\n")
        if not line and fields:
            return fields
        name, _, value = line.partition(": ")
        if name:
            fields[name] = value


def test_the_overview_is_sent_again_and_again(client: Client) -> None:
    with opened(client, "?range=1h&every=1") as response:
        assert response.status == 200
        assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
        assert event(response) == {"retry": "1000"}
        first, second = event(response), event(response)
        assert first["event"] == second["event"] == "overview"
        assert len(json.loads(first["data"])["points"]) == 60
        assert len(json.loads(second["data"])["points"]) == 1, "only the step that was not over"


def test_the_agents_are_told_once_for_each_configuration(client: Client) -> None:
    with opened(client, "?every=1") as response:
        event(response)
        first, second = (json.loads(event(response)["data"]) for _ in range(2))
    assert [each["name"] for each in first["roster"]] == ["Builder", "Default agent"]
    assert second["roster"] is None
    assert second["config_version"] == first["config_version"]
    for known, told in ((first["config_version"], False), ("another", True)):
        with opened(client, f"?roster={known}") as response:
            event(response)
            assert (json.loads(event(response)["data"])["roster"] is not None) is told


def test_open_alerts_are_sent_along_where_they_are_asked_for_and_when_they_change(
    client: Client,
) -> None:
    with opened(client, "?every=1&alerts=true") as response:
        event(response)
        told = [event(response) for _ in range(4)]
    assert [each["event"] for each in told] == ["overview", "alerts", "overview", "overview"]
    assert json.loads(told[1]["data"]) == client.get("/alerts/active")
    assert "id" not in told[1]


def test_who_comes_back_is_told_what_it_has_missed_and_no_more(client: Client) -> None:
    since = NOON.timestamp() - 35
    with opened(client, "", **{"last-event-id": f"{since:.3f}"}) as response:
        event(response)
        assert len(json.loads(event(response)["data"])["points"]) == 5


def test_a_store_that_cannot_be_read_is_told_and_does_not_end_the_stream(client: Client) -> None:
    with opened(client, "?every=1") as response:
        event(response)
        assert event(response)["event"] == "overview"
        client.router.store.close()
        assert event(response) == {"event": "trouble", "data": "{}"}
        response.close()


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("evry=5", "evry"),
        ("every=0", "every"),
        ("alerts=maybe", "alerts"),
        ("every=61", "every"),
        ("every=soon", "every"),
        ("every=" + "9" * 90, "every"),
        ("range=2d", "range"),
        ("agent_id=", "agent_id"),
        ("model_id=" + "m" * 257, "model_id"),
    ],
)
def test_what_is_misspelt_is_told(query: str, param: str) -> None:
    with pytest.raises(RequestError) as refused:
        wish_of(query.encode(), {})
    assert refused.value.param == param


def test_an_id_that_is_none_of_ours_means_from_the_beginning() -> None:
    assert wish_of(b"", {b"last-event-id": b"x"}).since_s == 0.0
    assert wish_of(b"", {b"last-event-id": b"-5"}).since_s == 0.0


async def test_there_is_a_limit_to_how_many_listen(client: Client) -> None:
    stream = events.Events(client.router)
    stream._readers = MOST_READERS
    scope = {"query_string": b"", "headers": []}

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is read or sent")

    with pytest.raises(RequestError, match="close some"):
        await stream(scope, nothing, nothing)


def test_decisions_are_narrowed_by_kind_and_provider_and_searched_too(client: Client) -> None:
    def found(query: str) -> list[str]:
        return [each["decision_id"] for each in client.get(f"/decisions?{query}")["decisions"]]

    assert found("provider=acme") == found("provider=acme&q=builder") == found("limit=50")
    assert found("provider=acme&q=nobody") == found("provider=other") == found("kind=planner") == []


def test_who_asks_whom_is_told_with_what_came_of_it(client: Client) -> None:
    found = client.get("/flows")
    assert (found["range"], found["total_flows"]) == ("5m", 2)
    big, small = found["flows"]
    assert (big["agent_id"], big["model_id"], big["attempts"]) == ("builder", "acme/big/v2", 2)
    assert big["share"] == pytest.approx(2 / 3)
    assert (big["success_rate"], big["failed_attempts"]) == (0.5, 1)
    assert small["p95_ms"] == pytest.approx(1500, rel=0.02)
    one, others = client.get("/flows?limit=1&range=1h")["flows"]
    assert (one["agent_id"], one["model_id"]) == ("builder", "acme/big/v2")
    assert (others["agent_id"], others["model_id"]) == ("__other__", "acme/small")
    assert others["attempts"] == 1
    only = client.get("/flows?model_id=acme/small")["flows"]
    assert [each["model_id"] for each in only] == ["acme/small"]
    nobody = client.get("/flows?kind=planner")
    assert (nobody["flows"], nobody["stands_on"]) == ([], {})
