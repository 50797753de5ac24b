"""What is known of one step of time: who did how much in it, alone and on which model?

Whoever may name agents could name a million, so only so many are told apart. Models, agents, and
agents on models are told apart each on their own: where there are too many agents, it is agents
that go by `OTHER`, and what each model did stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from pointsman.core.period import Period
from pointsman.core.told_apart import OTHER
from pointsman.core.varints import put, take

_T = TypeVar("_T")

MOST_MODELS = 500
MOST_AGENTS = 1_000
MOST_PAIRS = 2_000
"""So many models, agents, and agents on models are told apart in a step; each model has one more
pair, that of the agents beyond."""

Key = tuple[str, str]
"""An agent and a model."""


class Sums:
    """What attempts came to: `requests` that had their first one, `fallbacks` their second."""

    __slots__ = ("fallbacks", "period", "requests")

    def __init__(self) -> None:
        self.period = Period()
        self.requests = 0
        self.fallbacks = 0

    def merge(self, other: Kept) -> None:
        if isinstance(other, bytes):
            other = _unpacked(other)
        self.period.merge(other.period)
        self.requests += other.requests
        self.fallbacks += other.fallbacks

    def packed(self) -> bytes:
        out = bytearray()
        put(out, self.requests)
        put(out, self.fallbacks)
        return bytes(out) + self.period.packed()


Kept = Sums | bytes
"""Sums, or the same packed."""


def _unpacked(data: bytes) -> Sums:
    sums = Sums.__new__(Sums)
    sums.requests, at = take(data, 0)
    sums.fallbacks, at = take(data, at)
    sums.period = Period.unpacked(data[at:])
    return sums


class Narrowing(NamedTuple):
    """Whose attempts are meant; None stands for everybody's."""

    agents: frozenset[str] | None = None
    models: frozenset[str] | None = None


EVERYBODY = Narrowing()

Side = Callable[[Key], str]


def agent_side(key: Key) -> str:
    return key[0]


def model_side(key: Key) -> str:
    return key[1]


class Slot:
    """One step. What is asked for is gathered while others may add to it."""

    __slots__ = ("_agents", "_count_of_pairs", "_is_packed", "_models", "_pairs", "_whole")

    def __init__(self) -> None:
        self._whole: dict[str, Kept] = {}
        self._agents: dict[str, Kept] = {}
        self._models: dict[str, Kept] = {}
        self._pairs: dict[str, dict[str, Kept]] = {}
        """By model, then by agent."""
        self._count_of_pairs = 0
        self._is_packed = False

    def add(self, pair: Key, sums: Sums) -> None:
        """An agent did this on a model."""
        self._is_packed = False
        agent, model = pair
        model = _told_apart(self._models, model, MOST_MODELS)
        _add(self._whole, "", sums)
        _add(self._models, model, sums)
        _add(self._agents, _told_apart(self._agents, agent, MOST_AGENTS), sums)
        on_it = self._pairs.setdefault(model, {})
        if agent not in on_it:
            if self._count_of_pairs >= MOST_PAIRS:
                agent = OTHER
            self._count_of_pairs += agent not in on_it
        _add(on_it, agent, sums)

    def pack(self) -> Iterator[None]:
        """Keep in little room what is over, with every step a little of it."""
        if self._is_packed:
            return
        self._is_packed = True  # unless something is added meanwhile
        for table in (self._whole, self._agents, self._models, *self._pairs.values()):
            for name in list(table):
                sums = table[name]
                if isinstance(sums, Sums):
                    table[name] = sums.packed()
                    yield

    def of(self, whose: Narrowing) -> Iterable[Kept]:
        """Sums that make up together what is meant, nothing twice."""
        if whose.models is None and whose.agents is None:
            return self._whole.values()
        if whose.models is None:
            return [sums for _, sums in _chosen(self._agents, whose.agents)]
        return [sums for _, sums in self.by(model_side, whose)]

    def by(self, side: Side, whose: Narrowing) -> Iterable[tuple[str, Kept]]:
        """The same by agent or by model; a name may come more than once."""
        if side is agent_side and whose.models is None:
            return _chosen(self._agents, whose.agents)
        if side is model_side and whose.agents is None:
            return _chosen(self._models, whose.models)
        return [(side(pair), sums) for pair, sums in self.by_pair(whose)]

    def by_pair(self, whose: Narrowing) -> Iterable[tuple[Key, Kept]]:
        return [
            ((agent, model), sums)
            for model, on_it in _chosen(self._pairs, whose.models)
            for agent, sums in _chosen(on_it, whose.agents)
        ]


def _told_apart(known: Mapping[str, Kept], name: str, most: int) -> str:
    return name if name in known or len(known) < most else OTHER


def _add(known: dict[str, Kept], name: str, sums: Sums) -> None:
    before = known.get(name)
    whole = before if isinstance(before, Sums) else Sums()
    if isinstance(before, bytes):
        whole.merge(before)
    whole.merge(sums)
    known[name] = whole


def _chosen(known: Mapping[str, _T], names: frozenset[str] | None) -> list[tuple[str, _T]]:
    """Few are looked up, many looked for: one may be meant of hundreds, or thousands of them."""
    if names is None:
        return list(known.items())
    if len(names) <= len(known):
        return [(name, known[name]) for name in names if name in known]
    return [each for each in known.items() if each[0] in names]
