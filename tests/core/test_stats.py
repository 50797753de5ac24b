"""Do the windows hold what happened in them, whole, and nothing else, in bounded memory?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.attempts import columns_of, row_of
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.core.period import Period
from pointsman.core.ring import Chosen, DecisionRing, chosen_of
from pointsman.core.stats import Statistics
from pointsman.core.told_apart import OTHER
from pointsman.core.windows import SLOT_S, WINDOWS, Series, Window

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
START_S = START.timestamp()
HOUR_S = 3_600.0


def outcome(
    after_s: float = 0.0,
    model_id: str = "p/m",
    agent_id: str = "a",
    *,
    failure: FailureKind | None = None,
    total_s: float = 1.0,
) -> Outcome:
    at = START + timedelta(seconds=after_s)
    usage = Usage(100, 20, 60)
    return Outcome(
        "d", 1, model_id, agent_id, at, failure, True, total_s, 0.2, usage, Decimal("0.001")
    )


def period(outcomes: Iterable[Outcome]) -> Period:
    made, listed = Period(), list(outcomes)
    if listed:
        made.learn(columns_of(listed))
    return made


def attempts(stats: Statistics, now_s: float) -> list[int]:
    return [stats.attempts(window, START_S + now_s) for window in WINDOWS]


class Burst(NamedTuple):
    wait_s: float
    size: int
    agent_id: str
    model_id: str
    late_s: float
    total_s: float


BURSTS = st.lists(
    st.builds(
        Burst,
        st.sampled_from([0.0, 1.0, 9.0, 11.0, 45.0, 61.0, 300.0, 900.0, 3_700.0]),
        st.sampled_from([1, 1, 2, 7, 8, 11, 45]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["p/m", "p/n"]),
        st.sampled_from([0.0, 0.0, 0.0, 15.0, 70.0, 320.0, 3_000.0]),
        st.floats(0.01, 100.0),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(BURSTS, st.sampled_from([0.0, 9.0, 65.0, 301.0, 3_650.0]))
def test_every_window_holds_exactly_what_happened_in_it(bursts: list[Burst], rest_s: float) -> None:
    stats, told, now_s = Statistics(), [], 0.0
    for burst in bursts:
        now_s += burst.wait_s
        late = outcome(now_s - burst.late_s, burst.model_id, burst.agent_id, total_s=burst.total_s)
        for _ in range(burst.size):
            stats.record(late)
            told.append(late)
        stats.fold(START_S + now_s)
    now_s += rest_s
    present = int((START_S + now_s) // SLOT_S)
    for window in WINDOWS:
        inside = [o for o in told if window.holds(int(o.at.timestamp() // SLOT_S), present)]
        seen = stats.period(window, START_S + now_s)
        assert seen.packed() == period(inside).packed(), window
        for name in ("a", "b"):
            mine = [o for o in inside if o.agent_id == name]
            assert (
                stats.period(window, START_S + now_s, agent_id=name).packed()
                == period(mine).packed()
            )
            assert stats.attempts(window, START_S + now_s, agent_id=name) == len(mine)
            on_one = [o for o in mine if o.model_id == "p/m"]
            pair = stats.period(window, START_S + now_s, agent_id=name, model_id="p/m")
            assert pair.packed() == period(on_one).packed()
        both = [o for o in inside if o.model_id == "p/n"]
        assert (
            stats.period(window, START_S + now_s, model_id="p/n").packed() == period(both).packed()
        )


@given(st.permutations(range(30)))
@settings(max_examples=25)
def test_the_order_within_a_batch_does_not_matter(order: list[int]) -> None:
    told = [outcome(20.0 * place, f"p/{place % 3}", total_s=0.1 + place / 7) for place in range(30)]
    one, other = Statistics(), Statistics()
    for place in range(30):
        one.record(told[place])
        other.record(told[order[place]])
    now_s = START_S + 600.0
    for window in WINDOWS:
        assert one.period(window, now_s).packed() == other.period(window, now_s).packed()


def test_windows_forget() -> None:
    stats = Statistics()
    for _ in range(50):
        stats.record(outcome())
    assert attempts(stats, 5) == [50, 50, 50]
    assert attempts(stats, 61) == [0, 50, 50]
    assert attempts(stats, 301) == [0, 0, 50]
    assert attempts(stats, 3_600) == [0, 0, 0]


def test_nothing_is_left_of_who_fell_silent() -> None:
    stats = Statistics()
    stats.record(outcome(0, "p/few", "few"))
    for _ in range(50):
        stats.record(outcome(0, "p/many", "many"))
    stats.fold(START_S)
    assert stats.pair_count == 2
    assert set(stats.agent_ids()) == {"few", "many"}
    assert set(stats.model_ids()) == {"p/few", "p/many"}
    for minutes in range(70):
        stats.fold(START_S + 60.0 * minutes)
    assert stats.pair_count == 0
    assert (stats.agent_ids(), stats.model_ids()) == ((), ())
    assert stats.totals(START_S)["many"].attempts == 50


def test_one_of_two_models_of_an_agent_is_forgotten_alone() -> None:
    stats = Statistics()
    stats.record(outcome(0, "p/old"))
    for minutes in range(70):
        stats.record(outcome(60.0 * minutes, "p/new"))
        stats.fold(START_S + 60.0 * minutes)
    assert stats.models_of("a") == ("p/new",)
    assert stats.models_of("nobody") == ()


def test_rare_attempts_never_need_rings() -> None:
    stats = Statistics()
    for hours in range(100):
        stats.record(outcome(HOUR_S / 3 * hours))
        stats.fold(START_S + HOUR_S / 3 * hours)
    assert attempts(stats, HOUR_S / 3 * 99) == [1, 1, 3]
    series = stats._known._pairs["a"]["p/m"]
    assert series._rings is None


def test_rows_that_are_too_old_make_room_for_new_ones() -> None:
    series, per_hour = Series(), Window.HOUR.width * Window.HOUR.count
    for number in range(100):
        series.keep(row_of(outcome(), number * per_hour // 3))
    assert series._rings is None
    assert series.attempts(Window.HOUR, 99 * per_hour // 3) == 3


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, 30 * HOUR_S, -30 * HOUR_S])
def test_a_clock_that_jumps_neither_crashes_nor_stops_the_windows(jump_s: float) -> None:
    stats = Statistics()
    for second in range(300):
        stats.record(outcome(second))
        stats.fold(START_S + second)
    before = attempts(stats, 300)
    assert before[1] > 200
    for second in range(300, 1_000):
        stats.record(outcome(jump_s + second))
        stats.fold(START_S + jump_s + second)
    after = attempts(stats, jump_s + 1_000)
    assert 50 <= after[0] <= 61
    assert 240 <= after[1] <= 301
    assert after[2] == (1_000 if jump_s < 0 else 700)


def test_a_clock_set_forward_and_back_again_goes_on() -> None:
    stats = Statistics()
    for shift_s in (0.0, HOUR_S, 0.0):
        for second in range(120):
            stats.record(outcome(shift_s + second))
            stats.fold(START_S + shift_s + second)
    assert attempts(stats, 120)[0] in range(50, 62)


def test_what_is_older_than_an_hour_or_comes_from_the_future_counts_now() -> None:
    stats = Statistics()
    stats.fold(START_S)
    stats.record(outcome(-2 * HOUR_S))
    stats.record(outcome(+2 * HOUR_S))
    assert attempts(stats, 0) == [2, 2, 2]


def test_a_clock_that_is_a_moment_behind_changes_nothing() -> None:
    stats = Statistics()
    stats.fold(START_S + 30)
    stats.record(outcome(0))
    assert attempts(stats, 0) == [1, 1, 1]
    assert attempts(stats, 60) == [0, 1, 1]


def test_made_up_agents_cost_no_more_than_the_cap() -> None:
    stats = Statistics(max_pairs=10, max_agents=5)
    for number in range(1_000):
        stats.record(outcome(0, "p/m", f"agent_{number}"))
    assert stats.period(Window.HOUR, START_S).counts.attempts == 1_000
    assert (len(stats.agent_ids()), stats.pair_count) == (6, 11)
    assert stats.period(Window.HOUR, START_S, agent_id=OTHER).counts.attempts == 995
    rest = stats.period(Window.HOUR, START_S, agent_id=OTHER, model_id="p/m")
    assert rest.counts.attempts == 990
    assert stats.period(Window.HOUR, START_S, agent_id="agent_7").counts.attempts == 1
    totals = stats.totals(START_S)
    assert len(totals) == 6
    assert totals[OTHER].attempts == 995
    assert totals[OTHER].cost_usd == Decimal("0.995")


def test_made_up_models_cost_no_more_than_the_cap() -> None:
    stats = Statistics(max_pairs=10, max_models=3)
    for number in range(100):
        stats.record(outcome(0, f"p/{number}"))
    stats.fold(START_S)
    assert set(stats.model_ids()) == {"p/0", "p/1", "p/2", OTHER}
    assert stats.period(Window.HOUR, START_S, model_id=OTHER).counts.attempts == 97
    assert stats.period(Window.HOUR, START_S).counts.attempts == 100
    assert stats.period(Window.HOUR, START_S, agent_id=OTHER, model_id=OTHER).counts.attempts == 87


def test_many_attempts_are_counted_while_others_are_recorded() -> None:
    stats = Statistics()
    for number in range(10_000):
        stats.record(outcome(number / 1_000, f"p/{number % 7}", f"agent_{number % 50}"))
    assert len(stats._pending) < 10_000
    assert attempts(stats, 10) == [10_000] * 3


def test_counting_keeps_up_when_every_attempt_is_of_another_pair() -> None:
    stats, most = Statistics(), 0
    for number in range(30_000):
        stats.record(outcome(number / 10, f"p/{number % 499}", f"agent_{number % 1_009}"))
        most = max(most, len(stats._pending))
    assert most < 2 * 2_048
    assert stats.attempts(Window.HOUR, START_S + 3_000) == 30_000


def test_counting_in_steps_comes_to_the_same_whatever_happens_between_them() -> None:
    stepped, at_once = Statistics(), Statistics()
    told = [outcome(0, f"p/{number % 7}", f"agent_{number % 11}") for number in range(3_000)]
    for each in told[:2_500]:
        stepped.record(each)
    rest = iter(told[2_500:])
    for _ in stepped.folding(START_S):
        for each in islice(rest, 3):
            stepped.record(each)
    for each in rest:
        stepped.record(each)
    for each in told:
        at_once.record(each)
    for agent_id in ("agent_3", None):
        seen = stepped.period(Window.MINUTE, START_S, agent_id=agent_id)
        assert seen.packed() == at_once.period(Window.MINUTE, START_S, agent_id=agent_id).packed()


def test_what_is_due_is_forgotten_while_somebody_reads() -> None:
    stats = Statistics()
    for number in range(300):
        stats.record(outcome(0, f"p/{number % 3}", f"agent_{number}"))
    stats.fold(START_S)
    assert stats.pair_count == 300
    for _ in stats.folding(START_S + 2 * HOUR_S):
        pass
    assert (stats.pair_count, stats.model_ids()) == (0, ())


def test_what_happened_before_the_start_is_in_the_windows_but_in_no_total() -> None:
    """A counter that began with the past would be counted twice by whoever adds up its rises."""
    stats = Statistics()
    stats.record(outcome(0))
    stats.fold(START_S)
    past = [outcome(-400 + number / 10, "p/m", "a") for number in range(3_900)]
    for start in range(0, len(past), 100):
        for _ in stats.recalling(past[start : start + 100], START_S):
            pass
    assert not list(stats.recalling([], START_S))
    stats.record(outcome(1))
    assert attempts(stats, 5) == [402, 2_302, 3_902]
    assert stats.totals(START_S)["a"].attempts == 2
    assert stats.period(Window.HOUR, START_S, agent_id="a").counts.attempts == 3_902


def test_what_waits_in_many_places_is_all_in_the_answer() -> None:
    stats = Statistics()
    told = [outcome(0, f"p/{number % 150}", total_s=0.1 + number / 100) for number in range(2_850)]
    for each in told:
        stats.record(each)
    assert stats.period(Window.MINUTE, START_S).packed() == period(told).packed()


def test_the_overhead_is_a_distribution_of_its_own() -> None:
    stats = Statistics()
    for number in range(5_000):
        stats.record_overhead(START_S + number / 1_000, 0.001)
    stats.record_overhead(START_S + 5, -1.0)
    seen = stats.overhead(Window.MINUTE, START_S + 5)
    assert (seen.count, seen.least, seen.most) == (5_001, 0.0, 0.001)
    assert attempts(stats, 5) == [0, 0, 0]


def test_nobody_asked_for_is_nothing() -> None:
    stats = Statistics()
    nothing = Period().packed()
    assert stats.period(Window.HOUR, START_S, agent_id="x", model_id="y").packed() == nothing
    assert stats.period(Window.HOUR, START_S, model_id="y").packed() == nothing
    assert stats.period(Window.HOUR, START_S, agent_id="x").packed() == nothing


def test_a_window_has_a_name_and_a_length() -> None:
    assert [(w.label, w.length_s) for w in WINDOWS] == [("1m", 60), ("5m", 300), ("1h", 3_600)]


def test_the_ring_shows_the_last_decisions_newest_first() -> None:
    ring = DecisionRing(3)
    made = [Chosen(float(number), "a", "p/m", 0.5, number == 3) for number in range(5)]
    for chosen in made:
        ring.add(chosen)
    assert ring.latest(2) == (made[4], made[3])
    assert ring.latest(10) == (made[4], made[3], made[2])
    assert not ring.add_older(made[0])
    assert ring.latest(10)[-1] == made[2]


def test_what_was_chosen_before_comes_last_as_long_as_there_is_room() -> None:
    ring = DecisionRing(3)
    ring.add(own := Chosen(9.0, "a", "p/m", 0.5, explored=True))
    assert ring.add_older(before := Chosen(8.0, "b", None, 0.0, explored=False))
    assert ring.latest(3) == (own, before)


def test_of_a_decision_is_remembered_who_was_chosen_if_anybody() -> None:
    nobody = Decision("dec_1", "r", START, "a", Task(), Strategy.SPEED, (), (), 1.0, "cfg")
    first = Candidate("p/m", 0.7, ())
    assert chosen_of(nobody) == (START.timestamp(), "a", None, 0.0, False)
    made = nobody._replace(candidates=(first, Candidate("p/n", 0.6, ())), explored=True)
    assert chosen_of(made) == (START.timestamp(), "a", "p/m", 0.7, True)


def test_what_many_silent_models_did_is_told_whole() -> None:
    stats = Statistics()
    many = [outcome(number % 50, f"p/{number % 300}") for number in range(1_200)]
    for each in many:
        stats.record(each)
    now_s = START_S + 55.0
    assert stats.period(Window.HOUR, now_s, agent_id="a").packed() == period(many).packed()
    assert stats.period(Window.HOUR, now_s).packed() == period(many).packed()


def test_who_is_busy_right_now_is_not_forgotten() -> None:
    series = Series()
    series.add(0, period([outcome()]))
    assert not series.forget(0)
    assert not series.forget(1)
