"""What happens to one request, in order?

Decide which model is to serve it; write the decision down; then the first attempt that begins to
answer wins. Until then a failure leads to the same model again, to the next one, or back to the
caller. Every attempt ends in exactly one outcome, which teaches, and is written down too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from random import Random
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.admission import RetryBudget
from pointsman.core.clues import context_limit
from pointsman.core.correction import corrected
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Outcome,
    Task,
    total_cost_usd,
)
from pointsman.core.eligibility import expected_usd, tokens_held
from pointsman.core.errors import AttemptsSpent, FailureKind, UpstreamError
from pointsman.core.exploration import Exploration
from pointsman.core.fallback import STOP, Move, Situation, Step, next_step, staggered
from pointsman.core.fleet import Model
from pointsman.core.trace import traceparent
from pointsman.engine.attempt import Attempt, Begun, Ending
from pointsman.engine.choose import Chooser
from pointsman.engine.decide import Ask, Decider, soonest_s
from pointsman.engine.explain import SupposedScores
from pointsman.engine.health import Health, Trial
from pointsman.engine.load import Lease, Load
from pointsman.engine.ports import Call, Clock, Ledger, Scorer
from pointsman.engine.record import NEVER_REACHED, outcome_of
from pointsman.engine.registry import Registry, Snapshot
from pointsman.engine.sessions import Sessions
from pointsman.engine.tally import Tally

__all__ = ["Ask", "Served", "Service"]

log = logging.getLogger(__name__)


class Served(NamedTuple):
    """An answer that has begun, who gives it, and the attempts that failed before."""

    decision: Decision
    model: Model
    begun: Begun
    earlier: tuple[Outcome, ...]

    @property
    def cost_usd(self) -> Decimal | None:
        """What all attempts cost; None when that of any is unknown, or before the answer's end."""
        outcome = self.begun.outcome
        if outcome is None or not self.earlier:
            return outcome and outcome.cost_usd
        return total_cost_usd((*self.earlier, outcome))


class _Run:
    """The attempts of one request so far."""

    __slots__ = ("ask", "decision", "failures", "gives_up_at", "last", "place", "snapshot", "tries")

    def __init__(
        self, ask: Ask, decision: Decision, snapshot: Snapshot, gives_up_at: float | None
    ) -> None:
        self.ask = ask
        self.decision = decision
        self.snapshot = snapshot
        self.gives_up_at = gives_up_at
        self.place = 0
        self.tries = 0
        self.failures: list[tuple[Outcome, UpstreamError]] = []
        self.last: Outcome | None = None

    @property
    def model(self) -> Model:
        model_id = self.decision.candidates[self.place].model_id
        return self.snapshot.setup.fleet.models[model_id]

    @property
    def task_left(self) -> Task:
        """The task with what is left of the money: what failed has cost something, too."""
        task = self.ask.task
        if task.max_cost_usd is None:
            return task
        models = self.snapshot.setup.fleet.models
        tried = [(models[o.model_id], o.cost_usd) for o, _ in self.failures]
        spent = (usd if usd is not None else expected_usd(task, model) for model, usd in tried)
        left_usd = task.max_cost_usd - sum(float(usd or 0) for usd in spent)
        return task._replace(max_cost_usd=max(0.0, left_usd))


class Service:
    """Serves requests. Everything that lasts longer than a request belongs to somebody else.

    `exploration` spends a few requests on learning; None: no request is.
    """

    def __init__(  # noqa: PLR0913 - the parts of a service, each by its name
        self,
        registry: Registry,
        *,
        scorer: Scorer,
        load: Load,
        health: Health,
        ledger: Ledger,
        tally: Tally,
        clock: Clock,
        random: Random,
        exploration: Exploration | None = None,
    ) -> None:
        self._registry = registry
        self._scorer = scorer
        self._load = load
        self._health = health
        self._ledger = ledger
        self._tally = tally
        self._clock = clock
        self._random = random
        self._sessions = Sessions(clock)
        self._chooser = Chooser(load, health, exploration, self._sessions)
        self._decider = Decider(self._chooser, scorer, clock, random)
        self._budget = RetryBudget()

    def decide(
        self,
        ask: Ask,
        seed: int | None = None,
        supposed: Mapping[str, Candidate] = MappingProxyType({}),
    ) -> Decision:
        """Which model would serve this request now. Without candidates when none can.

        Nothing is called, counted or written down. With the `seed` of another decision it is drawn
        as that one was: the same, if all else is the same. `supposed` candidates, by model, stand
        in place of those that the scorer gives.
        """
        snapshot = self._registry.current
        if supposed:
            snapshot = Snapshot(snapshot.setup, SupposedScores(self._scorer, supposed))
        return self._decider.decision(ask, snapshot, seed)

    def score(self, ask: Ask, model_id: str) -> float:
        """What a declared model would score now for such a request, whether it may serve or not."""
        fleet = self._registry.fleet
        agent = fleet.agents.get(ask.agent.id, ask.agent)
        model = fleet.models[model_id]
        return self._scorer.score(agent, ask.task, ask.selection, model).score

    def judge(self, feedback: Feedback) -> None:
        """Let what somebody says of an answer teach. Keeping it is the store's business."""
        self._scorer.judge(feedback)

    async def serve(self, ask: Ask) -> Served:
        """Begin to answer. Whoever is given the answer must close it.

        Raises `NoEligibleModel` or `AttemptsSpent`.
        """
        snapshot = self._registry.current
        snapshot.users += 1
        try:
            now = self._clock.monotonic()
            self._budget.deposit(now, snapshot.setup.policy.retry.budget_ratio)
            decision = self._decider.decision_to_act_on(ask, snapshot)
            if not decision.candidates:
                decision = await self._decided_later(decision, ask, snapshot)
            self._take_note(decision, ask, snapshot)
            gives_up_at = None if ask.deadline_s is None else now + ask.deadline_s
            return await self._first_that_begins(_Run(ask, decision, snapshot, gives_up_at))
        finally:
            snapshot.users -= 1

    def _take_note(self, decision: Decision, ask: Ask, snapshot: Snapshot) -> None:
        """Raises `NoEligibleModel` when nobody was chosen; that is written down all the same."""
        self._ledger.decided(decision)
        self._tally.decided(decision)
        if not decision.candidates:
            raise self._decider.nobody(ask, snapshot, decision)

    async def _decided_later(self, vain: Decision, ask: Ask, snapshot: Snapshot) -> Decision:
        """Decide once more when a resting model is due back soon enough to be waited for."""
        wait_s = soonest_s(vain)
        longest_s = snapshot.setup.policy.retry.short_wait_s
        if ask.deadline_s is not None:
            longest_s = min(longest_s, ask.deadline_s)
        if wait_s is None or wait_s > longest_s:
            return vain
        await self._clock.sleep(staggered(wait_s, vain.id, longest_s))
        return self._decider.decision_to_act_on(ask, snapshot)

    async def _first_that_begins(self, run: _Run) -> Served:
        while True:
            model = run.model
            attempt = self._attempt(run, model)
            try:
                begun = await attempt.begin(self._left_s(run))
            except UpstreamError as error:
                assert run.last is not None  # noqa: S101 - an attempt that fails has ended
                run.failures.append((run.last, error))
                await self._until_next(run, error)
            else:
                streamed = run.ask.task.stream
                self._load.answered(model.id, begun.first_token_s, streamed=streamed)
                earlier = tuple([outcome for outcome, _ in run.failures])
                return Served(run.decision, model, begun, earlier)

    def _attempt(self, run: _Run, model: Model) -> Attempt:
        ask, setup = run.ask, run.snapshot.setup
        timeouts = setup.timeouts_of(model)
        provider = setup.providers[model.provider]
        number = len(run.failures) + 1
        trace = traceparent(run.decision.id, number, ask.traceparent, setup.policy.traced)
        call = Call(
            model, ask.fields, ask.stream, ask.request_id, timeouts.connect_s, ask.session, trace
        )
        run.tries += 1
        run.snapshot.users += 1
        trial, lease = self._health.begin(model), self._load.lease(model, tokens_held(ask.task))
        ended = partial(self._ended, run, number, trial, lease)
        return Attempt(provider, call, timeouts, self._clock, ended)

    def _ended(self, run: _Run, number: int, trial: Trial, lease: Lease, ending: Ending) -> Outcome:
        """The one place where an attempt's end is taken note of."""
        # What frees comes first, then the record: a defect in what follows must not undo either.
        _give_back(lease, ending)
        run.snapshot.users -= 1
        if ending.error is None:
            self._health.succeeded(trial)
            if run.ask.session is not None:
                self._sessions.served(
                    run.ask.agent.id, run.ask.session, trial.model.id, ending.usage, ending.total_s
                )
        else:
            self._health.failed(trial, ending.error)
            if ending.first_token_s is None:
                streamed = run.ask.task.stream
                self._load.waited(trial.model.id, ending.total_s, streamed=streamed)
        model, now = trial.model, self._clock.now()
        outcome = outcome_of(run.decision, model, number, now, ending, streamed=run.ask.stream)
        run.last = outcome
        self._ledger.ended(outcome)
        self._tally.learn(outcome)
        if ending.error is not None:
            _log_failure(run.ask.request_id, outcome, ending.error.kind)
            self._correct_catalogue(run, model, ending.error, outcome)
        self._scorer.learn(outcome)
        return outcome

    def _correct_catalogue(
        self, run: _Run, model: Model, error: UpstreamError, outcome: Outcome
    ) -> None:
        fleet = self._registry.fleet
        if fleet.version != run.snapshot.setup.fleet.version:
            return  # What the old configuration called by this id may be another model now.
        # What has been learned since this request began must not be unlearned.
        better = corrected(fleet.models[model.id], error, run.ask.task.parameters, outcome.at)
        if better is not None:
            log.warning("catalogue entry corrected", extra={"model": model.id})
            self._registry.correct(better, outcome.at)

    async def _until_next(self, run: _Run, error: UpstreamError) -> None:
        """Point the run at its next attempt, and wait until it is due.

        Raises `AttemptsSpent` when there is none.
        """
        wait_s = self._point_at_next(run, error)
        if wait_s:
            await self._clock.sleep(wait_s)
            if self._chooser.bars_repeat(run.model, run.task_left):
                self._point_at_next(run, error)

    def _point_at_next(self, run: _Run, error: UpstreamError) -> float:
        """Point the run at its next attempt and say how long to wait first."""
        standby = self._standby(run, error)
        step = self._step(run, error, standby)
        if step.move is Move.STOP:
            raise AttemptsSpent(run.failures) from error
        if step.move is Move.ELSEWHERE and standby is not None:
            run.place, run.tries = standby, 0
        return step.wait_s

    def _step(self, run: _Run, error: UpstreamError, standby: int | None) -> Step:
        retry = run.snapshot.setup.policy.retry
        left_s = self._left_s(run)
        if len(run.failures) >= retry.max_attempts:
            return STOP
        backoff_s = retry.backoff_s * 2.0 ** (run.tries - 1) * (0.5 + self._random.random())
        may_repeat = run.tries < retry.per_model
        if may_repeat:
            may_repeat = not self._chooser.bars_repeat(run.model, run.task_left)
        situation = Situation(
            kind=error.kind,
            retry_after_s=error.retry_after_s,
            short_wait_s=retry.short_wait_s if left_s is None else min(retry.short_wait_s, left_s),
            backoff_s=backoff_s,
            may_repeat=may_repeat,
            has_standby=standby is not None,
        )
        step = next_step(situation)
        if left_s is not None and left_s <= step.wait_s:
            return STOP
        if step.move is Move.AGAIN:
            now = self._clock.monotonic()
            if not self._budget.withdraw(now, retry.budget_floor):
                return next_step(situation._replace(may_repeat=False))
            if error.retry_after_s is not None:
                wait_s = staggered(step.wait_s, run.decision.id, situation.short_wait_s)
                return step._replace(wait_s=wait_s)
        return step

    def _standby(self, run: _Run, error: UpstreamError) -> int | None:
        """The place of the next candidate that may be tried now, or None."""
        models = run.snapshot.setup.fleet.models
        too_small, task = context_limit(error.message) or run.model.context_window, run.task_left
        for place in range(run.place + 1, len(run.decision.candidates)):
            model = models[run.decision.candidates[place].model_id]
            if error.kind is FailureKind.CONTEXT_TOO_LONG and not _holds_more(model, too_small):
                continue
            if not self._chooser.objects_now(model, task):
                return place
        return None

    def _left_s(self, run: _Run) -> float | None:
        if run.gives_up_at is None:
            return None
        return max(0.0, run.gives_up_at - self._clock.monotonic())


def _give_back(lease: Lease, ending: Ending) -> None:
    """Release a lease with what the provider has counted, as far as that is known."""
    usage, error = ending.usage, ending.error
    if usage is not None:
        lease.release(usage.prompt_tokens + usage.completion_tokens)
    else:
        lease.release(sent=error is None or error.kind not in NEVER_REACHED)


def _log_failure(request_id: str, outcome: Outcome, failure: FailureKind) -> None:
    facts = {
        "request_id": request_id,
        "decision_id": outcome.decision_id,
        "model": outcome.model_id,
        "agent": outcome.agent_id,
        "attempt": outcome.attempt,
        "failure": failure.code,
        "blames": failure.blames.value,
        "status": outcome.status,
        "total_s": round(outcome.total_s, 4),
    }
    quiet = failure is FailureKind.CANCELLED
    log.log(logging.DEBUG if quiet else logging.WARNING, "attempt failed", extra=facts)


def _holds_more(model: Model, window: int | None) -> bool:
    """True when `model` may hold what did not fit into `window` tokens; None is unknown."""
    return window is None or model.context_window is None or model.context_window > window
