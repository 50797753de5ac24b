"""Does only move who must or gains, not too often, and does a fallback stand elsewhere?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fleets import BLIND, agents, models, problem, random_fleet

from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import excesses, value_of
from pointsman.core.assignment.problem import AgentNeeds, Rules
from pointsman.core.assignment.stability import Move, Moved, Pace, moves, paced
from pointsman.core.assignment.standby import standbys

PACE = Pace(moves_per_hour=2, cool_off_s=600.0)


def test_a_move_says_from_where_to_where_and_what_it_brings() -> None:
    stated = problem([[0.5, 0.75], [0.5, 0.5], [0.5, 0.5], [0.1, 0.2]])
    assert moves(stated, (0, 0, None, 1), (1, 0, 1, None)) == (
        Move(0, 0, 1, 0.25),
        Move(2, None, 1, None),
        Move(3, 1, None, None),
    )


def test_who_has_just_moved_rests() -> None:
    needs = tuple(replace(agent, current=0) for agent in agents(2))
    stated = problem([[0.1, 0.9]] * 2, agents=needs)
    earlier = [Moved(0, 900.0), Moved(1, 300.0)]
    assert optimal(paced(stated, Pace(cool_off_s=600.0), earlier, 1000.0)).chosen == (0, 1)


def test_no_more_move_in_an_hour_than_are_allowed() -> None:
    needs = tuple(replace(agent, current=0) for agent in agents(4))
    stated = problem([[0.1, 0.9], [0.1, 0.8], [0.1, 0.7], [0.1, 0.6]], agents=needs)
    assert optimal(paced(stated, PACE, [], 0.0)).chosen == (1, 1, 0, 0)
    assert optimal(paced(stated, PACE, [Moved(3, 0.0)], 1800.0)).chosen == (1, 0, 0, 0)
    assert optimal(paced(stated, PACE, [Moved(3, 0.0)] * 3, 1800.0)).chosen == (0, 0, 0, 0)
    assert optimal(paced(stated, PACE, [Moved(3, 0.0)], 3600.0)).chosen == (1, 1, 0, 0)


def test_the_stricter_of_two_bounds_on_moves_holds() -> None:
    stated = problem([[0.5]], rules=Rules(max_moves=1))
    assert paced(stated, PACE, [], 0.0).rules.max_moves == 1
    assert paced(stated, Pace(moves_per_hour=0), [], 0.0).rules.max_moves == 0


def test_who_loses_its_model_moves_at_any_pace() -> None:
    needs = (AgentNeeds("a", current=0), AgentNeeds("b", current=1))
    stated = problem([[0.9, 0.1], [0.9, 0.1]], agents=needs, bars=[{0: BLIND}, {}])
    held = paced(stated, Pace(moves_per_hour=0), [Moved(0, 0.0)], 1.0)
    assert optimal(held).chosen == (1, 1)


@pytest.mark.parametrize(
    ("moves_per_hour", "cool_off_s", "words"),
    [
        (-1, 0.0, "moves_per_hour must be at least 0, not -1"),
        (1, -1.0, "cool_off_s must be at least 0, not -1.0"),
    ],
)
def test_a_pace_that_makes_no_sense_is_refused(
    moves_per_hour: int, cool_off_s: float, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Pace(moves_per_hour, cool_off_s)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_solving_again_without_news_moves_nobody(seed: int) -> None:
    first = random_fleet(seed, 8, 4)
    plan = optimal(first, Effort(gap=0.0))
    standing = replace(
        first,
        agents=tuple(
            replace(needs, current=model, stays=False, switch_cost=0.03)
            for needs, model in zip(first.agents, plan.chosen, strict=True)
        ),
        rules=replace(first.rules, max_moves=None),
    )
    # What the first run charged for leaving an older model is paid; nobody wins it back by moving.
    free = replace(first, agents=tuple(replace(n, current=None) for n in first.agents))
    # Where places are scarce, who has one is no reason to leave out another who is worth as much.
    if plan.unplaced or optimal(free, Effort(gap=0.0)).value > plan.value + 1e-9:
        return
    assert moves(standing, plan.chosen, optimal(standing, Effort(gap=0.0)).chosen) == ()


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 3))
def test_a_failed_model_moves_those_on_it_and_whom_it_pays_to_move(seed: int, lost: int) -> None:
    first = random_fleet(seed, 8, 4)
    lost %= len(first.models)
    plan = optimal(first, Effort(gap=0.0))
    standing = replace(
        first,
        agents=tuple(
            replace(needs, current=model, stays=False)
            for needs, model in zip(first.agents, plan.chosen, strict=True)
        ),
        bars=[{**bars, lost: BLIND} for bars in first.bars],
        rules=replace(first.rules, max_moves=None),
    )
    then = optimal(standing, Effort(gap=0.0))
    for move in moves(standing, plan.chosen, then.chosen):
        if move.source == lost or move.source is None:
            continue
        # Undone alone, the move would break a limit, or cost the fleet something.
        undone = [*then.chosen]
        undone[move.agent] = move.source
        assert value_of(standing, undone) <= then.value or excesses(standing, undone)


def test_the_first_to_stand_by_is_of_another_provider() -> None:
    rooms = models("p", "p", "q", "q")
    needs = (AgentNeeds("a", fallbacks=2), AgentNeeds("b", fallbacks=0), AgentNeeds("c"))
    stated = problem([[0.9, 0.8, 0.1, 0.2]] * 3, agents=needs, models=rooms)
    assert standbys(stated, (0, 0, None)) == ((3, 1), (), ())


def test_with_one_provider_the_best_of_the_others_stands_by() -> None:
    stated = problem(
        [[0.9, 0.8, 0.7]], agents=(AgentNeeds("a", fallbacks=3),), models=models("p", "p", "p")
    )
    assert standbys(stated, (1,)) == ((0, 2),)


def test_who_may_not_stand_on_a_model_does_not_stand_by_on_it() -> None:
    stated = problem([[0.9, 0.8]], bars=[{1: BLIND}])
    assert standbys(stated, (0,)) == ((),)
