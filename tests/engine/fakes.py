"""What stands in for the outside of the engine, and how is the engine put together around it?

Providers follow a script (`scripted`), and nothing here does anything of its own accord.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import pytest
from scripted import (
    FakeClock,
    Script,
    ScriptedProvider,
    refused,
)

from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Outcome,
    Selection,
    Task,
    Term,
)
from pointsman.core.errors import UpstreamError
from pointsman.core.exploration import Exploration
from pointsman.core.fallback import LEAST_SPREAD_S, SPREAD
from pointsman.core.fleet import Agent, Fleet, Limits, Model
from pointsman.engine.attempt import Begun
from pointsman.engine.health import Health
from pointsman.engine.load import Load
from pointsman.engine.policy import Policy, Timeouts
from pointsman.engine.ports import Scorer
from pointsman.engine.registry import Registry, Setup
from pointsman.engine.serve import Ask, Served, Service
from pointsman.engine.tally import Tally


class MemoryLedger:
    """Remembers everything."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.outcomes: list[Outcome] = []

    def decided(self, decision: Decision) -> None:
        self.decisions.append(decision)

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def model(
    name: str, strength: float = 0.8, *, window: int | None = 8192, most: int | None = None
) -> Model:
    """A generalist. `name` is `provider/name`, `most` how many calls it takes at once."""
    provider, _, upstream = name.partition("/")
    strengths = {"general": strength}
    limits = Limits(max_in_flight=most)
    return Model(
        name, provider, upstream, strengths=strengths, context_window=window, limits=limits
    )


BEST, NEXT, LAST = model("a/best", 0.9), model("b/next", 0.8), model("c/last", 0.7)
PLAIN, ANYTHING = Task(prompt_tokens=100), Selection()
STRICT = Policy(band=0.0)
"""The order is that of the scores, whatever the load."""


class LearningScorer(CapabilityScorer):
    """Fit on paper, less a tenth for every failure; successes change nothing.

    `asked` counts the scores, `forgets` makes it say that all may have changed.
    """

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._changes: list[str] = []
        self.asked = 0
        self.forgets = False
        self.ticks: list[float] = []
        self.praised: list[Feedback] = []

    @property
    def generation(self) -> int:
        return len(self._changes)

    def changed_since(self, generation: int) -> frozenset[str] | None:
        return None if self.forgets else frozenset(self._changes[generation:])

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        self.asked += 1
        fit = super().score(agent, task, selection, model)
        lost = min(fit.score, 0.1 * self._failures.get(model.id, 0))
        terms = (*fit.terms, Term("failures", -lost))
        return Candidate(model.id, sum(term.value for term in terms), terms)

    def tick(self, now_s: float) -> None:
        self.ticks.append(now_s)

    def learn(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._failures[outcome.model_id] = self._failures.get(outcome.model_id, 0) + 1
            self._changes.append(outcome.model_id)

    def judge(self, feedback: Feedback) -> None:
        self.praised.append(feedback)


class World:
    """A fleet with its engine, and everything outside of it scripted."""

    def __init__(
        self,
        *models: Model,
        agents: Iterable[Agent] = (),
        policy: Policy = STRICT,
        clock: FakeClock | None = None,
        seed: int = 1,
        scorer: Scorer | None = None,
        exploration: Exploration | None = None,
    ) -> None:
        self.clock = clock or FakeClock()
        self.providers: dict[str, ScriptedProvider] = {}
        self.load = Load(self.clock)
        self.health = Health(self.clock, policy.breaker)
        self.ledger = MemoryLedger()
        self.tally = Tally()
        scorer = scorer or CapabilityScorer()
        self.registry = Registry(
            self.setup(*(models or (BEST, NEXT, LAST)), agents=agents, policy=policy), scorer
        )
        self.service = Service(
            self.registry,
            scorer=scorer,
            load=self.load,
            health=self.health,
            ledger=self.ledger,
            tally=self.tally,
            clock=self.clock,
            random=Random(seed),
            exploration=exploration,
        )

    def setup(
        self,
        *models: Model,
        agents: Iterable[Agent] = (),
        policy: Policy = STRICT,
        version: str = "v1",
        timeouts: Mapping[str, Timeouts] | None = None,
    ) -> Setup:
        """A configuration that keeps the providers which are there already."""
        for name in (m.provider for m in models):
            self.providers.setdefault(name, ScriptedProvider(self.clock))
        used = {m.provider: self.providers[m.provider] for m in models}
        return Setup(Fleet(agents, models, version), used, policy, timeouts or {})

    def script(self, model_id: str, *scripts: Script) -> None:
        """What the next calls of a model do."""
        provider = self.providers[model_id.partition("/")[0]]
        provider.scripts.setdefault(model_id, deque()).extend(scripts)

    def fails(self, model_id: str, error: UpstreamError, times: int = 1) -> None:
        self.script(model_id, *[refused(error)] * times)

    def ask(
        self,
        agent: str = "default",
        *,
        task: Task = PLAIN,
        selection: Selection = ANYTHING,
        session: str | None = None,
        deadline_s: float | None = None,
        stream: bool = True,
    ) -> Ask:
        known = self.registry.fleet.agents[agent]
        return Ask(
            "req_1", known, task, selection, {}, stream, session=session, deadline_s=deadline_s
        )

    async def serve(self, ask: Ask | None = None) -> Served:
        return await self.service.serve(ask or self.ask())

    async def chat(self, ask: Ask | None = None) -> Served:
        """Serve and read to the end."""
        served = await self.serve(ask)
        await read_all(served.begun)
        return served

    def calls_of(self, model_id: str) -> int:
        calls = self.providers[model_id.partition("/")[0]].calls
        return sum(call.model.id == model_id for call in calls)

    @property
    def calls(self) -> int:
        return sum(len(provider.calls) for provider in self.providers.values())

    def why_not(self, model_id: str) -> str:
        """The reason code against a model now, or ''."""
        objection = self.health.objection(self.registry.fleet.models[model_id])
        return objection.code.value if objection else ""

    def at_rest(self) -> None:
        """Nothing is held: every attempt has ended in one outcome, every lease is back."""
        assert len(self.ledger.outcomes) == self.calls
        assert self.load.total == 0
        assert self.load.snapshot() == {}
        assert self.registry.current.users == 0
        for provider in self.providers.values():
            assert all(answer.closed for answer in provider.answers)


async def read_all(begun: Begun) -> bytes:
    """Every byte of an answer; closes it whatever happens."""
    parts = []
    try:
        while (data := await begun.read()) is not None:
            parts.append(data)
    finally:
        await begun.close()
    return b"".join(parts)


def soon_after(wait_s: float) -> Any:
    """What equals a wait of so many seconds that is staggered: no shorter, and little longer."""
    more_s = max(LEAST_SPREAD_S, SPREAD * wait_s)
    return pytest.approx(wait_s + more_s / 2, abs=more_s / 2 + 1e-6)
