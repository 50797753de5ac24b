"""Does the simulation of a changing fleet show that staying costs little and saves moves?"""

from __future__ import annotations

from simulations.stability import COSTS, history


def test_the_more_a_switch_costs_the_fewer_there_are_and_nothing_is_better_than_the_best() -> None:
    told = history(1, changes=15)
    moved = [sum(told[cost].moves) for cost in COSTS]
    assert moved == sorted(moved, reverse=True)
    assert max(told[0.0].regret) < 0.5
    assert min(min(told[cost].regret) for cost in COSTS) > -0.5
    assert told == history(1, changes=15)
