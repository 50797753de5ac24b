"""Do counts follow what is in flight, and what is spent of a minute what was really asked?"""

from __future__ import annotations

from dataclasses import replace

from fakes import BEST, NEXT, model
from hypothesis import given
from hypothesis import strategies as st
from scripted import FakeClock

from pointsman.core.decision import ReasonCode
from pointsman.core.fleet import Limits, Model
from pointsman.engine.load import Lease, Load

ACTIONS = st.lists(st.tuples(st.booleans(), st.sampled_from([BEST, NEXT]), st.integers(0, 50)))


@given(ACTIONS)
def test_counts_are_those_of_the_leases_that_are_out_and_never_negative(
    actions: list[tuple[bool, object, int]],
) -> None:
    load, out, all_leases = Load(FakeClock()), [], []
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
    load = Load(FakeClock())
    first, second = load.lease(BEST), load.lease(BEST)
    assert isinstance(first, Lease)
    first.release()
    first.release()
    assert load.snapshot() == {"a/best": 1}
    second.release()
    assert load.total == 0


def test_a_full_model_objects_and_does_not_pretend_to_know_for_how_long() -> None:
    load, two = Load(FakeClock()), model("p/two", most=2)
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
    load = Load(FakeClock())
    for _ in range(1000):
        load.lease(BEST)
    assert load.objection(BEST) is None


def spending(**limits: int) -> Model:
    return replace(BEST, limits=Limits(**limits))


def test_a_minute_that_is_spent_objects_until_there_is_room_again() -> None:
    clock, busy = FakeClock(), spending(requests_per_min=2)
    load = Load(clock)
    load.lease(busy).release()
    clock.t = 10.0
    load.lease(busy).release()
    objection = load.objection(busy)
    assert objection is not None
    assert objection.code is ReasonCode.AT_LIMIT
    assert objection.words == "2 of 2 requests in this minute"
    assert objection.retry_after_s == 51.0, "a second counts until all of it is a minute ago"
    clock.t = 61.0
    assert load.objection(busy) is None


def test_tokens_are_reserved_when_a_call_begins_and_corrected_when_it_ends() -> None:
    load, busy = Load(FakeClock()), spending(tokens_per_min=1_000)
    lease = load.lease(busy, 700)
    objection = load.objection(busy, 400)
    assert objection is not None
    assert objection.words == "700 of 1000 tokens in this minute, 400 needed"
    lease.release(150)
    assert load.objection(busy, 400) is None
    assert load.utilisation(busy) == 0.15


def test_a_call_of_unknown_size_counts_as_it_was_reserved_and_one_never_sent_not_at_all() -> None:
    load, busy = Load(FakeClock()), spending(requests_per_min=10, tokens_per_min=1_000)
    load.lease(busy, 300).release()
    assert load.utilisation(busy) == 0.3
    load.lease(busy, 300).release(sent=False)
    assert load.utilisation(busy) == 0.3
    for _ in range(4):
        load.lease(busy).release(0)
    assert load.utilisation(busy) == 0.5


def test_the_later_of_two_limits_says_when_there_is_room() -> None:
    clock, busy = FakeClock(), spending(requests_per_min=1, tokens_per_min=100)
    load = Load(clock)
    load.lease(busy, 100)
    clock.t = 30.0
    objection = load.objection(busy, 50)
    assert objection is not None
    assert (objection.words, objection.retry_after_s) == ("1 of 1 requests in this minute", 31.0)


def test_a_model_that_was_not_asked_yet_has_all_its_minute() -> None:
    load, busy = Load(FakeClock()), spending(tokens_per_min=10)
    assert load.objection(busy, 1_000_000) is None
    assert load.utilisation(busy) == 0.0
    assert load.utilisation(BEST) is None


def test_what_was_spent_of_a_model_that_is_gone_is_forgotten() -> None:
    load, busy = Load(FakeClock()), spending(requests_per_min=1)
    load.lease(busy)
    load.answered(NEXT.id, 1.0, streamed=True)
    load.keep_only(frozenset())
    assert load.objection(busy) is None
    assert load.queues([NEXT.id], streamed=True) == ([0], [0.0])


def test_streams_and_plain_answers_are_timed_apart() -> None:
    load = Load(FakeClock())
    load.answered(BEST.id, 0.5, streamed=True)
    load.waited(NEXT.id, 5.0, streamed=False)
    assert load.queues([BEST.id, NEXT.id], streamed=True).waits == [0.5, 0.0]
    assert load.queues([BEST.id, NEXT.id], streamed=False).waits == [0.0, 5.0]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.floats(0.0, 40.0)), max_size=40),
    st.integers(1, 400),
)
def test_the_short_cut_never_lets_past_a_limit(
    calls: list[tuple[int, bool, float]], tokens: int
) -> None:
    clock = FakeClock()
    load, busy = Load(clock), spending(max_in_flight=5, requests_per_min=8, tokens_per_min=1_000)
    leases: list[Lease] = []
    for reserved, ends, later_s in calls:
        clock.t += later_s
        if load.all_take([BEST, busy], tokens):
            assert load.objection(busy, tokens) is None
        leases.append(load.lease(busy, reserved))
        if ends:
            leases.pop(0).release()
