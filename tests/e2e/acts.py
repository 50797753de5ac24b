"""What do people ask for that is answered only once it is kept, and is it so?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway_process import CONTROL, GatewayProcess

RULE = {"scope": ["model"], "when": [{"metric": "faults_in_a_row", "ladder": {"info": 1}}]}


def acts(gateway: GatewayProcess) -> list[dict[str, Any]]:
    """What the audit log tells."""
    found: list[dict[str, Any]] = gateway.control("/audit?limit=200")["acts"]
    return found


Ask = tuple[str, str, dict[str, Any]]

_MATCHER = {"name": "agent", "value": "x", "operator": "="}
OF_THE_GATEWAY: tuple[Ask, ...] = (
    ("PUT", "/alerts/rules/mine", RULE),
    ("POST", "/alerts/silences", {"matchers": [_MATCHER], "comment": "", "hours": 1}),
    ("PUT", "/log-level", {"level": "debug"}),
    ("POST", "/agents", {"agent_id": "new"}),
)
"""What a gateway keeps itself, and only writes down elsewhere."""


def of_the_store(made: str) -> tuple[Ask, ...]:
    """What is kept where decisions are. `made` is one that is kept; `agent-1` stands by hand."""
    return (
        ("POST", "/assignments", {"agent_id": "agent-1", "model_id": "up/third", "notes": ""}),
        ("POST", f"/decisions/{made}/feedback", {"rating": 4}),
    )


def all_is_refused(gateway: GatewayProcess, asked: Iterable[Ask]) -> None:
    """Ask for each while it cannot be kept."""
    for method, path, body in asked:
        answer = gateway.call(method, CONTROL + path, body)
        assert answer.status == 503, (path, answer)
        assert answer.error["code"] == "store_unavailable"
        assert "try again later" in answer.error["message"]
        assert int(answer.headers["retry-after"]) > 0


def nothing_was_done(gateway: GatewayProcess, made: str, before: list[dict[str, Any]]) -> None:
    """Once it can be kept again: of what was refused nothing is there, `before` is all of it."""
    assert acts(gateway) == before
    nothing_was_stored(gateway, made)
    assert gateway.get(CONTROL + "/alerts/rules/mine").status == 404
    assert gateway.control("/alerts/silences")["total_count"] == 0
    assert gateway.get(CONTROL + "/agents/new").status == 404


def nothing_was_stored(gateway: GatewayProcess, made: str) -> None:
    """Where decisions are kept, all is as it was."""
    (stands,) = gateway.control("/assignments?agent_id=agent-1&status=ACTIVE")["assignments"]
    assert stands["model_id"] == "up/second"
    assert gateway.decision(made)["feedback"] is None
