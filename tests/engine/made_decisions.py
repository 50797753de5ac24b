"""A decision, made up: who was chosen, and on whom the agent stands."""

from __future__ import annotations

from typing import Any

from alerts_made import NOON
from pointsman.core.assignment.records import assignment_id
from pointsman.core.decision import (
    Candidate,
    Decision,
    Objection,
    ReasonCode,
    Rejection,
    Strategy,
    Task,
)


def decided(chosen: str, standing: str = "a/best", **more: Any) -> Decision:
    facts: dict[str, Any] = {
        "id": "dec_1" + "0" * 16,
        "request_id": "r",
        "at": NOON,
        "agent_id": "coder",
        "task": Task(),
        "strategy": Strategy.BALANCED,
        "candidates": (Candidate(chosen, 0.9, ()),),
        "rejections": (
            Rejection(standing, Objection(ReasonCode.BREAKER_OPEN, "circuit breaker open")),
        ),
        "propensity": 1.0,
        "config_version": "v",
        "assignment_id": assignment_id("coder", standing),
        **more,
    }
    return Decision(**facts)
