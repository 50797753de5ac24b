"""Is it said beforehand whom a drain concerns, where they go, and what is lost?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_assignments import CLERK, CODER, LARGE, OPS, SMALL, Office, run_it

from pointsman.core.admission import BreakerPolicy
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Agent, AgentStatus, Limits, Usage
from pointsman.engine.blast import Around, Blast, Tie, blast
from pointsman.engine.health import Health
from pointsman.engine.statistics import LiveStatistics

OTHER = replace(LARGE, id="shop/other", provider="shop", limits=Limits(requests_per_min=1))
SEER = replace(
    LARGE, id="lab/seer", strengths={"vision": 0.9, "general": 0.1}, limits=Limits(max_in_flight=4)
)
PAINTER = Agent("painter", requires=("vision",))
TIED = Agent("tied", pinned="lab/large")
AWAY = Agent("away", status=AgentStatus.MAINTENANCE)


class World(Office):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.configured(
            models=(LARGE, OTHER, SMALL, SEER), agents=(CODER, CLERK, PAINTER, TIED, AWAY)
        )
        self.health = Health(self.clock, BreakerPolicy())
        self.statistics = LiveStatistics(self.clock)

    def blast(self, model_id: str) -> Blast:
        scorer = CapabilityScorer()
        around = Around(self.registry, scorer, self.health, self.statistics, self.clock)
        return run_it(blast(model_id, around))

    def asked(self, agent_id: str, model_id: str, times: int = 1) -> None:
        for _ in range(times):
            self.statistics.timeline.ended(an_outcome(self.clock.now(), agent_id, model_id))


def an_outcome(at: Any, agent_id: str, model_id: str) -> Outcome:
    return Outcome(
        decision_id="dec_1",
        attempt=1,
        at=at,
        agent_id=agent_id,
        model_id=model_id,
        failure=None,
        streamed=True,
        first_token_s=0.1,
        total_s=0.4,
        usage=Usage(10, 5),
        cost_usd=Decimal(0),
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "pointsman.db")
    yield world
    world.store.close()


def where(found: Blast) -> dict[str, tuple[Tie, str | None]]:
    return {move.agent.id: (move.tie, move.target) for move in found.moves}


def test_everybody_who_uses_the_model_is_told_and_where_they_would_go(world: World) -> None:
    run_it(world.book.override("coder", "lab/large", OPS))
    world.clock.t = 600.0
    world.asked("away", "lab/large", 3)
    world.asked("clerk", "shop/other", 1)
    found = world.blast("lab/large")
    assert where(found) == {
        "coder": (Tie.ASSIGNED, "shop/other"),
        "clerk": (Tie.BEST, "shop/other"),
        "default": (Tie.BEST, "shop/other"),
        "tied": (Tie.PINNED, "lab/large"),
        "away": (Tie.TRAFFIC, "shop/other"),
    }
    assert found.moves[0].agent.id == "away", "who asks most comes first"
    assert found.attempts == 3
    assert found.share == 0.75
    assert found.left_without == ()
    (receiver,) = found.receivers
    assert (receiver.model_id, receiver.agents, receiver.limit_per_min) == ("shop/other", 4, 1)
    assert receiver.more_per_min == pytest.approx(3 * receiver.now_per_min)


def test_nobody_is_moved_by_looking(world: World) -> None:
    before = world.registry.current
    world.blast("lab/large")
    assert world.registry.current is before


def test_who_would_be_left_without_is_told_first_and_why(world: World) -> None:
    found = world.blast("lab/seer")
    assert found.left_without == ("painter",)
    assert found.moves[0].agent.id == "painter"
    assert "lab/large: lacks vision" in found.moves[0].words
    assert found.moves[0].words.endswith("; and 1 more")
    assert found.only_here == ("vision",)
    assert found.lost.max_in_flight == 4
    assert found.share is None, "nobody asked anything yet"


def test_a_model_in_trouble_is_no_refuge_while_another_is_well(world: World) -> None:
    trial = world.health.begin(OTHER)
    world.health.failed(trial, UpstreamError(FailureKind.RATE_LIMITED, retry_after_s=30.0))
    assert where(world.blast("lab/large"))["clerk"] == (Tie.BEST, "shop/small")
    trial = world.health.begin(SMALL)
    world.health.failed(trial, UpstreamError(FailureKind.RATE_LIMITED, retry_after_s=30.0))
    trial = world.health.begin(SEER)
    world.health.failed(trial, UpstreamError(FailureKind.RATE_LIMITED, retry_after_s=30.0))
    move = next(m for m in world.blast("lab/large").moves if m.agent.id == "clerk")
    assert move.target == "shop/other"
    assert "resting" in move.words


def test_what_is_drained_already_takes_nobody_over(world: World) -> None:
    world.registry.drain(frozenset({"shop/other"}))
    assert where(world.blast("lab/large"))["coder"] == (Tie.BEST, None)


def test_only_an_hour_counts(world: World) -> None:
    world.asked("clerk", "lab/large")
    world.clock.t = timedelta(hours=1, minutes=2).total_seconds()
    assert world.blast("lab/large").attempts == 0
