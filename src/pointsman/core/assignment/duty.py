"""What is expected of an agent, and what must the fleet keep to, when models are assigned?

By name, as an operator says it; `problem` has the same by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pointsman.core.assignment.problem import DEFAULT_SWITCH_COST, NO_LOAD, Load, ShareOf
from pointsman.core.assignment.stability import USUAL_PACE, Pace


@dataclass(frozen=True, slots=True)
class Duty:
    """What an agent is expected to ask, and what its standing model must be.

    `importance` is its weight in the fleet's score, `quality_floor` in [0, 1] the least quality
    that is expected of its model, `latency_ceiling_s` the longest that is expected until a stream's
    first token (None: any; what is unknown is given the benefit of the doubt), `fallbacks` how
    many models stand by, `switch_cost` in [0, 1] what leaving a model costs it, in score.
    """

    load: Load = NO_LOAD
    importance: float = 1.0
    quality_floor: float = 0.0
    latency_ceiling_s: float | None = None
    fallbacks: int = 1
    switch_cost: float = DEFAULT_SWITCH_COST


NO_DUTY = Duty()


@dataclass(frozen=True, slots=True)
class KeptApart:
    """Agents that must not fail together: a provider carries at most `at_most` of them."""

    name: str
    agents: frozenset[str]
    at_most: int = 1


@dataclass(frozen=True, slots=True)
class FleetRules:
    """What the fleet keeps to: as in `Rules`; `exclusive` models serve one agent at most."""

    budget_usd_per_day: float | None = None
    provider_shares: Mapping[str, float] = field(default_factory=dict)
    share_of: ShareOf = ShareOf.AGENTS
    apart: tuple[KeptApart, ...] = ()
    exclusive: frozenset[str] = frozenset()
    mean_latency_s: float | None = None


class Mode(StrEnum):
    """What becomes of a plan that nobody asked for: it is not made, shown, or put in place."""

    OFF = "off"
    PROPOSE = "propose"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Routine:
    """When the fleet is assigned anew by itself: every so often, and when something changes.

    `how` is the name of a strategy that makes one plan; `pace` bounds how fast the fleet changes.
    Where `try_share` in (0, 1) is given, whoever would move by choice tries the other model on that
    share of its traffic first.
    """

    mode: Mode = Mode.OFF
    how: str = "optimal"
    every_s: float = 600.0
    pace: Pace = USUAL_PACE
    try_share: float | None = None


@dataclass(frozen=True, slots=True)
class Expectations:
    """The duties of agents by id (those that are not named have none), and the fleet's rules.

    `standing` maps the id of an agent to that of the model that a plan in a file gives it.
    """

    duties: Mapping[str, Duty] = field(default_factory=dict)
    rules: FleetRules = FleetRules()
    standing: Mapping[str, str] = field(default_factory=dict)
    routine: Routine = Routine()

    def duty(self, agent_id: str) -> Duty:
        return self.duties.get(agent_id, NO_DUTY)


NOTHING_EXPECTED = Expectations()
