"""Is what happened before a start learned again, once, in order, and without holding anybody up?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from fakes import BEST, NEXT, World
from scripted import FakeClock

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Candidate, Decision, Feedback, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.windows import Window
from pointsman.engine.policy import Scoring
from pointsman.engine.ports import Scorer
from pointsman.engine.replay import OUTCOMES_OF, SLICE, Replay, Replayed
from pointsman.engine.scoring import CurrentScorer, new_scorer
from pointsman.engine.statistics import LiveStatistics


class Pupil(CapabilityScorer):
    """Remembers when what it is told of happened."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.types: list[str | None] = []
        self.begun = Event()

    def learn(self, outcome: Outcome) -> None:
        self.times.append(outcome.at)
        self.types.append(outcome.task_type)
        self.begun.set()

    def judge(self, feedback: Feedback) -> None:
        self.times.append(feedback.at)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "pointsman.db")
    yield store
    store.close()


def fill(
    store: SqliteStore,
    times: Sequence[datetime],
    *,
    model_id: str = BEST.id,
    failure: FailureKind | None = None,
    task_type: str | None = None,
) -> list[str]:
    """Decisions on the model, each with an attempt that ended at one of the times; their ids."""
    records: list[Decision | Outcome] = []
    for number, at in enumerate(times):
        decision_id = f"dec_{int(at.timestamp() * 1000):011x}{number:016x}"
        chosen = (Candidate(model_id, 0.5, ()),)
        decision = Decision(
            *(
                decision_id,
                "r",
                at,
                "default",
                Task(task_type),
                Strategy.BALANCED,
                chosen,
                (),
                1.0,
                "cfg",
            )
        )
        records += [decision, Outcome(decision_id, 1, model_id, "default", at, failure, False, 0.5)]
    store.append(records)
    return [record.id for record in records if isinstance(record, Decision)]


def ago(clock: FakeClock, *seconds: float) -> list[datetime]:
    return [clock.now() - timedelta(seconds=each) for each in seconds]


async def replayed(
    store: SqliteStore, clock: FakeClock, scorer: Scorer, live: LiveStatistics | None = None
) -> Replayed:
    recent = live.recalling if live else None
    replay = Replay(store, clock, clock.now(), scorer=scorer, recent=recent, eager_s=60.0)
    return await replay.run()


async def test_outcomes_and_judgements_are_told_in_the_order_in_which_they_came(
    store: SqliteStore, clock: FakeClock
) -> None:
    times = ago(clock, 300, 200, 100)
    ids = fill(store, times)
    said = ago(clock, 250, 150)
    for decision_id, at in zip(ids, said, strict=False):
        store.judge(Feedback(decision_id, "default", BEST.id, None, at, 1))
    pupil = Pupil()
    assert await replayed(store, clock, pupil) == Replayed(3, 2)
    assert pupil.times == sorted([*times, *said])


async def test_outcomes_are_told_with_the_type_of_their_task(
    store: SqliteStore, clock: FakeClock
) -> None:
    fill(store, ago(clock, 200), task_type="math/textbook")
    fill(store, ago(clock, 100))
    pupil = Pupil()
    await replayed(store, clock, pupil)
    assert pupil.types == ["math/textbook", None]


async def test_what_this_process_has_seen_itself_is_not_told_again(
    store: SqliteStore, clock: FakeClock
) -> None:
    fill(store, [*ago(clock, 10), clock.now()])
    pupil, live = Pupil(), LiveStatistics(clock)
    assert await replayed(store, clock, pupil, live) == Replayed(1, 0)
    assert pupil.times == ago(clock, 10)
    assert live.period(Window.HOUR).counts.attempts == 1


async def test_one_pass_feeds_the_statistics_too_with_the_last_hour(
    store: SqliteStore, clock: FakeClock
) -> None:
    ages_s = [4_000.0, 3_000.0, 200.0, 100.0, 30.0, 20.0] + [10.0] * 500
    fill(store, ago(clock, *ages_s))
    pupil, live = Pupil(), LiveStatistics(clock)
    await replayed(store, clock, pupil, live)
    attempts = [live.period(window).counts.attempts for window in Window]
    assert attempts == [502, 504, 505]
    assert len(pupil.times) == 506


async def test_what_is_older_than_would_matter_is_left_alone(
    store: SqliteStore, clock: FakeClock
) -> None:
    fill(store, ago(clock, OUTCOMES_OF.total_seconds() + 60, 60))
    assert await replayed(store, clock, Pupil()) == Replayed(1, 0)


async def test_a_model_that_failed_before_the_start_is_still_known_to_be_bad(
    store: SqliteStore, clock: FakeClock
) -> None:
    fill(store, ago(clock, 40, 30, 20, 10), failure=FailureKind.UNAVAILABLE)
    current = CurrentScorer(new_scorer(Scoring.POSTERIOR))
    world = World(BEST, NEXT, scorer=current)
    assert world.service.decide(world.ask()).candidates[0].model_id == BEST.id
    successor = new_scorer(Scoring.POSTERIOR)
    replay = Replay(store, clock, clock.now(), scorer=successor)
    await current.hand_over(successor, replay.run())
    assert world.service.decide(world.ask()).candidates[0].model_id == NEXT.id


async def test_old_evidence_does_not_overrule_what_was_seen_since(
    store: SqliteStore, clock: FakeClock
) -> None:
    """Whether the record is read before or after, the same is known in the end."""
    fill(store, ago(clock, *[4_000.0 - second for second in range(50)]))
    news = [
        Outcome("dec_1", 1, BEST.id, "default", clock.now(), FailureKind.UNAVAILABLE, False, 0.5)
    ] * 5
    current = CurrentScorer(new_scorer(Scoring.POSTERIOR))
    successor, in_order = new_scorer(Scoring.POSTERIOR), new_scorer(Scoring.POSTERIOR)
    await replayed(store, clock, in_order)
    for each in news:
        in_order.learn(each)
    replay = Replay(store, clock, clock.now(), scorer=successor)
    task = asyncio.create_task(current.hand_over(successor, replay.run()))
    await asyncio.sleep(0)
    for each in news:
        current.learn(each)
    await task
    world = World(BEST, NEXT)
    ask = world.ask()
    kind = (ask.agent, ask.task, ask.selection, BEST)
    now_s = clock.now().timestamp() + 1.0
    current.tick(now_s)
    in_order.tick(now_s)
    assert current.score(*kind) == in_order.score(*kind)


async def test_others_get_their_turn_while_much_is_read(
    store: SqliteStore, clock: FakeClock
) -> None:
    fill(store, ago(clock, *[100.0] * (10 * SLICE)))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    replay = Replay(store, clock, clock.now(), scorer=Pupil(), eager_s=0.0)
    assert await replay.run() == Replayed(10 * SLICE, 0)
    task.cancel()
    assert turns >= 10


async def test_a_stop_ends_it_before_its_end(store: SqliteStore, clock: FakeClock) -> None:
    fill(store, ago(clock, *[100.0] * (20 * SLICE)))
    pupil = Pupil()
    task = asyncio.create_task(Replay(store, clock, clock.now(), scorer=pupil).run())
    await asyncio.to_thread(pupil.begun.wait, 10.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    told = len(pupil.times)
    assert told < 20 * SLICE
    await asyncio.sleep(0)
    assert len(pupil.times) == told, "nobody reads any more"


async def test_a_store_that_cannot_be_read_is_a_pity_no_more(
    store: SqliteStore, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    with caplog.at_level(logging.WARNING):
        assert await replayed(store, clock, Pupil()) == Replayed(0, 0, complete=False)
    assert "cannot be read back" in caplog.text
