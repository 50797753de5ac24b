"""What does pointsman expect of each model, having seen the outcomes of a matrix?

The outcomes are fed to the real scorer, agents being domains; its estimates are read back. Texts
come in only where the domain is inferred: by the probability of each domain, the expectations of
all domains are mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.adaptive_policy import DEFAULT_POLICY, AdaptivePolicy
from pointsman.core.decision import Feedback, Outcome, Selection, Task
from pointsman.core.fleet import (
    TASK_CAPABILITIES,
    Agent,
    Model,
    Price,
    PriceState,
    Rate,
    Usage,
    Weights,
)
from simulations.outcomes_data import Floats, Matrix
from simulations.outcomes_frontier import Expected

START = datetime(2025, 1, 1, tzinfo=UTC)
QUALITY_ONLY = Selection(weights=Weights(quality=1.0, latency=0.0, cost=0.0))
ANSWER_S = 1.0
"""How long every answer takes: the matrices say nothing of times."""

MIDDLING = {name: 0.5 for names in TASK_CAPABILITIES.values() for name in names}
"""What is declared of every model: that it can do everything, and nothing well."""


class ByType(NamedTuple):
    """What is expected for each of these types: a row each."""

    types: Sequence[str | None]
    table: Expected

    def of(self, types: Sequence[str | None]) -> Expected:
        """What is expected for each of these prompts; of a type never seen, as of none."""
        places = {kind: place for place, kind in enumerate(self.types)}
        rows = [places.get(kind, places[None]) for kind in types]
        return Expected(self.table.success[rows], self.table.cost_usd[rows])


class Desk:
    """The real scorer with the models of a matrix, and one agent per domain.

    All is declared alike of all models, but their prices, so what tells them apart was learned.
    """

    def __init__(self, matrix: Matrix, policy: AdaptivePolicy = DEFAULT_POLICY) -> None:
        self.scorer = AdaptiveScorer(policy)
        self.models = [_model(name, *matrix.prices[name]) for name in matrix.models]
        self.agents = [Agent(domain) for domain in matrix.domains]
        self._at = START

    def now(self) -> datetime:
        return self._at

    def pass_time(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)
        self.scorer.tick(self._at.timestamp())

    def learn(self, matrix: Matrix, row: int, place: int, task_type: str | None = None) -> None:
        """The model at `place` has answered the prompt at `row`."""
        tokens = matrix.prompt_tokens[row, place], matrix.answer_tokens[row, place]
        self.scorer.learn(
            Outcome(
                decision_id=str(row),
                attempt=1,
                model_id=self.models[place].id,
                agent_id=self.agents[matrix.domain[row]].id,
                at=self._at,
                failure=None,
                streamed=False,
                total_s=ANSWER_S,
                usage=Usage(round(tokens[0]), round(tokens[1])),
                task_type=task_type,
            )
        )

    def judge(self, matrix: Matrix, row: int, place: int, task_type: str | None = None) -> None:
        """Somebody has judged that answer."""
        agent, model = self.agents[matrix.domain[row]], self.models[place]
        right = bool(matrix.score[row, place])
        self.scorer.judge(
            Feedback(str(row), agent.id, model.id, task_type, self._at, success=right)
        )

    def expectations(self, types: Sequence[str | None] = (None,)) -> Expected:
        """Per domain and model, or per domain, inferred type and model."""
        found = [
            [
                self.scorer.score(agent, inferred_task(kind), QUALITY_ONLY, model).estimate
                for model in self.models
            ]
            for agent in self.agents
            for kind in types
        ]
        success = [[each.success if each else 0.0 for each in row] for row in found]
        cost = [[(each and each.cost_usd) or 0.0 for each in row] for row in found]
        return Expected(np.array(success), np.array(cost))


def inferred_task(inferred: str | None) -> Task:
    """Such a request, where nobody says its type."""
    return Task(inferred, type_probability=None if inferred is None else 1.0)


def _model(name: str, usd_in: float, usd_out: float) -> Model:
    price = Price(PriceState.KNOWN, Rate(Decimal(str(usd_in))), Rate(Decimal(str(usd_out))))
    return Model(f"matrix/{name}", "matrix", name, strengths=MIDDLING, price=price)


def learnt(matrix: Matrix, seed: int, policy: AdaptivePolicy = DEFAULT_POLICY) -> Expected:
    """What the scorer expects, per domain and model, when all models have answered all prompts."""
    desk = Desk(matrix, policy)
    for row in np.random.default_rng(seed).permutation(len(matrix)):
        desk.pass_time(1.0)
        for place in range(len(matrix.models)):
            desk.learn(matrix, row, place)
            desk.judge(matrix, row, place)
    desk.pass_time(10.0)
    return desk.expectations()


def learnt_by_type(matrix: Matrix, types: Sequence[str | None], seed: int) -> ByType:
    """The same where nothing is declared, and a type is inferred of each prompt."""
    undeclared = matrix.undeclared()
    desk = Desk(undeclared)
    for row in np.random.default_rng(seed).permutation(len(matrix)):
        desk.pass_time(1.0)
        for place in range(len(matrix.models)):
            desk.learn(undeclared, row, place, types[row])
            desk.judge(undeclared, row, place, types[row])
    desk.pass_time(10.0)
    kinds = tuple(dict.fromkeys((None, *types)))
    return ByType(kinds, desk.expectations(kinds))


def plain(matrix: Matrix, weight: float = 20.0) -> Expected:
    """The same from plain counts: means per domain, shrunk to those of the model."""
    success = np.empty((len(matrix.domains), len(matrix.models)))
    cost = np.empty_like(success)
    for place in range(len(matrix.domains)):
        mine = matrix.of(matrix.domain == place)
        for table, values, whole in (
            (success, mine.score, matrix.score),
            (cost, mine.cost_usd, matrix.cost_usd),
        ):
            total = values.sum(axis=0) + weight * whole.mean(axis=0)
            table[place] = total / (len(mine) + weight)
    return Expected(success, cost)


def averages(matrix: Matrix) -> Expected:
    """One row: what every model has done on the whole."""
    return Expected(matrix.score.mean(axis=0)[None], matrix.cost_usd.mean(axis=0)[None])


def declared(table: Expected, unseen: Matrix) -> Expected:
    """For every prompt, what is expected in its declared domain."""
    return Expected(table.success[unseen.domain], table.cost_usd[unseen.domain])


def mixed(table: Expected, probabilities: Floats) -> Expected:
    """For every prompt, what is expected over its probable domains."""
    return Expected(probabilities @ table.success, probabilities @ table.cost_usd)


def likeliest(table: Expected, probabilities: Floats) -> Expected:
    """For every prompt, what is expected in its likeliest domain."""
    first = probabilities.argmax(axis=1)
    return Expected(table.success[first], table.cost_usd[first])


def at_random(unseen: Matrix, seed: int, models: Sequence[str]) -> Expected:
    """No expectation at all: each prompt prefers another model for no reason."""
    draws = np.random.default_rng(seed).random((len(unseen), len(models)))
    return Expected(draws, np.broadcast_to(unseen.cost_usd.mean(axis=0), draws.shape))
