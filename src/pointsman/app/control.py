"""What does the control API see of the running router?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from pointsman.adapters.http.control import Change, ConfigView, Counted, LiveModel
from pointsman.adapters.http.control.source import ValueOrigin
from pointsman.app.adding import add
from pointsman.app.additions import Document, SectionName
from pointsman.app.running import Running
from pointsman.core.decision import Decision, Feedback, Selection, Task
from pointsman.core.errors import StoreError
from pointsman.core.fleet import Fleet
from pointsman.engine.alert_desk import Desk
from pointsman.engine.assignments import Assignments
from pointsman.engine.audit import Audit
from pointsman.engine.blast import Around
from pointsman.engine.decide import Ask
from pointsman.engine.drains import Drains
from pointsman.engine.explain import Explained
from pointsman.engine.history_ports import Series, SeriesQuery
from pointsman.engine.load import TARGET
from pointsman.engine.notify import Deliverer
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.registry import Setup
from pointsman.engine.statistics import Asked, Report
from pointsman.engine.timeline import Timeline


class RouterSource:
    """The running router as a `ControlSource`."""

    def __init__(self, running: Running, set_log_level: Callable[[str], None]) -> None:
        self._running = running
        self._set_log_level = set_log_level
        self._level_set: tuple[datetime, str] | None = None
        self._random = Random()  # noqa: S311 - names; those of decisions are drawn elsewhere

    def fleet(self) -> Fleet:
        return self._running.parts.registry.fleet

    def live(self, model_id: str) -> LiveModel:
        parts = self._running.parts
        model = parts.registry.fleet.models[model_id]
        used, condition = parts.load.utilisation(model), parts.health.condition(model)
        return LiveModel(
            circuit=condition.circuit.value,
            in_flight=parts.load.in_flight(model_id),
            utilisation=used,
            over_target=used is not None and used > TARGET,
            drain=parts.drains.of(model_id),
            left_alone=condition.reason,
            left_alone_s=condition.until_s,
        )

    def config(self) -> ConfigView:
        configuration = self._running.configuration
        rejected = self._running.rejected
        settings: dict[str, Any] = dict(configuration.redacted)
        origins = {path: ValueOrigin(*each) for path, each in configuration.origins.items()}
        if self._level_set is not None and self._level_set[0] == self._running.loaded_at:
            settings["server"] = {**settings["server"], "log_level": self._level_set[1]}
            origins["server.log_level"] = ValueOrigin("api")
        return ConfigView(
            configuration.version,
            settings,
            str(rejected) if rejected else "",
            configuration.source,
            origins,
        )

    def added(self, section: SectionName) -> Mapping[str, Document]:
        configuration = self._running.configuration
        written = configuration.written[section]
        added = configuration.additions.of(section)
        return {name: each for name, each in added.items() if name not in written}

    async def add(self, change: Change, by: str) -> None:
        await add(self._running, change, by)

    def set_log_level(self, level: str) -> None:
        self._set_log_level(level)
        # The next configuration that is taken sets it anew.
        self._level_set = self._running.loaded_at, level

    def counted(self) -> Counted:
        parts = self._running.parts
        ledger, since = parts.ledger, parts.ledger.failing_since
        matches = self._matches()
        return Counted(
            began=parts.statistics.began,
            at=parts.clock.now(),
            tally=parts.tally,
            in_flight=parts.load.total,
            circuits=parts.health.circuits(),
            queued=ledger.queued,
            written=ledger.written,
            dropped=ledger.dropped,
            not_durable=ledger.not_durable,
            crowded_out=parts.store.crowded_out,
            failing_s=0.0 if since is None else parts.clock.monotonic() - since,
            assignments=len(matches),
            mean_match=sum(matches) / len(matches) if matches else None,
        )

    def _matches(self) -> list[float]:
        """How well each agent fits the model that it was assigned, in [0, 1], as of now."""
        parts, setup = self._running.parts, self.setup()
        agents, models = setup.fleet.agents, setup.fleet.models
        usual = Selection(setup.policy.strategy)
        return [
            parts.scorer.score(agents[agent_id], Task(), usual, models[post.model_id]).score
            for agent_id, post in setup.posts.items()
        ]

    async def report(self, asked: Asked) -> Report:
        return await self._running.parts.statistics.report(asked)

    def timeline(self) -> Timeline:
        return self._running.parts.statistics.timeline

    def now(self) -> datetime:
        return self._running.parts.clock.now()

    def random(self) -> Random:
        return self._random

    def setup(self) -> Setup:
        return self._running.parts.registry.current.setup

    def decide(self, ask: Ask, seed: int | None, against: str | None) -> Explained:
        return self._running.decide(ask, seed, against)

    def decided(self, ask: Ask, seed: int) -> Decision:
        return self._running.parts.service.decide(ask, seed)

    def deliverer(self) -> Deliverer:
        return self._running.parts.deliverer

    def alerts(self) -> Desk:
        return self._running.parts.watching.desk

    def drains(self) -> Drains:
        return self._running.parts.drains

    def around(self) -> Around:
        parts = self._running.parts
        return Around(parts.registry, parts.scorer, parts.health, parts.statistics, parts.clock)

    def assignments(self) -> Assignments:
        return self._running.parts.assignments

    async def judge(self, feedback: Feedback) -> StoredDecision | None:
        return await self._running.judge(feedback)

    def audit(self) -> Audit:
        return self._running.parts.audit

    async def forget_agent(self, agent_id: str) -> int:
        await self._running.settle()
        return await asyncio.to_thread(self._running.parts.store.forget_agent, agent_id)

    async def series(self, query: SeriesQuery) -> Series:
        return await asyncio.to_thread(self._running.parts.store.aggregates.series, query)

    def kept(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        return self._running.parts.store.decisions(query)

    async def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        return await self._running.recall_many(query)

    async def decision(self, decision_id: str) -> StoredDecision | None:
        found = await self._running.recall(decision_id)
        if found is None and self._running.parts.ledger.failing_since is not None:
            raise StoreError(f"{decision_id} may be among what waits to be written")
        return found
