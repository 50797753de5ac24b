"""Does learning cost no more than its share, and only those who agreed to it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.decision import Candidate, Estimate, Selection, Task, Term
from pointsman.core.exploration import (
    DEAREST,
    LONG_SHOT,
    MAX_REMEMBERED,
    MOST,
    MOST_SAVED,
    RESERVE,
    Exploration,
    ExplorationPolicy,
    Offer,
)
from pointsman.core.fleet import Agent

AGENT, TASK, CHOICE = Agent("a"), Task(), Selection()
BEST = 0.8


def candidate(
    model: str, score: float = 0.7, unsure: float = 0.1, usd: float | None = 0.001
) -> Candidate:
    estimate = Estimate(0.9, 0.99, 0.91, 0.4, usd, 10.0, unsure)
    return Candidate(model, score, (Term("success", score),), estimate)


TWO = (candidate("p/best", BEST), candidate("p/next"))


def saved_up(exploration: Exploration, candidates: Sequence[Candidate] = TWO) -> Exploration:
    """Let the budget fill to its brim."""
    for _ in range(int(MOST_SAVED / MOST) + 1):
        exploration.decided(AGENT, TASK, CHOICE, candidates, None)
    return exploration


def trials(
    exploration: Exploration, candidates: Sequence[Candidate], requests: int, seed: int = 1
) -> Counter[str]:
    """Who was tried how often in so many requests."""
    random, tried = Random(seed), Counter[str]()
    for _ in range(requests):
        offer = exploration.offer(AGENT, TASK, CHOICE, candidates)
        explored = None
        if offer is not None and random.random() < offer.probability:
            explored = candidates[offer.place].model_id
            tried[explored] += 1
        exploration.decided(AGENT, TASK, CHOICE, candidates, explored)
    return tried


@pytest.mark.parametrize(
    ("policy", "remedy"),
    [
        ({"share": 0.021}, r"share must be in \[0, 0.02\]"),
        ({"share": -0.01}, r"share must be in \[0, 0.02\]"),
        ({"chance": 0.0}, "chance must be in"),
        ({"chance": 1.0}, "chance must be in"),
        ({"reach": 0.0}, "must be positive"),
        ({"least": 0.0}, "must be positive"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, float], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        ExplorationPolicy(**policy)


def test_nobody_is_tried_before_trials_are_paid_for() -> None:
    exploration = Exploration()
    for _ in range(round(1 / MOST)):
        assert exploration.offer(AGENT, TASK, CHOICE, TWO) is None
        exploration.decided(AGENT, TASK, CHOICE, TWO, None)
    assert exploration.offer(AGENT, TASK, CHOICE, TWO) == Offer(1, 0.25)


def test_an_offer_changes_nothing() -> None:
    exploration = saved_up(Exploration())
    offers = {exploration.offer(AGENT, TASK, CHOICE, TWO) for _ in range(100)}
    assert offers == {Offer(1, 0.25)}


def test_whose_turn_it_is_depends_on_nothing_but_the_candidates_and_what_was_tried() -> None:
    many = [(*TWO, candidate(f"p/{n}", usd=0.1)) for n in range(MAX_REMEMBERED + 10)]
    one, other = saved_up(Exploration()), saved_up(Exploration())
    for step in range(4):
        for candidates in many:
            one.offer(AGENT, TASK, CHOICE, candidates)
        offer = one.offer(AGENT, TASK, CHOICE, many[0])
        assert offer is not None
        assert offer == other.offer(AGENT, TASK, CHOICE, tuple(many[0])), step
        for exploration in (one, other):
            explored = many[0][offer.place].model_id
            exploration.decided(AGENT, TASK, CHOICE, many[0], explored)
    one.reconfigure(ExplorationPolicy(least=0.5))
    assert saved_up(one).offer(AGENT, TASK, CHOICE, many[0]) is None


@pytest.mark.parametrize(
    ("agent", "task", "selection", "candidates"),
    [
        (Agent("a", explore=False), TASK, CHOICE, TWO),
        (AGENT, Task(in_tool_loop=True), CHOICE, TWO),
        (AGENT, TASK, Selection(pinned="p/best"), TWO),
        (AGENT, TASK, CHOICE, TWO[:1]),
        (AGENT, TASK, CHOICE, ()),
    ],
)
def test_who_did_not_agree_pays_nothing_and_fills_no_budget(
    agent: Agent, task: Task, selection: Selection, candidates: Sequence[Candidate]
) -> None:
    assert saved_up(Exploration()).offer(agent, task, selection, candidates) is None
    empty = Exploration()
    for _ in range(1000):
        empty.decided(agent, task, selection, candidates, None)
    assert empty.offer(AGENT, TASK, CHOICE, TWO) is None


SCORES = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 0.5), st.none() | st.floats(0.0, 1.0)),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(SCORES, min_size=1, max_size=4), st.floats(0.0, MOST), st.integers(0, 9))
def test_never_more_than_the_share_at_any_moment(
    kinds: list[list[tuple[float, float, float | None]]], share: float, seed: int
) -> None:
    random, exploration = Random(seed), Exploration(ExplorationPolicy(share))
    ranked = [
        sorted(
            (candidate(f"p/{n}", *figures) for n, figures in enumerate(kind)),
            key=lambda each: -each.score,
        )
        for kind in kinds
    ]
    tried = 0
    for number in range(1, 400):
        candidates = random.choice(ranked)
        offer = exploration.offer(AGENT, TASK, CHOICE, candidates)
        explored = None
        if offer is not None:
            assert 0 < offer.place < len(candidates)
            assert 0.0 < offer.probability < 1.0
            if random.random() < 0.9:
                explored = candidates[offer.place].model_id
                tried += 1
        exploration.decided(AGENT, TASK, CHOICE, candidates, explored)
        assert tried <= share * number + 1e-9


def test_what_was_saved_in_quiet_times_is_not_spent_in_one_burst() -> None:
    sure = (candidate("p/best", BEST), candidate("p/next", unsure=0.0))
    exploration = Exploration()
    for _ in range(100_000):
        exploration.decided(AGENT, TASK, CHOICE, sure, None)
    assert trials(exploration, TWO, 100).total() <= MOST_SAVED + 100 * MOST


def test_the_cheaper_one_is_tried_more_often() -> None:
    fleet = (candidate("p/best", BEST), candidate("p/dear", usd=0.004), candidate("p/cheap"))
    tried = trials(Exploration(), fleet, 50_000)
    assert tried["p/cheap"] == pytest.approx(4 * tried["p/dear"], rel=0.1)
    assert tried["p/best"] == 0


def test_one_of_unknown_cost_is_taken_as_dear_but_comes_up() -> None:
    fleet = (candidate("p/best", BEST), candidate("p/cheap"), candidate("p/unknown", usd=None))
    tried = trials(Exploration(), fleet, 50_000)
    assert tried["p/cheap"] == pytest.approx(DEAREST * tried["p/unknown"], rel=0.2)


def test_a_free_one_makes_no_other_endlessly_dear() -> None:
    fleet = (candidate("p/best", BEST), candidate("p/free", usd=0.0), candidate("p/paid"))
    tried = trials(Exploration(), fleet, 20_000)
    assert tried["p/paid"] > 0


def test_one_that_is_nearer_the_best_is_tried_more_often() -> None:
    fleet = (candidate("p/best", BEST), candidate("p/near", 0.75), candidate("p/far", 0.61))
    tried = trials(Exploration(), fleet, 20_000)
    assert tried["p/near"] > 2 * tried["p/far"] > 0


def test_one_of_which_enough_is_known_is_left_alone() -> None:
    fleet = (candidate("p/best", BEST), candidate("p/known", 0.7, unsure=0.005))
    assert not trials(Exploration(), fleet, 10_000)


def test_one_that_nothing_is_measured_of_is_left_alone() -> None:
    unmeasured = Candidate("p/plain", 0.7, (Term("capability", 0.7),))
    assert not trials(Exploration(), (TWO[0], unmeasured), 10_000)


def test_one_far_behind_is_tried_too_but_seldom() -> None:
    near = (candidate("p/best", BEST), candidate("p/near", 0.7))
    far = (candidate("p/best", BEST), candidate("p/far", 0.2))
    often, seldom = (trials(Exploration(), fleet, 20_000).total() for fleet in (near, far))
    assert seldom == pytest.approx(often / LONG_SHOT, rel=0.1)


def test_one_far_behind_waits_while_there_is_another_nearer() -> None:
    fleet = (*TWO, candidate("p/far", 0.1))
    assert set(trials(Exploration(), fleet, 20_000)) == {"p/next"}


def test_who_may_well_be_the_best_draws_on_a_reserve_and_comes_up_first() -> None:
    usual = (candidate("p/best", BEST), candidate("p/known", 0.75, unsure=0.03))
    fallen = (*usual, candidate("p/fallen", 0.6, unsure=0.25))
    exploration = saved_up(Exploration())
    first = exploration.offer(AGENT, TASK, CHOICE, fallen)
    assert first is not None
    assert fallen[first.place].model_id == "p/fallen"
    tried = trials(saved_up(Exploration()), fallen, 5_000)
    assert tried["p/fallen"] > 2 * tried["p/known"] > 0
    spent = saved_up(Exploration())
    while spent.offer(AGENT, TASK, CHOICE, usual) is not None:
        spent.decided(AGENT, TASK, CHOICE, usual, "p/known")
    kept = sum(1 for _ in range(int(RESERVE)) if _spent_on(spent, fallen, "p/fallen"))
    assert kept == int(RESERVE)


def _spent_on(exploration: Exploration, candidates: Sequence[Candidate], model: str) -> bool:
    offer = exploration.offer(AGENT, TASK, CHOICE, candidates)
    if offer is None or candidates[offer.place].model_id != model:
        return False
    exploration.decided(AGENT, TASK, CHOICE, candidates, model)
    return True


def test_a_model_that_comes_late_does_not_get_all_the_turns() -> None:
    exploration = Exploration()
    trials(exploration, TWO, 20_000)
    late = (*TWO, candidate("p/late"))
    tried = trials(exploration, late, 5_000)
    assert abs(tried["p/late"] - tried["p/next"]) <= 2


def test_turns_of_many_models_do_not_fill_the_memory() -> None:
    exploration = Exploration()
    for number in range(3 * MAX_REMEMBERED):
        pair = (TWO[0], candidate(f"p/{number}"))
        saved_up(exploration, pair)
        exploration.decided(AGENT, TASK, CHOICE, pair, f"p/{number}")
    assert len(exploration._due) <= MAX_REMEMBERED + 1


def test_another_policy_holds_from_then_on() -> None:
    exploration = Exploration()
    exploration.reconfigure(ExplorationPolicy(share=0.0))
    assert not trials(exploration, TWO, 5_000)
    exploration.reconfigure(ExplorationPolicy(share=0.01))
    tried = trials(exploration, TWO, 5_000).total()
    assert 40 <= tried <= 50


def test_what_was_saved_is_not_spent_once_nothing_is_to_be() -> None:
    exploration = Exploration()
    for _ in range(200):
        exploration.decided(AGENT, TASK, CHOICE, TWO, None)
    exploration.reconfigure(ExplorationPolicy(share=0.0))
    assert exploration.offer(AGENT, TASK, CHOICE, TWO) is None
