"""How fast does pointsman find the good models when only the chosen one answers?

A matrix is streamed once, in a random order: for each prompt its agent (the domain) asks, the
engine decides as it does for a request, the outcome of the chosen model and a judgement of it are
learned. Before that, all models answer a few prompts (calibration). Only quality counts.

The measure is the share of the way from choosing at random to the best single model in hindsight,
over the same prompts: 0 is random, 1 is as good as knowing beforehand which model is best, more
than 1 is better than any single model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import NamedTuple

import numpy as np

from pointsman.core.adaptive_policy import DEFAULT_POLICY, AdaptivePolicy
from pointsman.core.exploration import Exploration, ExplorationPolicy
from pointsman.core.fleet import Fleet
from pointsman.engine.choose import Chooser
from pointsman.engine.decide import Ask, Decider
from pointsman.engine.health import Health
from pointsman.engine.load import Load
from pointsman.engine.policy import Policy
from pointsman.engine.registry import Setup, Snapshot
from simulations.outcomes_data import Floats, Ints, Matrix
from simulations.outcomes_tables import QUALITY_ONLY, START, Desk, inferred_task

CALIBRATION = 100
"""So many prompts are answered by all models first."""

BETWEEN_S = 1.0
"""So much time passes from one request to the next."""


class Setting(NamedTuple):
    """What is varied: how choices are made, and what is known.

    `calibration` prompts are answered by all models first. Of the other answers a share of `judged`
    is judged, each when `late` more prompts have come. `explore` is the share of prompts that may
    be spent on learning. `declared` False: all prompts come from one agent that declares nothing.
    """

    calibration: int = CALIBRATION
    judged: float = 1.0
    late: int = 0
    explore: float = ExplorationPolicy().share
    declared: bool = True
    policy: AdaptivePolicy = DEFAULT_POLICY


class Run(NamedTuple):
    """What came of one order: the share of the way, and the share of prompts spent on learning."""

    share: float
    explored: float = 0.0


class DeskClock:
    """The time at a desk. Nobody sleeps there: one request ends before the next one comes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def now(self) -> datetime:
        return self._desk.now()

    def monotonic(self) -> float:
        return (self._desk.now() - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self._desk.pass_time(seconds)


class Stream:
    """One run over one order of a matrix."""

    def __init__(self, matrix: Matrix, seed: int, setting: Setting) -> None:
        self._before, self._after = ordered(matrix, seed, setting.calibration)
        draws = np.random.default_rng([seed, 1])
        self._is_judged = draws.random(len(matrix)) < setting.judged
        self._late = setting.late
        self._matrix = matrix if setting.declared else matrix.undeclared()
        self._desk = desk = Desk(self._matrix, setting.policy)
        clock, policy = DeskClock(desk), Policy()
        chooser = Chooser(
            Load(clock),
            Health(clock, policy.breaker),
            Exploration(ExplorationPolicy(share=setting.explore)),
        )
        self._decider = Decider(chooser, desk.scorer, clock, Random(seed))
        fleet = Fleet(desk.agents, desk.models, "matrix")
        self._snapshot = Snapshot(Setup(fleet, {}, policy), desk.scorer)
        self._places = {model.id: place for place, model in enumerate(desk.models)}
        self._explored = 0

    def run(self, types: Sequence[str | None] | None = None) -> Run:
        """Choose for all prompts; `types` are what is inferred of each row of the matrix."""
        desk, score, after = self._desk, self._matrix.score, self._after
        kinds = types or [None] * len(self._matrix)
        for row in self._before:
            desk.pass_time(BETWEEN_S)
            for place in range(len(self._places)):
                desk.judge(self._matrix, row, place, kinds[row])
        right, waiting = 0.0, deque[tuple[int, int]]()
        for row in after:
            desk.pass_time(BETWEEN_S)
            place = self._chosen(int(row), kinds[row])
            right += score[row, place]
            desk.learn(self._matrix, row, place, kinds[row])
            if self._is_judged[row]:
                waiting.append((row, place))
            if len(waiting) > self._late:
                old, chosen = waiting.popleft()
                desk.judge(self._matrix, old, chosen, kinds[old])
        share = share_of_the_way(right / len(after), score[after])
        return Run(share, self._explored / len(after))

    def _chosen(self, row: int, kind: str | None) -> int:
        ask = Ask(
            request_id=str(row),
            agent=self._desk.agents[self._matrix.domain[row]],
            task=inferred_task(kind),
            selection=QUALITY_ONLY,
            fields={},
            stream=False,
        )
        decision = self._decider.decision_to_act_on(ask, self._snapshot)
        self._explored += decision.explored
        return self._places[decision.candidates[0].model_id]


def ordered(matrix: Matrix, seed: int, calibration: int) -> tuple[Ints, Ints]:
    """The rows of the matrix in the order of this seed: for calibration, and afterwards."""
    order = np.random.default_rng(seed).permutation(len(matrix))
    return order[:calibration], order[calibration:]


def share_of_the_way(accuracy: float, score: Floats) -> float:
    """How far `accuracy` is from that of random choice (0) to that of the best model (1)."""
    chance, best = score.mean(), score.mean(axis=0).max()
    return float((accuracy - chance) / (best - chance))
