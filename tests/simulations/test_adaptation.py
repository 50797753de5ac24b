"""Are the figures of a run what they are called?"""

from __future__ import annotations

from math import isnan

import pytest
from simulations.adaptation import (
    Adaptation,
    adaptation,
    regret_per_1000,
    share,
    static_regret_per_1000,
)
from simulations.fleet_world import Step
from simulations.lineup import figure, seeds_of, table

GOOD, BAD = (1.0, 0.8), (0.2, 0.8)
"""What two models are worth before the first one turns bad, and after."""


def steps(*runs: tuple[int, int, tuple[float, ...]]) -> list[Step]:
    """So many requests to a place, while the means are such."""
    return [Step(place, means) for count, place, means in runs for _ in range(count)]


def test_a_model_that_is_left_at_once_has_cost_nothing() -> None:
    run = steps((200, 0, GOOD), (300, 1, BAD))
    assert adaptation(run, 0, 200, 500) == Adaptation(0, 0)


def test_own_requests_are_counted_until_fewer_than_5_in_100_follow() -> None:
    run = steps((200, 0, GOOD), (30, 0, BAD), (20, 1, BAD), (4, 0, BAD), (246, 1, BAD))
    assert adaptation(run, 0, 200, 500).own == 30


def test_a_model_that_is_never_left_keeps_all_its_requests() -> None:
    run = steps((200, 0, GOOD), (300, 0, BAD))
    assert adaptation(run, 0, 200, 500) == Adaptation(300 - 4, 300)


def test_back_is_when_the_mean_of_the_last_100_stays_at_95_percent() -> None:
    run = steps((200, 0, GOOD), (50, 0, BAD), (250, 1, BAD))
    # 50 requests worth 0.2 must leave the window but for six: 94 × 0.8 + 6 × 0.2 is 95.5 % of it.
    assert adaptation(run, 0, 200, 500).until_back == 50 + 94 - 1


def test_shares_and_regret_are_of_requests() -> None:
    run = steps((100, 0, GOOD), (100, 0, BAD), (200, 1, BAD))
    assert share(run, 0, 100, 400) == pytest.approx(1 / 3)
    assert regret_per_1000(run) == pytest.approx(1000 * 100 * 0.6 / 400)


def test_the_best_static_model_is_the_one_that_was_best_on_the_whole() -> None:
    run = steps((100, 0, GOOD), (300, 0, BAD))
    assert static_regret_per_1000(run) == pytest.approx(1000 * 100 * 0.2 / 400)


def test_a_figure_is_a_mean_with_its_confidence() -> None:
    made = figure([1.0, 2.0, 3.0])
    assert made.mean == 2.0
    assert made.within == pytest.approx(1.96 / 3**0.5)
    assert str(made) == "2.0 ± 1.1"
    assert isnan(figure([1.0]).within)


def test_seeds_are_one_or_a_span() -> None:
    assert list(seeds_of("7")) == [7]
    assert list(seeds_of("0-2")) == [0, 1, 2]


def test_a_table_is_markdown() -> None:
    lines = table(("who", "what"), [("a", 1)]).splitlines()
    assert lines == ["| who | what |", "| --- | ---: |", "| a | 1 |"]
