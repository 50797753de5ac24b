"""Does the running router's memory of the last hour answer right, and without stalling anybody?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from fakes import MemoryLedger, World
from scripted import FakeClock, good

from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.core.ring import chosen_of
from pointsman.core.windows import Window
from pointsman.engine.heard import Heard
from pointsman.engine.statistics import Asked, LiveStatistics, Noted


class StepClock(FakeClock):
    """Every look at it takes two milliseconds, so that every step is a long one."""

    def monotonic(self) -> float:
        self.looks = getattr(self, "looks", 0) + 1
        return self.looks * 0.002


def outcome(
    at: datetime, agent_id: str = "a", model_id: str = "p/m", *, number: int = 0
) -> Outcome:
    return Outcome(
        f"dec_{number:06}", 1, model_id, agent_id, at, None, False, 0.5, usage=Usage(10, 5)
    )


def decision(
    at: datetime,
    *,
    number: int = 0,
    agent_id: str = "a",
    score: float | None = 0.5,
    model_id: str = "p/m",
) -> Decision:
    chosen = () if score is None else (Candidate(model_id, score, ()),)
    return Decision(
        f"dec_{number:06}", "r", at, agent_id, Task(), Strategy.SPEED, chosen, (), 1.0, "cfg"
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def live(clock: FakeClock) -> LiveStatistics:
    return LiveStatistics(clock)


async def test_whatever_a_request_does_is_seen_at_once() -> None:
    world = World()
    live = LiveStatistics(world.clock)
    world.service._ledger = Noted(world.ledger, live, Heard())
    world.script("a/best", good("one"))
    await world.chat()
    period = live.period(Window.MINUTE)
    assert (period.counts.attempts, period.counts.successes) == (1, 1)
    assert live.model_ids() == ("a/best",)
    assert live.latest(5) == tuple(map(chosen_of, world.ledger.decisions))
    assert len(world.ledger.outcomes) == 1


async def test_a_report_lists_the_busiest_first(live: LiveStatistics, clock: FakeClock) -> None:
    for number in range(30):
        live.ended(outcome(clock.now(), f"agent_{number % 4}", f"p/{number % 3 // 2}"))
    live.ended(outcome(clock.now(), "agent_3"))
    report = await live.report(Asked(limit=2))
    assert report.overall.counts.attempts == 31
    assert [(row.id, row.period.counts.attempts) for row in report.models] == [
        ("p/0", 20),
        ("p/1", 10),
    ]
    assert [row.id for row in report.agents] == ["agent_0", "agent_1"]
    assert (report.model_count, report.agent_count) == (3, 4)


async def test_a_report_can_be_narrowed(live: LiveStatistics, clock: FakeClock) -> None:
    for agent_id, model_id in (("a", "p/m"), ("a", "p/n"), ("b", "p/m"), ("a", "p/m")):
        live.ended(outcome(clock.now(), agent_id, model_id))
    of_agent = await live.report(Asked(agent_id="a"))
    assert of_agent.overall.counts.attempts == 3
    assert [(r.id, r.period.counts.attempts) for r in of_agent.models] == [("p/m", 2), ("p/n", 1)]
    on_model = await live.report(Asked(model_id="p/m"))
    assert [(r.id, r.period.counts.attempts) for r in on_model.agents] == [("a", 2), ("b", 1)]
    both = await live.report(Asked(agent_id="b", model_id="p/m"))
    assert (both.overall.counts.attempts, both.model_count, both.agent_count) == (1, 1, 1)
    none = await live.report(Asked(agent_id="nobody"))
    assert (none.overall.counts.attempts, none.models, none.agents) == (0, [], [])


async def test_who_did_nothing_in_the_window_is_not_listed(
    live: LiveStatistics, clock: FakeClock
) -> None:
    live.ended(outcome(clock.now()))
    await clock.passes(120.0)
    assert (await live.report(Asked(Window.MINUTE))).models == []
    assert len((await live.report(Asked(Window.HOUR))).models) == 1


async def test_the_match_is_the_mean_score_of_those_chosen_in_the_window(
    live: LiveStatistics, clock: FakeClock
) -> None:
    live.decided(decision(clock.now() - timedelta(hours=2), score=0.0))
    live.decided(decision(clock.now(), score=0.4))
    live.decided(decision(clock.now(), score=0.8, agent_id="b"))
    live.decided(decision(clock.now(), score=None))
    assert (await live.report(Asked())).matches == {"p/m": pytest.approx(0.6)}
    assert (await live.report(Asked(agent_id="b"))).matches == {"p/m": 0.8}


async def test_a_model_that_is_seldom_chosen_keeps_its_match(
    live: LiveStatistics, clock: FakeClock
) -> None:
    live.decided(decision(clock.now(), score=0.7, model_id="p/seldom"))
    for number in range(1_100):
        live.decided(decision(clock.now(), number=number))
    assert (await live.report(Asked())).matches == {"p/m": 0.5, "p/seldom": 0.7}
    await clock.passes(400.0)
    assert (await live.report(Asked())).matches == {}


async def test_decisions_before_a_start_are_shown_again(clock: FakeClock) -> None:
    before = [decision(clock.now() - timedelta(minutes=m), number=9 - m) for m in (1, 2, 70, 80)]
    live = LiveStatistics(clock)
    own = decision(clock.now(), number=10, score=0.9, model_id="p/own")
    live.decided(own)
    assert live.redisplayed([own, before[0]])
    assert not live.redisplayed(before[1:])
    assert live.latest(9) == tuple(map(chosen_of, (own, *before[:2])))
    assert (await live.report(Asked())).matches == {"p/m": 0.5, "p/own": 0.9}


def test_no_more_decisions_are_shown_again_than_there_is_room_for(clock: FakeClock) -> None:
    live = LiveStatistics(clock)
    earlier = clock.now() - timedelta(minutes=1)
    assert live.redisplayed([decision(earlier, number=number) for number in range(1_000)])
    assert not live.redisplayed([decision(earlier)])
    assert len(live.latest(2_000)) == 1_000


async def test_others_get_their_turn_during_a_long_report() -> None:
    clock = StepClock()
    live = LiveStatistics(clock)
    for number in range(50):
        live.ended(outcome(clock.now(), f"agent_{number}"))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await live.report(Asked())
    task.cancel()
    assert turns >= 50


async def test_the_overhead_and_the_totals_of_agents_are_kept(
    live: LiveStatistics, clock: FakeClock
) -> None:
    live.answered(0.002)
    live.ended(outcome(clock.now()))
    live.ended(outcome(clock.now())._replace(failure=FailureKind.RESET))
    assert live.overhead(Window.MINUTE).most == 0.002
    totals = live.totals()["a"]
    assert (totals.attempts, totals.successes, totals.faults) == (2, 1, 1)
    assert (await live.report(Asked())).overhead.count == 1


def test_what_is_recalled_counts_in_the_windows_it_belongs_to(
    live: LiveStatistics, clock: FakeClock
) -> None:
    ages_s = (3_000.0, 200.0, 100.0, 30.0)
    live.ended(outcome(clock.now()))
    between = 0
    for _ in live.recalling([outcome(clock.now() - timedelta(seconds=age)) for age in ages_s]):
        live.ended(outcome(clock.now(), "b"))  # requests go on between the steps
        between += 1
    assert between
    attempts = [live.period(window).counts.attempts - between for window in Window]
    assert attempts == [2, 4, 5]


def test_the_ledger_is_told_all_the_same(clock: FakeClock, live: LiveStatistics) -> None:
    ledger = MemoryLedger()
    noted = Noted(ledger, live, Heard())
    noted.decided(decision(clock.now()))
    noted.ended(outcome(clock.now()))
    assert (len(ledger.decisions), len(ledger.outcomes)) == (1, 1)


def test_no_answer_pays_for_counting_thousands_before_it(
    live: LiveStatistics, clock: FakeClock
) -> None:
    dearest = 0
    for number in range(4_500):
        with calls() as made:
            live.ended(outcome(clock.now(), f"agent_{number % 5}", f"p/{number % 20}"))
            live.answered(0.0002 * (number % 7))
        dearest = max(dearest, len(made))
    assert dearest < 6_000  # all that waits by then, counted at once, takes 65,000
    assert live.overhead(Window.MINUTE).count == 4_500


@contextmanager
def calls() -> Iterator[list[str]]:
    """Every call of a function and its return meanwhile: what it takes, on whatever machine."""
    made: list[str] = []
    sys.setprofile(lambda _frame, event, _what: made.append(event))
    try:
        yield made
    finally:
        sys.setprofile(None)
