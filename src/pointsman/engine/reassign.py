"""When is the fleet assigned anew without anybody asking, and what comes of it?

A plan is made every so often, and at once when a model has failed for two looks in a row, has come
back, or when the configuration has changed. `propose` shows what it would change, `auto` puts it in
place at a pace that people can follow, or lets agents try first where they would go. Overrides end
when their time is over, trials when something is proved, in every mode.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from pointsman.core.assignment.duty import Mode, Routine
from pointsman.core.assignment.posting import expired, is_override
from pointsman.core.assignment.records import (
    Means,
    Run,
    RunKind,
    RunState,
    Status,
    primary_of,
)
from pointsman.core.assignment.trial import USUAL_RIGOUR
from pointsman.core.errors import Conflict
from pointsman.engine.assignments import Assignments
from pointsman.engine.in_force import Who
from pointsman.engine.pace import AT_ONCE, lately, runs_of
from pointsman.engine.ports import AssignmentStore, Clock, RunQuery
from pointsman.engine.solving import How, Lately, Solved, Wish
from pointsman.engine.trials import JUDGE, judged, started

ITSELF = "pointsman"
"""Who decides, where no person did."""

REMATCH_S = 300.0
"""How often what is told of pairs follows what is known of them."""

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
        self._rematched_s = clock.monotonic()

    async def turn(self) -> Run | None:
        """Whatever is due; the run that was proposed or put in place, if any."""
        view = self._assignments.view()
        if view.expectations.standing:
            return None
        await self._rematch()
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
        lately = await self._lately(routine) if routine.mode is Mode.AUTO else None
        wish = Wish(How(routine.how), without=tuple(sorted(seen.down)))
        found = await self._assignments.solved(wish, lately=lately, keeping=True)
        if not self._moved(found):
            # What was proposed is not what would be changed any more: nobody is to apply it.
            await self._assignments.outdate()
            return None
        who = Who(ITSELF, self._reason(seen))
        if routine.mode is Mode.AUTO:
            if routine.try_share is not None:
                found = await self._tried_out(found, wish, routine.try_share, seen)
                if not self._moved(found):
                    return None
            run = await self._assignments.put(found, wish, who)
        elif await self._is_proposed(found):
            return None
        else:
            run = await self._assignments.propose(found, wish, who)
        facts = {"run": run.id, "state": run.state.value, "moves": len(run.moves)}
        log.info("assigned anew", extra=facts)
        return run

    async def _tried_out(self, found: Solved, wish: Wish, share: float, seen: _Seen) -> Solved:
        """Let those who would move by choice try where they would go; a plan for all others.

        Where a rule is broken unless somebody moves, nobody has a choice.
        """
        staying = await self._assignments.solved(wish, keeping=True, all_stay=True)
        if len(staying.figures.unassigned) > len(found.figures.unassigned):
            return found
        models = self._assignments.view().fleet.models.keys() - seen.down
        failed = await self._failed_lately()
        for agent_id, source, target in sorted(self._moved(found), key=str):
            if source in models and target is not None and (agent_id, target) not in failed:
                who = Who(ITSELF, f"expected to suit better than {source}")
                await started(self._assignments, agent_id, target, share, who, Means.AUTO)
        return staying

    async def _failed_lately(self) -> set[tuple[str, str]]:
        """The agents and models of trials that ended without the model taking over, lately.

        To begin them again would learn the same again, for ever.
        """
        since = self._clock.now() - timedelta(seconds=USUAL_RIGOUR.longest_s)
        query = RunQuery(AT_ONCE, kind=RunKind.TRIAL, by=JUDGE, since=since)
        runs = await asyncio.to_thread(lambda: list(runs_of(self._assignments.store, query)))
        return {
            (change.agent_id, place.model_id)
            for run in runs
            for change in run.changes
            for place in change.before
            if place.status is Status.TESTING and change.target != place.model_id
        }

    def _moved(self, found: Solved) -> set[tuple[str, str | None, str | None]]:
        """Who would stand elsewhere with the plan, where now, and where then."""
        places, wanted = self._assignments.roll.places, self._assignments.differing(found)
        sides = (
            (name, primary_of(places(name)), primary_of(those)) for name, those in wanted.items()
        )
        return {(name, source, target) for name, source, target in sides if source != target}

    async def _rematch(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._rematched_s >= REMATCH_S:
            self._rematched_s = now_s
            await self._assignments.rematch()

    async def _lately(self, routine: Routine) -> Lately:
        """Who begins to try a model by itself is promised that move, so it counts as one."""
        found, roll = await lately(self._assignments, routine.pace), self._assignments.roll
        tried = filter(None, map(roll.tried, roll.trying()))
        begun = ((e.agent_id, e.at.timestamp()) for e in tried if e.means is Means.AUTO)
        return found._replace(moved=(*found.moved, *begun))

    async def _is_proposed(self, found: Solved) -> bool:
        """Whether a person has the same before them already."""
        query = RunQuery(limit=1, state=RunState.PROPOSED)
        runs = await asyncio.to_thread(self._assignments.store.runs, query)
        wanted = self._moved(found)
        return any({(c.agent_id, c.source, c.target) for c in r.moves} == wanted for r in runs)

    async def _release_expired(self) -> None:
        now, roll = self._clock.now(), self._assignments.roll
        for agent_id in roll.held():
            primary = roll.primary(agent_id)
            if primary is not None and primary.until is not None and primary.until <= now:
                said = Who(ITSELF, f"its time was over at {primary.until.isoformat()}")
                nowhere = await asyncio.to_thread(_was_nowhere, self._assignments.store, agent_id)
                ending = partial(expired, now=now, nowhere=nowhere)
                await self._assignments.change(agent_id, ending, said, RunKind.RELEASE)

    def _reason(self, seen: _Seen) -> str:
        if seen.down:
            return f"while {', '.join(sorted(seen.down))} does not answer, or is drained"
        return "by what is known now"


def _was_nowhere(store: AssignmentStore, agent_id: str) -> bool:
    """Whether the agent stood on no model before a person put it where it is."""
    for run in runs_of(store, RunQuery(AT_ONCE)):
        own = next((each for each in run.changes if each.agent_id == agent_id), None)
        in_force = run.state not in {RunState.PROPOSED, RunState.STALE}
        if own is not None and in_force and is_override(own):
            return own.source is None
    return False
