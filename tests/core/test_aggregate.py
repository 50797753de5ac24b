"""Does a period count each request once, for everybody it concerns?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core import aggregate
from pointsman.core.aggregate import (
    OTHER,
    UNKNOWN,
    Aggregate,
    Dimension,
    Member,
    Request,
    aggregated,
    finer_s,
    first_id,
    grain_for,
    made_at_s,
    merged,
)
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = Member(Dimension.ALL)


def an_outcome(model_id: str = "p/one", failure: FailureKind | None = None) -> Outcome:
    cost = Decimal("0.5") if failure is None else Decimal(0)
    return Outcome("dec_1", 1, model_id, "a", NOON, failure, False, 1.0, cost_usd=cost)


def a_request(agent_id: str = "a", model_id: str | None = "p/one", **more: Any) -> Request:
    made = Request(agent_id, model_id, "coding", "balanced", 0.5)
    return made._replace(**more)


def figures(found: Aggregate) -> tuple[object, ...]:
    counts = (found.decisions, found.refused, found.explored, found.panics, found.fallbacks)
    return (*counts, found.scored, found.score_units, found.period.packed())


def test_a_request_counts_for_all_its_members() -> None:
    found = aggregated([a_request(outcomes=(an_outcome(),), explored=True, panic=True)])
    assert set(found) == {
        ALL,
        Member(Dimension.AGENT, "a"),
        Member(Dimension.MODEL, "p/one"),
        Member(Dimension.PROVIDER, "p"),
        Member(Dimension.TASK_TYPE, "coding"),
        Member(Dimension.STRATEGY, "balanced"),
    }
    assert len({figures(each) for each in found.values()}) == 1
    total = found[ALL]
    assert (total.decisions, total.explored, total.panics, total.score_sum) == (1, 1, 1, 0.5)
    assert total.period.counts.cost_usd == Decimal("0.5")


def test_an_attempt_counts_for_the_model_that_made_it() -> None:
    failed, served = an_outcome(failure=FailureKind.RESET), an_outcome("q/two")
    found = aggregated([a_request(outcomes=(failed, served))])
    one, two = (found[Member(Dimension.MODEL, name)] for name in ("p/one", "q/two"))
    assert (one.decisions, one.fallbacks, one.period.counts.faults) == (1, 1, 1)
    assert (two.decisions, two.fallbacks, two.period.counts.successes) == (0, 0, 1)
    assert found[ALL].period.counts.attempts == 2


def test_a_request_that_nobody_served_is_refused() -> None:
    found = aggregated([a_request(model_id=None, task_type=None, strategy=None, score=None)])
    assert (found[ALL].decisions, found[ALL].refused, found[ALL].scored) == (1, 1, 0)
    assert Member(Dimension.TASK_TYPE, UNKNOWN) in found
    assert not any(member.dimension is Dimension.MODEL for member in found)


def test_outcomes_of_a_lost_decision_count_as_attempts_alone() -> None:
    found = aggregated([a_request(decided=False, outcomes=(an_outcome(),))])
    assert (found[ALL].decisions, found[ALL].period.counts.attempts) == (0, 1)


def test_beyond_so_many_members_the_others_share_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "MOST_MEMBERS", 2)
    found = aggregated(a_request(f"agent-{n}") for n in range(5))
    agents = {m.name: each.decisions for m, each in found.items() if m.dimension is Dimension.AGENT}
    assert agents == {"agent-0": 1, "agent-1": 1, OTHER: 3}
    assert found[ALL].decisions == 5


requests = st.builds(
    a_request,
    agent_id=st.sampled_from("ab"),
    model_id=st.sampled_from([None, "p/one", "q/two"]),
    score=st.one_of(st.none(), st.floats(0, 1)),
    outcomes=st.lists(
        st.builds(
            an_outcome,
            model_id=st.sampled_from(["p/one", "q/two"]),
            failure=st.sampled_from([None, FailureKind.RESET, FailureKind.RATE_LIMITED]),
        ),
        max_size=3,
    ).map(tuple),
)


@given(st.lists(st.lists(requests, max_size=5), max_size=4))
def test_parts_merged_are_the_whole_in_any_order(parts: list[list[Request]]) -> None:
    whole = aggregated(each for part in parts for each in part)
    pieces = [item for part in parts for item in aggregated(part).items()]
    for order in (pieces, pieces[::-1]):
        found = merged(order)
        assert {m: figures(each) for m, each in found.items()} == {
            m: figures(each) for m, each in whole.items()
        }


def test_a_step_is_made_of_the_longest_period_that_divides_it() -> None:
    steps = (60, 300, 600, 3_600, 7_200, 21_600, 86_400, 7 * 86_400)
    expected = [60, 60, 600, 3_600, 3_600, 3_600, 86_400, 86_400]
    assert [grain_for(step) for step in steps] == expected
    with pytest.raises(ValueError, match="no multiple of 60"):
        grain_for(90)
    assert (finer_s(3_600), finer_s(60)) == (600, None)


@given(st.integers(0, 2**33), st.integers(0, 2**64 - 1))
def test_an_id_says_when_it_was_made(at_s: int, seed: int) -> None:
    name = f"{first_id(at_s)}{seed:016x}"
    assert made_at_s(name) == at_s
    assert first_id(at_s) <= name < first_id(at_s + 1)
    assert made_at_s("dec_!") is None
