"""The router itself as a policy: its own decider, with its scorers, trials and load.

What else the engine does around a decision is left out: no circuit breaker, no second attempt, no
sessions. So what is seen here is what learning alone does.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from pointsman.core.adaptive import AdaptivePolicy, AdaptiveScorer
from pointsman.core.admission import BreakerPolicy
from pointsman.core.classic import ClassicScorer
from pointsman.core.decision import Feedback, Outcome, Selection, Task
from pointsman.core.errors import FailureKind
from pointsman.core.exploration import Exploration, ExplorationPolicy
from pointsman.core.fleet import Agent, Fleet, Model, Price, PriceState, Rate, Usage
from pointsman.engine.choose import Chooser
from pointsman.engine.decide import Ask, Decider
from pointsman.engine.health import Health
from pointsman.engine.load import Lease, Load
from pointsman.engine.registry import Registry, Setup
from simulations.fleet_world import Request, Result
from simulations.scenarios import Arm, Scenario

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
USAGE = Usage(500, 200)


class SimulatedClock:
    """Shows the time of the request, or of the answer, that is being looked at."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.at_s)

    def monotonic(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        self.at_s += seconds


class Router:
    """Decides as the engine does, and is told how it went as the engine is."""

    def __init__(
        self,
        name: str,
        scenario: Scenario,
        seed: int,
        scorer: AdaptiveScorer | ClassicScorer,
        trials: ExplorationPolicy | None,
    ) -> None:
        self.name = name
        self.explored = 0
        self._scorer = scorer
        self._clock = SimulatedClock()
        self._load = Load(self._clock)
        models = [_model(place, arm) for place, arm in enumerate(scenario.arms)]
        self._agents = [_agent(number, scenario) for number in range(scenario.agents)]
        fleet = Fleet(self._agents, models, "simulated")
        self._models = list(fleet.models.values())
        self._snapshot = Registry(Setup(fleet, {}), scorer).current
        exploration = None if trials is None else Exploration(trials)
        chooser = Chooser(self._load, Health(self._clock, BreakerPolicy()), exploration)
        self._decider = Decider(chooser, scorer, self._clock, Random(f"{name} {seed}"))
        self._tasks = [Task(type=f"type {kind}", stream=True) for kind in range(scenario.types)]
        self._selection = Selection(weights=scenario.weights)
        self._leases: dict[int, Lease] = {}

    def choose(self, request: Request) -> int:
        """The place of the model that is tried first."""
        self._clock.at_s = request.at
        ask = Ask(
            f"req_{request.number}",
            self._agents[request.agent],
            self._tasks[request.kind],
            self._selection,
            {},
            stream=True,
        )
        decision = self._decider.decision_to_act_on(ask, self._snapshot)
        self.explored += decision.explored
        place = int(decision.candidates[0].model_id.rpartition("/")[2])
        self._leases[request.number] = self._load.lease(self._models[place])
        return place

    def learn(self, result: Result) -> None:
        """What the engine reports, and what people say."""
        request, model = result.request, self._models[result.place]
        self._clock.at_s = request.at + result.latency_s
        self._leases.pop(request.number).release()
        seen = self._load.answered if result.complete else self._load.waited
        seen(model.id, result.latency_s, streamed=True)
        agent_id, now = self._agents[request.agent].id, self._clock.now()
        failure = None if result.complete else FailureKind.SERVER_ERROR
        first_s = result.latency_s if result.complete else None
        usage = USAGE if result.complete else None
        ending = (now, failure, True, result.latency_s, first_s, usage)
        self._scorer.learn(Outcome("dec", 1, model.id, agent_id, *ending))
        if result.judged is not None:
            kind = self._tasks[request.kind].type
            said = Feedback("dec", agent_id, model.id, kind, now, success=result.judged)
            self._scorer.judge(said)


def _agent(number: int, scenario: Scenario) -> Agent:
    return Agent(f"agent {number}", requires=("skill",), latency_budget_s=scenario.budget_s)


def _model(place: int, arm: Arm) -> Model:
    # A request of USAGE costs `arm.usd`: all of it per request would hide token counts.
    per_mtok = Decimal(arm.usd) * 1_000_000 / (USAGE.prompt_tokens + USAGE.completion_tokens)
    return Model(
        f"p/{place}",
        "p",
        str(place),
        strengths={"skill": arm.fit},
        context_window=128_000,
        price=Price(PriceState.KNOWN, Rate(per_mtok), Rate(per_mtok)),
    )


def ours(
    scenario: Scenario,
    seed: int,
    policy: AdaptivePolicy | None = None,
    trials: ExplorationPolicy | None = None,
) -> Router:
    """The default profile, with trials."""
    scorer = AdaptiveScorer(policy or AdaptivePolicy())
    return Router("pointsman", scenario, seed, scorer, trials or ExplorationPolicy())


def classic(scenario: Scenario, seed: int) -> Router:
    """The profile `classic`, which has no trials."""
    return Router("classic", scenario, seed, ClassicScorer(), None)
