"""How long does a decision take, with everything that explains it?

Over 5 to 100 candidates that are near-equal, which is the dear case: a scorer that learns from
every outcome and publishes ten times a second, requests under way on every model, a budget for
exploration. No network, no store: the decision alone. And how long it takes to learn.

    python -m bench.choices.decide [--rounds 5] [--decisions 5000] [--per-second 1000]

Times are CPU times. Machines differ, so each is told beside that of reading a JSON document of 4 KB
in the same minute; of all rounds the best counts.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from time import thread_time_ns
from typing import NamedTuple

from bench.report import Row
from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Decision, Feedback, Outcome, Selection, Task
from pointsman.core.exploration import Exploration
from pointsman.core.fleet import Agent, Fleet, Limits, Model, Price, PriceState, Rate, Usage
from pointsman.engine.choose import Chooser
from pointsman.engine.decide import Ask, Decider
from pointsman.engine.health import Health
from pointsman.engine.load import Lease, Load
from pointsman.engine.policy import Policy
from pointsman.engine.registry import Setup, Snapshot
from pointsman.engine.sessions import Sessions

START = datetime(2026, 1, 1, tzinfo=UTC)
CANDIDATES = (5, 20, 50, 100)
UNDER_WAY = 2
"""So many calls each model carries on average."""


class Way(NamedTuple):
    """What kind of requests come: a variation of the plain case."""

    name: str
    sessions: int = 0
    limited: bool = False


WAYS = (Way("plain"), Way("in sessions", sessions=500), Way("with limits", limited=True))


class Times(NamedTuple):
    """Microseconds of one round."""

    p50_us: float
    p99_us: float
    mean_us: float


class Clock:
    """Time passes when it is told to."""

    def __init__(self) -> None:
        self.t = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.t)

    def monotonic(self) -> float:
        return self.t

    async def sleep(self, seconds: float) -> None:
        self.t += seconds


def fleet(count: int, *, limited: bool) -> Fleet:
    """Models that hardly differ, and two agents of which one weighs as it likes."""
    price = Price(PriceState.KNOWN, Rate(Decimal(1)), Rate(Decimal(3)), Rate(Decimal("0.1")))
    most = Limits(max_in_flight=100, requests_per_min=10**6) if limited else Limits()
    models = [
        Model(
            f"provider-{number % 5}/model-{number}",
            f"provider-{number % 5}",
            f"model-{number}",
            strengths={"general": 0.80 + 0.02 * number / count, "low_latency": 0.5},
            context_window=128_000,
            price=price,
            limits=most,
        )
        for number in range(count)
    ]
    return Fleet([Agent("helper", requires=("general",))], models, "cfg_bench")


class Traffic:
    """Requests that are decided one after the other; answers come while others are decided."""

    def __init__(self, count: int, way: Way, per_second: float) -> None:
        self._way = way
        self._random = Random(count)
        self._clock = Clock()
        self._pause_s = 1.0 / per_second
        self.scorer = AdaptiveScorer()
        self._load = Load(self._clock)
        self._sessions = Sessions(self._clock)
        policy = Policy()
        chooser = Chooser(
            self._load, Health(self._clock, policy.breaker), Exploration(), self._sessions
        )
        self._decider = Decider(chooser, self.scorer, self._clock, self._random)
        self._fleet = fleet(count, limited=way.limited)
        self._snapshot = Snapshot(Setup(self._fleet, {}, policy), self.scorer)
        self._agent = self._fleet.agents["helper"]
        self._under_way: deque[tuple[Decision, Lease]] = deque()

    def round(self, decisions: int) -> tuple[Times, Times]:
        """So many decisions: how long these took, and how long it took to learn from them."""
        decided, learned = [], []
        for _ in range(decisions):
            ask = self._ask()
            began = thread_time_ns()
            decision = self._decider.decision_to_act_on(ask, self._snapshot)
            decided.append(thread_time_ns() - began)
            outcome = self._ended(decision)
            began = thread_time_ns()
            self.scorer.learn(outcome)
            learned.append(thread_time_ns() - began)
        return times(decided), times(learned)

    def _ask(self) -> Ask:
        self._clock.t += self._pause_s
        session = None
        if self._way.sessions:
            session = f"session-{self._random.randrange(self._way.sessions)}"
        task = Task(type=None, prompt_tokens=1_200, stream=True)
        return Ask("req_1", self._agent, task, Selection(), {}, stream=True, session=session)

    def _ended(self, decision: Decision) -> Outcome:
        """The request is under way, and the oldest that is gets its answer."""
        model = self._fleet.models[decision.candidates[0].model_id]
        self._under_way.append((decision, self._load.lease(model, 1_500)))
        if len(self._under_way) > UNDER_WAY * len(self._fleet.models):
            decision, lease = self._under_way.popleft()
            lease.release(1_400)
        return self._outcome(decision)

    def _outcome(self, decision: Decision) -> Outcome:
        model_id, usage = decision.candidates[0].model_id, Usage(1_200, 200, cached_tokens=800)
        first_s = self._random.lognormvariate(-1.0, 0.3)
        self._load.answered(model_id, first_s, streamed=True)
        if decision.session is not None:
            self._sessions.served(decision.agent_id, decision.session, model_id, usage)
        now = self._clock.now()
        if self._random.random() < 0.05:
            good = self._random.random() < 0.8
            self.scorer.judge(Feedback(decision.id, "helper", model_id, None, now, success=good))
        return Outcome(
            decision_id=decision.id,
            attempt=1,
            model_id=model_id,
            agent_id=decision.agent_id,
            at=now,
            failure=None,
            streamed=True,
            total_s=first_s + 4.0,
            first_token_s=first_s,
            usage=usage,
        )


def times(nanoseconds: Sequence[int]) -> Times:
    """Of calls between two looks at the clock; what a look takes is left out."""
    look = min([_look_ns() for _ in range(1_000)])
    ranked = sorted([each - look for each in nanoseconds])
    p50, p99 = ranked[len(ranked) // 2], ranked[int(0.99 * len(ranked))]
    return Times(p50 / 1e3, p99 / 1e3, sum(ranked) / len(ranked) / 1e3)


def best(rounds: Sequence[Times]) -> Times:
    return Times(*[min(column) for column in zip(*rounds, strict=True)])


def document() -> str:
    """4 KB of JSON, always the same."""
    rows = [{"id": number, "name": f"row {number}", "share": number / 7} for number in range(64)]
    return json.dumps(rows)[:-1].ljust(4_095) + "]"


def baseline_us(rounds: int = 5, calls: int = 1_000) -> float:
    """How long it takes to read the document."""
    text = document()
    return best(
        [times([_took(lambda: json.loads(text)) for _ in range(calls)]) for _ in range(rounds)]
    ).p50_us


def _look_ns() -> int:
    began = thread_time_ns()
    return thread_time_ns() - began


def _took(call: Callable[[], object]) -> int:
    began = thread_time_ns()
    call()
    return thread_time_ns() - began


def measured(
    count: int, way: Way, *, rounds: int, decisions: int, per_second: float
) -> tuple[Times, Times]:
    """The best of some rounds: of deciding and of learning."""
    traffic = Traffic(count, way, per_second)
    traffic.round(decisions)
    gc.collect()
    gc.freeze()
    both = [traffic.round(decisions) for _ in range(rounds)]
    gc.unfreeze()
    return best([decided for decided, _ in both]), best([learned for _, learned in both])


def rows(*, rounds: int = 5, decisions: int = 3_000) -> Iterator[Row]:
    """What is promised of decisions, for `make bench`."""
    unit_us = baseline_us()

    def row(name: str, value_us: float, at_most_us: float) -> Row:
        return Row(name, value_us, "µs", at_most_us, f"{value_us / unit_us:.2f} × 4 KB of JSON")

    at = {
        count: measured(count, WAYS[0], rounds=rounds, decisions=decisions, per_second=1_000.0)
        for count in (20, 50)
    }
    yield row("a decision among 20, p50", at[20][0].p50_us, 15)
    yield row("a decision among 50, p99", at[50][0].p99_us, 500)
    yield row("learning from an outcome, mean", at[20][1].mean_us, 5)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--decisions", type=int, default=5_000, help="in each round")
    parser.add_argument("--per-second", type=float, default=1_000.0)
    given = parser.parse_args()
    unit_us = baseline_us()
    print(f"reading 4 KB of JSON: {unit_us:.1f} µs (1 ×)\n")
    heads = ("candidates", "p50 µs", "×", "p99 µs", "×", "mean µs", "learn µs", "p99 µs")
    print(f"{'':14}" + "".join(f"{head:>12}" for head in heads))
    for way in WAYS:
        for count in CANDIDATES:
            decided, learned = measured(
                count,
                way,
                rounds=given.rounds,
                decisions=given.decisions,
                per_second=given.per_second,
            )
            p50, p99, mean = decided
            cells = [p50, p50 / unit_us, p99, p99 / unit_us, mean, learned.mean_us, learned.p99_us]
            print(f"{way.name:14}{count:>12}" + "".join(f"{cell:>12.2f}" for cell in cells))


if __name__ == "__main__":
    main()
