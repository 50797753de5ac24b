"""What do simple ways to choose reach when only the chosen model answers?

They see the same prompts in the same order as `outcomes_stream`, after the same calibration, and
learn only from what they chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulations.outcomes_data import Floats, Ints, Matrix
from simulations.outcomes_stream import CALIBRATION, ordered, share_of_the_way

Draws = np.random.Generator
Choice = Callable[[Floats, Floats, Draws], int]
"""From how many answers were good, and how many were judged (both per model), the one to ask."""


def thompson(good: Floats, judged: Floats, draws: Draws) -> int:
    """Sampled from the Beta posterior of each model, from a uniform prior (Thompson, 1933)."""
    return int(draws.beta(1.0 + good, 1.0 + judged - good).argmax())


def upper_bound(good: Floats, judged: Floats, _draws: Draws) -> int:
    """UCB1 (Auer, Cesa-Bianchi and Fischer, 2002)."""
    counts = np.maximum(judged, 1e-9)
    return int((good / counts + np.sqrt(2.0 * np.log(judged.sum() + 1.0) / counts)).argmax())


def greedy(good: Floats, judged: Floats, _draws: Draws) -> int:
    """The best lifetime average."""
    return int(((good + 0.5) / (judged + 1.0)).argmax())


def epsilon_greedy(good: Floats, judged: Floats, draws: Draws) -> int:
    """The best lifetime average, but any model for 2 % of the prompts."""
    if draws.random() < 0.02:
        return int(draws.integers(len(good)))
    return greedy(good, judged, draws)


BANDITS: Mapping[str, tuple[Choice, bool]] = {
    "Thompson, per model": (thompson, False),
    "Thompson, per domain and model": (thompson, True),
    "UCB1, per model": (upper_bound, False),
    "greedy, per model": (greedy, False),
    "greedy, per domain and model": (greedy, True),
    "greedy + 2 % at random, per domain and model": (epsilon_greedy, True),
}
"""With whether they keep domains apart."""


def reached(
    matrix: Matrix, seed: int, choice: Choice, *, by_domain: bool, calibration: int = CALIBRATION
) -> float:
    """The share of the way from random to the best single model."""
    before, after = ordered(matrix, seed, calibration)
    domain: Ints = matrix.domain if by_domain else np.zeros_like(matrix.domain)
    shape = (int(domain.max()) + 1, len(matrix.models))
    good, judged, draws = np.zeros(shape), np.zeros(shape), np.random.default_rng(seed)
    np.add.at(good, domain[before], matrix.score[before])
    np.add.at(judged, domain[before], 1.0)
    right = 0.0
    for row in after:
        mine = domain[row]
        place = choice(good[mine], judged[mine], draws)
        found = matrix.score[row, place]
        good[mine, place] += found
        judged[mine, place] += 1.0
        right += found
    return share_of_the_way(right / len(after), matrix.score[after])


def fixed(matrix: Matrix, seed: int, calibration: int = CALIBRATION) -> dict[str, float]:
    """What is reached without learning: after the calibration, or by who knows beforehand."""
    before, after = ordered(matrix, seed, calibration)
    score, domain = matrix.score[after], matrix.domain[after]
    kept = matrix.score[before].mean(axis=0).argmax()
    best = np.zeros(len(after))
    for mine in np.unique(domain):
        rows = domain == mine
        best[rows] = score[rows, score[rows].mean(axis=0).argmax()]
    accuracies = {
        "the best of the calibration, kept": score[:, kept].mean(),
        "the best of each domain in hindsight": best.mean(),
        "oracle": score.max(axis=1).mean(),
    }
    return {name: share_of_the_way(float(each), score) for name, each in accuracies.items()}
