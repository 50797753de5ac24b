"""How much happened in each minute, hour and day, in total and by whom?

A request counts in the period in which it was made, with all its attempts, however late they end.
An `Aggregate` of a longer period is that of its parts, merged exactly and in any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple

from pointsman.core.attempts import Row, columns_of_rows
from pointsman.core.period import Period

OTHER: Final = "__other__"
UNKNOWN: Final = "__unknown__"

MINUTE_S = 60
GRAINS_S = (60, 600, 3_600, 21_600, 86_400)
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


class Kind(NamedTuple):
    """What requests have in common that are counted together; None where nobody knows.

    Of what was decided, `model_id` is the chosen model, of attempts the one that was tried.
    """

    agent_id: str
    model_id: str | None
    task_type: str | None = None
    strategy: str | None = None


class Made(NamedTuple):
    """How many decisions of a kind there were; `score_sum` of the `scored` is in [0, 1] each."""

    decisions: int
    explored: int = 0
    panics: int = 0
    fallbacks: int = 0
    scored: int = 0
    score_sum: float = 0.0


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

    def learn(self, made: Made, *, refused: bool) -> None:
        """Count decisions; `refused` are those that no model could serve."""
        self.decisions += made.decisions
        self.refused += made.decisions if refused else 0
        self.explored += made.explored
        self.panics += made.panics
        self.fallbacks += made.fallbacks
        self.scored += made.scored
        self.score_units += round(made.score_sum * _NANO)

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


def aggregated(
    made: Mapping[Kind, Made], attempts: Iterable[tuple[Kind, Sequence[Row]]]
) -> Aggregates:
    """What decisions and attempts of one period come to, in total and for every member.

    The attempts of a kind may come in several pieces, so that nobody has to hold all of them.
    """
    return merged(_parts(made, attempts))


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


def _parts(
    made: Mapping[Kind, Made], attempts: Iterable[tuple[Kind, Sequence[Row]]]
) -> Iterator[tuple[Member, Aggregate]]:
    found: defaultdict[Kind, Aggregate] = defaultdict(Aggregate)
    for kind, decisions in made.items():
        found[kind].learn(decisions, refused=kind.model_id is None)
    for kind, rows in attempts:
        found[kind].period.learn(columns_of_rows(rows))
    for kind, aggregate in found.items():
        yield from ((member, aggregate) for member in _members(kind))


def _members(kind: Kind) -> Iterator[Member]:
    """All whom what is of this kind counts for."""
    yield Member(Dimension.ALL)
    yield Member(Dimension.AGENT, kind.agent_id)
    yield Member(Dimension.TASK_TYPE, kind.task_type or UNKNOWN)
    yield Member(Dimension.STRATEGY, kind.strategy or UNKNOWN)
    if kind.model_id is not None:
        yield Member(Dimension.MODEL, kind.model_id)
        yield Member(Dimension.PROVIDER, kind.model_id.partition("/")[0])


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


def first_id(at_s: float) -> str:
    """What no id of a decision from this instant on is less than, and every earlier one is.

    In seconds since 1970, to the millisecond: no id says more of when it was made.
    """
    return _ID.format(max(0, int(at_s * 1000)))


def made_at_s(decision_id: str) -> int | None:
    """The second in which a decision was made, None when its id does not say."""
    try:
        return int(decision_id[_INSTANT], 16) // 1000
    except ValueError:
        return None
