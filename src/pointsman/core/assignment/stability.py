"""What changes between two plans, and how often may an agent change?

That only those move who gain more than it costs is in the problem (`switch_cost`): to stay is free.
An agent may also move to make room for another that gains more than both moves cost. What is added
here is a pace, for when plans are put in place without anybody looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pointsman.core.assignment.problem import Problem

HOUR_S = 3600.0


class Move(NamedTuple):
    """An agent that stands elsewhere than before; None is no model.

    `gain` is what its score changes by, before the cost of switching; None where one side is none.
    """

    agent: int
    source: int | None
    target: int | None
    gain: float | None


class Moved(NamedTuple):
    """That an agent moved, and when, in seconds on the clock of who asks."""

    agent: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a fleet may change: moves in any hour, and how long an agent rests after its own."""

    moves_per_hour: int = 20
    cool_off_s: float = HOUR_S

    def __post_init__(self) -> None:
        if self.moves_per_hour < 0:
            raise ValueError(f"moves_per_hour must be at least 0, not {self.moves_per_hour}")
        if not self.cool_off_s >= 0.0:
            raise ValueError(f"cool_off_s must be at least 0, not {self.cool_off_s}")


USUAL_PACE = Pace()


def moves(
    problem: Problem, before: Sequence[int | None], after: Sequence[int | None]
) -> tuple[Move, ...]:
    """Who stands elsewhere in `after` than in `before`, in the order of the agents."""
    return tuple(
        Move(agent, source, target, _gain(problem.scores[agent], source, target))
        for agent, (source, target) in enumerate(zip(before, after, strict=True))
        if source != target
    )


def paced(problem: Problem, pace: Pace, earlier: Iterable[Moved], now_s: float) -> Problem:
    """The problem in which nobody moves sooner or oftener than `pace` allows.

    Who loses the model it stands on may move all the same: the pace is about moves of choice.
    """
    seen = tuple(earlier)
    resting = {moved.agent for moved in seen if moved.at_s > now_s - pace.cool_off_s}
    left = moves_left(pace, (moved.at_s for moved in seen), now_s)
    allowed = problem.rules.max_moves
    return replace(
        problem,
        agents=tuple(
            replace(needs, stays=needs.stays or agent in resting)
            for agent, needs in enumerate(problem.agents)
        ),
        rules=replace(problem.rules, max_moves=left if allowed is None else min(left, allowed)),
    )


def moves_left(pace: Pace, moved_at_s: Iterable[float], now_s: float) -> int:
    """How many agents may still move in the hour that ends now, at least 0."""
    recent = sum(at_s > now_s - HOUR_S for at_s in moved_at_s)
    return max(0, pace.moves_per_hour - recent)


def _gain(scores: Sequence[float], source: int | None, target: int | None) -> float | None:
    if source is None or target is None:
        return None
    return scores[target] - scores[source]
