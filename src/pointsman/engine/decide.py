"""Which model is to serve this request, and what is to be said about that?

Deciding calls nobody, and changes nothing that a later decision depends on. So it can be asked for
without serving, and made again from the seed in a decision's id. Only a decision that is acted on
counts towards the share of requests that is spent on learning.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from pointsman.core.chance import Draws
from pointsman.core.decision import SEED_DIGITS, Decision, ReasonCode, Selection, Task
from pointsman.core.errors import NoEligibleModel
from pointsman.core.fallback import staggered
from pointsman.core.fleet import Agent
from pointsman.engine.choose import Choice, Chooser
from pointsman.engine.ports import Clock, Scorer
from pointsman.engine.registry import Snapshot

SEED_BITS = 4 * SEED_DIGITS

FULL_RETRY_AFTER_S = 1.0
"""When to come back to a full fleet: a guess, since any call in flight may end at any moment."""


class Ask(NamedTuple):
    """A request as the engine sees it.

    `deadline_s` is how long the caller is willing to wait; `traceparent` says, if the caller does,
    which trace the request is part of. `preview` is what may be kept of the prompt's words.
    """

    request_id: str
    agent: Agent
    task: Task
    selection: Selection
    fields: dict[str, bytes]
    stream: bool
    session: str | None = None
    asked_model: str = ""
    deadline_s: float | None = None
    traceparent: str | None = None
    preview: str | None = None


class Decider:
    """Makes decisions out of choices. `random` gives each decision its seed and nothing else."""

    def __init__(self, chooser: Chooser, scorer: Scorer, clock: Clock, random: Random) -> None:
        self._chooser = chooser
        self._scorer = scorer
        self._clock = clock
        self._random = random

    def decision(self, ask: Ask, snapshot: Snapshot, seed: int | None = None) -> Decision:
        """The decision at this moment, with a seed of its own unless one is given."""
        return self._made(ask, snapshot, seed, live=False)

    def decision_to_act_on(self, ask: Ask, snapshot: Snapshot) -> Decision:
        """The decision for a request that is really served, which counts towards exploration."""
        return self._made(ask, snapshot, None, live=True)

    def _made(self, ask: Ask, snapshot: Snapshot, seed: int | None, *, live: bool) -> Decision:
        now = self._clock.now()
        now_s = now.timestamp()
        self._scorer.tick(now_s)
        if seed is None:
            seed = self._random.getrandbits(SEED_BITS)
        ask = _as_configured(ask, snapshot)
        choice = self._choice(ask, snapshot, seed)
        post = snapshot.setup.posts.get(ask.agent.id)
        if live:
            self._chooser.acted_on(ask.agent, ask.task, ask.selection, choice)
        # By position: to name all of them would take as long as half of the choice.
        return Decision(
            f"dec_{int(now_s * 1000):011x}{seed:0{SEED_DIGITS}x}",
            ask.request_id,
            now,
            ask.agent.id,
            ask.task,
            ask.selection.strategy,
            choice.candidates,
            choice.rejections,
            choice.propensity,
            snapshot.setup.fleet.version,
            ask.session,
            ask.asked_model,
            choice.panic,
            choice.explored,
            choice.band,
            ask.traceparent,
            None if post is None else post.assignment_id,
            ask.preview,
        )

    def nobody(self, ask: Ask, snapshot: Snapshot, decision: Decision) -> NoEligibleModel:
        """What is said when a decision has no candidate."""
        retry_after_s = _worth_coming_back_in(decision)
        callers_fault = False
        if retry_after_s is None:
            plain = _as_configured(ask._replace(task=Task(), selection=Selection()), snapshot)
            callers_fault = bool(self._choice(plain, snapshot, decision.seed).candidates)
        return NoEligibleModel(
            decision.rejections,
            decision_id=decision.id,
            callers_fault=callers_fault,
            retry_after_s=retry_after_s and staggered(retry_after_s, decision.id),
        )

    def _choice(self, ask: Ask, snapshot: Snapshot, seed: int) -> Choice:
        draws = Draws(seed)
        return self._chooser.choose(
            snapshot, ask.agent, ask.task, ask.selection, ask.session, draws
        )


def _as_configured(ask: Ask, snapshot: Snapshot) -> Ask:
    """The request of the agent as `snapshot` has it, with the model that the agent is pinned to.

    A reload may have come between reading the request and serving it: what is remembered with the
    snapshot must be of the snapshot's own agent.
    """
    agent = snapshot.setup.fleet.agents.get(ask.agent.id, ask.agent)
    selection = ask.selection
    if agent.pinned and selection.pinned is None and not selection.only:
        return ask._replace(agent=agent, selection=selection._replace(pinned=agent.pinned))
    return ask if agent is ask.agent else ask._replace(agent=agent)


def soonest_s(decision: Decision) -> float | None:
    """When the first of the rejected models is due back, in seconds; None when none says so."""
    waits = [rejection.objection.retry_after_s for rejection in decision.rejections]
    return min((wait for wait in waits if wait is not None), default=None)


def _worth_coming_back_in(decision: Decision) -> float | None:
    """When the caller may try again, in seconds; None when time changes nothing."""
    due_s = soonest_s(decision)
    objections = [rejection.objection for rejection in decision.rejections]
    if not any(o.code is ReasonCode.AT_LIMIT and o.retry_after_s is None for o in objections):
        return due_s
    return FULL_RETRY_AFTER_S if due_s is None else min(due_s, FULL_RETRY_AFTER_S)
