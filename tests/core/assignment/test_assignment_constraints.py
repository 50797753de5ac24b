"""Is the optimum the optimum with each constraint and without, and does easing one ever cost?"""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import combinations

import pytest
from constrained_fleets import (
    EVERY_KIND,
    Kind,
    constrained_fleet,
    eased,
    with_good_places,
    with_only,
)
from small_fleets import Best, best_of_all

from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.limits import limits_of, overloaded
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import excesses
from pointsman.core.assignment.problem import Problem

PAIRS = tuple(frozenset(pair) for pair in combinations(Kind, 2))
SWITCHED = (
    frozenset[Kind](),
    EVERY_KIND,
    *(frozenset({kind}) for kind in Kind),
    *(EVERY_KIND - {kind} for kind in Kind),
    *PAIRS,
    *(EVERY_KIND - pair for pair in PAIRS),
)
"""None, all, each on its own, all but each, each two on their own, all but each two."""

CLOSE = 1e-7


def found(stated: Problem) -> Best:
    plan = optimal(stated, Effort(gap=0.0))
    assert excesses(stated, plan.chosen) == ()
    assert plan.gap == pytest.approx(0.0, abs=CLOSE)
    return Best(plan.placed, plan.value)


def at_least(one: Best, other: Best) -> bool:
    return one.placed > other.placed or (
        one.placed == other.placed and one.value >= other.value - CLOSE
    )


def check_best(stated: Problem, said: object) -> None:
    """Nothing that can be tried is better than the optimum, and agents in turn keep the rules."""
    best, reached = best_of_all(stated), found(stated)
    assert reached.placed == best.placed, said
    assert reached.value == pytest.approx(best.value, abs=CLOSE), said
    for plan in (greedy(stated), balanced(stated)):
        assert excesses(stated, plan.chosen) == (), said
        assert at_least(reached, Best(plan.placed, plan.value)), said


def check_eased(seed: int, kind: Kind, others: Collection[Kind], most: tuple[int, int]) -> None:
    """To lift some or all constraints of a kind never lowers the optimum."""
    stated = with_only(with_good_places(constrained_fleet(seed, *most)), {kind, *others})
    if kind is Kind.MANUAL and any(overloaded(stated, limits_of(stated))):
        return  # What people decided against a limit is theirs; once released it is bound again.
    before = found(stated)
    for after in (eased(stated, kind, random.Random(seed)), with_only(stated, others)):
        assert at_least(found(after), before), (seed, kind, others)


@pytest.mark.parametrize("number", range(len(SWITCHED)))
def test_nothing_that_can_be_tried_is_better_with_constraints_on_and_off(number: int) -> None:
    check_best(with_only(constrained_fleet(number, 5, 3), SWITCHED[number]), SWITCHED[number])


@pytest.mark.prove
@pytest.mark.parametrize("part", range(8))
def test_nothing_that_can_be_tried_is_better_on_thousands_of_fleets(part: int) -> None:
    for seed in range(part, 64, 8):
        whole = constrained_fleet(seed, 7, 4)
        for kinds in SWITCHED:
            check_best(with_only(whole, kinds), (seed, sorted(kinds)))


@pytest.mark.parametrize("kind", Kind)
def test_to_ease_a_constraint_never_lowers_the_optimum(kind: Kind) -> None:
    for seed in range(3):
        check_eased(seed, kind, EVERY_KIND - {kind}, (5, 3))
        check_eased(seed, kind, (), (5, 3))
    for seed, other in enumerate(Kind):
        check_eased(seed, kind, {other} - {kind}, (5, 3))


@pytest.mark.prove
@pytest.mark.parametrize("kind", Kind)
def test_to_ease_a_constraint_never_lowers_the_optimum_of_thousands(kind: Kind) -> None:
    for seed in range(250):
        draw = random.Random(seed)
        check_eased(seed, kind, EVERY_KIND - {kind}, (7, 4))
        check_eased(seed, kind, {other for other in Kind if draw.random() < 0.5} - {kind}, (7, 4))


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_constraint_is_felt(kind: Kind) -> None:
    """Or what is proved above would be proved of nothing."""
    felt = {Kind.PRICES: {Kind.BUDGET}, Kind.STAYING: (), Kind.SWITCHING: ()}
    others = felt.get(kind, ())
    assert any(
        best_of_all(with_only(constrained_fleet(seed, 5, 3), {kind, *others}))
        != best_of_all(with_only(constrained_fleet(seed, 5, 3), others))
        for seed in range(20)
    )
