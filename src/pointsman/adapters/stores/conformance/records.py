"""With which records is a database examined?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pointsman.core.assignment.records import (
    Assignment,
    Described,
    Match,
    Means,
    Run,
    RunKind,
    RunState,
    Status,
)
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Objection,
    Outcome,
    ReasonCode,
    Rejection,
    Strategy,
    Task,
    Term,
)
from pointsman.core.fleet import Usage

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ONE, TWO, AGENT = "verify/one", "verify/two", "verifier"


def decision(number: int, *, hours: float = 0.0, **changes: Any) -> Decision:
    """One of many, made `number` seconds and so many hours after noon."""
    at = NOON + timedelta(seconds=number, hours=hours)
    terms = (Term("capability", 0.5, "coding 0.90"), Term("naïve ☃", 0.25))
    made = Decision(
        id=f"dec_{int(at.timestamp() * 1000):011x}{number:013x}",
        request_id=f"req_{number}",
        at=at,
        agent_id=AGENT,
        task=Task("coding", 1_200, 300, frozenset({"coding"}), frozenset({"math"}), 4_096),
        strategy=Strategy.QUALITY,
        candidates=(Candidate(ONE, 0.75, terms), Candidate(TWO, 0.5, terms)),
        rejections=(Rejection("verify/out", Objection(ReasonCode.RESTING, "asked to wait", 2.5)),),
        propensity=0.5,
        config_version="cfg_1",
        session=f"s-{number % 3}",
        asked_model="auto:quality",
    )
    return made._replace(**changes)


def outcome(of: Decision, *, attempt: int = 1, model_id: str = ONE, **changes: Any) -> Outcome:
    """What one attempt came to."""
    ended = Outcome(
        decision_id=of.id,
        attempt=attempt,
        model_id=model_id,
        agent_id=of.agent_id,
        at=of.at + timedelta(seconds=1, microseconds=7),
        failure=None,
        streamed=True,
        total_s=1.234567891,
        first_token_s=0.1,
        usage=Usage(1_200, 45, 1_000, 7, 3, Decimal("0.0000000123"), estimated=True),
        cost_usd=Decimal("0.00000004567890123"),
        upstream_model="one-2026-01",
        status=200,
    )
    return ended._replace(**changes)


def feedback(of: Decision, rating: int) -> Feedback:
    return Feedback(
        decision_id=of.id,
        agent_id=of.agent_id,
        model_id=ONE,
        task_type=of.task.type,
        at=of.at + timedelta(hours=1),
        rating=rating,
        success=rating > 2,
        comment="good, but long ☃",
    )


def assignment(model_id: str = ONE, *, score: float = 0.9, active: bool = True) -> Assignment:
    return Assignment(
        AGENT,
        model_id,
        Status.ACTIVE if active else Status.INACTIVE,
        Means.AUTO,
        at=NOON,
        changed_at=NOON,
        by="verify",
        run_id="run_1",
        rank=0 if active else 1,
        match=Match(score),
        described=Described("Verifier", "inference", ("coding",), "One", {"coding": 0.9}),
    )


def run(number: int = 1) -> Run:
    return Run(f"run_{number}", NOON, RunKind.PLAN, RunState.APPLIED, "verify", "cfg_1", (), NOON)
