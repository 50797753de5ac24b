"""Does a period count each request once, for everybody it concerns?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core import aggregate
from pointsman.core.aggregate import (
    OTHER,
    UNKNOWN,
    Aggregate,
    Dimension,
    Kind,
    Made,
    Member,
    aggregated,
    finer_s,
    first_id,
    grain_for,
    made_at_s,
    merged,
)
from pointsman.core.attempts import Kept, Row, row_of, row_of_kept
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = Member(Dimension.ALL)


def an_outcome(model_id: str = "p/one", failure: FailureKind | None = None) -> Outcome:
    cost = Decimal("0.5") if failure is None else Decimal(0)
    return Outcome("dec_1", 1, model_id, "a", NOON, failure, False, 1.0, cost_usd=cost)


def a_kind(agent_id: str = "a", model_id: str | None = "p/one") -> Kind:
    return Kind(agent_id, model_id, "coding", "balanced")


ONCE = Made(1, scored=1, score_sum=0.5)
SERVED = row_of(an_outcome(), 0)
FAILED = row_of(an_outcome(failure=FailureKind.RESET), 0)


def figures(found: Aggregate) -> tuple[object, ...]:
    counts = (found.decisions, found.refused, found.explored, found.panics, found.fallbacks)
    return (*counts, found.scored, found.score_units, found.period.packed())


def test_a_request_counts_for_all_its_members() -> None:
    made = ONCE._replace(explored=1, panics=1)
    found = aggregated({a_kind(): made}, [(a_kind(), [SERVED])])
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
    attempts = [(a_kind(), [FAILED]), (a_kind(model_id="q/two"), [SERVED])]
    found = aggregated({a_kind(): ONCE._replace(fallbacks=1)}, attempts)
    one, two = (found[Member(Dimension.MODEL, name)] for name in ("p/one", "q/two"))
    assert (one.decisions, one.fallbacks, one.period.counts.faults) == (1, 1, 1)
    assert (two.decisions, two.fallbacks, two.period.counts.successes) == (0, 0, 1)
    assert found[ALL].period.counts.attempts == 2


def test_a_request_that_nobody_served_is_refused() -> None:
    found = aggregated({Kind("a", None): Made(1)}, [])
    assert (found[ALL].decisions, found[ALL].refused, found[ALL].scored) == (1, 1, 0)
    assert Member(Dimension.TASK_TYPE, UNKNOWN) in found
    assert not any(member.dimension is Dimension.MODEL for member in found)


def test_outcomes_of_a_lost_decision_count_as_attempts_alone() -> None:
    found = aggregated({}, [(Kind("a", "p/one"), [SERVED])])
    assert (found[ALL].decisions, found[ALL].period.counts.attempts) == (0, 1)


def test_beyond_so_many_members_the_others_share_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregate, "MOST_MEMBERS", 2)
    found = aggregated({a_kind(f"agent-{n}"): ONCE for n in range(5)}, [])
    agents = {m.name: each.decisions for m, each in found.items() if m.dimension is Dimension.AGENT}
    assert agents == {"agent-0": 1, "agent-1": 1, OTHER: 3}
    assert found[ALL].decisions == 5


kinds = st.builds(Kind, st.sampled_from("ab"), st.sampled_from([None, "p/one", "q/two"]))
decided = st.dictionaries(kinds, st.builds(Made, st.integers(1, 9), score_sum=st.floats(0, 9)))
tried = st.dictionaries(kinds, st.lists(st.sampled_from([SERVED, FAILED]), min_size=1, max_size=4))


@given(st.lists(st.tuples(decided, tried), max_size=4))
def test_parts_merged_come_to_the_same_in_any_order(
    parts: list[tuple[dict[Kind, Made], dict[Kind, list[Row]]]],
) -> None:
    pieces = [item for made, rows in parts for item in aggregated(made, rows.items()).items()]
    one, other = merged(pieces), merged(pieces[::-1])
    assert {m: figures(each) for m, each in one.items()} == {
        m: figures(each) for m, each in other.items()
    }
    if pieces:
        assert one[ALL].decisions == sum(m.decisions for made, _ in parts for m in made.values())
        count = sum(len(rows) for _, attempts in parts for rows in attempts.values())
        assert one[ALL].period.counts.attempts == count


@given(decided, tried)
def test_attempts_that_come_in_pieces_come_to_the_same(
    made: dict[Kind, Made], attempts: dict[Kind, list[Row]]
) -> None:
    pieces = [(kind, [row]) for kind, rows in attempts.items() for row in rows]
    whole, in_pieces = aggregated(made, attempts.items()), aggregated(made, pieces[::-1])
    assert {m: figures(each) for m, each in whole.items()} == {
        m: figures(each) for m, each in in_pieces.items()
    }


def kept(outcome: Outcome) -> Kept:
    usage, cost = outcome.usage, outcome.cost_usd
    tokens = (None, None, None, None)
    if usage is not None:
        tokens = (*usage[:3], int(usage.estimated))  # type: ignore[assignment]
    return Kept(
        None if outcome.failure is None else outcome.failure.code,
        int(outcome.streamed),
        outcome.total_s,
        outcome.first_token_s,
        *tokens,
        None if cost is None else str(cost),
    )


counts = st.one_of(st.integers(0, 3), st.integers(-1, 2**33))
usages = st.one_of(st.none(), st.builds(Usage, counts, counts, counts, estimated=st.booleans()))


@given(
    st.sampled_from([None, *FailureKind]),
    st.booleans(),
    st.floats(0, 1e6),
    st.one_of(st.none(), st.floats(0, 1e6)),
    usages,
    st.one_of(st.none(), st.decimals(-1, 2_000_000, places=15)),
)
def test_what_is_kept_of_an_attempt_counts_as_the_attempt(
    failure: FailureKind | None,
    streamed: bool,
    total_s: float,
    first_s: float | None,
    usage: Usage | None,
    cost: Decimal | None,
) -> None:
    outcome = Outcome(
        "dec_1", 1, "p/one", "a", NOON, failure, streamed, total_s, first_s, usage, cost
    )
    assert row_of_kept(kept(outcome)) == row_of(outcome, 0)


def test_a_step_is_made_of_the_longest_period_that_divides_it() -> None:
    steps = (60, 300, 600, 3_600, 7_200, 21_600, 86_400, 7 * 86_400)
    expected = [60, 60, 600, 3_600, 3_600, 21_600, 86_400, 86_400]
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
