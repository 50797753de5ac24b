"""Does a receiver know at every time what is wrong, however much begins and ends at once?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until

from receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as it:
        yield it


def fires_at_once(names: list[str], severity: str) -> dict[str, Any]:
    """A rule that none of these models can keep: to be used not at all is too much."""
    when = [{"metric": "utilisation", "ladder": {severity: 0}}]
    return {"scope": ["model"], "only": {"model": names}, "when": when, "keep_firing_for_s": 0}


def fleet(receiver: Receiver, mild: int, grave: int, **alerts: Any) -> dict[str, Any]:
    """So many models of which a warning fires, and of which something critical does."""
    warned = [f"up/w{n}" for n in range(mild)]
    failing = [f"up/c{n}" for n in range(grave)]
    names = [*warned, *failing, "up/well"]
    rules = {"mild": fires_at_once(warned, "warning"), "grave": fires_at_once(failing, "critical")}
    hook = {"type": "webhook", "url": f"{receiver.url}/hook", "allow_private": True}
    return {
        "providers": {"up": {"type": "vllm", "base_url": "http://127.0.0.1:9/v1"}},
        "models": {
            name: {"capabilities": {"general": 0.9}, "price": "free", "max_in_flight": 4}
            for name in names
        },
        "agents": {"coder": {"requires": ["general"]}},
        "alerts": {
            "interval_s": 1,
            "group": {"interval_s": 0, "most": 3},
            "channels": {"hook": hook},
            "rules": {name: rule for name, rule in rules.items() if rule["only"]["model"]},
            **alerts,
        },
    }


def change(gateway: GatewayProcess, config: dict[str, Any]) -> None:
    gateway.configure(config)
    gateway.reload()


def told(receiver: Receiver, path: str = "/hook") -> list[Any]:
    return [each.document for each in receiver.taken if each.path == path]


def active(gateway: GatewayProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway.control("/alerts/active")["alerts"]
    return found


def test_a_group_fires_while_anything_of_it_does_whatever_ends_at_once(
    serve: Serve, receiver: Receiver
) -> None:
    gateway = serve(fleet(receiver, 12, 2))
    wait_until(lambda: len(active(gateway)) == 14, what="all fire")
    wait_until(lambda: told(receiver))
    before = len(told(receiver))
    change(gateway, fleet(receiver, 0, 2))
    wait_until(lambda: len(active(gateway)) == 2, what="the mild ones are over")
    wait_until(lambda: len(told(receiver)) > before)
    body = told(receiver)[-1]
    assert (body["status"], body["truncatedAlerts"]) == ("firing", 11)
    assert [(each["status"], each["labels"]["severity"]) for each in body["alerts"]] == [
        ("firing", "critical"),
        ("firing", "critical"),
        ("resolved", "warning"),
    ]
    change(gateway, fleet(receiver, 0, 0))
    wait_until(lambda: told(receiver)[-1]["status"] == "resolved")
    assert active(gateway) == []


def test_a_channel_that_is_added_hears_what_fires_already(serve: Serve, receiver: Receiver) -> None:
    gateway = serve(fleet(receiver, 0, 2))
    wait_until(lambda: told(receiver))
    hook = {"type": "webhook", "url": f"{receiver.url}/hook", "allow_private": True}
    late = {**hook, "url": f"{receiver.url}/late"}
    change(gateway, fleet(receiver, 0, 2, channels={"hook": hook, "late": late}))
    (body, *_) = wait_until(lambda: told(receiver, "/late"), what="the new one is told")
    assert (body["status"], len(body["alerts"])) == ("firing", 2)
    assert len(told(receiver)) == 1, "who knew is not told again"


def test_who_has_an_alert_is_told_each_time_it_changes(serve: Serve, receiver: Receiver) -> None:
    gateway = serve(fleet(receiver, 0, 1))
    wait_until(lambda: told(receiver))
    path = f"{CONTROL}/alerts/{active(gateway)[0]['alert_id']}/ack"

    def taken_for(hours: float) -> None:
        assert gateway.call("POST", path, {"hours": hours}).status == 200

    def who(count: int) -> Any:
        bodies = wait_until(lambda: (t := told(receiver))[count - 1 :] and t, what=f"{count} told")
        assert len(bodies) == count
        assert bodies[-1]["status"] == "firing"
        return bodies[-1]["alerts"][0]["annotations"].get("acknowledged_by")

    taken_for(0.001)
    assert who(2)
    assert who(3) is None, "it has lapsed"
    assert active(gateway)[0]["acknowledged"] is None
    taken_for(1)
    assert who(4)
    assert gateway.call("DELETE", path).status == 200
    assert who(5) is None
    taken_for(1)
    assert who(6)
    steps = [each["step"] for each in gateway.control("/alerts/history?limit=50")["events"]]
    assert (steps.count("acknowledged"), steps.count("unacknowledged")) == (3, 2)


def held(receiver: Receiver) -> set[str]:
    """The models of which an Alertmanager would hold an alert now, by what it heard last."""
    last: dict[str, str] = {}
    for each in told(receiver, "/api/v2/alerts"):
        last.update((alert["labels"]["model"], alert["endsAt"]) for alert in each)
    now = datetime.now(UTC).isoformat()
    return {model for model, ends_at in last.items() if ends_at > now}


def test_an_alertmanager_holds_what_fires_and_nothing_else_also_over_a_sudden_death(
    serve: Serve, receiver: Receiver
) -> None:
    manager = {"type": "alertmanager", "urls": [receiver.url], "allow_private": True}

    def of(mild: int, grave: int) -> dict[str, Any]:
        return fleet(receiver, mild, grave, channels={"am": manager})

    gateway = serve(of(12, 2))
    names = {each["scope"]["id"] for each in wait_until(lambda: active(gateway))}
    wait_until(lambda: len(held(receiver)) == 14, within_s=20, what="all of them are pushed")
    assert names <= held(receiver)
    change(gateway, of(0, 2))
    wait_until(lambda: held(receiver) == {"up/c0", "up/c1"}, within_s=20, what="ends are pushed")
    gateway.kill()
    gateway.start()
    wait_until(lambda: len(active(gateway)) == 2)
    pushed = len(told(receiver, "/api/v2/alerts"))
    change(gateway, of(0, 0))
    wait_until(lambda: not held(receiver), within_s=20, what="the last ends are pushed")
    for each in told(receiver, "/api/v2/alerts")[pushed:]:
        assert {alert["labels"]["model"] for alert in each} <= {"up/c0", "up/c1"}
