"""What happens to fleets of different sizes, as their statistics see it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

SEED = 7
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shape(NamedTuple):
    """A fleet and its traffic: so many attempts within so many seconds."""

    words: str
    models: int
    agents: int
    attempts: int
    seconds: float


ONE_PAIR = Shape("one agent on one model, 4,000 a second", 1, 1, 100_000, 25)
SMALL = Shape("5 agents on 4 models, 4,000 a second", 4, 5, 100_000, 25)
FLEET = Shape("50 agents on 20 models, 4,000 a second", 20, 50, 100_000, 25)
SLOW = Shape("50 agents on 20 models, 40 a second", 20, 50, 40_000, 1_000)
LARGE = Shape("1,000 agents on 500 models, 1,000 a second", 500, 1_000, 100_000, 100)


def outcomes(shape: Shape) -> list[Outcome]:
    """What happens to such a fleet: lognormal times, three in a hundred fail."""
    random = Random(SEED)
    made = []
    for number in range(shape.attempts):
        total_s = random.lognormvariate(0.0, 1.0)
        failed = random.random() < 0.03
        made.append(
            Outcome(
                f"dec_{number:027x}",
                1,
                f"provider/model-{random.randrange(shape.models)}",
                f"agent-{random.randrange(shape.agents)}",
                START + timedelta(seconds=number * shape.seconds / shape.attempts),
                FailureKind.SERVER_ERROR if failed else None,
                random.random() < 0.7,
                total_s,
                total_s / 5,
                Usage(1_000 + number % 500, 200, 100),
                Decimal("0.00123"),
            )
        )
    return made
