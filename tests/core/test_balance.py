"""Who goes first among near-equals, and is the stated probability the true one?"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.balance import Pick, near_best, pick, pick_for_session, propensity
from pointsman.core.decision import Candidate

WAITS = st.lists(
    st.floats(0.0, 100.0) | st.sampled_from([0.0, 0.8, 1.0, 1.25]), min_size=1, max_size=7
)


def every_pick(waits: list[float]) -> list[Pick]:
    """The picks of all pairs of draws; each pair is as probable as the others."""
    count = len(waits)
    picks = []
    for first in range(count):
        for second in range(max(1, count - 1)):
            draws = iter([(first + 0.5) / count, (second + 0.5) / max(1, count - 1)])
            picks.append(pick(waits, draws.__next__))
    return picks


@given(WAITS)
def test_the_propensities_of_all_near_equals_sum_to_one(waits: list[float]) -> None:
    stated = {taken.place: taken.propensity for taken in every_pick(waits)}
    assert sum(stated.values()) == pytest.approx(1.0)
    assert all(0.0 < propensity <= 1.0 for propensity in stated.values())


@given(WAITS)
def test_the_stated_propensity_is_how_often_it_is_drawn(waits: list[float]) -> None:
    picks = every_pick(waits)
    drawn = Counter(taken.place for taken in picks)
    for taken in picks:
        assert taken.propensity == pytest.approx(drawn[taken.place] / len(picks))


@given(WAITS)
def test_propensities_are_known_without_a_draw_also_of_those_that_never_win(
    waits: list[float],
) -> None:
    stated = {taken.place: taken.propensity for taken in every_pick(waits)}
    for place in range(len(waits)):
        assert propensity(waits, place) == pytest.approx(stated.get(place, 0.0))


def test_simulated_frequencies_follow_the_propensities() -> None:
    in_flight, draw, times = [3, 0, 1, 1], Random(7).random, 20_000
    stated: dict[int, float] = {}
    seen: Counter[int] = Counter()
    for _ in range(times):
        taken = pick(in_flight, draw)
        stated[taken.place] = taken.propensity
        seen[taken.place] += 1
    assert 0 not in seen, "who carries most of all loses against every other"
    for place, share in stated.items():
        assert seen[place] / times == pytest.approx(share, abs=0.015)


def test_a_burst_spreads_over_near_equals_instead_of_herding() -> None:
    in_flight, draw = [0, 0, 0], Random(7).random
    for _ in range(300):
        in_flight[pick(in_flight, draw).place] += 1
    assert min(in_flight) >= 80


def test_one_candidate_is_certain() -> None:
    assert pick([5], lambda: 0.0) == Pick(0, 1.0)


@pytest.mark.parametrize(("first", "second"), [(1.0, 1.0), (1.0, 0.8), (1.0, 5.0), (0.0, 0.0)])
def test_of_waits_that_hardly_differ_the_better_score_wins(first: float, second: float) -> None:
    draws = iter([0.9, 0.1])
    assert pick([first, second], draws.__next__).place == 0


def test_who_is_free_much_sooner_wins() -> None:
    draws = iter([0.9, 0.1])
    assert pick([1.0, 0.79], draws.__next__).place == 1


def candidates(*scores: float) -> list[Candidate]:
    return [Candidate(f"x/{place}", score, ()) for place, score in enumerate(scores)]


def test_near_best_counts_who_is_within_the_band() -> None:
    assert near_best(candidates(0.9, 0.86, 0.84, 0.86), 0.05) == 2
    assert near_best(candidates(0.9), 0.05) == 1
    assert near_best([], 0.05) == 0


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
