"""How has it gone since an hour ago or two, step by step, of all or of some agents and models?

Requests only append; a turn of a background task counts what they left. Two rings keep it: ten
seconds a slot for ten minutes, a minute a slot for two hours. What is kept of a slot are the sums
of `core/period.py`, so quantiles of any stretch and any choice of agents and models are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, TypeVar

from pointsman.core.attempts import columns_of
from pointsman.core.decision import Outcome
from pointsman.engine.ports import Clock
from pointsman.engine.steps import in_steps
from pointsman.engine.timeline_slots import (
    EVERYBODY,
    Kept,
    Key,
    Narrowing,
    Side,
    Slot,
    Sums,
)

MOST_PENDING = 100_000
"""So many attempts wait to be counted at most; the oldest are left out beyond."""

LEAST_KNOWN_S = 2.0
"""A rate over less would be a guess: what ended last has not been counted yet."""


MOST_REMEMBERED = 4
MOST_NAMES = 5_000
"""So many choices of agents and models are remembered for who asks again, each of which came to
the sums of so many at most."""

_K = TypeVar("_K")
_Those = Callable[[Slot], Iterable[tuple[_K, Kept]]]


class Scale(NamedTuple):
    """How far to look back, and in which steps: `points` of `step_s` seconds."""

    label: str
    step_s: int
    points: int

    @property
    def length_s(self) -> int:
        return self.step_s * self.points


SCALES = (Scale("5m", 10, 30), Scale("1h", 60, 60))


class Point(NamedTuple):
    """One step: when it began, how many of its seconds are over, and what happened in it.

    0 seconds stand for a step of which nothing is known, or too little for a rate.
    """

    at_s: int
    lasted_s: float
    sums: Sums


class _Known(NamedTuple, Generic[_K]):
    """What some steps that were over came to, and after how many late changes that was."""

    steps: range
    changes: int
    sums: Mapping[_K, Sums]


class _Ring:
    """Slots of one width; those that are over are kept packed."""

    def __init__(self, step_s: int, count: int) -> None:
        self.step_s = step_s
        self._count = count
        self._slots: dict[int, Slot] = {}
        self._known: dict[Hashable, _Known[Any]] = {}
        self._known_until = 0
        self._changes = 0

    def add(self, number: int, pair: Key, sums: Sums) -> None:
        self._changes += number <= self._known_until
        self._slots.setdefault(number, Slot()).add(pair, sums)

    def keep_house(self, present: int) -> Iterator[None]:
        """Forget what is too old, and pack what is over."""
        for number in [n for n in self._slots if not present - self._count < n <= present]:
            del self._slots[number]
        for number, slot in list(self._slots.items()):
            if number < present - 1:
                yield from slot.pack()

    def gathered(self, numbers: Iterable[int], whose: Narrowing, found: Sums) -> Iterator[None]:
        """What happened in these slots, merged into `found` with every step."""
        for slot in self._of(numbers):
            for sums in slot.of(whose):
                found.merge(sums)
                yield

    def grouped(
        self, numbers: range, name: Hashable, those: _Those[_K], found: dict[_K, Sums]
    ) -> Iterator[None]:
        """The same by what `those` groups it by. What is over is remembered by the `name`.

        Whoever looks on asks every few seconds, and all but the last two steps are as they were.
        """
        over = numbers[:-2]
        self._known_until = max(self._known_until, over[-1])
        changes, known = self._changes, self._known.get(name)
        if known is None or (known.steps, known.changes) != (over, changes):
            former: dict[_K, Sums] = {}
            yield from self._merged(over, those, former)
            known = _Known(over, changes, former)
            self._remember(name, known)
        yield from self._merged(numbers[-2:], those, found)
        for each, sums in known.sums.items():
            if each in found:
                found[each].merge(sums)
            else:
                found[each] = sums

    def _remember(self, name: Hashable, known: _Known[Any]) -> None:
        self._known.pop(name, None)
        if len(known.sums) <= MOST_NAMES:
            self._known[name] = known
        while len(self._known) > MOST_REMEMBERED:
            del self._known[next(iter(self._known))]

    def _merged(
        self, numbers: Iterable[int], those: _Those[_K], found: dict[_K, Sums]
    ) -> Iterator[None]:
        for slot in self._of(numbers):
            for each, sums in those(slot):
                found.setdefault(each, Sums()).merge(sums)
                yield

    def _of(self, numbers: Iterable[int]) -> Iterator[Slot]:
        return (self._slots[number] for number in numbers if number in self._slots)


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
                ring.add(slot * finest // ring.step_s, (agent, model), sums)
            yield

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

    async def by(self, scale: Scale, side: Side, whose: Narrowing) -> Mapping[str, Sums]:
        """What each agent or each model came to, of those that did anything.

        Agents that are too many to be told apart go by `OTHER`; so do models, of which there would
        have to be hundreds.
        """
        return await self._grouped(scale, (side, whose), lambda slot: slot.by(side, whose))

    async def pairs(self, scale: Scale, whose: Narrowing = EVERYBODY) -> Mapping[Key, Sums]:
        """What each agent on each model came to, of those that did anything.

        Agents on a model that are too many to be told apart go by `OTHER` there.
        """
        return await self._grouped(scale, whose, lambda slot: slot.by_pair(whose))

    async def _grouped(self, scale: Scale, name: Hashable, those: _Those[_K]) -> Mapping[_K, Sums]:
        found: dict[_K, Sums] = {}
        steps = self._rings[scale.step_s].grouped(self.slots(scale), name, those, found)
        async for _ in in_steps(steps, self._clock.monotonic):
            pass
        return found

    async def _sums(self, scale: Scale, slots: Collection[int], whose: Narrowing) -> Sums:
        found = Sums()
        steps = self._rings[scale.step_s].gathered(slots, whose, found)
        async for _ in in_steps(steps, self._clock.monotonic):
            pass
        return found

    @property
    def since(self) -> datetime:
        """From when on something is known."""
        now = self._clock.now()
        return now - timedelta(seconds=now.timestamp() - self._since_s)


def _summed(outcomes: Sequence[Outcome]) -> Sums:
    sums = Sums()
    sums.period.learn(columns_of(outcomes))
    numbers = [outcome.attempt for outcome in outcomes]
    sums.requests, sums.fallbacks = numbers.count(1), numbers.count(2)
    return sums
