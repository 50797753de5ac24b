"""Does `auto` keep its pace also where agents try first where they would go?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_assignments import LARGE, OPS, SMALL, run_it
from test_reassign import SPARE, Watched, better
from test_trials import drawn, ending

from pointsman.core.assignment.duty import Mode
from pointsman.core.assignment.records import RunKind
from pointsman.core.assignment.stability import Pace
from pointsman.core.decision import Decision, Outcome
from pointsman.core.fleet import Agent
from pointsman.engine.in_force import About, Who
from pointsman.engine.pace import AT_ONCE
from pointsman.engine.trials import JUDGE, started

MANY = tuple(Agent(f"a{number}", requires=("general",)) for number in range(6))
BEST = better(SPARE, 1.0)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Watched]:
    """Six agents on lab/large, while else/spare has become better."""
    office = Watched(tmp_path / "pointsman.db")
    office.configured(models=(LARGE, SPARE, SMALL), agents=MANY)
    office.apply()
    office.configured(models=(LARGE, BEST, SMALL))
    office.clock.t += 7200.0
    yield office
    office.store.close()


def allowed(office: Watched, moves: int, share: float | None = 0.5) -> None:
    pace = Pace(moves_per_hour=moves, cool_off_s=0.0)
    office.allows(Mode.AUTO, pace=pace, try_share=share, every_s=60.0)


def turns(office: Watched, count: int, every_s: float = 60.0) -> list[int]:
    """How many agents stand on the better model after each of so many turns."""
    found = []
    for _ in range(count):
        office.turn(every_s)
        found.append(sum(model == BEST.id for model in office.posts().values()))
    return found


def trying(office: Watched) -> int:
    return sum(post.trying is not None for post in office.registry.current.setup.posts.values())


def other_runs(office: Watched, by: str) -> None:
    """More decisions that move nobody than are read at a time."""
    office.clock.t += 1.0
    for _ in range(AT_ONCE + 50):
        run, _ = run_it(office.book.made({}, Who(by), About(RunKind.TRIAL)))
        office.store.assignments.keep(run)


def proved(office: Watched) -> None:
    """For every agent, that the better model is no worse."""
    records: list[Decision | Outcome] = []
    for place, agent in enumerate(MANY):
        for number in range(300):
            for side, model_id in enumerate((LARGE.id, BEST.id)):
                made = drawn(
                    office, (2 * place + side) * 1000 + number, model_id, agent_id=agent.id
                )
                failed = side == 0 and number % 5 == 0
                end = ending(made, model_id, good=not failed)
                records += [made, end._replace(agent_id=agent.id)]
    office.store.append(records)


def test_no_more_agents_begin_to_try_in_an_hour_than_may_move(office: Watched) -> None:
    allowed(office, 2)
    begun = []
    for _ in range(4):
        turns(office, 10)
        begun.append(trying(office))
    assert begun == [2, 2, 2, 2]
    turns(office, 21)
    assert trying(office) == 4, "after an hour two more, though nothing is proved yet"


def test_what_is_proved_takes_over_as_fast_as_agents_may_move(office: Watched) -> None:
    allowed(office, 6)
    turns(office, 1)
    assert trying(office) == 6
    allowed(office, 2)
    proved(office)
    assert turns(office, 58) == [2] * 58
    turns(office, 3)
    assert turns(office, 50) == [4] * 50, "two more in the next hour"
    assert trying(office) == 2, "the others go on as they are until then"


def test_what_a_person_has_begun_takes_over_whatever_the_pace(office: Watched) -> None:
    allowed(office, 0)
    run_it(started(office.book, "a1", BEST.id, 0.5, OPS))
    proved(office)
    assert turns(office, 2) == [1, 1]


def test_where_the_agent_stays_anyway_a_trial_is_over_whatever_the_pace(office: Watched) -> None:
    allowed(office, 1)
    turns(office, 1)
    (name,) = office.book.roll.trying()
    allowed(office, 0)
    run_it(office.book.override(name, LARGE.id, OPS))
    run_it(started(office.book, name, BEST.id, 0.5, OPS))
    proved(office)
    assert turns(office, 1) == [0]
    assert trying(office) == 0


def test_other_decisions_push_no_move_out_of_sight(office: Watched) -> None:
    allowed(office, 2, share=None)
    assert turns(office, 1) == [2]
    other_runs(office, "somebody")
    assert turns(office, 50) == [2] * 50


def test_who_rests_for_long_rests_whatever_else_is_decided(office: Watched) -> None:
    pace = Pace(moves_per_hour=6, cool_off_s=86_400.0)
    office.allows(Mode.AUTO, pace=pace, every_s=60.0)
    assert turns(office, 1) == [6]
    office.configured(models=(better(LARGE, 1.0), SPARE, SMALL))
    other_runs(office, "somebody")
    assert turns(office, 20, every_s=3600.0) == [6] * 20
    assert turns(office, 5, every_s=3600.0)[-1] == 0


def test_a_proposal_counts_when_it_is_applied_however_old_it_is(office: Watched) -> None:
    denying = tuple(replace(each, deny=frozenset({BEST.id})) for each in MANY[2:])
    office.configured(agents=(*MANY[:2], *denying))
    office.allows(Mode.PROPOSE)
    run = office.turn()
    assert run is not None
    office.clock.t += 7200.0
    run_it(office.book.adopt(run.id, OPS))
    office.configured(agents=MANY)
    allowed(office, 2, share=None)
    assert turns(office, 50) == [2] * 50
    assert turns(office, 12)[-1] == 4


def test_what_was_tried_is_remembered_whatever_else_was_tried_since(office: Watched) -> None:
    allowed(office, 6)
    turns(office, 1)
    turns(office, 1, every_s=15 * 86_400.0)
    assert trying(office) == 0
    other_runs(office, JUDGE)
    turns(office, 3)
    assert trying(office) == 0
