"""How long do the parts of a decision take, and how much do they keep, beside what was asked?

The parts are those that serve, in this process: the simulated fleet, its agents, a decision and an
answer for each request. Times are of the processor, so that what else the machine does counts
little.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from time import thread_time_ns
from typing import NamedTuple

from pointsman.adapters.providers.simulated.personas import AGENTS, FLEET
from pointsman.app.loadtest.validation.checks import Measure
from pointsman.app.loadtest.validation.stand import stand
from pointsman.app.loadtest.validation.thousand import routes_per_s
from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import AlertLog, Now
from pointsman.core.alert_rules import lines
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Decision, Outcome, Selection, Task
from pointsman.core.errors import FailureKind
from pointsman.core.exploration import Exploration
from pointsman.core.fleet import Agent, Fleet, Usage
from pointsman.core.ring import DecisionRing, chosen_of
from pointsman.core.stats import Statistics
from pointsman.engine.choose import Chooser
from pointsman.engine.decide import Ask, Decider
from pointsman.engine.health import Health
from pointsman.engine.load import Load
from pointsman.engine.policy import Policy
from pointsman.engine.ports import Scorer
from pointsman.engine.registry import Setup, Snapshot
from pointsman.engine.sessions import Sessions
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.tally import Tally
from pointsman.engine.timeline import Timeline

TIMES = 3_000
SHORT_TIMES = 600
DECISIONS = 1_000
"""For which the source says how much memory they may take."""

BETWEEN_S = 0.06
"""A thousand a minute."""

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SELECTION = Selection()
_TASK = Task(prompt_tokens=1_200)


class Clock:
    """Time passes when it is told to."""

    def __init__(self) -> None:
        self.t = 0.0

    def now(self) -> datetime:
        return _START + timedelta(seconds=self.t)

    def monotonic(self) -> float:
        return self.t

    async def sleep(self, seconds: float) -> None:
        self.t += seconds


class Parts:
    """What decides and what learns, put together as the gateway does."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.random = Random(1)  # noqa: S311 - a simulation, nothing secret
        self.fleet = Fleet(AGENTS, [persona.model for persona in FLEET], "cfg_validate")
        self.agents: Sequence[Agent] = [self.fleet.agents[agent.id] for agent in AGENTS]
        self.scorer = AdaptiveScorer()
        policy = Policy()
        chooser = Chooser(
            Load(self.clock),
            Health(self.clock, policy.breaker),
            Exploration(),
            Sessions(self.clock),
        )
        self._decider = Decider(chooser, self.scorer, self.clock, self.random)
        self._snapshot = Snapshot(Setup(self.fleet, {}, policy), self.scorer)

    def decision(self) -> Decision:
        """The next request is decided, of each agent in turn at random."""
        self.clock.t += BETWEEN_S
        agent = self.random.choice(self.agents)
        ask = Ask("req_1", agent, _TASK, _SELECTION, {}, stream=False)
        return self._decider.decision_to_act_on(ask, self._snapshot)

    def outcome(self, decision: Decision) -> Outcome:
        """Its answer; three in a hundred fail."""
        failed = self.random.random() < 0.03
        return Outcome(
            decision_id=decision.id,
            attempt=1,
            model_id=decision.candidates[0].model_id,
            agent_id=decision.agent_id,
            at=self.clock.now(),
            failure=FailureKind.SERVER_ERROR if failed else None,
            streamed=False,
            total_s=self.random.lognormvariate(0.0, 0.4),
            first_token_s=None,
            usage=Usage(1_200, 200),
            cost_usd=Decimal("0.00123"),
        )


def measures(alerts_per_min: float | None, *, short: bool = False) -> list[Measure]:
    """The whole table. `alerts_per_min` is what the storm reached; None: it was not run."""
    times = SHORT_TIMES if short else TIMES
    found = [*_times(times), *_memory(), *_served()]
    if alerts_per_min is not None:
        how = "of the storm of scenario 3"
        found.append(Measure("alerts", 10, alerts_per_min, "per minute", at_least=True, how=how))
    return found


def _times(times: int) -> Iterator[Measure]:
    parts = Parts()
    statistics, tally = LiveStatistics(parts.clock), Tally()
    decided, recorded, fit, learned = [], [], [], []
    for number in range(times):
        made: list[Decision] = []
        decided.append(_ms(lambda made=made: made.append(parts.decision())))  # type: ignore[misc]
        outcome = parts.outcome(made[0])
        recorded.append(_ms(_recording(statistics, tally, made[0], outcome)))
        parts.scorer.learn(outcome)
        fit.append(_ms(_scoring(CapabilityScorer(), parts, number)))
        learned.append(_ms(_scoring(parts.scorer, parts, number)))
    among = f"among {len(parts.fleet.models)} models, p99 of {times:,}"
    of_all = f"of all {len(parts.fleet.models)} models, p99 of {times:,}"
    yield Measure("routing decision", 100, _p99(decided), "ms", how=among)
    yield Measure("capability scoring", 20, _p99(fit), "ms", how=of_all)
    yield Measure("adaptive scoring", 30, _p99(learned), "ms", how=of_all)
    yield Measure("metrics recording", 10, _p99(recorded), "ms", how=f"p99 of {times:,}")
    per_s = 1000 * len(recorded) / sum(recorded)
    yield Measure("metric updates", 100, per_s, "per second", at_least=True, how="on one core")


def _scoring(scorer: Scorer, parts: Parts, number: int) -> Callable[[], object]:
    """All models for one agent, by what has been learned until now; nothing is remembered of it.

    A scorer remembers scores until it learns something, so each task is another one.
    """
    agent, models = parts.agents[number % len(parts.agents)], list(parts.fleet.models.values())
    task = _TASK._replace(prompt_tokens=1_000 + number)

    def score() -> None:
        scorer.tick(parts.clock.t)
        for model in models:
            scorer.score(agent, task, _SELECTION, model)

    return score


def _recording(
    statistics: LiveStatistics, tally: Tally, decision: Decision, outcome: Outcome
) -> Callable[[], object]:
    def record() -> None:
        tally.decided(decision)
        statistics.decided(decision)
        tally.learn(outcome)
        statistics.ended(outcome)
        statistics.answered(0.0005)

    return record


def _ms(work: Callable[[], object]) -> float:
    began = thread_time_ns()
    work()
    return (thread_time_ns() - began) / 1e6


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


class _Kept(NamedTuple):
    """KB of memory."""

    tracker: float
    course: float
    scorer: float
    alerts: float


def _memory() -> Iterator[Measure]:
    kept = _kept()
    thousand = f"after {DECISIONS:,} decisions and their outcomes"
    yield Measure("memory of the tracker", 200, kept.tracker, "KB", how=thousand)
    yield Measure("memory of alerts", 100, kept.alerts, "KB", how="while every model fails")
    yield Measure("memory of the scorer", 50, kept.scorer, "KB", how=thousand)
    how = "these three, and the course that the dashboard draws"
    yield Measure("memory of all of it", 500, sum(kept), "KB", how=how)


def _kept() -> _Kept:
    """What each part holds on to, as Python's allocator counts it."""
    parts = Parts()
    news = [(made := parts.decision(), parts.outcome(made)) for _ in range(DECISIONS)]
    gc.collect()
    tracemalloc.start()
    try:
        return _Kept(
            tracker=_grown(lambda: _tracker(parts, news)),
            course=_grown(lambda: _course(parts, news)),
            scorer=_grown(lambda: _scorer(news)),
            alerts=_grown(lambda: _alerts(parts, news)),
        )
    finally:
        tracemalloc.stop()


News = Sequence[tuple[Decision, Outcome]]


def _tracker(parts: Parts, news: News) -> object:
    """The statistics of the last hour by model, by agent and by both, and all counters."""
    statistics, tally = Statistics(), Tally()
    for decision, outcome in news:
        tally.decided(decision)
        tally.learn(outcome)
        statistics.record(outcome)
    statistics.fold(parts.clock.now().timestamp())
    return statistics, tally


def _course(parts: Parts, news: News) -> object:
    """The last minutes step by step, counted once a second, and who was chosen last."""
    timeline, ring = Timeline(parts.clock), DecisionRing()
    for decision, outcome in news:
        ring.add(chosen_of(decision))
        timeline.ended(outcome)
    asyncio.run(timeline.turn())
    return timeline, ring


def _scorer(news: News) -> object:
    scorer = AdaptiveScorer()
    for _, outcome in news:
        scorer.learn(outcome)
        scorer.tick(outcome.at.timestamp())
    return scorer


def _alerts(parts: Parts, news: News) -> object:
    """Every rule as shipped, and an alert of each model and agent."""
    rules = list(DEFAULT_RULES.values())
    judgement = Judgement(rules, AlertLog(), Counts(*lines(rules)))
    failed = [outcome._replace(failure=FailureKind.SERVER_ERROR) for _, outcome in news]
    now = Now(parts.clock.t, parts.clock.now())
    judgement.counts.fold(now.s, failed)
    judgement.look(now, {})
    return judgement


def _grown(make: Callable[[], object]) -> float:
    """KB that what is made takes, with all that only it holds on to."""
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    made = make()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    del made
    return (after - before) / 1024


def _served() -> Iterator[Measure]:
    """What a gateway says: by the clock on the wall, so other work on the machine counts."""
    with stand(alerts={"interval_s": 1}) as place:
        per_s = routes_per_s(place)
        looks = place.metric("pointsman_alert_looks_total") or 1.0
        looking_s = place.metric("pointsman_alert_looking_seconds_total") or 0.0
    yield Measure("routed and answered", 50, per_s, "per second", at_least=True, how="by a gateway")
    how = f"mean of {looks:.0f} looks of a gateway under load"
    yield Measure("alert check", 50, 1000 * looking_s / looks, "ms", how=how)
