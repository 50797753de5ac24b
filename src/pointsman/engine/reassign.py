"""When is the fleet assigned anew without anybody asking, and what comes of it?

A plan is made every so often, and at once when a model has failed for two looks in a row, has come
back, or when the configuration has changed. `propose` shows what it would change, `auto` puts it in
place at a pace that people can follow. Overrides end when their time is over, trials when something
is proved, in every mode.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pointsman.core.assignment.duty import Mode, Routine
from pointsman.core.assignment.records import Run, RunState
from pointsman.core.assignment.stability import Moved, paced
from pointsman.core.errors import Conflict
from pointsman.engine.assign import Stated, without
from pointsman.engine.assignments import Assignments, Who
from pointsman.engine.ports import Clock, RunQuery
from pointsman.engine.solving import How, Solved, Wish, solved
from pointsman.engine.trials import judged

ITSELF = "pointsman"
"""Who decides, where no person did."""

LOOKED_BACK = 200
"""How many runs are read to see who has moved lately; a pace is far below."""

log = logging.getLogger(__name__)


class _Seen(NamedTuple):
    """What a plan was made for: another of these is a reason for another plan."""

    version: str
    down: frozenset[str]


class Reassigning:
    """Looks after the assignments, a `turn` at a time.

    `down` says which models do not answer at this moment.
    """

    def __init__(
        self, assignments: Assignments, clock: Clock, *, down: Callable[[], frozenset[str]]
    ) -> None:
        self._assignments = assignments
        self._clock = clock
        self._down = down
        self._before: frozenset[str] = frozenset()
        self._planned_for: _Seen | None = None
        self._planned_s = 0.0

    async def turn(self) -> Run | None:
        """Whatever is due; the run that was proposed or put in place, if any."""
        view = self._assignments.view()
        if view.expectations.standing:
            return None
        await self._release_expired()
        await judged(self._assignments)
        routine, seen = view.expectations.routine, self._look()
        if routine.mode is Mode.OFF or not self._due(routine, seen):
            return None
        self._planned_for, self._planned_s = seen, self._clock.monotonic()
        try:
            return await self._plan(routine, seen)
        except Conflict as conflict:
            # A person was quicker. What they did is in force, and the next turn plans with it.
            log.info("a plan came too late: %s", conflict)
            self._planned_for = None
            return None

    def _look(self) -> _Seen:
        """A model is down, or back, when two looks in a row agree."""
        now, before = self._down(), self._before
        self._before = now
        known = self._planned_for.down if self._planned_for else frozenset()
        down = frozenset((now & before) | (known & (now | before)))
        return _Seen(self._assignments.view().fleet.version, down)

    def _due(self, routine: Routine, seen: _Seen) -> bool:
        since_s = self._clock.monotonic() - self._planned_s
        return seen != self._planned_for or since_s >= routine.every_s

    async def _plan(self, routine: Routine, seen: _Seen) -> Run | None:
        stated = without(await self._assignments.stated(), sorted(seen.down))
        if not stated.agents or not stated.models:
            return None
        if routine.mode is Mode.AUTO:
            stated = await self._paced(stated, routine)
        wish = Wish(How(routine.how))
        found = await solved(stated, wish)
        moved = {c.agent_id for c in self._assignments.changes(found) if c.source != c.target}
        if not moved:
            return None
        who = Who(ITSELF, self._reason(seen))
        if routine.mode is Mode.AUTO:
            run = await self._assignments.put(found, wish, who)
        elif await self._is_proposed(found):
            return None
        else:
            run = await self._assignments.propose(found, wish, who)
        log.info("assigned anew", extra={"run": run.id, "state": run.state, "moves": len(moved)})
        return run

    async def _paced(self, stated: Stated, routine: Routine) -> Stated:
        now, pace = self._clock.now(), routine.pace
        query = RunQuery(limit=LOOKED_BACK, state=RunState.APPLIED)
        runs = await asyncio.to_thread(self._assignments.store.runs, query)
        numbers = {agent.id: number for number, agent in enumerate(stated.agents)}
        earlier = [moved for run in runs for moved in _moved(run, numbers)]
        problem = paced(stated.problem, pace, earlier, now.timestamp())
        return stated._replace(problem=problem)

    async def _is_proposed(self, found: Solved) -> bool:
        """Whether a person has the same before them already."""
        query = RunQuery(limit=1, state=RunState.PROPOSED)
        runs = await asyncio.to_thread(self._assignments.store.runs, query)
        wanted = {(c.agent_id, c.source, c.target) for c in self._assignments.changes(found)}
        return any({(c.agent_id, c.source, c.target) for c in r.changes} == wanted for r in runs)

    async def _release_expired(self) -> None:
        now, roll = self._clock.now(), self._assignments.roll
        for agent_id in roll.held():
            primary = roll.primary(agent_id)
            if primary is not None and primary.until is not None and primary.until <= now:
                said = Who(ITSELF, f"its time was over at {primary.until.isoformat()}")
                await self._assignments.release(agent_id, said)

    def _reason(self, seen: _Seen) -> str:
        if seen.down:
            return f"while {', '.join(sorted(seen.down))} does not answer"
        return "by what is known now"


def _moved(run: Run, numbers: Mapping[str, int]) -> Iterator[Moved]:
    """Who was moved by choice: not who had no place, or lost it."""
    for change in run.moves:
        number = numbers.get(change.agent_id)
        if number is not None and change.source is not None and change.target is not None:
            yield Moved(number, run.settled_at.timestamp())
