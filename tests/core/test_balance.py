"""Who goes first among near-equals, and is the stated probability the true one?"""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.balance import (
    Near,
    Pick,
    Queues,
    band_for,
    near_best,
    pick,
    pick_for_session,
    propensity,
)
from pointsman.core.decision import Candidate

Situation = tuple[Near, Queues]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Up to seven near-equals, some of which score the same, with any load."""
    within = draw(st.integers(1, 7))
    wait = st.floats(0.0, 100.0) | st.sampled_from([0.0, 0.8, 1.0, 1.25])
    calls = st.integers(0, 2)
    waits = draw(st.lists(wait, min_size=within, max_size=within))
    in_flight = draw(st.lists(calls, min_size=within, max_size=within))
    return Near(within, draw(st.integers(1, within))), Queues(in_flight, waits)


def every_pick(near: Near, queues: Queues) -> list[Pick]:
    """The picks of all draws; each is as probable as the others."""
    others = max(1, near.within - 1)
    picks = []
    for best, one, two in product(range(near.equals), range(others), range(max(1, others - 1))):
        draws = iter(
            [(best + 0.5) / near.equals, (one + 0.5) / others, (two + 0.5) / max(1, others - 1)]
        )
        picks.append(pick(near, queues, draws.__next__))
    return picks


@given(situations())
def test_the_propensities_of_all_near_equals_sum_to_one(situation: Situation) -> None:
    near, queues = situation
    stated = [propensity(near, queues, place) for place in range(near.within)]
    assert sum(stated) == pytest.approx(1.0)
    assert all(0.0 <= probable <= 1.0 for probable in stated)


@given(situations())
def test_the_stated_propensity_is_how_often_it_is_drawn(situation: Situation) -> None:
    picks = every_pick(*situation)
    drawn = Counter(taken.place for taken in picks)
    for taken in picks:
        assert taken.propensity == pytest.approx(drawn[taken.place] / len(picks))
    for place in range(situation[0].within):
        assert propensity(*situation, place) == pytest.approx(drawn[place] / len(picks))


def test_simulated_frequencies_follow_the_propensities() -> None:
    near, queues = Near(4, 2), Queues([3, 0, 1, 1], [4.0, 1.0, 2.0, 3.0])
    draw, times = Random(7).random, 20_000
    seen = Counter(pick(near, queues, draw).place for _ in range(times))
    for place in range(4):
        assert seen[place] / times == pytest.approx(propensity(near, queues, place), abs=0.015)
    assert seen[0] == 0, "who carries most is relieved by any two"


def test_a_burst_spreads_over_near_equals_instead_of_herding() -> None:
    in_flight, draw = [0, 0, 0], Random(7).random
    for _ in range(300):
        queues = Queues(in_flight, [calls + 1.0 for calls in in_flight])
        in_flight[pick(Near(3, 1), queues, draw).place] += 1
    assert min(in_flight) >= 80


def test_the_slower_of_two_gets_less_of_a_burst() -> None:
    in_flight, draw = [0, 0], Random(7).random
    for _ in range(400):
        queues = Queues(in_flight, [3.0 * (in_flight[0] + 1), 1.0 * (in_flight[1] + 1)])
        in_flight[pick(Near(2, 1), queues, draw).place] += 1
    assert 2.0 < in_flight[1] / in_flight[0] < 3.5


def test_a_burst_on_models_of_any_speed_leaves_all_about_equally_long_waits() -> None:
    latencies, in_flight, draw = [1.0, 0.5, 1.0, 2.0, 1.0], [0] * 5, Random(7).random

    def waits() -> list[float]:
        return [each * (calls + 1) for each, calls in zip(latencies, in_flight, strict=True)]

    for _ in range(1_000):
        in_flight[pick(Near(5, 1), Queues(in_flight, waits()), draw).place] += 1
    assert max(waits()) < 1.5 * min(waits())


def test_one_candidate_is_certain() -> None:
    alone = Near(1, 1), Queues([5], [5.0])
    assert pick(*alone, lambda: 0.0) == Pick(0, 1.0)
    assert propensity(*alone, 0) == 1.0


@given(st.lists(st.floats(0.0, 600.0), min_size=2, max_size=7))
def test_while_nobody_is_busy_the_best_goes_first_however_slow(waits: list[float]) -> None:
    idle = Queues([0] * len(waits), waits)
    assert {taken.place for taken in every_pick(Near(len(waits), 1), idle)} == {0}


def test_the_same_score_shares_the_traffic() -> None:
    idle = Queues([0, 0, 0], [1.0, 9.0, 0.0])
    assert Counter(every_pick(Near(3, 2), idle)) == {Pick(0, 0.5): 2, Pick(1, 0.5): 2}


@pytest.mark.parametrize(("busy", "other", "wins"), [(1.0, 0.8, 0), (1.0, 0.79, 1), (0.0, 0.0, 0)])
def test_a_busy_best_is_relieved_by_who_is_free_much_sooner(
    busy: float, other: float, wins: int
) -> None:
    queues = Queues([1, 4], [busy, other])
    assert pick(Near(2, 1), queues, lambda: 0.0) == Pick(wins, 1.0)


def test_who_weighs_only_quality_gives_up_less_of_it_for_load() -> None:
    assert band_for(1.0, 0.05) == pytest.approx(0.03)
    assert band_for(0.6, 0.05) == pytest.approx(0.038)
    assert band_for(0.0, 0.05) == 0.05


def candidates(*scores: float) -> list[Candidate]:
    return [Candidate(f"x/{place}", score, ()) for place, score in enumerate(scores)]


def test_near_best_counts_who_is_within_the_band() -> None:
    assert near_best(candidates(0.9, 0.86, 0.84, 0.86), 0.05) == Near(2, 1)
    assert near_best(candidates(0.9), 0.05) == Near(1, 1)
    assert near_best([], 0.05) == Near(0, 0)


def test_equals_are_those_with_the_very_same_score() -> None:
    assert near_best(candidates(0.9, 0.9, 0.9 - 1e-12, 0.9), 0.05) == Near(4, 2)
    assert near_best(candidates(0.9, 0.9), 0.0) == Near(2, 2)


IDS = [f"p/model-{number}" for number in range(5)]


def test_a_session_stays_with_its_model() -> None:
    assert len({pick_for_session("s1", IDS) for _ in range(10)}) == 1
    assert pick_for_session("s1", IDS).propensity == pytest.approx(0.2)


@given(st.text())
def test_a_model_that_leaves_moves_only_its_own_sessions(session: str) -> None:
    before = IDS[pick_for_session(session, IDS).place]
    for gone in IDS:
        left = [model_id for model_id in IDS if model_id != gone]
        after = left[pick_for_session(session, left).place]
        assert before in (after, gone)


def test_sessions_spread_evenly() -> None:
    seen = Counter(pick_for_session(f"session-{n}", IDS).place for n in range(5_000))
    assert max(seen.values()) < 1.15 * min(seen.values())
