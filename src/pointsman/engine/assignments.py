"""How does a plan, a person or a judgement change who stands where?

What is undone is put back only where nothing has happened since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from pointsman.core.assignment.posting import (
    Facts,
    FactsOf,
    Places,
    differing,
    overridden,
    planned,
    withdrawn,
    without,
)
from pointsman.core.assignment.records import (
    Assignment,
    Run,
    RunKind,
    RunState,
    Status,
    means_something,
    place_of,
)
from pointsman.core.errors import Conflict
from pointsman.engine.assignment_checks import (
    check_current,
    check_ours,
    check_pair,
    check_still,
    check_there,
    check_unbroken,
    check_unmoved,
    check_worth,
    not_so,
    pinned_here,
)
from pointsman.engine.in_force import About, InForce, Who, to_its_end
from pointsman.engine.ports import RunQuery
from pointsman.engine.solving import Lately, Solved, Wish, solved
from pointsman.engine.weighing import Weighed, recorded_gain, weighed


class Applied(NamedTuple):
    """A run that is in force, and the plan it put in place."""

    run: Run
    solved: Solved


class Assignments(InForce):
    """What is in force, and the ways to change it. All raise `StoreError` when it is not kept."""

    async def solved(
        self,
        wish: Wish,
        *,
        lately: Lately | None = None,
        keeping: bool = False,
        all_stay: bool = False,
    ) -> Solved:
        """A plan for the fleet as it is, with what was solved for `keeping`. Nothing changes.

        Where `all_stay`, nobody moves who need not.
        """
        question = self.question()._replace(lately=lately)
        if all_stay:
            question = question._replace(resting=frozenset(question.standing))
        packing = self.store.packed if keeping else None
        return await solved(self.aside, question, self.scores, wish, packing)

    def differing(self, found: Solved) -> dict[str, Places]:
        """The places of the agents for whom the plan would change something."""
        return differing(self.roll, self._wanted(found))

    async def apply(self, wish: Wish, who: Who, expect: str | None = None) -> Applied:
        """Solve, and put the plan in place.

        Raises `Conflict` when it is not the plan that is expected, by its id: whoever looked at one
        gets that one or none.
        """
        async with self.deciding():
            self._check()
            found = await self.solved(wish, keeping=True)
            if expect not in {None, found.id}:
                raise Conflict(
                    f"expect: the plan is {found.id} by now, not {expect}; look at it again.",
                    param="expect",
                    code="plan_changed",
                )
            await self.catch_up()
            self._check()
            check_current(self.view().fleet, found, self.standing())
            return Applied(await self._put(found, wish, who), found)

    async def put(self, found: Solved, wish: Wish, who: Who) -> Run:
        """Put a plan in place. Raises `Conflict` when agents stand elsewhere than it knew."""
        async with self.deciding():
            self._check()
            check_current(self.view().fleet, found, self.standing())
            return await self._put(found, wish, who)

    async def propose(self, found: Solved, wish: Wish, who: Who) -> Run:
        """Keep what a plan would change, for a person to decide."""
        async with self.deciding():
            self._check()
            about, facts = _about(found, wish), self._facts(found)
            run, _ = await self.made(self._wanted(found), who, about, facts=facts)
            proposed = replace(run, state=RunState.PROPOSED)
            await asyncio.to_thread(self.store.keep, proposed, (), found.problem)
            return proposed

    async def outdate(self) -> None:
        """Nobody can apply what was proposed: by what is known now nothing is to be changed."""
        async with self.deciding():
            query = RunQuery(state=RunState.PROPOSED)
            for run in await asyncio.to_thread(self.store.runs, query):
                stale = replace(run, state=RunState.STALE, settled_at=self.clock.now())
                await to_its_end(asyncio.to_thread(self.store.keep, stale))

    async def adopt(self, run_id: str, who: Who, *, force: bool = False) -> Run | None:
        """Put in place what was proposed, as it was proposed; None when there is no such run.

        Raises `Conflict` when agents were moved since or are gone, and without `force` when it
        would break a rule that holds now, or lose what it was proposed to gain.
        """
        async with self.deciding():
            self._check()
            proposed = await asyncio.to_thread(self.store.run, run_id)
            if proposed is None:
                return None
            if proposed.state is not RunState.PROPOSED:
                raise not_so(proposed, RunState.PROPOSED)
            wanted = {each.agent_id: each.after for each in proposed.changes}
            found = None if force else await self._weighed(wanted)
            check_unmoved(self.roll, {each.agent_id: each.before for each in proposed.changes})
            check_there(self.view().fleet, wanted)
            if found is not None:
                check_unbroken(proposed, found)
                check_worth(found, recorded_gain(self.question(), proposed.changes))
            return await self.decide(wanted, who, About(proposed.kind), proposed=proposed)

    async def undo(self, run_id: str, who: Who, *, force: bool = False) -> Run | None:
        """Put back what a run has changed; None when there is no such run.

        Raises `Conflict` when agents were moved since, or cannot go back, and without `force` when
        that would break a rule that holds now. To undo what undid something is to do it again.
        """
        async with self.deciding():
            self._check()
            done = await asyncio.to_thread(self.store.run, run_id)
            if done is None:
                return None
            if done.state is not RunState.APPLIED:
                raise not_so(done, RunState.APPLIED)
            wanted = {each.agent_id: each.before for each in done.changes}
            found = None if force else await self._weighed(wanted)
            check_unmoved(self.roll, {each.agent_id: each.after for each in done.changes})
            check_there(self.view().fleet, wanted)
            if found is not None:
                check_unbroken(done, found)
            return await self.decide(wanted, who, About(RunKind.UNDO, undoes=done.id))

    async def override(
        self, agent_id: str, model_id: str, who: Who, until: datetime | None = None
    ) -> Run:
        """Put the agent on the model, whatever any plan says, until it is released.

        Raises `RequestError` for a pair that could never be.
        """
        async with self.deciding():
            self._check()
            self.check_pair(agent_id, model_id)
            places = overridden(self.roll.places(agent_id), model_id, who.reason, until)
            return await self.decide({agent_id: places}, who, About(RunKind.OVERRIDE))

    async def end(self, found: Assignment, who: Who) -> Run:
        """End what an assignment is: a trial, an override, where a plan put the agent, a spare.

        After an override the agent is where it was before; after any other primary it stands
        nowhere until the next plan. Raises `Conflict` for one that is not in force, or that is
        something else by now than was `found`, and where the configuration pins the agent.
        """
        async with self.deciding():
            self._check()
            check_still(self.roll, found)
            if found.status is Status.ACTIVE:
                self._check_unpinned(found.agent_id)
            if not means_something(found):
                words = f"{found.id} is not in force: there is nothing to end."
                raise Conflict(words, param="id", code="not_in_force")
            wanted = {found.agent_id: without(self.roll.places(found.agent_id), place_of(found))}
            kind = RunKind.TRIAL if found.status is Status.TESTING else RunKind.RELEASE
            return await self.decide(wanted, who, About(kind))

    async def withdraw(self, found: Assignment, who: Who) -> Run:
        """The agent no longer stands on the model: it goes back behind an override, else nowhere.

        Raises `Conflict` when the configuration pins the agent, and when the assignment is
        something else by now than was `found`.
        """
        async with self.deciding():
            self._check()
            check_still(self.roll, found)
            if found.status is Status.ACTIVE:
                self._check_unpinned(found.agent_id)
            places = withdrawn(self.roll.places(found.agent_id), found.model_id)
            return await self.decide({found.agent_id: places}, who, About(RunKind.RELEASE))

    async def change(
        self, agent_id: str, places: Callable[[Places], Places], who: Who, kind: RunKind
    ) -> Run:
        """Give the agent the places that `places` makes of those it has."""
        async with self.deciding():
            self._check()
            wanted = {agent_id: places(self.roll.places(agent_id))}
            return await self.decide(wanted, who, About(kind))

    async def forget(self, found: Assignment, who: Who) -> Run:
        """Delete an assignment that means nothing any more, with what was counted of it.

        Raises `Conflict` when it means something again by now.
        """
        async with self.deciding():
            check_still(self.roll, found)
            run, _ = await self.made({}, who, About(RunKind.RELEASE))
            await to_its_end(asyncio.to_thread(self.store.remove, run, found.id))
            return run

    async def broken_by(self, wanted: Mapping[str, Places]) -> tuple[str, ...]:
        """The rules that these places would break now, in words."""
        return (await self._weighed(wanted)).broken

    def check_pair(self, agent_id: str, model_id: str) -> None:
        """Raises `RequestError` for an agent and a model that could never be a pair."""
        check_pair(self.view().fleet, self.matching(), agent_id, model_id)

    def _check_unpinned(self, agent_id: str) -> None:
        agent = self.view().fleet.agents.get(agent_id)
        if agent is not None and agent.pinned is not None:
            raise pinned_here(agent)

    def _check(self) -> None:
        check_ours(self.view().expectations)

    async def _weighed(self, wanted: Mapping[str, Places]) -> Weighed:
        return await weighed(self.aside, self.question(), self.scores, wanted)

    async def _put(self, found: Solved, wish: Wish, who: Who) -> Run:
        wanted, facts = self._wanted(found), self._facts(found)
        return await self.decide(wanted, who, _about(found, wish), facts=facts)

    def _wanted(self, found: Solved) -> dict[str, Places]:
        """The places of all agents after the plan; who is offline keeps what it has."""
        pinned = {each.agent_id for each in found.placed if each.pinned}
        return {
            name: planned(self.roll.places(name), models, pinned=name in pinned)
            for name, models in found.models_of().items()
        }

    def _facts(self, found: Solved) -> FactsOf:
        """What was known of each pair when the plan was made; of others, what is known now."""
        known: dict[tuple[str, str], Facts] = {
            (each.agent_id, model_id): facts
            for each in found.placed
            for model_id, facts in zip(each.models, each.facts, strict=True)
        }
        now = self.matching().facts

        def facts(agent_id: str, model_id: str) -> Facts:
            return known.get((agent_id, model_id)) or now(agent_id, model_id)

        return facts


def _about(found: Solved, wish: Wish) -> About:
    about = About(RunKind.PLAN, wish.how.value, found.figures, found.point)
    return about._replace(problem=found.problem)
