"""Who stands where by whose decision, and what was decided when?

An agent stands on one model, its primary; others stand by for it, may be tried for it, or were its
primary once. What changes is written down as a run: what was before, what is after, why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.assignment.trial import Results

ASSIGNED = "assigned"
"""The term of the model that an agent stands on: what it leads by, its weight what it may."""

TRIED = "tried"
"""The term of a model that gets a share of an agent's requests; it is worth nothing."""


PINNED = "pinned by the configuration"
"""The notes of a manual assignment that a file decided; it ends when the file says otherwise."""


class Status(StrEnum):
    """What an assignment is good for now.

    `ACTIVE`: the agent stands on the model. `INACTIVE`: it does not; the model stands by for it, or
    was its primary once. `TESTING`: the model gets a share of its traffic. `OVERRIDDEN`: a person
    put the agent elsewhere; released, it comes back here. Meanwhile it may stand by, too.
    """

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    TESTING = "TESTING"
    OVERRIDDEN = "OVERRIDDEN"


class Means(StrEnum):
    """How an assignment came to be: by a plan, by a person, or as one that stands by."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"
    FALLBACK = "FALLBACK"


class Match(NamedTuple):
    """What spoke for the model when it was assigned; scores and weights in [0, 1].

    `score` is what decided, `capability` what it would be on paper alone; `performance` is the
    quality that was expected of the model from `evidence` recent answers, None without any, and
    `performance_weight` how much of the score rests on what was seen.
    """

    score: float
    capability: float | None = None
    performance: float | None = None
    evidence: float = 0.0
    performance_weight: float = 0.0

    @property
    def adjustment(self) -> float:
        """What evidence has changed of the score on paper; 0 where nothing was seen."""
        if self.capability is None or not self.evidence:
            return 0.0
        return self.score - self.capability


class Described(NamedTuple):
    """The two sides as they were declared when they were brought together."""

    agent_name: str = ""
    agent_kind: str = ""
    agent_capabilities: tuple[str, ...] = ()
    model_name: str = ""
    model_capabilities: Mapping[str, float] = MappingProxyType({})

    @property
    def overlap(self) -> tuple[str, ...]:
        """What the agent wants and the model has."""
        held = self.model_capabilities
        return tuple(name for name in self.agent_capabilities if held.get(name, 0.0) > 0.0)


class Usage(NamedTuple):
    """What the agent asked of the model since it was first assigned.

    Failures that callers are to blame for are not counted. `worth` is the sum of what answers were
    worth, each in [0, 1]: 1 for one that came, unless somebody said how good it was.
    """

    requests: int = 0
    successes: int = 0
    latency_s: float = 0.0
    worth: float = 0.0
    last_at: datetime | None = None

    @property
    def failures(self) -> int:
        return self.requests - self.successes

    @property
    def mean_latency_s(self) -> float | None:
        """Of the answers that came."""
        return self.latency_s / self.successes if self.successes else None

    @property
    def success_rate(self) -> float | None:
        return self.successes / self.requests if self.requests else None


UNUSED = Usage()
UNMATCHED = Match(0.0)
UNDESCRIBED = Described()


class Trial(NamedTuple):
    """A model gets `share` in (0, 1) of an agent's traffic.

    The others are of trials that were begun when results were told by what had been before; kept so
    that history can be read, and counted by nobody.
    """

    share: float
    tried_before: Results = Results()
    standing_before: Results = Results()


@dataclass(frozen=True, slots=True)
class Assignment:
    """One agent on one model; there is at most one of each pair.

    `rank` 0 is the primary, 1 and up stand by in this order, None does neither. `by` is who decided
    it, `run_id` in which run. A manual one may end by itself, `until` then.
    """

    agent_id: str
    model_id: str
    status: Status
    means: Means
    at: datetime
    changed_at: datetime
    by: str
    run_id: str
    rank: int | None = None
    match: Match = UNMATCHED
    described: Described = UNDESCRIBED
    notes: str = ""
    until: datetime | None = None
    trial: Trial | None = None
    usage: Usage = UNUSED

    def __post_init__(self) -> None:
        if (self.rank == 0) is not (self.status is Status.ACTIVE):
            raise ValueError(f"{self.id}: what is active is the primary, and only that")
        if (self.trial is None) is (self.status is Status.TESTING):
            raise ValueError(f"{self.id}: what is tested has a trial, and only that")
        if self.trial is not None and not 0.0 < self.trial.share < 1.0:
            raise ValueError(f"{self.id}: a share is between 0 and 1, not {self.trial.share}")

    @property
    def id(self) -> str:
        return assignment_id(self.agent_id, self.model_id)

    @property
    def is_manual(self) -> bool:
        """Whether a person holds the agent where it is, and not the configuration."""
        held = self.status is Status.ACTIVE and self.means is Means.MANUAL
        return held and self.notes != PINNED


def assignment_id(agent_id: str, model_id: str) -> str:
    """The same for the same pair, for ever: so a decision that names it needs no look-up."""
    pair = f"{agent_id}\n{model_id}".encode("utf-8", "surrogatepass")
    return f"asg_{blake2b(pair, digest_size=8).hexdigest()}"


class RunKind(StrEnum):
    """What was decided in a run."""

    PLAN = "plan"
    OVERRIDE = "override"
    RELEASE = "release"
    TRIAL = "trial"
    UNDO = "undo"


class RunState(StrEnum):
    """What has become of a run. A proposal that a newer one replaces is `STALE`."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    UNDONE = "undone"
    STALE = "stale"


class Place(NamedTuple):
    """What an agent had or has: enough to see what changed, and to put it back."""

    model_id: str
    status: Status
    means: Means
    rank: int | None = None
    notes: str = ""
    until: datetime | None = None
    trial: Trial | None = None


class Change(NamedTuple):
    """What a run changed for one agent. `gain` is of its score, None where one side is none."""

    agent_id: str
    before: tuple[Place, ...]
    after: tuple[Place, ...]
    gain: float | None = None

    @property
    def source(self) -> str | None:
        """The model that the agent stood on."""
        return primary_of(self.before)

    @property
    def target(self) -> str | None:
        """The model that it stands on after it."""
        return primary_of(self.after)


class Figures(NamedTuple):
    """What a plan came to when it was made. Scores in [0, 1]; None where nobody worked it out."""

    mean_score: float = 0.0
    usd_per_day: float = 0.0
    gap: float | None = None
    unassigned: tuple[tuple[str, tuple[str, ...]], ...] = ()
    notes: tuple[str, ...] = ()


class Chosen(NamedTuple):
    """A point of a front, by the id of its plan; None where nothing is known of latencies."""

    plan_id: str
    quality: float
    latency_s: float | None
    usd_per_day: float
    knee: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One decision about the fleet. `strategy` is of a plan, `point` of one picked from a front.

    `undoes` names the run that this one takes back, `settled_at` says since when `state` holds.
    """

    id: str
    at: datetime
    kind: RunKind
    state: RunState
    by: str
    config_version: str
    changes: tuple[Change, ...]
    settled_at: datetime
    reason: str = ""
    strategy: str | None = None
    plan: Figures | None = None
    point: Chosen | None = None
    undoes: str | None = None

    @property
    def moves(self) -> tuple[Change, ...]:
        """The changes of those that stand on another model after it."""
        return tuple(change for change in self.changes if change.source != change.target)


def primary_of(places: Iterable[Place]) -> str | None:
    """The model of the primary among `places`."""
    return next((place.model_id for place in places if place.rank == 0), None)


def place_of(assignment: Assignment) -> Place:
    """What of an assignment can change."""
    return Place(
        assignment.model_id,
        assignment.status,
        assignment.means,
        assignment.rank,
        assignment.notes,
        assignment.until,
        assignment.trial,
    )


@dataclass(frozen=True, slots=True)
class Roll:
    """The assignments that mean something now, by agent."""

    by_agent: Mapping[str, tuple[Assignment, ...]] = field(default_factory=dict)

    def of(self, agent_id: str) -> tuple[Assignment, ...]:
        return self.by_agent.get(agent_id, ())

    def primary(self, agent_id: str) -> Assignment | None:
        return next((each for each in self.of(agent_id) if each.rank == 0), None)

    def tried(self, agent_id: str) -> Assignment | None:
        return next((each for each in self.of(agent_id) if each.status is Status.TESTING), None)

    def places(self, agent_id: str) -> tuple[Place, ...]:
        """What its assignments come to, the primary first."""
        return tuple(sorted((place_of(each) for each in self.of(agent_id)), key=_by_rank))

    def standing(self) -> dict[str, str]:
        """The model of each agent that has one, by ids."""
        found = ((agent_id, self.primary(agent_id)) for agent_id in self.by_agent)
        return {agent_id: each.model_id for agent_id, each in found if each is not None}

    def trying(self) -> Iterator[str]:
        """The agents that try a model."""
        return (agent_id for agent_id in self.by_agent if self.tried(agent_id) is not None)

    def held(self) -> dict[str, str]:
        """Of these, those where a person put them."""
        found = (self.primary(agent_id) for agent_id in self.by_agent)
        return {
            each.agent_id: each.model_id for each in found if each is not None and each.is_manual
        }

    def with_those_of(self, agents: Mapping[str, Sequence[Assignment]]) -> Roll:
        """The same, but these agents have these assignments and no others; what was is left out."""
        merged = dict(self.by_agent)
        for name, those in agents.items():
            merged[name] = tuple(each for each in those if means_something(each))
        return Roll({name: each for name, each in merged.items() if each})


def means_something(assignment: Assignment) -> bool:
    """False for what was, and is only kept for what it was used for."""
    return assignment.rank is not None or assignment.status in {Status.TESTING, Status.OVERRIDDEN}


def _by_rank(place: Place) -> tuple[bool, int, str]:
    return place.rank is None, place.rank or 0, place.model_id
