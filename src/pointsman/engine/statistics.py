"""Who keeps the statistics of a running router, and how are they read without anybody waiting?

Requests only append. Whoever asks pays in small steps, between which the event loop serves others.
After a start the last hour is read back from the record (`engine/replay.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pointsman.core.decision import Decision, Outcome
from pointsman.core.period import Counts, Period
from pointsman.core.quantiles import Sketch
from pointsman.core.ring import Chosen, DecisionRing, chosen_of
from pointsman.core.stats import Statistics
from pointsman.core.windows import LONGEST, Window
from pointsman.engine.heard import Heard
from pointsman.engine.ports import Clock, Ledger
from pointsman.engine.steps import in_steps
from pointsman.engine.timeline import Timeline


class Measured(NamedTuple):
    """What happened to one model, agent, or agent on a model."""

    id: str
    period: Period


class Asked(NamedTuple):
    """Which statistics are wanted. Without a name, of all; at most `limit` rows of a sort."""

    window: Window = Window.FIVE_MINUTES
    agent_id: str | None = None
    model_id: str | None = None
    limit: int = 50


class Narrowed(NamedTuple):
    """A row of a report before it is read: its name, and what its attempts have in common."""

    id: str
    agent_id: str | None
    model_id: str | None


class Report(NamedTuple):
    """The statistics of one window, narrowed to what was asked for.

    `models` and `agents` are those with the most attempts, in falling order, of the `model_count`
    and `agent_count` that had any. `matches` is the mean score in [0, 1] of each model when it was
    chosen, over the last thousand decisions as far as the window holds them; of a model that none
    of these chose, its score when it was last chosen in the window. `overhead` is that of all
    answers.
    """

    at: datetime
    window: Window
    overall: Period
    overhead: Sketch
    models: Sequence[Measured]
    agents: Sequence[Measured]
    model_count: int
    agent_count: int
    matches: Mapping[str, float]


class LiveStatistics:
    """The statistics of one process. The first three calls are on the path of requests."""

    def __init__(self, clock: Clock, statistics: Statistics | None = None) -> None:
        self._clock = clock
        self._statistics = statistics or Statistics()
        self._ring = DecisionRing()
        self._last: dict[str, Chosen] = {}
        self._began = clock.now()
        self.timeline = Timeline(clock)

    @property
    def began(self) -> datetime:
        """Since when this process counts."""
        return self._began

    def decided(self, decision: Decision) -> None:
        """A model was chosen, or none could be."""
        chosen = chosen_of(decision)
        self._ring.add(chosen)
        if chosen.model_id is not None:
            self._last[chosen.model_id] = chosen

    def ended(self, outcome: Outcome) -> None:
        """An attempt has ended."""
        self._statistics.record(outcome)
        self.timeline.ended(outcome)

    def answered(self, overhead_s: float) -> None:
        """An answer has spent so long in pointsman itself."""
        self._statistics.record_overhead(self._now_s(), overhead_s)

    def latest(self, limit: int) -> tuple[Chosen, ...]:
        """Who was chosen last, newest first, for display."""
        return self._ring.latest(limit)

    # Reading ---------------------------------------------------------------------------------

    def period(
        self, window: Window, *, agent_id: str | None = None, model_id: str | None = None
    ) -> Period:
        """What attempts came to: all, or those of an agent, on a model, or of it on that."""
        now_s = self._now_s()
        return self._statistics.period(window, now_s, agent_id=agent_id, model_id=model_id)

    def gathering(
        self,
        found: Period,
        window: Window,
        *,
        agent_id: str | None = None,
        model_id: str | None = None,
    ) -> Iterator[None]:
        """The same, merged into `found` in steps; it is whole after the last."""
        return self._statistics.gathering(
            found, window, self._now_s(), agent_id=agent_id, model_id=model_id
        )

    def nothing(self) -> Period:
        """A period to gather others in."""
        return Period(self._statistics.thresholds)

    def folding(self) -> Iterator[None]:
        """Count all that was recorded, in steps: before many questions, so that none is long."""
        return self._statistics.folding(self._now_s())

    def model_ids(self) -> Collection[str]:
        """The models that did anything in the last hour."""
        self._statistics.fold(self._now_s())
        return self._statistics.model_ids()

    def agent_ids(self) -> Collection[str]:
        """The agents that did anything in the last hour."""
        self._statistics.fold(self._now_s())
        return self._statistics.agent_ids()

    def attempts(self, window: Window, *, agent_id: str) -> int:
        """How many attempts an agent made: to find the busiest cheaply."""
        return self._statistics.attempts(window, self._now_s(), agent_id=agent_id)

    def overhead(self, window: Window) -> Sketch:
        """How long answers have spent in pointsman itself, in seconds."""
        return self._statistics.overhead(window, self._now_s())

    def totals(self) -> Mapping[str, Counts]:
        """What each agent did since the start."""
        return self._statistics.totals(self._now_s())

    async def report(self, asked: Asked) -> Report:
        """What happened in a window."""
        async for _ in in_steps(self.folding(), self._clock.monotonic):
            pass
        models = await self._ranked(asked, self._models_of(asked))
        agents = await self._ranked(asked, self._agents_of(asked))
        return Report(
            self._clock.now(),
            asked.window,
            await self._gathered(asked.window, Narrowed("", asked.agent_id, asked.model_id)),
            self.overhead(asked.window),
            await self._measured(asked, models),
            await self._measured(asked, agents),
            len(models),
            len(agents),
            self._matches(asked),
        )

    def _models_of(self, asked: Asked) -> Iterator[Narrowed]:
        agent_id = asked.agent_id
        known = self._statistics
        for model_id in known.model_ids() if agent_id is None else known.models_of(agent_id):
            if asked.model_id in (None, model_id):
                yield Narrowed(model_id, agent_id, model_id)

    def _agents_of(self, asked: Asked) -> Iterator[Narrowed]:
        for agent_id in self._statistics.agent_ids():
            if asked.agent_id in (None, agent_id):
                yield Narrowed(agent_id, agent_id, asked.model_id)

    async def _ranked(self, asked: Asked, rows: Iterable[Narrowed]) -> list[Narrowed]:
        """Those that did anything, the busiest first, in an order that chance has no part in."""
        found: list[tuple[int, Narrowed]] = []
        async for row in in_steps(rows, self._clock.monotonic):
            count = self._statistics.attempts(
                asked.window, self._now_s(), agent_id=row.agent_id, model_id=row.model_id
            )
            if count:
                found.append((count, row))
        return [row for _, row in sorted(found, key=lambda each: (-each[0], each[1].id))]

    async def _measured(self, asked: Asked, rows: Sequence[Narrowed]) -> Sequence[Measured]:
        return [
            Measured(row.id, await self._gathered(asked.window, row))
            async for row in in_steps(rows[: asked.limit], self._clock.monotonic)
        ]

    async def _gathered(self, window: Window, row: Narrowed) -> Period:
        found = self.nothing()
        steps = self.gathering(found, window, agent_id=row.agent_id, model_id=row.model_id)
        async for _ in in_steps(steps, self._clock.monotonic):
            pass
        return found

    def _matches(self, asked: Asked) -> Mapping[str, float]:
        now_s = self._now_s()
        since_s = now_s - asked.window.length_s
        scores = _chosen_scores(self._ring.latest(1_000), since_s, asked.agent_id)
        # Where many decisions are made, the thousand last are soon of the busiest models alone.
        longest_s = now_s - LONGEST.length_s
        self._last = {key: made for key, made in self._last.items() if made.at_s >= longest_s}
        last = _chosen_scores(self._last.values(), since_s, asked.agent_id)
        return {model_id: sum(each) / len(each) for model_id, each in (last | scores).items()}

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    def redisplayed(self, decisions: Iterable[Decision]) -> bool:
        """These were made before this process began, newest first; its own among them are left out.

        False when still older ones would not be shown.
        """
        since_s = self._began.timestamp() - LONGEST.length_s
        for decision in decisions:
            if decision.at >= self._began:
                continue
            chosen = chosen_of(decision)
            if chosen.at_s < since_s or not self._ring.add_older(chosen):
                return False
            if chosen.model_id is not None:
                self._last.setdefault(chosen.model_id, chosen)
        return True

    def recalling(self, outcomes: Sequence[Outcome]) -> Iterator[None]:
        """Attempts of the last hour ended so before this process began; counted in steps."""
        for outcome in outcomes:
            self.timeline.recalled(outcome)
        yield from self._statistics.recalling(outcomes, self._now_s())


def _chosen_scores(
    made: Iterable[Chosen], since_s: float, agent_id: str | None
) -> dict[str, list[float]]:
    """The scores of each model when it was chosen, by that agent if one is named."""
    scores: dict[str, list[float]] = {}
    for chosen in made:
        if chosen.at_s < since_s or agent_id not in (None, chosen.agent_id):
            continue
        if chosen.model_id is not None:
            scores.setdefault(chosen.model_id, []).append(chosen.score)
    return scores


class Noted:
    """A ledger that tells the statistics, and whoever watches, what it is told."""

    def __init__(self, ledger: Ledger, statistics: LiveStatistics, heard: Heard) -> None:
        self._ledger = ledger
        self._statistics = statistics
        self._heard_decided = heard.decided
        self._heard_ended = heard.ended

    def decided(self, decision: Decision) -> None:
        self._ledger.decided(decision)
        self._statistics.decided(decision)
        self._heard_decided(decision)

    def ended(self, outcome: Outcome) -> None:
        self._ledger.ended(outcome)
        self._statistics.ended(outcome)
        self._heard_ended(outcome)
