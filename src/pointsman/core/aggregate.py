"""How much happened in each minute, hour and day, in total and by whom?

A request counts in the period in which it was made, with all its attempts, however late they end.
An `Aggregate` of a longer period is that of its parts, merged exactly and in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from pointsman.core.attempts import columns_of
from pointsman.core.decision import Outcome
from pointsman.core.period import Period

OTHER: Final = "__other__"
UNKNOWN: Final = "__unknown__"

MINUTE_S = 60
GRAINS_S = (60, 600, 3_600, 86_400)
"""Lengths of periods in seconds; each is a multiple of the one before, of which it is made."""

MOST_MEMBERS = 500
"""So many models, agents and so on are told apart in one period; the others share `OTHER`."""

_NANO = 10**9


class Dimension(Enum):
    """By what requests are told apart."""

    ALL = "all"
    MODEL = "model"
    PROVIDER = "provider"
    AGENT = "agent"
    TASK_TYPE = "task_type"
    STRATEGY = "strategy"


class Member(NamedTuple):
    """One of those that a dimension tells apart; `name` is empty for `Dimension.ALL`."""

    dimension: Dimension
    name: str = ""


class Request(NamedTuple):
    """What is counted of one request. `model_id` is None where no model could serve it.

    `decided` is False for outcomes whose decision was lost. `score` is in [0, 1].
    """

    agent_id: str
    model_id: str | None
    task_type: str | None = None
    strategy: str | None = None
    score: float | None = None
    explored: bool = False
    panic: bool = False
    decided: bool = True
    outcomes: Sequence[Outcome] = ()

    @property
    def fell_back(self) -> bool:
        """It was tried on another model than the chosen one."""
        return any(outcome.model_id != self.model_id for outcome in self.outcomes)


class Aggregate:
    """What came of the requests of one period.

    `refused` are those that no model could serve; `score_units` sums the scores of the `scored`
    chosen ones in billionths. `period` says what came of the attempts.
    """

    __slots__ = (
        "decisions",
        "explored",
        "fallbacks",
        "panics",
        "period",
        "refused",
        "score_units",
        "scored",
    )

    def __init__(self) -> None:
        self.decisions = self.refused = self.explored = self.panics = self.fallbacks = 0
        self.scored = self.score_units = 0
        self.period = Period()

    @property
    def score_sum(self) -> float:
        return self.score_units / _NANO

    def learn(self, requests: Sequence[Request]) -> None:
        """Count the requests, but not their attempts, which may be on other models."""
        for each in requests:
            if not each.decided:
                continue
            self.decisions += 1
            self.refused += each.model_id is None
            self.explored += each.explored
            self.panics += each.panic
            self.fallbacks += each.fell_back
            if each.score is not None:
                self.scored += 1
                self.score_units += round(each.score * _NANO)

    def merge(self, other: Aggregate) -> None:
        self.decisions += other.decisions
        self.refused += other.refused
        self.explored += other.explored
        self.panics += other.panics
        self.fallbacks += other.fallbacks
        self.scored += other.scored
        self.score_units += other.score_units
        self.period.merge(other.period)


Aggregates = dict[Member, Aggregate]


def aggregated(requests: Iterable[Request]) -> Aggregates:
    """What the requests of one period come to, in total and for every member."""
    kinds: dict[tuple[str, str | None, str | None, str | None], list[Request]] = {}
    for each in requests:
        kind = (each.agent_id, each.model_id, each.task_type, each.strategy)
        kinds.setdefault(kind, []).append(each)
    found: Aggregates = {}
    rooms = dict.fromkeys(Dimension, MOST_MEMBERS)
    for alike in kinds.values():
        for members, aggregate in _parts(alike):
            for member in members:
                _add(found, rooms, member, aggregate)
    return found


def merged(parts: Iterable[tuple[Member, Aggregate]]) -> Aggregates:
    """What shorter periods come to together; what they are made of is left as it was."""
    found: Aggregates = {}
    rooms = dict.fromkeys(Dimension, MOST_MEMBERS)
    for member, aggregate in parts:
        _add(found, rooms, member, aggregate)
    return found


def _add(
    found: Aggregates, rooms: dict[Dimension, int], member: Member, aggregate: Aggregate
) -> None:
    total = found.get(member)
    if total is None:
        if not rooms[member.dimension]:
            member = Member(member.dimension, OTHER)
        else:
            rooms[member.dimension] -= 1
        total = found.setdefault(member, Aggregate())
    total.merge(aggregate)


def _parts(alike: Sequence[Request]) -> Iterator[tuple[Sequence[Member], Aggregate]]:
    """Requests of one agent, model, task type and strategy, and whom they count for.

    The attempts of a request may be on several models, so they are counted by themselves.
    """
    first = alike[0]
    common = [
        Member(Dimension.ALL),
        Member(Dimension.AGENT, first.agent_id),
        Member(Dimension.TASK_TYPE, first.task_type or UNKNOWN),
        Member(Dimension.STRATEGY, first.strategy or UNKNOWN),
    ]
    made = Aggregate()
    made.learn(alike)
    chosen = () if first.model_id is None else _of_model(first.model_id)
    yield [*common, *chosen], made
    for model_id, outcomes in _by_model(alike).items():
        tried = Aggregate()
        tried.period.learn(columns_of(outcomes))
        yield [*common, *_of_model(model_id)], tried


def _of_model(model_id: str) -> tuple[Member, Member]:
    provider = model_id.partition("/")[0]
    return Member(Dimension.MODEL, model_id), Member(Dimension.PROVIDER, provider)


def _by_model(requests: Sequence[Request]) -> Mapping[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for each in requests:
        for outcome in each.outcomes:
            found.setdefault(outcome.model_id, []).append(outcome)
    return found


def finer_s(grain_s: int) -> int | None:
    """The next shorter period, None before the shortest."""
    place = GRAINS_S.index(grain_s)
    return GRAINS_S[place - 1] if place else None


def grain_for(step_s: int) -> int:
    """The longest period that a step is made of.

    Raises `ValueError` for a step that is made of none.
    """
    fitting = [grain for grain in GRAINS_S if step_s % grain == 0 and step_s >= grain]
    if not fitting:
        raise ValueError(f"a step of {step_s} s is no multiple of {MINUTE_S}")
    return fitting[-1]


# A decision's id begins with the milliseconds since 1970 at which it was made.

_ID = "dec_{:011x}"
_INSTANT = slice(4, 15)


def first_id(at_s: int) -> str:
    """What no id of a decision from this second on is less than, and every earlier one is."""
    return _ID.format(max(0, at_s) * 1000)


def made_at_s(decision_id: str) -> int | None:
    """The second in which a decision was made, None when its id does not say."""
    try:
        return int(decision_id[_INSTANT], 16) // 1000
    except ValueError:
        return None
