"""Do the counts of calls in flight follow what really is in flight?"""

from __future__ import annotations

from fakes import BEST, NEXT, model
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.decision import ReasonCode
from pointsman.engine.load import Lease, Load

ACTIONS = st.lists(st.tuples(st.booleans(), st.sampled_from([BEST, NEXT]), st.integers(0, 50)))


@given(ACTIONS)
def test_counts_are_those_of_the_leases_that_are_out_and_never_negative(
    actions: list[tuple[bool, object, int]],
) -> None:
    load, out, all_leases = Load(), [], []
    for takes, which, number in actions:
        if takes:
            lease = load.lease(which)  # type: ignore[arg-type]
            all_leases.append(lease)
            out.append((which, lease))
        elif all_leases:
            lease = all_leases[number % len(all_leases)]
            lease.release()
            out = [(m, held) for m, held in out if held is not lease]
        for one in (BEST, NEXT):
            assert load.in_flight(one.id) == sum(m is one for m, _ in out) >= 0
        assert load.total == len(out)
    for lease in all_leases:
        lease.release()
    assert load.snapshot() == {}


def test_a_lease_is_released_once_however_often_it_is_asked() -> None:
    load = Load()
    first, second = load.lease(BEST), load.lease(BEST)
    assert isinstance(first, Lease)
    first.release()
    first.release()
    assert load.snapshot() == {"a/best": 1}
    second.release()
    assert load.total == 0


def test_a_full_model_objects_and_does_not_pretend_to_know_for_how_long() -> None:
    load, two = Load(), model("p/two", most=2)
    load.lease(two)
    assert load.objection(two) is None
    held = load.lease(two)
    objection = load.objection(two)
    assert objection is not None
    assert (objection.code, objection.words) == (ReasonCode.AT_LIMIT, "2 of 2 calls in flight")
    assert objection.retry_after_s is None
    held.release()
    assert load.objection(two) is None


def test_a_model_without_a_limit_never_objects() -> None:
    load = Load()
    for _ in range(1000):
        load.lease(BEST)
    assert load.objection(BEST) is None
