"""How do models, agents and each agent on each model do, in the last minute, five, and hour?

For people, alerts and charts; what decides about models has a memory of its own. Attempts are
noted as they end and counted later, many at a time: once for the agent on the model and, by exact
merging, for the model. What an agent did is merged from its models when somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from pointsman.core.attempts import columns_of, row_of
from pointsman.core.decision import Decision, Outcome
from pointsman.core.period import DEFAULT_THRESHOLDS, Counts, Period, Thresholds
from pointsman.core.quantiles import Sketch
from pointsman.core.windows import LONGEST, SLOT_S, Series, Window

OTHER: Final = "__other__"

_BATCH = 2_048
_FEW = 8
_SWEPT_PER_SLOT = 64
_SET_BACK = Window.MINUTE.count

_NOTHING: Mapping[str, Series] = {}


class Statistics:
    """What happened in the last hour, by model, by agent and by both.

    At most `max_pairs` agents on models are told apart, `max_models` models, and the totals of
    `max_agents` agents; all beyond share `OTHER`. Of a pair that nobody used for an hour nothing
    is left.

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
        self._max_pairs = max_pairs
        self._max_models = max_models
        self._max_agents = max_agents
        self._pending: list[Outcome] = []
        self._counting: Iterator[None] | None = None
        self._overheads: list[tuple[float, float]] = []
        self._pairs: dict[str, dict[str, Series]] = {}
        self._pair_count = 0
        self._models: dict[str, Series] = {}
        self._overhead = Series(thresholds)
        self._totals: dict[str, Counts] = {}
        self._present = 0
        self._shift = 0
        self._swept = 0
        self._sweeping: Iterator[tuple[str, str]] = iter(())

    # Taking note -----------------------------------------------------------------------------

    def record(self, outcome: Outcome) -> None:
        """Take note of an attempt that has just ended.

        It is counted with many others, a little with every later call and at the latest when
        somebody asks: nothing of what was recorded is ever missing from an answer.
        """
        pending = self._pending
        pending.append(outcome)
        if self._counting is not None:
            self._count_some()
        elif len(pending) >= _BATCH:
            self._begin(outcome.at.timestamp())

    def record_overhead(self, at_s: float, overhead_s: float) -> None:
        """Take note of the time that one answer has spent in pointsman itself."""
        self._overheads.append((at_s, overhead_s))
        if len(self._overheads) >= _BATCH:
            self.fold(at_s)

    def fold(self, now_s: float) -> None:
        """Count all that was recorded. Every question does this first."""
        self._finish()
        self._begin(now_s)
        self._finish()

    def _finish(self) -> None:
        for _ in self._counting or ():
            pass
        self._counting = None

    def _begin(self, now_s: float) -> None:
        self._tick(now_s)
        if self._overheads:
            overheads, self._overheads = self._overheads, []
            self._count_overheads(overheads)
        if self._pending:
            outcomes, self._pending = self._pending, []
            self._counting = self._count(outcomes)

    def _count_some(self) -> None:
        """One step of the counting under way: some ten microseconds, so that nobody waits."""
        if self._counting is not None and next(self._counting, self._counting) is self._counting:
            self._counting = None

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

    def _count_overheads(self, overheads: list[tuple[float, float]]) -> None:
        by_slot: dict[int, list[float]] = {}
        for at_s, overhead_s in overheads:
            by_slot.setdefault(self._slot_of(at_s), []).append(overhead_s)
        for slot, values in sorted(by_slot.items()):
            period = Period(self._thresholds)
            period.plain.add_all(values)
            self._overhead.add(slot, period)

    def _count(self, outcomes: list[Outcome]) -> Iterator[None]:
        groups: dict[tuple[str, str, int], list[Outcome]] = {}
        present = self._present
        begin = datetime.fromtimestamp((present - self._shift) * SLOT_S, UTC)
        end = datetime.fromtimestamp((present - self._shift + 1) * SLOT_S, UTC)
        for outcome in outcomes:
            at = outcome.at
            # Nearly all ended in the present slot; two comparisons say so sooner than arithmetic.
            slot = present if begin <= at < end else self._slot_of(at.timestamp())
            key = outcome.agent_id, outcome.model_id, slot
            group = groups.get(key)
            if group is None:
                group = groups[key] = []
            group.append(outcome)
        yield from self._count_groups(groups)

    def _count_groups(self, groups: Mapping[tuple[str, str, int], list[Outcome]]) -> Iterator[None]:
        """Count each group once, for its pair and for its model.

        A group of a few is kept by its pair as it is, and counted for the model with others.
        """
        few: dict[tuple[str, int], list[Outcome]] = {}
        of_agent: dict[str, list[Outcome]] = {}
        for (agent_id, model_id, slot), outcomes in sorted(groups.items(), key=_when):
            pair = self._pair(agent_id, model_id)
            if len(outcomes) < _FEW:
                for outcome in outcomes:
                    pair.keep(row_of(outcome, slot))
                few.setdefault((model_id, slot), []).extend(outcomes)
                of_agent.setdefault(agent_id, []).extend(outcomes)
            else:
                period = self._period(outcomes)
                pair.add(slot, period)
                self._model(model_id).add(slot, period)
                self._total(agent_id).merge(period.counts)
            self._sweep(1)
            yield
        for (model_id, slot), outcomes in few.items():
            self._model(model_id).add(slot, self._period(outcomes))
            yield
        for agent_id, outcomes in of_agent.items():
            self._total(agent_id).learn(columns_of(outcomes))
            yield

    def _period(self, outcomes: list[Outcome]) -> Period:
        period = Period(self._thresholds)
        period.learn(columns_of(outcomes))
        return period

    def _pair(self, agent_id: str, model_id: str) -> Series:
        models = self._pairs.get(agent_id)
        series = models.get(model_id) if models else None
        if series is not None:
            return series
        if self._pair_count >= self._max_pairs and agent_id != OTHER:
            shared = self._pairs.get(OTHER, _NOTHING)
            full = model_id not in shared and len(shared) >= self._max_models
            return self._pair(OTHER, OTHER if full else model_id)
        if models is None:
            models = self._pairs[agent_id] = {}
        series = models[model_id] = Series(self._thresholds)
        self._pair_count += 1
        return series

    def _model(self, model_id: str) -> Series:
        series = self._models.get(model_id)
        if series is None:
            if len(self._models) >= self._max_models and model_id != OTHER:
                return self._model(OTHER)
            series = self._models[model_id] = Series(self._thresholds)
        return series

    def _total(self, agent_id: str) -> Counts:
        counts = self._totals.get(agent_id)
        if counts is None:
            if len(self._totals) >= self._max_agents and agent_id != OTHER:
                return self._total(OTHER)
            counts = self._totals[agent_id] = Counts()
        return counts

    def _sweep(self, count: int) -> None:
        """Let some pairs go on forgetting, and drop those of which nothing is left."""
        for _ in range(count):
            key = next(self._sweeping, None)
            if key is None:
                if self._present < self._swept + Window.MINUTE.count:
                    return
                self._swept = self._present
                self._sweep_models()
                self._sweeping = iter(
                    [(agent, model) for agent, models in self._pairs.items() for model in models]
                )
                return
            self._forget_pair(*key)

    def _sweep_models(self) -> None:
        for model_id, series in list(self._models.items()):
            if series.forget(self._present):
                del self._models[model_id]
        self._overhead.forget(self._present)

    def _forget_pair(self, agent_id: str, model_id: str) -> None:
        models = self._pairs[agent_id]
        if models[model_id].forget(self._present):
            del models[model_id]
            self._pair_count -= 1
            if not models:
                del self._pairs[agent_id]

    # Answering -------------------------------------------------------------------------------

    @property
    def pair_count(self) -> int:
        """How many agents on models are told apart now."""
        return self._pair_count

    def model_ids(self) -> Collection[str]:
        """The models of which something is known, `OTHER` possibly among them."""
        return tuple(self._models)

    def agent_ids(self) -> Collection[str]:
        """The agents of which something is known, `OTHER` possibly among them."""
        return tuple(self._pairs)

    def models_of(self, agent_id: str) -> Collection[str]:
        """The models that an agent has used."""
        return tuple(self._pairs.get(agent_id, ()))

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
        for series in self._series(agent_id, model_id):
            found.merge(series.window(window, self._present))
        return found

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
            series.attempts(window, self._present) for series in self._series(agent_id, model_id)
        )

    def _series(self, agent_id: str | None, model_id: str | None) -> Collection[Series]:
        of_agent = self._models if agent_id is None else self._pairs.get(agent_id, _NOTHING)
        if model_id is None:
            return of_agent.values()
        return (of_agent[model_id],) if model_id in of_agent else ()

    def overhead(self, window: Window, now_s: float) -> Sketch:
        """How long answers have spent in pointsman itself, in seconds."""
        self.fold(now_s)
        return self._overhead.window(window, self._present).plain

    def totals(self, now_s: float) -> Mapping[str, Counts]:
        """What each agent did since the start, for counters that only rise."""
        self.fold(now_s)
        return self._totals


class DecisionRing:
    """The last decisions, for display alone: nothing is decided or counted from it."""

    def __init__(self, most: int = 1_000) -> None:
        self._decisions: deque[Decision] = deque(maxlen=most)

    def add(self, decision: Decision) -> None:
        self._decisions.append(decision)

    def latest(self, limit: int) -> tuple[Decision, ...]:
        """At most `limit` decisions, the newest first."""
        found = reversed(self._decisions)
        return tuple(decision for decision, _ in zip(found, range(limit), strict=False))


def _when(group: tuple[tuple[str, str, int], list[Outcome]]) -> int:
    return group[0][2]
