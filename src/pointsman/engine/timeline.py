"""How has it gone since an hour ago or two, step by step, of all or of some agents and models?

Requests only append; a turn of a background task counts what they left. Two rings keep it: ten
seconds a slot for ten minutes, a minute a slot for two hours. What is kept of a slot are the sums
of `core/period.py`, so quantiles of any stretch and any choice of agents and models are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple

from pointsman.core.attempts import columns_of
from pointsman.core.decision import Outcome
from pointsman.core.period import Period
from pointsman.core.stats import OTHER
from pointsman.engine.ports import Clock
from pointsman.engine.steps import in_steps

MOST_PENDING = 100_000
"""So many attempts wait to be counted at most; the oldest are left out beyond."""

MOST_KEYS = 500
"""So many agents, models, and agents on models are told apart in a slot."""

LEAST_KNOWN_S = 2.0
"""A rate over less would be a guess: what ended last has not been counted yet."""

Key = tuple[str, str]
"""An agent and a model; empty stands for all."""

ALL: Key = ("", "")
_NO_SIDE = frozenset({""})


class Scale(NamedTuple):
    """How far to look back, and in which steps: `points` of `step_s` seconds."""

    label: str
    step_s: int
    points: int

    @property
    def length_s(self) -> int:
        return self.step_s * self.points


SCALES = (Scale("5m", 10, 30), Scale("1h", 60, 60))


class Sums:
    """What attempts came to: `requests` that had their first one, `fallbacks` their second."""

    __slots__ = ("fallbacks", "period", "requests")

    def __init__(self) -> None:
        self.period = Period()
        self.requests = 0
        self.fallbacks = 0

    def merge(self, other: Sums) -> None:
        self.period.merge(other.period)
        self.requests += other.requests
        self.fallbacks += other.fallbacks


class _Packed(NamedTuple):
    requests: int
    fallbacks: int
    period: bytes

    def unpacked(self) -> Sums:
        sums = Sums()
        sums.requests, sums.fallbacks = self.requests, self.fallbacks
        sums.period = Period.unpacked(self.period)
        return sums


class Point(NamedTuple):
    """One step: when it began, how many of its seconds are over, and what happened in it.

    0 seconds stand for a step of which nothing is known, or too little for a rate.
    """

    at_s: int
    lasted_s: float
    sums: Sums


class Narrowing(NamedTuple):
    """Whose attempts are meant; None stands for everybody's."""

    agents: frozenset[str] | None = None
    models: frozenset[str] | None = None

    def keys(self, known: Collection[Key]) -> list[Key]:
        """Which of the keys of a slot make up what is meant, none of them twice.

        Few are looked up, many looked for: one may be meant of hundreds, or thousands of hundreds.
        """
        agents = _NO_SIDE if self.agents is None else self.agents
        models = _NO_SIDE if self.models is None else self.models
        if len(agents) * len(models) <= len(known):
            return [key for key in product(agents, models) if key in known]
        return [key for key in known if key[0] in agents and key[1] in models]

    def has(self, pair: Key) -> bool:
        """Whether what this agent does on this model is meant."""
        agent, model = pair
        return (self.agents is None or agent in self.agents) and (
            self.models is None or model in self.models
        )


EVERYBODY = Narrowing()


class _Ring:
    """Slots of one width; those that are over are kept packed."""

    def __init__(self, step_s: int, count: int) -> None:
        self.step_s = step_s
        self._count = count
        self._slots: dict[int, dict[Key, Sums | _Packed]] = {}

    def add(self, slot: int, keys: Iterable[Key], sums: Sums) -> None:
        known = self._slots.setdefault(slot, {})
        for key in keys:
            before = known.get(key)
            whole = before.unpacked() if isinstance(before, _Packed) else before or Sums()
            whole.merge(sums)
            known[key] = whole

    def room_for(self, slot: int, key: Key) -> bool:
        known = self._slots.get(slot, {})
        return key in known or len(known) < MOST_KEYS

    def keep_house(self, present: int) -> Iterator[None]:
        """Forget what is too old, and pack what is over."""
        for slot in [n for n in self._slots if not present - self._count < n <= present]:
            del self._slots[slot]
        for slot, known in list(self._slots.items()):
            if slot >= present - 1:
                continue
            for key in list(known):
                sums = known[key]
                if isinstance(sums, Sums):
                    period = sums.period.packed()
                    known[key] = _Packed(sums.requests, sums.fallbacks, period)
                    yield

    def gathered(self, slot: int, whose: Narrowing, found: Sums) -> Iterator[None]:
        """What happened in a slot, merged into `found` with every step."""
        known = self._slots.get(slot, {})
        for key in whose.keys(known):
            sums = known.get(key)
            if sums is not None:
                found.merge(sums.unpacked() if isinstance(sums, _Packed) else sums)
                yield

    def by_pair(
        self, slots: Iterable[int], whose: Narrowing, found: dict[Key, Sums]
    ) -> Iterator[None]:
        """What happened in all slots, merged into `found` by agent and model with every step."""
        for slot in slots:
            for key, sums in list(self._slots.get(slot, {}).items()):
                if all(key) and whose.has(key):
                    whole = found.setdefault(key, Sums())
                    whole.merge(sums.unpacked() if isinstance(sums, _Packed) else sums)
                    yield

    def keys(self, slots: Iterable[int]) -> set[Key]:
        return {key for slot in slots for key in self._slots.get(slot, ())}


class Timeline:
    """The course of one process; `ended` is on the path of requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending: list[Outcome] = []
        self._rings: Mapping[int, _Ring] = {
            scale.step_s: _Ring(scale.step_s, 2 * scale.points + 2) for scale in SCALES
        }
        self._since_s = clock.now().timestamp()

    def ended(self, outcome: Outcome) -> None:
        """An attempt has ended."""
        self._pending.append(outcome)

    def recalled(self, outcome: Outcome) -> None:
        """An attempt had ended so before this process began."""
        self._since_s = min(self._since_s, outcome.at.timestamp())
        self._pending.append(outcome)

    async def turn(self) -> None:
        """Count what has been appended. Others are served in between."""
        pending, self._pending = self._pending[-MOST_PENDING:], []
        async for _ in in_steps(self._counting(pending), self._clock.monotonic):
            pass
        for ring in self._rings.values():
            present = self._slot(ring.step_s)
            async for _ in in_steps(ring.keep_house(present), self._clock.monotonic):
                pass

    def _counting(self, outcomes: Sequence[Outcome]) -> Iterator[None]:
        finest = SCALES[0].step_s
        groups: dict[tuple[str, str, int], list[Outcome]] = {}
        for count, outcome in enumerate(outcomes):
            slot = int(outcome.at.timestamp()) // finest
            groups.setdefault((outcome.agent_id, outcome.model_id, slot), []).append(outcome)
            if count % 200 == 199:
                yield
        for (agent, model, slot), those in groups.items():
            sums = _summed(those)
            for ring in self._rings.values():
                self._put(ring, slot * finest // ring.step_s, (agent, model), sums)
            yield

    def _put(self, ring: _Ring, slot: int, key: Key, sums: Sums) -> None:
        if not ring.room_for(slot, key):
            key = (OTHER, OTHER)
        agent, model = key
        ring.add(slot, (ALL, (agent, ""), ("", model), key), sums)

    def _slot(self, step_s: int) -> int:
        return int(self._clock.now().timestamp()) // step_s

    # Reading ---------------------------------------------------------------------------------

    def slots(self, scale: Scale, *, before: bool = False) -> range:
        """The numbers of the slots of the present stretch, or of the one before it."""
        last = self._slot(scale.step_s) - (scale.points if before else 0)
        return range(last - scale.points + 1, last + 1)

    async def points(
        self, scale: Scale, whose: Narrowing = EVERYBODY, since_s: float = 0.0
    ) -> Sequence[Point]:
        """Step by step, the oldest first; without those that were over at `since_s`."""
        now_s, found = self._clock.now().timestamp(), []
        for slot in self.slots(scale):
            at_s = slot * scale.step_s
            if at_s + scale.step_s > since_s:
                known_s = min(at_s + scale.step_s, now_s) - max(at_s, self._since_s)
                lasted_s = known_s if known_s >= LEAST_KNOWN_S else 0.0
                found.append(Point(at_s, lasted_s, await self._sums(scale, [slot], whose)))
        return found

    async def whole(
        self, scale: Scale, whose: Narrowing = EVERYBODY, *, before: bool = False
    ) -> tuple[Sums, float]:
        """All of a stretch at once, and over how many seconds of it something is known."""
        slots = self.slots(scale, before=before)
        ends_s = min((slots[-1] + 1) * scale.step_s, self._clock.now().timestamp())
        begins_s = max(slots[0] * scale.step_s, self._since_s)
        return await self._sums(scale, slots, whose), max(0.0, ends_s - begins_s)

    async def by(
        self, scale: Scale, side: Callable[[Key], str], whose: Narrowing
    ) -> Mapping[str, Sums]:
        """What each agent or each model came to, of those that did anything."""
        ring, slots = self._rings[scale.step_s], self.slots(scale)
        found: dict[str, Sums] = {}
        for name in sorted({side(key) for key in ring.keys(slots)} - {""}):
            narrowed = _narrowed(whose, name, models=side is model_side)
            if narrowed is not None:
                sums = await self._sums(scale, slots, narrowed)
                if sums.requests or sums.period.counts.attempts:
                    found[name] = sums
        return found

    async def pairs(self, scale: Scale, whose: Narrowing = EVERYBODY) -> Mapping[Key, Sums]:
        """What each agent on each model came to, of those that did anything."""
        found: dict[Key, Sums] = {}
        steps = self._rings[scale.step_s].by_pair(self.slots(scale), whose, found)
        async for _ in in_steps(steps, self._clock.monotonic):
            pass
        return found

    async def _sums(self, scale: Scale, slots: Collection[int], whose: Narrowing) -> Sums:
        ring, found = self._rings[scale.step_s], Sums()
        for slot in slots:
            steps = ring.gathered(slot, whose, found)
            async for _ in in_steps(steps, self._clock.monotonic):
                pass
        return found

    @property
    def since(self) -> datetime:
        """From when on something is known."""
        now = self._clock.now()
        return now - timedelta(seconds=now.timestamp() - self._since_s)


def agent_side(key: Key) -> str:
    return key[0]


def model_side(key: Key) -> str:
    return key[1]


def _narrowed(whose: Narrowing, name: str, *, models: bool) -> Narrowing | None:
    """Only those of one name; None when they are not meant at all."""
    wanted = whose.models if models else whose.agents
    if wanted is not None and name not in wanted:
        return None
    only = frozenset({name})
    return whose._replace(models=only) if models else whose._replace(agents=only)


def _summed(outcomes: Sequence[Outcome]) -> Sums:
    sums = Sums()
    sums.period.learn(columns_of(outcomes))
    numbers = [outcome.attempt for outcome in outcomes]
    sums.requests, sums.fallbacks = numbers.count(1), numbers.count(2)
    return sums
