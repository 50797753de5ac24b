"""Who stands where now, and how is that changed?

One change at a time, each a run that is in the store before it is in force: whoever was answered
that something changed finds it so after a crash. What is undone is put back only where nothing has
happened since.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import NamedTuple, TypeVar

from pointsman.core.assignment.posting import (
    Places,
    Stamp,
    changed,
    overridden,
    planned,
    released,
    vacated,
    without_model,
)
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import (
    Assignment,
    Change,
    Chosen,
    Figures,
    Roll,
    Run,
    RunKind,
    RunState,
)
from pointsman.core.errors import Conflict
from pointsman.engine.assign import Stated
from pointsman.engine.assignment_checks import (
    check_current,
    check_ours,
    check_pair,
    check_there,
    check_unmoved,
    not_so,
)
from pointsman.engine.matching import Matching
from pointsman.engine.ports import AssignmentQuery, AssignmentStore, Clock, Scores
from pointsman.engine.registry import Registry
from pointsman.engine.solving import Solved, View, Wish, solved, stated_now
from pointsman.engine.standing import Post, post_of

T = TypeVar("T")


class Who(NamedTuple):
    """Who decides, and why, in words of their own."""

    by: str
    reason: str = ""


class Applied(NamedTuple):
    """A run that is in force, and the plan it put in place."""

    run: Run
    solved: Solved


class _About(NamedTuple):
    """What else a run says."""

    kind: RunKind
    strategy: str | None = None
    plan: Figures | None = None
    point: Chosen | None = None
    undoes: str | None = None
    problem: Problem | None = None


class Assignments:
    """The standing assignments of this process; the registry serves by them.

    `store` may be read by anybody, in a thread. Belongs to one event loop.
    """

    def __init__(
        self,
        store: AssignmentStore,
        registry: Registry,
        scores: Scores,
        clock: Clock,
        random: Random,
    ) -> None:
        self.store = store
        self._registry = registry
        self._scores = scores
        self._clock = clock
        self._random = random
        self._changing = asyncio.Lock()
        self.roll = Roll()

    async def load(self) -> None:
        """Take up what was in force before this start."""
        everything = AssignmentQuery(limit=None)
        found = (await asyncio.to_thread(self.store.listed, everything)).assignments
        by_agent: dict[str, list[Assignment]] = {}
        for each in found:
            by_agent.setdefault(each.agent_id, []).append(each)
        self.roll = Roll().with_those_of(by_agent)
        self.repost()

    def repost(self) -> None:
        """Serve by what is in force: after every change, and in every new configuration."""
        self._registry.post(self.posts())

    def posts(self) -> dict[str, Post]:
        """Where agents stand, of those that are there; a plan that a file names comes first."""
        view = self.view()
        held = () if view.expectations.standing else self.roll.held()
        return {
            agent_id: post_of(
                agent_id,
                model_id,
                view.expectations.duty(agent_id).switch_cost,
                held=agent_id in held,
                trial=self._trial(agent_id),
            )
            for agent_id, model_id in self.standing().items()
            if agent_id in view.fleet.agents and model_id in view.fleet.models
        }

    def _trial(self, agent_id: str) -> tuple[str, float] | None:
        each = self.roll.tried(agent_id)
        return None if each is None or each.trial is None else (each.model_id, each.trial.share)

    def standing(self) -> Mapping[str, str]:
        """The model of each agent that has one, by ids."""
        return self.view().expectations.standing or self.roll.standing()

    def in_force(self, agent_id: str) -> tuple[Assignment, ...]:
        """The assignments of the agent that mean something now, the primary first."""
        named = {place.model_id: number for number, place in enumerate(self.roll.places(agent_id))}
        found = [each for each in self.roll.of(agent_id) if each.model_id in named]
        return tuple(sorted(found, key=lambda each: named[each.model_id]))

    def view(self) -> View:
        """The configuration that assignments are made for."""
        setup = self._registry.current.setup
        return View(setup.fleet, setup.expectations, setup.policy.strategy)

    def matching(self) -> Matching:
        view = self.view()
        return Matching(view.fleet, self._scores, view.strategy)

    async def stated(self) -> Stated:
        """The fleet's problem as it is."""
        view, monotonic = self.view(), self._clock.monotonic
        held = () if view.expectations.standing else self.roll.held()
        found = await stated_now(view, self._scores, monotonic, self.standing(), held)
        return found._replace(problem=self._undisturbed(found.problem))

    def _undisturbed(self, problem: Problem) -> Problem:
        """Who tries a model stays where it is meanwhile, or nothing would be compared."""
        agents = tuple(
            replace(needs, stays=needs.stays or self.roll.tried(needs.id) is not None)
            for needs in problem.agents
        )
        return replace(problem, agents=agents)

    async def solved(self, wish: Wish) -> Solved:
        """A plan for the fleet as it is. Nothing changes."""
        return await solved(await self.stated(), wish)

    def changes(self, found: Solved) -> tuple[Change, ...]:
        """What would change if the plan were put in place."""
        return changed(self.roll, self._wanted(found), self.matching().facts, _NOBODY)[0]

    async def apply(self, wish: Wish, who: Who, expect: str | None = None) -> Applied:
        """Solve, and put the plan in place.

        Raises `Conflict` when it is not the plan that is expected, by its id: whoever looked at one
        gets that one or none.
        """
        async with self._changing:
            check_ours(self.view().expectations)
            found = await self.solved(wish)
            if expect not in {None, found.id}:
                raise Conflict(
                    f"expect: the plan is {found.id} by now, not {expect}; look at it again.",
                    param="expect",
                    code="plan_changed",
                )
            run = await self._decide(self._wanted(found), who, _about(found, wish))
            return Applied(run, found)

    async def put(self, found: Solved, wish: Wish, who: Who) -> Run:
        """Put a plan in place. Raises `Conflict` when agents stand elsewhere than it knew."""
        async with self._changing:
            check_ours(self.view().expectations)
            check_current(found.stated, self.standing())
            return await self._decide(self._wanted(found), who, _about(found, wish))

    async def propose(self, found: Solved, wish: Wish, who: Who) -> Run:
        """Keep what a plan would change, for a person to decide."""
        async with self._changing:
            check_ours(self.view().expectations)
            run, _ = self._made(self._wanted(found), who, _about(found, wish))
            proposed = replace(run, state=RunState.PROPOSED)
            await asyncio.to_thread(self.store.keep, proposed, (), found.stated.problem)
            return proposed

    async def adopt(self, run_id: str, who: Who) -> Run | None:
        """Put in place what was proposed, as it was proposed; None when there is no such run."""
        async with self._changing:
            check_ours(self.view().expectations)
            proposed = await asyncio.to_thread(self.store.run, run_id)
            if proposed is None:
                return None
            if proposed.state is not RunState.PROPOSED:
                raise not_so(proposed, RunState.PROPOSED)
            check_unmoved(self.roll, {each.agent_id: each.before for each in proposed.changes})
            wanted = {each.agent_id: each.after for each in proposed.changes}
            check_there(self.view().fleet, wanted)
            return await self._decide(wanted, who, _About(proposed.kind), proposed)

    async def undo(self, run_id: str, who: Who) -> Run | None:
        """Put back what a run has changed; None when there is no such run.

        Raises `Conflict` when agents were moved since, or cannot go back. To undo what undid
        something is to do it again.
        """
        async with self._changing:
            check_ours(self.view().expectations)
            done = await asyncio.to_thread(self.store.run, run_id)
            if done is None:
                return None
            if done.state is not RunState.APPLIED:
                raise not_so(done, RunState.APPLIED)
            check_unmoved(self.roll, {each.agent_id: each.after for each in done.changes})
            wanted = {each.agent_id: each.before for each in done.changes}
            check_there(self.view().fleet, wanted)
            return await self._decide(wanted, who, _About(RunKind.UNDO, undoes=done.id))

    async def override(
        self, agent_id: str, model_id: str, who: Who, until: datetime | None = None
    ) -> Run:
        """Put the agent on the model, whatever any plan says, until it is released.

        Raises `RequestError` for a pair that could never be.
        """
        async with self._changing:
            check_ours(self.view().expectations)
            self.check_pair(agent_id, model_id)
            places = overridden(self.roll.places(agent_id), model_id, who.reason, until)
            return await self._decide({agent_id: places}, who, _About(RunKind.OVERRIDE))

    async def release(self, agent_id: str, who: Who) -> Run:
        """Let plans decide about the agent again. Raises `Conflict` when no person holds it."""
        async with self._changing:
            check_ours(self.view().expectations)
            primary = self.roll.primary(agent_id)
            if primary is None or not primary.is_manual:
                raise Conflict(
                    f"{agent_id} stands where plans put it: there is nothing to release.",
                    param="agent_id",
                    code="not_held",
                )
            places = released(self.roll.places(agent_id))
            return await self._decide({agent_id: places}, who, _About(RunKind.RELEASE))

    async def vacate(self, agent_id: str, who: Who) -> Run:
        """The agent stands nowhere until the next plan; each request is decided for itself."""
        return await self.change(agent_id, vacated, who, RunKind.RELEASE)

    async def change(
        self, agent_id: str, places: Callable[[Places], Places], who: Who, kind: RunKind
    ) -> Run:
        """Give the agent the places that `places` makes of those it has."""
        async with self._changing:
            check_ours(self.view().expectations)
            wanted = {agent_id: places(self.roll.places(agent_id))}
            return await self._decide(wanted, who, _About(kind))

    async def drop(self, assignment: Assignment, who: Who) -> Run:
        """One that stands by, or waits for a release, does so no more."""
        return await self.change(
            assignment.agent_id,
            lambda before: without_model(before, assignment.model_id),
            who,
            RunKind.RELEASE,
        )

    async def forget(self, assignment: Assignment, who: Who) -> Run:
        """Delete an assignment that means nothing any more, with what was counted of it."""
        async with self._changing:
            run, _ = self._made({}, who, _About(RunKind.RELEASE))
            left = [e for e in self.roll.of(assignment.agent_id) if e.id != assignment.id]
            roll = self.roll.with_those_of({assignment.agent_id: left})

            async def removed() -> None:
                await asyncio.to_thread(self.store.remove, run, assignment.id)
                self.roll = roll

            await _to_its_end(removed())
            return run

    def _wanted(self, found: Solved) -> dict[str, Places]:
        """The places of all agents after the plan; who is offline keeps what it has."""
        models = found.models_of()
        return {name: planned(self.roll.places(name), those) for name, those in models.items()}

    async def _decide(
        self,
        wanted: Mapping[str, Places],
        who: Who,
        about: _About,
        proposed: Run | None = None,
    ) -> Run:
        run, after = self._made(wanted, who, about, proposed.id if proposed else None)
        if proposed is not None:
            run = replace(proposed, state=RunState.APPLIED, by=who.by, settled_at=run.settled_at)
        roll = self.roll.with_those_of(after)
        told = [e for name, those in after.items() for e in those if e not in self.roll.of(name)]

        async def kept() -> None:
            await asyncio.to_thread(self.store.keep, run, told, about.problem)
            self.roll = roll
            self.repost()

        await _to_its_end(kept())
        return run

    def _made(
        self, wanted: Mapping[str, Places], who: Who, about: _About, run_id: str | None = None
    ) -> tuple[Run, dict[str, tuple[Assignment, ...]]]:
        now = self._clock.now()
        if run_id is None:
            run_id = f"run_{int(now.timestamp() * 1000):011x}{self._random.getrandbits(32):08x}"
        stamp = Stamp(now, who.by, run_id)
        changes, after = changed(self.roll, wanted, self.matching().facts, stamp)
        run = Run(
            run_id,
            now,
            about.kind,
            RunState.APPLIED,
            who.by,
            self.view().fleet.version,
            changes,
            settled_at=now,
            reason=who.reason,
            strategy=about.strategy,
            plan=about.plan,
            point=about.point,
            undoes=about.undoes,
        )
        return run, after

    def check_pair(self, agent_id: str, model_id: str) -> None:
        """Raises `RequestError` for an agent and a model that could never be a pair."""
        check_pair(self.view().fleet, self.matching(), agent_id, model_id)


async def _to_its_end(work: Coroutine[object, object, T]) -> T:
    """Work that goes on when whoever waits for it goes away: what is stored must be in force.

    Also then nobody else gets the lock that is held around it before it is done.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _about(found: Solved, wish: Wish) -> _About:
    plan, names = found.plan, found.stated.agents
    figures = Figures(
        plan.mean_score,
        plan.usd_per_day,
        plan.gap,
        tuple((names[left.agent].id, left.reasons) for left in plan.unplaced),
        plan.notes,
    )
    point = found.point
    chosen = None
    if point is not None:
        chosen = Chosen(found.id, point.quality, point.latency_s, point.usd_per_day, point.knee)
    problem = found.stated.problem
    return _About(RunKind.PLAN, wish.how.value, figures, chosen, problem=problem)


_NOBODY = Stamp(datetime.min, "", "")  # noqa: DTZ901 - of what is only looked at
