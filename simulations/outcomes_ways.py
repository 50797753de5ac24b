"""What do the ways to choose expect of models for prompts that nobody has answered yet?

Each learns from one part of a matrix, to which all models' answers are known, and is judged on the
rest by its whole trade between cost and accuracy (`outcomes_frontier`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from pointsman.core.task_type import inferred_type
from simulations.outcomes_data import Matrix, split
from simulations.outcomes_frontier import (
    Expected,
    Saving,
    cheapest_as_good,
    naiq,
    saving,
    swept,
)
from simulations.outcomes_tables import at_random, averages, declared, learnt, learnt_by_type, plain

FOLDS = 5
"""The learnt part is divided in so many to choose λ without looking at the rest."""


class Way(NamedTuple):
    """A way to choose: what it expects of prompts unseen, once it has learnt from those seen."""

    name: str
    expects: Callable[[Matrix, Matrix, int], Expected]


class Result(NamedTuple):
    """One way on one split: both NAIQ, the accuracy it reaches at any cost, and what it saves."""

    naiq: float
    naiq_log: float
    accuracy: float
    saved: Saving


def declared_domain(seen: Matrix, unseen: Matrix, seed: int) -> Expected:
    return declared(learnt(seen, seed), unseen)


def by_type(seen: Matrix, unseen: Matrix, seed: int) -> Expected:
    """By task types, by the kind of model that is shipped; what it does not name has none."""
    return learnt_by_type(seen, types_of(seen), seed).of(types_of(unseen))


def strange_type(seen: Matrix, unseen: Matrix, seed: int) -> Expected:
    """The same by a model that has learnt from other matrices alone."""
    return learnt_by_type(seen, seen.strange_types, seed).of(unseen.strange_types)


def plain_means(seen: Matrix, unseen: Matrix, _seed: int) -> Expected:
    return declared(plain(seen), unseen)


def single_models(seen: Matrix, unseen: Matrix, _seed: int) -> Expected:
    table = averages(seen)
    nowhere = np.zeros(len(unseen), dtype=int)
    return Expected(table.success[nowhere], table.cost_usd[nowhere])


def no_expectation(_seen: Matrix, unseen: Matrix, seed: int) -> Expected:
    return at_random(unseen, seed, unseen.models)


def knows_all(_seen: Matrix, unseen: Matrix, _seed: int) -> Expected:
    return Expected(unseen.score, unseen.cost_usd)


TYPED = "pointsman, inferred task type"
STRANGE = Way("pointsman, inferred task type, strange data", strange_type)
"""For matrices whose `strange_types` are known."""

WAYS = (
    Way("pointsman, declared domain", declared_domain),
    Way(TYPED, by_type),
    Way("plain means, declared domain", plain_means),
    Way("single models (averages)", single_models),
    Way("random", no_expectation),
    Way("oracle", knows_all),
)
"""Those that need no library for texts."""


def types_of(matrix: Matrix) -> Sequence[str | None]:
    """What is inferred of the prompts, if need be by the shipped model, which may know them."""
    return matrix.types or task_types(matrix.texts)


def task_types(texts: Sequence[str]) -> list[str | None]:
    """What pointsman's shipped model makes of the texts."""
    return [inferred_type(text).type for text in texts]


def offline(matrix: Matrix, ways: Sequence[Way], seed: int) -> Mapping[str, Result]:
    """The ways on one split."""
    learned = split(matrix.group, seed)
    seen, unseen = matrix.of(learned), matrix.of(~learned)
    best = int(seen.score.mean(axis=0).argmax())
    results = {}
    for way in ways:
        expected = way.expects(seen, unseen, seed)
        price = chosen_price(way, seen, best, seed)
        results[way.name] = Result(
            naiq(expected, unseen),
            naiq(expected, unseen, log_hull=True),
            float(swept(expected, unseen).accuracy[0]),
            saving(expected, unseen, price, best),
        )
    return results


def chosen_price(way: Way, seen: Matrix, best: int, seed: int) -> float | None:
    """The λ of least cost at which, within the learnt part, the way is as accurate as `best`.

    Each fifth is expected from the other four. None: there is no such λ.
    """
    names, group = np.unique(seen.group, return_inverse=True)
    fold = np.random.default_rng(seed).integers(FOLDS, size=len(names))[group]
    parts = [way.expects(seen.of(fold != k), seen.of(fold == k), seed) for k in range(FOLDS)]
    order = np.concatenate([np.flatnonzero(fold == k) for k in range(FOLDS)])
    together = Expected(
        np.concatenate([part.success for part in parts]),
        np.concatenate([part.cost_usd for part in parts]),
    )
    return cheapest_as_good(together, seen.of(order), float(seen.score[:, best].mean()))
