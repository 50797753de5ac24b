"""Can the scorer be replaced while it decides, without anything being lost or told twice?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from fakes import BEST, NEXT, World

from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Feedback, Outcome, Selection, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Agent
from pointsman.engine.policy import Scoring
from pointsman.engine.registry import Registry
from pointsman.engine.scoring import FEW, CurrentScorer, new_scorer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ended(second: float, *, model_id: str = BEST.id, fails: bool = True) -> Outcome:
    failure = FailureKind.UNAVAILABLE if fails else None
    at = NOON + timedelta(seconds=second)
    return Outcome(f"dec_{second}", 1, model_id, "default", at, failure, False, 0.5)


class Pupil(CapabilityScorer):
    """Remembers what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[Outcome | Feedback] = []

    def learn(self, outcome: Outcome) -> None:
        self.told.append(outcome)

    def judge(self, feedback: Feedback) -> None:
        self.told.append(feedback)


class Lessons:
    """Teaches a pupil, and goes on when it is told to."""

    def __init__(self, pupil: Pupil, record: Sequence[Outcome]) -> None:
        self.pupil = pupil
        self.record = record
        self.may_end = asyncio.Event()

    async def __call__(self) -> str:
        await self.may_end.wait()
        self.pupil.told.extend(self.record)
        return "read"


async def handing_over(current: CurrentScorer, lessons: Lessons) -> asyncio.Task[str]:
    task = asyncio.create_task(current.hand_over(lessons.pupil, lessons()))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("scoring", Scoring)
def test_there_is_a_scorer_of_every_profile(scoring: Scoring) -> None:
    candidate = new_scorer(scoring).score(Agent("default"), Task(), Selection(), BEST)
    assert sum(term.value for term in candidate.terms) == pytest.approx(candidate.score)


async def test_the_successor_learns_the_record_first_and_then_what_happened_meanwhile() -> None:
    current = CurrentScorer(Pupil())
    lessons = Lessons(Pupil(), [ended(1), ended(2)])
    current.learn(ended(3))
    task = await handing_over(current, lessons)
    praise = Feedback("dec_1", "default", BEST.id, None, NOON, 5)
    current.learn(ended(4))
    current.judge(praise)
    lessons.may_end.set()
    assert await task == "read"
    assert lessons.pupil.told == [ended(1), ended(2), ended(4), praise]
    current.learn(ended(5))
    assert lessons.pupil.told[-1] == ended(5)


async def test_much_that_happened_meanwhile_is_learned_in_steps_and_nothing_is_missed() -> None:
    current = CurrentScorer(Pupil())
    lessons = Lessons(Pupil(), [])
    task = await handing_over(current, lessons)
    news = [ended(second) for second in range(3 * FEW)]
    for each in news:
        current.learn(each)
    lessons.may_end.set()
    late = 0
    while not task.done():
        await asyncio.sleep(0)
        if late < 5:  # requests go on being answered between the steps
            late += 1
            news.append(ended(1_000 + late))
            current.learn(news[-1])
    assert lessons.pupil.told == news


async def test_until_it_takes_over_the_present_scorer_decides() -> None:
    current = CurrentScorer(new_scorer(Scoring.POSTERIOR))
    world = World(BEST, NEXT, scorer=current)
    lessons = Lessons(Pupil(), [])
    task = await handing_over(current, lessons)
    for second in range(5):
        current.learn(ended(second))
    assert world.service.decide(world.ask()).candidates[0].model_id == NEXT.id
    generation = current.generation
    lessons.may_end.set()
    await task
    assert current.generation > generation
    assert current.changed_since(generation) is None, "another scorer: any score may differ"
    assert current.changed_since(current.generation) == frozenset()
    assert world.service.decide(world.ask()).candidates[0].model_id == BEST.id


async def test_generations_only_rise_and_changes_stay_told_after_a_change_of_scorer() -> None:
    current = CurrentScorer(new_scorer(Scoring.POSTERIOR))
    for second in range(4):
        current.learn(ended(second))
    before = current.generation
    lessons = Lessons(Pupil(), [])
    lessons.may_end.set()
    await current.hand_over(new_scorer(Scoring.CLASSIC), lessons())
    first = current.generation
    assert first == before + 1
    current.learn(ended(10, model_id=NEXT.id))
    assert current.generation == first + 1
    assert current.changed_since(first) == frozenset({NEXT.id})


async def test_lessons_that_fail_leave_the_present_scorer_where_it_is() -> None:
    first = Pupil()
    current = CurrentScorer(first)

    async def failing() -> None:
        raise RuntimeError("no such record")

    with pytest.raises(RuntimeError):
        await current.hand_over(Pupil(), failing())
    current.learn(ended(1))
    assert first.told == [ended(1)]


def test_what_models_took_that_are_gone_no_longer_moves_the_scores_of_others() -> None:
    current = CurrentScorer(new_scorer(Scoring.POSTERIOR))
    registry = World(BEST, NEXT).registry
    asked = Agent("default"), Task(), Selection()

    def score() -> float:
        return current.score(*asked, BEST).score

    untimed = score()
    for second in range(40):
        current.learn(ended(second, model_id="gone/slow", fails=False)._replace(total_s=60.0))
    current.tick(NOON.timestamp() + 100.0)
    among_strangers, generation = score(), current.generation
    assert among_strangers != untimed
    declared = Registry(registry.current.setup, current)
    assert score() == untimed
    assert current.changed_since(generation) is None
    declared.replace(registry.current.setup)
    assert score() == untimed


async def test_a_successor_knows_which_models_there_are() -> None:
    current = CurrentScorer(new_scorer(Scoring.CAPABILITY))
    Registry(World(BEST, NEXT).registry.current.setup, current)
    successor = new_scorer(Scoring.POSTERIOR)

    async def taught() -> None:
        for second in range(40):
            successor.learn(ended(second, model_id="gone/slow", fails=False)._replace(total_s=60.0))
        successor.tick(NOON.timestamp() + 100.0)

    await current.hand_over(successor, taught())
    asked = Agent("default"), Task(), Selection()
    fresh = new_scorer(Scoring.POSTERIOR)
    assert current.score(*asked, BEST).score == fresh.score(*asked, BEST).score
