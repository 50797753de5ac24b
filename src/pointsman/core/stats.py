"""How do models, agents and each agent on each model do, in the last minute, five, and hour?

For people, alerts and charts; what decides about models has a memory of its own. Attempts are
noted as they end and counted later, many at a time: once for the agent on the model and, by exact
merging, for each of both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

from pointsman.core.attempts import Row, columns_of, columns_of_rows, row_of
from pointsman.core.decision import Outcome
from pointsman.core.period import DEFAULT_THRESHOLDS, Counts, Period, Thresholds
from pointsman.core.quantiles import Sketch
from pointsman.core.told_apart import OTHER, ToldApart
from pointsman.core.windows import LONGEST, SLOT_S, Series, Window

_BATCH = 2_048
_AT_ONCE, _ADDED_AT_ONCE = 64, 256
"""So many are put to their groups, or added up, in one step: some fifty microseconds."""
_FEW = 24
"""As rows, fewer than this cost less than a period of their own."""
_STEPS = 6
"""With so many steps of counting for every attempt recorded, half a batch is enough to count the
one before it, even when each attempt of that is another agent's on another model. As a rule a
single step is: not before the next batch is half full are there more."""
_ROWS_WAITING = 200_000
"""How many rows all pairs together may hold back to be counted at once: some 12 MB."""
_ROWS_AT_ONCE = 1_000
_SWEPT_PER_SLOT = 4
_SET_BACK = Window.MINUTE.count


class Statistics:
    """What happened in the last hour, by model, by agent and by both.

    At most `max_pairs` agents on models are told apart, `max_models` models and `max_agents`
    agents; all beyond share `OTHER`. Of whom nobody heard for an hour nothing is left, but what
    each agent did since the start.

    Time is what the callers say, in seconds since the epoch. An attempt counts in the slot in
    which it ended when a window still holds that, else in the present one. When the clock is set
    back by more than a minute, the slots go on from the last one, so that nothing counted before
    returns and windows go on forgetting; when it is set forward, they forget what is then too old.
    """

    def __init__(
        self,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        *,
        max_pairs: int = 10_000,
        max_models: int = 500,
        max_agents: int = 1_000,
    ) -> None:
        self._thresholds = thresholds
        self._known = ToldApart(
            thresholds, max_pairs=max_pairs, max_models=max_models, max_agents=max_agents
        )
        self._max_agents = max_agents
        self._pending: list[Outcome] = []
        self._counting: Iterator[None] | None = None
        self._overheads: list[tuple[float, float]] = []
        self._overhead = Series(thresholds)
        self._totals: dict[str, Counts] = {}
        self._present = 0
        self._shift = 0
        self._swept = 0
        self._sweeping: Iterator[None] = iter(())

    # Taking note -----------------------------------------------------------------------------

    def record(self, outcome: Outcome) -> None:
        """Take note of an attempt that has just ended.

        It is counted with many others, a little with every later call and at the latest when
        somebody asks: nothing of what was recorded is ever missing from an answer.
        """
        pending = self._pending
        pending.append(outcome)
        if self._counting is not None:
            self._count_some(1 if len(pending) < _BATCH // 2 else _STEPS)
        elif len(pending) >= _BATCH:
            self._begin(outcome.at.timestamp())

    def recalling(self, outcomes: Iterable[Outcome], now_s: float) -> Iterator[None]:
        """Take note of attempts that ended before the first recorded, a little with every step.

        They are part of no total. Between two steps attempts may be recorded.
        """
        self._tick(now_s)
        yield from self._count(outcomes, in_totals=False)

    def record_overhead(self, at_s: float, overhead_s: float) -> None:
        """Take note of the time that one answer has spent in pointsman itself."""
        self._overheads.append((at_s, overhead_s))
        if len(self._overheads) < _BATCH:
            return
        if self._counting is None:
            self._begin(at_s)
        self._count_some(1)

    def fold(self, now_s: float) -> None:
        """Count all that was recorded. Every question does this first."""
        self._finish()
        self._begin(now_s)
        self._finish()

    def folding(self, now_s: float) -> Iterator[None]:
        """The same, and forgetting what is due to be forgotten, a little with every step.

        Between two steps attempts may be recorded, and questions asked.
        """
        yield from self._finishing()
        self._begin(now_s)
        yield from self._finishing()
        while self._sweep(1):
            yield

    def _finish(self) -> None:
        for _ in self._finishing():
            pass

    def _finishing(self) -> Iterator[None]:
        while self._counting is not None:
            self._count_some(1)
            yield

    def _begin(self, now_s: float) -> None:
        self._tick(now_s)
        if self._overheads or self._pending:
            overheads, self._overheads = self._overheads, []
            outcomes, self._pending = self._pending, []
            self._counting = chain(
                self._count_overheads(overheads), self._count(outcomes, in_totals=True)
            )

    def _count_some(self, steps: int) -> None:
        """Some steps of the counting under way: tens of microseconds each, so nobody waits."""
        counting = self._counting
        for _ in range(steps):
            if counting is None or next(counting, counting) is counting:
                self._counting = None
                return

    def _tick(self, now_s: float) -> None:
        slot = int(now_s // SLOT_S) + self._shift
        if slot > self._present:
            self._present = slot
            self._sweep(_SWEPT_PER_SLOT)
        elif slot <= self._present - _SET_BACK:
            self._shift += self._present - slot

    def _slot_of(self, at_s: float) -> int:
        slot = int(at_s // SLOT_S) + self._shift
        within = slot <= self._present and LONGEST.holds(slot, self._present)
        return slot if within else self._present

    def _count_overheads(self, overheads: list[tuple[float, float]]) -> Iterator[None]:
        by_slot: dict[int, list[float]] = {}
        for number, (at_s, overhead_s) in enumerate(overheads, 1):
            by_slot.setdefault(self._slot_of(at_s), []).append(overhead_s)
            if number % _AT_ONCE == 0:
                yield
        for slot, values in sorted(by_slot.items()):
            for start in range(0, len(values), _ADDED_AT_ONCE):
                period = Period(self._thresholds)
                period.plain.add_all(values[start : start + _ADDED_AT_ONCE])
                self._overhead.add(slot, period)
                yield

    def _count(self, outcomes: Iterable[Outcome], *, in_totals: bool) -> Iterator[None]:
        groups: dict[tuple[str, str, int], list[Outcome]] = {}
        present = self._present
        begin = datetime.fromtimestamp((present - self._shift) * SLOT_S, UTC)
        end = datetime.fromtimestamp((present - self._shift + 1) * SLOT_S, UTC)
        for number, outcome in enumerate(outcomes, 1):
            if number % _AT_ONCE == 0:
                yield
            # 2 model_id, 3 agent_id, 4 at: by number, since this is done for every attempt.
            at = outcome[4]
            # Nearly all ended in the present slot; two comparisons say so sooner than arithmetic.
            slot = present if begin <= at < end else self._slot_of(at.timestamp())
            key = outcome[3], outcome[2], slot
            group = groups.get(key)
            if group is None:
                group = groups[key] = []
            group.append(outcome)
        yield from self._count_groups(groups, in_totals=in_totals)

    def _count_groups(
        self, groups: Mapping[tuple[str, str, int], list[Outcome]], *, in_totals: bool
    ) -> Iterator[None]:
        """Count each group once, for its pair, its model and its agent.

        A group of a few is kept by its pair as it is, and counted for the others with more.
        """
        known = self._known
        few_rows = _ROWS_WAITING // max(1, known.pair_count)
        of_model: dict[tuple[str, int], list[Outcome]] = {}
        of_agent: dict[tuple[str, int], list[Outcome]] = {}
        for (agent_id, model_id, slot), outcomes in sorted(groups.items(), key=_when):
            pair = known.pair(agent_id, model_id)
            if len(outcomes) < _FEW:
                self._note(pair, slot, outcomes, few_rows)
                of_model.setdefault((model_id, slot), []).extend(outcomes)
                of_agent.setdefault((agent_id, slot), []).extend(outcomes)
            else:
                many = pair, known.model(model_id), known.agent(agent_id)
                total = self._total(agent_id) if in_totals else Counts()
                yield from self._adding(many, total, slot, outcomes)
            self._sweep(1)
            yield
        for (model_id, slot), outcomes in of_model.items():
            self._note(known.model(model_id), slot, outcomes, few_rows)
            yield
        for (agent_id, slot), outcomes in of_agent.items():
            self._note(known.agent(agent_id), slot, outcomes, few_rows)
            if in_totals:
                self._total(agent_id).learn(columns_of(outcomes))
            yield

    def _adding(
        self, many: Iterable[Series], total: Counts, slot: int, outcomes: list[Outcome]
    ) -> Iterator[None]:
        for start in range(0, len(outcomes), _ADDED_AT_ONCE):
            period = self._period(outcomes[start : start + _ADDED_AT_ONCE])
            for series in many:
                series.add(slot, period)
            total.merge(period.counts)
            yield

    def _note(self, series: Series, slot: int, outcomes: list[Outcome], most_rows: int) -> None:
        if len(outcomes) >= _FEW:
            series.add(slot, self._period(outcomes))
            return
        for outcome in outcomes:
            series.keep(row_of(outcome, slot), most_rows)

    def _period(self, outcomes: list[Outcome]) -> Period:
        period = Period(self._thresholds)
        period.learn(columns_of(outcomes))
        return period

    def _total(self, agent_id: str) -> Counts:
        counts = self._totals.get(agent_id)
        if counts is None:
            if len(self._totals) >= self._max_agents and agent_id != OTHER:
                return self._total(OTHER)
            counts = self._totals[agent_id] = Counts()
        return counts

    def _sweep(self, steps: int) -> bool:
        """Forget a little, and drop those of whom nothing is left. False when none is due now."""
        for _ in range(steps):
            if next(self._sweeping, self._sweeping) is not self._sweeping:
                continue
            if self._present < self._swept + Window.MINUTE.count:
                return False
            self._swept = self._present
            self._sweeping = self._forget_all()
        return True

    def _forget_all(self) -> Iterator[None]:
        self._overhead.forget(self._present)
        yield from self._known.forgetting(self._present)

    # Answering -------------------------------------------------------------------------------

    @property
    def thresholds(self) -> Thresholds:
        """The lines whose crossings are counted."""
        return self._thresholds

    @property
    def pair_count(self) -> int:
        """How many agents on models are told apart now."""
        return self._known.pair_count

    def model_ids(self) -> Collection[str]:
        """The models of which something is known, `OTHER` possibly among them."""
        return self._known.model_ids()

    def agent_ids(self) -> Collection[str]:
        """The agents of which something is known, `OTHER` possibly among them."""
        return self._known.agent_ids()

    def models_of(self, agent_id: str) -> Collection[str]:
        """The models that an agent has used."""
        return self._known.models_of(agent_id)

    def period(
        self,
        window: Window,
        now_s: float,
        *,
        agent_id: str | None = None,
        model_id: str | None = None,
    ) -> Period:
        """What attempts came to: all, or those of an agent, on a model, or of it on that."""
        self.fold(now_s)
        found = Period(self._thresholds)
        for _ in self._gathering(found, window, self._known.among(agent_id, model_id)):
            pass
        return found

    def gathering(
        self,
        found: Period,
        window: Window,
        now_s: float,
        *,
        agent_id: str | None = None,
        model_id: str | None = None,
    ) -> Iterator[None]:
        """The same, merged into `found` a little with every step; it is whole after the last."""
        self.fold(now_s)
        return self._gathering(found, window, self._known.among(agent_id, model_id))

    def _gathering(self, found: Period, window: Window, many: Collection[Series]) -> Iterator[None]:
        rows: list[Row] = []
        for series in tuple(many):
            rows += series.gather(window, self._present, found)
            if len(rows) >= _ROWS_AT_ONCE:
                found.learn(columns_of_rows(rows))
                rows = []
            yield
        if rows:
            found.learn(columns_of_rows(rows))

    def attempts(
        self,
        window: Window,
        now_s: float,
        *,
        agent_id: str | None = None,
        model_id: str | None = None,
    ) -> int:
        """How many attempts there were: to rank many agents or models cheaply."""
        self.fold(now_s)
        return sum(
            series.attempts(window, self._present)
            for series in self._known.among(agent_id, model_id)
        )

    def overhead(self, window: Window, now_s: float) -> Sketch:
        """How long answers have spent in pointsman itself, in seconds."""
        self.fold(now_s)
        found = Period(self._thresholds)
        for _ in self._gathering(found, window, (self._overhead,)):
            pass
        return found.plain

    def totals(self, now_s: float) -> Mapping[str, Counts]:
        """What each agent did since the start, for counters that only rise."""
        self.fold(now_s)
        return self._totals


def _when(group: tuple[tuple[str, str, int], list[Outcome]]) -> int:
    return group[0][2]
