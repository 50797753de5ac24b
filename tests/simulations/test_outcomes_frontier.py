"""Is the trade between cost and accuracy measured rightly?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_matrix import MODELS, made_matrix
from simulations.outcomes_frontier import (
    LAMBDAS,
    Expected,
    Points,
    Saving,
    aiq,
    cheapest_as_good,
    hull,
    naiq,
    saving,
    singles,
    swept,
)
from simulations.outcomes_ways import single_models

CORNERS = st.lists(st.tuples(st.floats(0.01, 10.0), st.floats(0.0, 1.0)), min_size=1, max_size=8)


@given(CORNERS)
def test_a_hull_rises_ever_less_and_has_no_point_above_it(
    corners: list[tuple[float, float]],
) -> None:
    costs, heights = np.array(corners).T
    found = hull(Points(costs, heights))
    assert (np.diff(found.accuracy) > 0.0).all()
    slopes = np.diff(found.accuracy) / np.diff(found.cost_usd)
    assert (np.diff(slopes) <= 1e-9).all()
    assert (np.interp(costs, found.cost_usd, found.accuracy) >= heights - 1e-9).all()


def test_the_height_of_a_flat_hull_is_its_height() -> None:
    assert aiq(Points(np.array([1.0]), np.array([0.7])), 1.0, 8.0) == pytest.approx(0.7)


def test_half_the_way_in_log_cost_is_the_geometric_mean() -> None:
    points = Points(np.array([1.0, 4.0]), np.array([0.0, 1.0]))
    assert aiq(points, 1.0, 4.0, log_hull=True) == pytest.approx(0.5)
    assert aiq(points, 1.0, 4.0) < 0.5


def test_an_oracle_has_a_naiq_of_one_and_single_models_have_none() -> None:
    matrix = made_matrix()
    assert naiq(Expected(matrix.score, matrix.cost_usd), matrix) == pytest.approx(1.0)
    assert naiq(single_models(matrix, matrix, 1), matrix) == pytest.approx(0.0, abs=1e-9)


def test_the_sweep_goes_from_the_likeliest_to_the_cheapest() -> None:
    matrix = made_matrix()
    points, alone = swept(single_models(matrix, matrix, 1), matrix), singles(matrix)
    assert points.accuracy[0] == alone.accuracy.max()
    assert points.cost_usd[-1] == alone.cost_usd.min()


def test_what_is_saved_is_told_against_the_best_model() -> None:
    matrix, best = made_matrix(), MODELS.index("best")
    expected = single_models(matrix, matrix, 1)
    assert saving(expected, matrix, None, best) == Saving(0.0, 0.0)
    assert saving(expected, matrix, 0.0, best) == Saving(0.0, 0.0)
    cheapest = saving(expected, matrix, float(LAMBDAS[-1]), best)
    assert cheapest.cost > 0.9
    assert cheapest.accuracy < 0.0


def test_as_good_as_can_be_is_found_and_better_is_not() -> None:
    matrix = made_matrix()
    oracle = Expected(matrix.score, matrix.cost_usd)
    price = cheapest_as_good(oracle, matrix, 0.75)
    assert price is not None
    assert price > 0.0
    assert cheapest_as_good(oracle, matrix, 1.1) is None
