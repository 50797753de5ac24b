"""After a failed attempt, is the next step always one that can help?"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.errors import Blame, FailureKind
from pointsman.core.fallback import Move, Situation, Step, next_step, staggered

SITUATIONS = st.builds(
    Situation,
    kind=st.sampled_from(FailureKind),
    retry_after_s=st.none() | st.floats(0, 600),
    short_wait_s=st.floats(0, 10),
    backoff_s=st.floats(0, 10),
    may_repeat=st.booleans(),
    has_standby=st.booleans(),
)


def situation(kind: FailureKind, retry_after_s: float | None = None, **more: bool) -> Situation:
    rights = {"may_repeat": True, "has_standby": True, **more}
    return Situation(kind, retry_after_s, short_wait_s=2.0, backoff_s=0.2, **rights)


@given(SITUATIONS)
def test_every_situation_has_a_step_that_is_allowed_and_can_help(now: Situation) -> None:
    step = next_step(now)
    assert step.wait_s >= 0.0
    if step.move is Move.AGAIN:
        assert now.may_repeat
        assert now.kind.retryable
        assert step.wait_s <= max(now.short_wait_s, now.backoff_s)
        assert step.wait_s >= (now.retry_after_s or 0.0), "never earlier than asked"
    elif step.move is Move.ELSEWHERE:
        assert now.has_standby
        assert now.kind.movable
        assert step.wait_s == 0.0
    else:
        assert not (now.kind.movable and now.has_standby)


@given(SITUATIONS.filter(lambda now: now.kind.blames is Blame.CALLER))
def test_what_the_caller_did_wrong_is_neither_repeated_nor_moved(now: Situation) -> None:
    assert next_step(now) == Step(Move.STOP)


FULL, BROKEN, KEY = FailureKind.RATE_LIMITED, FailureKind.UNAVAILABLE, FailureKind.KEY_REJECTED


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (situation(FULL, 1.5), Step(Move.AGAIN, 1.5)),
        (situation(FULL, 0.0), Step(Move.AGAIN, 0.0)),
        (situation(FULL, 30.0), Step(Move.ELSEWHERE)),
        (situation(FULL, 30.0, has_standby=False), Step(Move.STOP)),
        (situation(FULL, 1.5, may_repeat=False), Step(Move.ELSEWHERE)),
        (situation(FULL), Step(Move.ELSEWHERE)),
        (situation(FULL, has_standby=False), Step(Move.AGAIN, 0.2)),
        (situation(BROKEN), Step(Move.ELSEWHERE)),
        (situation(BROKEN, 1.5), Step(Move.ELSEWHERE)),
        (situation(BROKEN, has_standby=False), Step(Move.AGAIN, 0.2)),
        (situation(BROKEN, 1.5, has_standby=False), Step(Move.AGAIN, 1.5)),
        (situation(BROKEN, 30.0, has_standby=False), Step(Move.STOP)),
        (situation(BROKEN, has_standby=False, may_repeat=False), Step(Move.STOP)),
        (situation(KEY), Step(Move.ELSEWHERE)),
        (situation(KEY, has_standby=False), Step(Move.STOP)),
    ],
)
def test_the_order_of_preference(now: Situation, step: Step) -> None:
    assert next_step(now) == step


@given(st.floats(0, 600), st.text(), st.floats(0, 600))
def test_a_staggered_wait_is_no_shorter_and_little_longer(
    wait_s: float, decision_id: str, longest_s: float
) -> None:
    assert wait_s <= staggered(wait_s, decision_id) <= wait_s + max(0.1, 0.1 * wait_s)
    assert wait_s <= staggered(wait_s, decision_id, longest_s) <= max(wait_s, longest_s)


def test_those_who_wait_for_the_same_moment_come_back_one_after_the_other() -> None:
    waits = sorted(staggered(2.0, f"dec_{number:027x}") for number in range(1_000))
    assert max(later - earlier for earlier, later in pairwise(waits)) < 0.01
    assert waits[-1] - waits[0] > 0.19
