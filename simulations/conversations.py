"""Does it pay that conversations stay where their prompt is cached?

Many conversations at once, whose prompts grow with every turn. What a model has read of one in its
last turn it has in its cache: cheaper, and not read again. Meanwhile models get better and worse.
Three ways to place a turn are compared: each by itself; by the name of the conversation, among the
near-best; and as pointsman does, where what is cached is weighed against what another model would
do better. All that decides is the engine's own.

    python -m simulations.conversations [--seeds 10] [--turns 6000]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from statistics import mean, stdev
from typing import NamedTuple

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Decision, Feedback, Outcome, Selection, Task
from pointsman.core.exploration import Exploration
from pointsman.core.fleet import Agent, Fleet, Model, Price, PriceState, Rate, Usage
from pointsman.core.stickiness import CACHE_LIFE_S, READ_S_PER_TOKEN
from pointsman.core.utility import cheapness, speed, weights_of
from pointsman.engine.choose import Chooser
from pointsman.engine.decide import Ask, Decider
from pointsman.engine.health import Health
from pointsman.engine.load import Load
from pointsman.engine.policy import Policy
from pointsman.engine.registry import Setup, Snapshot
from pointsman.engine.sessions import Sessions

START = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 40
"""So many conversations are held at a time; a new one begins when one ends."""

BETWEEN_S = 0.5
FIRST_PROMPT, PER_TURN, ANSWER = 4_000, 1_500, 400
LONGEST = 20
CHANGES_EVERY = 400
JUDGED = 0.3
BUDGET_S = 1.0

AGENT = Agent("helper", requires=("general",), latency_budget_s=BUDGET_S)
ANYTHING = Selection()

BY_ITSELF, BY_NAME, SHIPPED = "each turn by itself", "by name alone", "as shipped"
WAYS = (BY_ITSELF, BY_NAME, SHIPPED)


@dataclass
class Truth:
    """What is true of a model now: how often its answers are good, and its time to the first."""

    quality: float
    first_s: float


class Turn(NamedTuple):
    """What came of one turn. `moved` is whether another model served the one before."""

    worth: float
    usd: float
    first_s: float
    moved: bool


@dataclass
class Talk:
    """A conversation: its name, how many turns are left, and where its last one was cached."""

    name: str
    left: int
    prompt_tokens: int = FIRST_PROMPT
    model_id: str | None = None
    cached_tokens: int = 0
    at_s: float = 0.0


def model(place: int, input_usd: str, output_usd: str) -> Model:
    """A cached token costs a tenth, as with most providers."""
    rate = Rate(Decimal(input_usd))
    price = Price(PriceState.KNOWN, rate, Rate(Decimal(output_usd)), Rate(Decimal(input_usd) / 10))
    return Model(
        f"p/{place}",
        "p",
        str(place),
        strengths={"general": 0.8},
        context_window=200_000,
        price=price,
    )


MODELS = (
    model(0, "0.5", "2"),
    model(1, "0.6", "2.4"),
    model(2, "0.8", "3"),
    model(3, "1", "4"),
    model(4, "2", "8"),
)


class Table:
    """Conversations with a fleet that changes, placed in one way."""

    def __init__(self, way: str, seed: int) -> None:
        self._way = way
        # What happens to models and who speaks next is the same in every way; luck is not.
        self._world, self._luck = Random(f"world {seed}"), Random(f"luck {seed}")
        self._now_s = 0.0
        self._scorer = AdaptiveScorer()
        self._sessions = Sessions(self)
        load, policy = Load(self), Policy()
        known = self._sessions if way == SHIPPED else None
        chooser = Chooser(load, Health(self, policy.breaker), Exploration(), known)
        self._decider = Decider(chooser, self._scorer, self, Random(seed))
        self._snapshot = Snapshot(Setup(Fleet([AGENT], MODELS, "v1"), {}, policy), self._scorer)
        self._truths = {each.id: self._drawn() for each in MODELS}
        self._talks = [self._begun(number) for number in range(AT_ONCE)]
        self._begun_so_far = AT_ONCE

    def now(self) -> datetime:
        return START + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        self._now_s += seconds

    def turns(self, count: int) -> list[Turn]:
        """So many turns of conversations drawn at random."""
        made = []
        for number in range(count):
            self._now_s += BETWEEN_S
            if number % CHANGES_EVERY == CHANGES_EVERY - 1:
                self._truths[self._world.choice(MODELS).id] = self._drawn()
            place = self._world.randrange(AT_ONCE)
            made.append(self._turn(self._talks[place]))
            if not self._talks[place].left:
                self._talks[place] = self._begun(self._begun_so_far)
                self._begun_so_far += 1
        return made

    def _drawn(self) -> Truth:
        return Truth(self._world.uniform(0.6, 0.95), self._world.uniform(0.2, 1.0))

    def _begun(self, number: int) -> Talk:
        return Talk(f"talk {number}", self._world.randint(2, LONGEST))

    def _turn(self, talk: Talk) -> Turn:
        session = None if self._way == BY_ITSELF else talk.name
        task = Task(prompt_tokens=talk.prompt_tokens, stream=True)
        ask = Ask("r", AGENT, task, ANYTHING, {}, stream=True, session=session)
        decision = self._decider.decision_to_act_on(ask, self._snapshot)
        served = self._snapshot.setup.fleet.models[decision.candidates[0].model_id]
        warm = talk.model_id == served.id and self._now_s - talk.at_s < CACHE_LIFE_S
        cached = talk.cached_tokens if warm else 0
        usage = Usage(talk.prompt_tokens, ANSWER, cached_tokens=cached)
        first_s = self._first_s(served, talk.prompt_tokens - cached)
        self._teach(decision, usage, first_s)
        usd = float(served.price.cost_usd(usage) or 0)
        moved = talk.model_id not in (None, served.id)
        talk.model_id, talk.cached_tokens, talk.at_s = served.id, talk.prompt_tokens, self._now_s
        talk.prompt_tokens += PER_TURN
        talk.left -= 1
        weights = weights_of(AGENT, ANYTHING)
        worth = weights.quality * self._truths[served.id].quality
        worth += weights.latency * speed(first_s, BUDGET_S) + weights.cost * cheapness(usd)
        return Turn(worth, usd, first_s, moved)

    def _first_s(self, served: Model, read_tokens: int) -> float:
        usual_s = self._truths[served.id].first_s * self._luck.lognormvariate(0.0, 0.2)
        return usual_s + READ_S_PER_TOKEN * read_tokens

    def _teach(self, decision: Decision, usage: Usage, first_s: float) -> None:
        model_id, at = decision.candidates[0].model_id, self.now()
        self._scorer.learn(
            Outcome(
                decision.id, 1, model_id, AGENT.id, at, None, True, first_s + 4.0, first_s, usage
            )
        )
        if decision.session is not None:
            self._sessions.served(AGENT.id, decision.session, model_id, usage)
        good = self._luck.random() < self._truths[model_id].quality
        if self._luck.random() < JUDGED:
            self._scorer.judge(Feedback(decision.id, AGENT.id, model_id, None, at, success=good))


def line(way: str, runs: Sequence[Sequence[Turn]]) -> str:
    """Means over seeds, and how far the worth of seeds is apart."""
    worths = [1000.0 * mean(turn.worth for turn in run) for run in runs]
    usd = mean(1000.0 * mean(turn.usd for turn in run) for run in runs)
    first_s = mean(mean(turn.first_s for turn in run) for run in runs)
    moves = mean(mean(turn.moved for turn in run) for run in runs)
    apart = stdev(worths) if len(worths) > 1 else 0.0
    return (
        f"{way:22}{mean(worths):>10.1f} ± {apart:<6.1f}{usd:>14.2f}{first_s:>12.3f}{moves:>10.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--turns", type=int, default=6_000)
    given = parser.parse_args()
    heads = f"{'worth of 1,000':>19}{'USD of 1,000':>14}{'first, s':>12}{'moved':>10}"
    print(f"{'':22}{heads}")
    for way in WAYS:
        runs = [Table(way, seed).turns(given.turns) for seed in range(given.seeds)]
        print(line(way, runs), flush=True)


if __name__ == "__main__":
    main()
