"""What a scorer is told, with as little said as possible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pointsman.core.decision import Feedback, Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
USAGE = Usage(500, 200)
BROKEN = FailureKind.SERVER_ERROR


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def answered(
    seconds: float = 0.0,
    *,
    model: str = "p/m",
    agent: str = "a",
    took_s: float = 0.4,
    usage: Usage | None = USAGE,
    streamed: bool = True,
    kind: str | None = None,
) -> Outcome:
    """A complete answer, begun after `took_s` if it is a stream and ended then if not."""
    first_s = took_s if streamed else None
    made = Outcome("d", 1, model, agent, at(seconds), None, streamed, took_s, first_s, usage)
    return made._replace(task_type=kind)


def failed(
    seconds: float = 0.0,
    kind: FailureKind = BROKEN,
    *,
    model: str = "p/m",
    agent: str = "a",
    streamed: bool = True,
) -> Outcome:
    """A failure before the first token."""
    return Outcome("d", 1, model, agent, at(seconds), kind, streamed, 0.1)


def judged(
    good: bool,
    seconds: float = 0.0,
    *,
    model: str = "p/m",
    agent: str = "a",
    kind: str | None = None,
) -> Feedback:
    return Feedback("d", agent, model, kind, at(seconds), success=good)
