"""How good is a way to choose models, over all that one may want to pay?

A way to choose is judged by its whole trade between cost and accuracy: expected success − λ ×
expected cost is made largest for every prompt, over a grid of λ. AIQ is the mean height of the
non-decreasing upper hull of these points over the logarithm of the cost, between the mean costs of
the cheapest model and of the best single one. NAIQ is 0 for the hull of single models and 1 for an
oracle that knows every answer beforehand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulations.outcomes_data import Floats, Ints, Matrix

LAMBDAS: Floats = np.concatenate([[0.0], np.geomspace(1e-2, 1e7, 181)])
"""Successes per US dollar, from "whatever it costs" to "the cheapest"."""

GRID = 2001
"""At so many costs the height of a hull is measured."""


class Expected(NamedTuple):
    """What a way to choose expects: per prompt and model, the success in [0, 1] and US dollars."""

    success: Floats
    cost_usd: Floats


class Points(NamedTuple):
    """Mean cost in US dollars and mean accuracy, one per λ or per model."""

    cost_usd: Floats
    accuracy: Floats


class Saving(NamedTuple):
    """Against the best single model of the learnt part: share of its cost, and accuracy, gained."""

    cost: float
    accuracy: float


def chosen(expected: Expected, price: float) -> Ints:
    """The model for each prompt, at so many successes per dollar."""
    best: Ints = (expected.success - price * expected.cost_usd).argmax(axis=1)
    return best


def swept(expected: Expected, truth: Matrix) -> Points:
    """What comes of choosing so, at every λ."""
    rows = np.arange(len(truth))
    picks = [chosen(expected, price) for price in LAMBDAS]
    costs = [truth.cost_usd[rows, pick].mean() for pick in picks]
    return Points(np.array(costs), np.array([truth.score[rows, pick].mean() for pick in picks]))


def singles(truth: Matrix) -> Points:
    """What comes of always asking one model."""
    return Points(truth.cost_usd.mean(axis=0), truth.score.mean(axis=0))


def hull(points: Points) -> Points:
    """The upper, concave, rising hull: what mixing the points at random can reach."""
    kept: list[tuple[float, float]] = []
    order = np.lexsort((-points.accuracy, points.cost_usd))
    for cost, accuracy in zip(points.cost_usd[order], points.accuracy[order], strict=True):
        if kept and accuracy <= kept[-1][1]:
            continue
        while len(kept) > 1 and _below(kept[-2], kept[-1], (cost, accuracy)):
            kept.pop()
        kept.append((cost, accuracy))
    costs, heights = zip(*kept, strict=True)
    return Points(np.array(costs), np.array(heights))


def _below(
    left: tuple[float, float], middle: tuple[float, float], right: tuple[float, float]
) -> bool:
    """Whether the middle point lies on or below the line between the others."""
    rise, run = right[1] - left[1], right[0] - left[0]
    return (middle[1] - left[1]) * run <= rise * (middle[0] - left[0])


def aiq(points: Points, low_usd: float, high_usd: float, *, log_hull: bool = False) -> float:
    """The mean height of the hull over log cost, between two costs.

    `log_hull` draws the hull over the logarithm of the cost too, which no mixture reaches between
    its corners; some papers do so. Left of its first corner a hull is as high as that.
    """
    grid = np.linspace(np.log(low_usd), np.log(high_usd), GRID)
    if log_hull:
        corners = hull(Points(np.log(points.cost_usd), points.accuracy))
    else:
        corners, grid = hull(points), np.exp(grid)
    return float(np.interp(grid, corners.cost_usd, corners.accuracy).mean())


def naiq(expected: Expected, truth: Matrix, *, log_hull: bool = False) -> float:
    """Which share of what an oracle gains over single models this way to choose gains."""
    alone = singles(truth)
    low, high = float(alone.cost_usd.min()), float(alone.cost_usd[alone.accuracy.argmax()])
    all_known = swept(Expected(truth.score, truth.cost_usd), truth)
    base, own, most = (
        aiq(points, low, high, log_hull=log_hull)
        for points in (alone, swept(expected, truth), all_known)
    )
    return (own - base) / (most - base)


def cheapest_as_good(expected: Expected, truth: Matrix, accuracy: float) -> float | None:
    """The λ of least cost with at least this accuracy, None when there is none."""
    points = swept(expected, truth)
    good = np.flatnonzero(points.accuracy >= accuracy)
    return float(LAMBDAS[good[points.cost_usd[good].argmin()]]) if len(good) else None


def saving(expected: Expected, truth: Matrix, price: float | None, best: int) -> Saving:
    """What choosing at this λ saves against always asking `best`; None: `best` is kept."""
    if price is None:
        return Saving(0.0, 0.0)
    rows, pick = np.arange(len(truth)), chosen(expected, price)
    cost = truth.cost_usd[rows, pick].mean() / truth.cost_usd[:, best].mean()
    gained = truth.score[rows, pick].mean() - truth.score[:, best].mean()
    return Saving(1.0 - float(cost), float(gained))
