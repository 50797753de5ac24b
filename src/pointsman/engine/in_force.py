"""Who stands where now, and how is a change of that kept before it is in force?

One change at a time, each a run that is in the store before it is in force: whoever was answered
that something changed finds it so after a crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import NamedTuple, TypeVar

from pointsman.core.assignment.plan import listed
from pointsman.core.assignment.posting import FactsOf, Places, Stamp, changed, differing
from pointsman.core.assignment.records import (
    Assignment,
    Change,
    Chosen,
    Figures,
    Match,
    Roll,
    Run,
    RunKind,
    RunState,
)
from pointsman.core.audit import ITSELF
from pointsman.core.errors import StoreError
from pointsman.engine.matching import Matching
from pointsman.engine.ports import Aside, AssignmentQuery, AssignmentStore, Clock, Scores
from pointsman.engine.registry import Registry
from pointsman.engine.solving import Question, View
from pointsman.engine.standing import Post, Trying, post_of
from pointsman.engine.steps import in_steps

T = TypeVar("T")

SAME_SCORE = 0.001
"""Scores that differ by less are as good as the same: nobody needs to be told."""

log = logging.getLogger(__name__)


class Who(NamedTuple):
    """Who decides, and why, in words of their own."""

    by: str
    reason: str = ""


class About(NamedTuple):
    """What else a run says. `problem` is what was solved, as the store keeps it."""

    kind: RunKind
    strategy: str | None = None
    plan: Figures | None = None
    point: Chosen | None = None
    undoes: str | None = None
    problem: bytes = b""


class InForce:
    """The standing assignments of this process; the registry serves by them.

    `store` may be read by anybody, in a thread. Belongs to one event loop. Nobody stands anywhere,
    and nothing can be changed, before what was in force is `loaded`.
    """

    def __init__(
        self,
        store: AssignmentStore,
        registry: Registry,
        scores: Scores,
        clock: Clock,
        random: Random,
        aside: Aside,
    ) -> None:
        self.store = store
        self.aside = aside
        self.scores = scores
        self.roll = Roll()
        self.loaded = False
        self._mark = ""
        self.clock = clock
        self.changing = asyncio.Lock()
        self._registry = registry
        self._random = random
        self._declared = frozenset(registry.fleet.agents)
        self._gone: set[str] = set()

    async def load(self) -> None:
        """Take up what is in force by what is kept. Raises `StoreError`."""
        # First: what others decide while it is read is then taken up the next time.
        mark = await asyncio.to_thread(self.store.mark)
        everything = AssignmentQuery(limit=None)
        found = (await asyncio.to_thread(self.store.listed, everything)).assignments
        by_agent: dict[str, list[Assignment]] = {}
        for each in found:
            by_agent.setdefault(each.agent_id, []).append(each)
        self.roll = Roll().with_those_of(by_agent)
        self.loaded, self._mark = True, mark
        self.repost()

    async def catch_up(self) -> None:
        """Take up what gateways have decided that share the store. Raises `StoreError`.

        Called by whoever holds `changing`.
        """
        if await asyncio.to_thread(self.store.mark) != self._mark:
            await self.load()

    async def refresh(self) -> None:
        """Take that up now. Raises `StoreError`."""
        async with self.deciding():
            pass

    @asynccontextmanager
    async def deciding(self) -> AsyncIterator[None]:
        """One decision at a time, about what is in force by now. Raises `StoreError`."""
        async with self.changing:
            self.check_loaded()
            await self.catch_up()
            if self._gone:
                await self._end_gone()
            yield

    def check_loaded(self) -> None:
        """Raises `StoreError` while nobody knows what was in force: a change could undo it."""
        if not self.loaded:
            raise StoreError("the assignments could not be read; it is tried again")

    def repost(self) -> None:
        """Serve by what is in force: after every change, and in every new configuration.

        What an agent had is not taken up again once the agent has been taken away, also where it is
        added anew before that could be written down.
        """
        declared = frozenset(self.view().fleet.agents)
        self.leave(self._declared - declared)
        self._declared = declared
        self._registry.post(self.posts())

    def leave(self, agent_ids: Collection[str]) -> None:
        """These agents are gone: what they have ends, as a run, before anything else is decided.

        Others may still serve agents that this gateway has never known: these are not gone.
        """
        self._gone.update(agent_ids)

    def undeclared(self) -> frozenset[str]:
        """Those who stand somewhere, and are not declared here."""
        return frozenset(self.roll.by_agent) - self._declared

    async def _end_gone(self) -> None:
        gone, self._gone = self._gone, set()
        wanted: dict[str, Places] = {name: () for name in sorted(gone) if self.roll.of(name)}
        if not wanted:
            return
        who = Who(ITSELF, f"not declared any more: {listed(list(wanted))}")
        try:
            await self.decide(wanted, who, About(RunKind.RELEASE))
        except StoreError:
            self._gone |= gone
            raise

    def posts(self) -> dict[str, Post]:
        """Where agents stand, of those that are there; a plan that a file names comes first."""
        view = self.view()
        written = view.expectations.standing
        held = () if written else self.roll.held()
        return {
            agent_id: post_of(
                agent_id,
                model_id,
                view.expectations.duty(agent_id).switch_cost,
                held=agent_id in held,
                standby=self._standby(agent_id),
                trying=self._trying(agent_id),
            )
            for agent_id, model_id in self.standing().items()
            if agent_id in view.fleet.agents and model_id in view.fleet.models
            if written or agent_id not in self._gone
        }

    def _standby(self, agent_id: str) -> tuple[str, ...]:
        return tuple(place.model_id for place in self.roll.places(agent_id) if place.rank)

    def _trying(self, agent_id: str) -> Trying | None:
        each = self.roll.tried(agent_id)
        return (
            None if each is None or each.trial is None else Trying(each.model_id, each.trial.share)
        )

    def standing(self) -> Mapping[str, str]:
        """The model of each agent that has one, by ids."""
        return self.view().expectations.standing or self.roll.standing()

    def in_force(self, agent_id: str) -> tuple[Assignment, ...]:
        """The assignments of the agent that mean something now, the primary first."""
        named = {place.model_id: number for number, place in enumerate(self.roll.places(agent_id))}
        return tuple(sorted(self.roll.of(agent_id), key=lambda each: named[each.model_id]))

    def view(self) -> View:
        """The configuration that assignments are made for."""
        setup = self._registry.current.setup
        return View(setup.fleet, setup.expectations, setup.policy.strategy)

    def matching(self) -> Matching:
        view = self.view()
        return Matching(view.fleet, self.scores, view.strategy)

    def question(self) -> Question:
        """The fleet's problem at this moment, but for the scores."""
        view = self.view()
        held = () if view.expectations.standing else self.roll.held()
        trying = {name: self._trying(name) for name in self.roll.trying()}
        known = {name: each for name, each in trying.items() if each is not None}
        return Question(view, self.standing(), frozenset(held), known)

    async def rematch(self) -> int:
        """Let what is told of all pairs in force follow what is known now; of how many it did."""
        async with self.deciding():
            facts, stale = self.matching().facts, []
            everybody = [each for those in self.roll.by_agent.values() for each in those]
            async for each in in_steps(everybody, self.clock.monotonic):
                known = facts(each.agent_id, each.model_id)
                if known.described.model_name and _differs(each.match, known.match):
                    stale.append(replace(each, match=known.match, described=known.described))
            if stale:
                await to_its_end(self._rematched(stale))
            return len(stale)

    async def _rematched(self, stale: Collection[Assignment]) -> None:
        await asyncio.to_thread(self.store.rematch, stale)
        fresh = {each.id: each for each in stale}
        self.roll = self.roll.with_those_of(
            {
                agent_id: [fresh.get(each.id, each) for each in self.roll.of(agent_id)]
                for agent_id in {each.agent_id for each in stale}
            }
        )

    async def decide(
        self,
        wanted: Mapping[str, Places],
        who: Who,
        about: About,
        *,
        facts: FactsOf | None = None,
        proposed: Run | None = None,
    ) -> Run:
        """Give agents the places that are wanted: on the disk first, then in force.

        Called by whoever holds `changing`. `proposed` is the run that becomes so what it says.
        """
        run, told = await self.made(wanted, who, about, facts=facts, proposed=proposed)
        if proposed is not None:
            run = replace(proposed, state=RunState.APPLIED, by=who.by, settled_at=run.settled_at)
        roll = self.roll.with_those_of(told)
        news = [e for name, those in told.items() for e in those if e not in self.roll.of(name)]

        async def kept() -> None:
            await asyncio.to_thread(self.store.keep, run, news, about.problem)
            # The mark stays: what another gateway decided at the same moment is so taken up soon.
            self.roll = roll
            self.repost()

        await to_its_end(kept())
        return run

    async def made(
        self,
        wanted: Mapping[str, Places],
        who: Who,
        about: About,
        *,
        facts: FactsOf | None = None,
        proposed: Run | None = None,
    ) -> tuple[Run, dict[str, tuple[Assignment, ...]]]:
        """The run that would give agents these places, and all assignments of those that change."""
        now = self.clock.now()
        stamp = Stamp(now, who.by, proposed.id if proposed else self._run_id(now))
        facts = facts or self.matching().facts
        changes: list[Change] = []
        after: dict[str, tuple[Assignment, ...]] = {}
        others = differing(self.roll, wanted)
        async for agent_id, places in in_steps(others.items(), self.clock.monotonic):
            one = changed(self.roll, agent_id, places, facts, stamp)
            changes.append(one.change)
            after[agent_id] = one.after
        run = Run(
            stamp.run_id,
            now,
            about.kind,
            RunState.APPLIED,
            who.by,
            self.view().fleet.version,
            tuple(changes),
            settled_at=now,
            reason=who.reason,
            strategy=about.strategy,
            plan=about.plan,
            point=about.point,
            undoes=about.undoes,
        )
        return run, after

    def _run_id(self, now: datetime) -> str:
        """Later ones sort after earlier ones."""
        return f"run_{int(now.timestamp() * 1000):011x}{self._random.getrandbits(32):08x}"


async def to_its_end(work: Coroutine[object, object, T]) -> T:
    """Work that goes on when whoever waits for it goes away: what is stored must be in force.

    Also then nobody else gets the lock that is held around it before it is done.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _differs(before: Match, now: Match) -> bool:
    """Whether anybody would read another figure."""
    return (
        abs(before.score - now.score) >= SAME_SCORE
        or abs(before.adjustment - now.adjustment) >= SAME_SCORE
        or (before.evidence > 0.0) is not (now.evidence > 0.0)
    )
