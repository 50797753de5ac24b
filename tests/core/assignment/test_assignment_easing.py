"""Is what would have to give way the least, in words a person can decide on, and does it help?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fleets import (
    BLIND,
    TOO_WEAK,
    agents,
    bound_by_everything,
    expected,
    fewest_easings,
    problem,
    random_fleet,
)

from pointsman.core.assignment import relaxation as module
from pointsman.core.assignment.easiest import easiest
from pointsman.core.assignment.easing import LiftedBar, RaisedLimit, eased, words_of_easing
from pointsman.core.assignment.limits import LimitKind, limits_of
from pointsman.core.assignment.optimal import Effort
from pointsman.core.assignment.problem import (
    AgentNeeds,
    Bar,
    BarCode,
    ModelRoom,
    Rules,
    ShareOf,
)
from pointsman.core.assignment.relaxation import relaxation

PROVEN = Effort(gap=0.0)


WORDS = {
    LimitKind.REQUESTS: "allow that p/m takes 3 instead of 1.5 requests per minute",
    LimitKind.TOKENS: "allow that p/m takes 3000 instead of 1500 tokens per minute",
    LimitKind.IN_FLIGHT: "allow that p/m takes 1 instead of 0.5 requests in flight",
    LimitKind.EXCLUSIVE: "let p/m serve 2 agents",
    LimitKind.PROVIDER_SHARE: "let q carry 100 % instead of 50 %",
    LimitKind.APART: "allow that pair on p may be 2 instead of 1 agents",
    LimitKind.BUDGET: "allow that the fleet spends 40 instead of 20 USD per day",
    LimitKind.LATENCY: "allow that the fleet waits 3 instead of 1.5 seconds on average",
    LimitKind.MOVES: "allow that the fleet makes 2 instead of 1 moves",
}


@pytest.mark.parametrize("kind", list(LimitKind))
@pytest.mark.parametrize("share_of", list(ShareOf))
def test_every_kind_of_limit_can_be_raised_and_said(kind: LimitKind, share_of: ShareOf) -> None:
    stated = bound_by_everything(share_of)
    limit = next(limit for limit in limits_of(stated) if limit.kind is kind)
    more = RaisedLimit(kind, limit.subject, limit.capacity, 2.0 * limit.capacity)
    then = {(now.kind, now.subject): now.capacity for now in limits_of(eased(stated, [more]))}
    before = {(now.kind, now.subject): now.capacity for now in limits_of(stated)}
    assert then.pop((kind, limit.subject), None) in {2.0 * limit.capacity, None}
    # A group kept apart is kept apart everywhere alike; everything else stays as it was.
    changed = {name for name, capacity in then.items() if before[name] != capacity}
    assert changed == ({(kind, "pair on q")} if kind is LimitKind.APART else set())
    assert words_of_easing(stated, more) == WORDS[kind]


def test_a_bar_is_lifted_by_what_its_remedy_says() -> None:
    stated = problem([[0.5, 0.6]], bars=[{0: TOO_WEAK, 1: BLIND}])
    lifted = LiftedBar(0, 0, TOO_WEAK)
    assert eased(stated, [lifted]).open_models(0) == [0]
    assert words_of_easing(stated, lifted) == (
        "lower the floor (agent agent-0 on provider-0/model-0: too weak)"
    )


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_it_is_the_fewest_decisions_and_everybody_who_can_has_a_place_then(seed: int) -> None:
    stated = random_fleet(seed, 4, 3)
    found = relaxation(stated, PROVEN)
    assert {left.agent for left in found.plan.unplaced} == set(found.hopeless)
    assert len(found.easings) == fewest_easings(stated, found.hopeless)
    for easing in found.easings:
        assert words_of_easing(stated, easing)


def test_where_everybody_has_a_place_nothing_gives_way() -> None:
    assert relaxation(problem([[0.5]])).easings == ()


def test_what_nobody_can_decide_is_hopeless() -> None:
    unpriced = Bar(BarCode.PRICE_UNKNOWN, "has no price", "give it a price")
    found = relaxation(problem([[0.5], [0.5]], bars=[{0: BLIND}, {0: unpriced}]))
    assert found.hopeless == (0, 1)
    assert found.easings == ()


def test_of_two_ways_the_smaller_is_proposed() -> None:
    near = TOO_WEAK._replace(amount=0.01)
    far = TOO_WEAK._replace(amount=0.4)
    found = relaxation(problem([[0.5, 0.5]], bars=[{0: far, 1: near}]))
    assert found.easings == (LiftedBar(0, 1, near),)


def test_a_limit_is_raised_to_a_number_that_a_person_would_say() -> None:
    scores = [[0.5]]
    usd = expected(scores, usd=[[0.0123456]])
    found = relaxation(problem(scores, expected=usd, rules=Rules(budget_usd_per_day=1.0)))
    (more,) = found.easings
    assert isinstance(more, RaisedLimit)
    assert more.raised == 17.78


def test_of_a_large_fleet_only_the_most_promising_ways_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_PATHS", 1)
    monkeypatch.setattr(module, "FEWEST_PATHS_EACH", 1)
    rooms = tuple(ModelRoom(f"p/{n}", "p", exclusive=True) for n in range(2))
    found = relaxation(problem([[0.9, 0.8]] * 2, models=rooms))
    assert found.easings == (RaisedLimit(LimitKind.EXCLUSIVE, "p/0", 1.0, 2.0),)


def test_without_time_it_still_proposes_something_that_helps() -> None:
    rooms = tuple(ModelRoom(f"p/{n}", "p", exclusive=True) for n in range(20))
    needs = (*agents(40), AgentNeeds("put", manual=3))
    stated = problem([[0.01 * m for m in range(20)]] * 41, models=rooms, agents=needs)
    paths = [stated.choices(agent) for agent in range(41)]
    hurried = easiest(stated, paths, 1e-9)
    assert hurried
    assert not relaxation(eased(stated, hurried)).easings
