"""What does the engine need from the world outside?

Each protocol has one contract suite in `tests/contracts/` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, runtime_checkable

from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import Assignment, Means, Run, RunKind, RunState, Status
from pointsman.core.assignment.trial import Results
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Strategy,
    Task,
    total_cost_usd,
)
from pointsman.core.fleet import Agent, Model, Usage

if TYPE_CHECKING:
    from pointsman.core.panel import Panel


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> datetime:
        """The present instant, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean anything."""

    async def sleep(self, seconds: float) -> None: ...


class Scores(Protocol):
    """How good is a model for this agent and task?

    Scores are remembered: per configuration, kind of request and `generation`. A kind is the agent,
    the selection, and of the task its type (said or inferred), needs, preferences, wanted context,
    whether it is streamed, how long its prompt is and how brief its answer (both coarsely), so a
    score must not depend on anything else of the task. Scores change only when `generation` does.
    """

    @property
    def generation(self) -> int:
        """A number that rises when scores may have changed, and only then.

        Read for every request, so it must cost nothing.
        """

    def changed_since(self, generation: int) -> frozenset[str] | None:
        """The ids of the models whose scores may differ from those of an earlier generation.

        None stands for all, also where `generation` is too long ago to be remembered. Asked once
        per kind of request and generation; models that are not named are not scored anew.
        """

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate; its terms sum to its score. The same within one generation."""

    def worth(
        self, agent: Agent, task: Task, selection: Selection, candidate: Candidate, saving: Saving
    ) -> float:
        """By how much the candidate's score would rise with such a saving; never negative.

        0 where the scorer weighs neither cost nor latency, or knows nothing of them.
        """


@runtime_checkable
class AllAtOnce(Protocol):
    """Scores that can tell of all models at once, as a fleet of thousands needs it."""

    def panel(self, models: Sequence[Model]) -> Panel | None:
        """What is known of these models at this moment; None where they are scored one by one."""


@runtime_checkable
class Comparing(Protocol):
    """Scores of a model that depend on how the others do."""

    def declare(self, model_ids: AbstractSet[str]) -> None:
        """These models are there from now on, and no others."""


class Scorer(Scores, Protocol):
    """Scores that learn.

    What is learned may be folded in at once and *published* a little later, so that a busy gateway
    does not score anew for every outcome; it is published within a second of `tick`s.
    """

    def tick(self, now_s: float) -> None:
        """It is `now_s` (seconds since 1970 UTC): let what is old count less, publish what waits.

        Called for every decision, so it does nothing unless a good part of a second has passed.
        Time that runs backwards is ignored.
        """

    def learn(self, outcome: Outcome) -> None:
        """Take note of how an attempt has ended. Called on the path of a request."""

    def judge(self, feedback: Feedback) -> None:
        """Take note of what somebody says of an answer."""


class Call(NamedTuple):
    """One request to one model.

    `fields` is the caller's JSON object with every value still encoded, so that whatever the caller
    sent reaches the upstream byte for byte; the provider puts its own `model` in. `connect_s` is
    how long establishing a connection may take, `traceparent` the header that tells the upstream
    which trace it is part of.
    """

    model: Model
    fields: Mapping[str, bytes]
    stream: bool
    request_id: str
    connect_s: float
    session: str | None = None
    traceparent: str | None = None


class Piece(NamedTuple):
    """A part of an answer, ready to be sent on.

    A plain answer is one piece: the JSON document. A streamed answer is many, each holding one or
    more whole server-sent events in OpenAI's dialect, `model` already set to the served model's id.
    Usage events and `[DONE]` are not in `data`: `usage` carries the figures and the surface that
    speaks to the caller writes the end. `usable` says that the piece holds something a caller
    wants (content, a tool call, a refusal, reasoning, or an honest end), so the answer has begun.
    """

    data: bytes
    usable: bool
    usage: Usage | None = None
    usage_json: bytes | None = None
    upstream_model: str | None = None
    completion_chars: int = 0


PassOn = Callable[[Piece], bool]
"""Takes a piece at once, or says that it cannot."""


class Answer(Protocol):
    """An answer under way."""

    async def read(self, pass_on: PassOn | None = None) -> Piece | None:
        """The next piece, or None once the answer is complete.

        What merely goes on with a text may be given to `pass_on` while this waits, in its order and
        as it comes: the reader need not be woken for it. What that does not take is returned here.

        Raises `UpstreamError` when the upstream fails, also when it merely stops: None is returned
        only after the upstream has said that it is done.
        """

    def abort(self, reason: Exception) -> None:
        """Make a pending and every later `read` raise `reason`, and let go of the connection."""

    async def close(self) -> None:
        """Let go of the connection; an unfinished answer is cancelled upstream. Idempotent."""


class Provider(Protocol):
    """An upstream that serves models."""

    async def open(self, call: Call) -> Answer:
        """Send the call and return once the upstream has accepted it (its status is a success).

        Raises `UpstreamError` and nothing else, cancellation aside.
        """

    async def probe(self) -> Sequence[str]:
        """The upstream names of the models it offers now. Raises `UpstreamError`."""

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""


class Ledger(Protocol):
    """Writes down what happened. Neither call ever blocks or raises."""

    def decided(self, decision: Decision) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...


class DecisionQuery(NamedTuple):
    """Which decisions to list, newest first. `before` is the id of the last one already seen.

    No id that is listed is less than `least_id`.
    """

    limit: int = 50
    before: str | None = None
    agent_id: str | None = None
    model_id: str | None = None
    session: str | None = None
    request_id: str | None = None
    success: bool | None = None
    least_id: str | None = None


class StoredDecision(NamedTuple):
    """A decision read back, with the outcomes of its attempts in order and what was said of it."""

    decision: Decision
    outcomes: tuple[Outcome, ...]
    feedback: Feedback | None = None

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost of all attempts, or None when that of any is unknown."""
        return total_cost_usd(self.outcomes)


class Store(Protocol):
    """Keeps decisions and outcomes. Called from worker threads; every method may block.

    All methods raise `StoreError` and nothing else. `crowded_out` is how many decisions were
    forgotten before their time because there was no more room for them.
    """

    @property
    def crowded_out(self) -> int: ...

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        """Keep all records or none, durably; one that is already kept is left as it is.

        The first attempt of a decision is on the model that it chose.
        """

    def judge(self, feedback: Feedback) -> bool:
        """Keep, durably, what is said of a decision; False when there is no such decision.

        The last word counts: feedback takes the place of what was said before. Its agent and task
        type are those of the decision, whatever it says.
        """

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]: ...

    def decision(self, decision_id: str) -> StoredDecision | None: ...

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        """The outcomes since then, at most the `limit` newest, each with its decision's task type.

        Oldest first; where ten thousand attempts ended in between, an order may be that of the
        decisions. Few are in memory at a time, so take what comes, in one thread, without delay.
        """

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        """What was said since then, at most the `limit` newest, oldest first."""

    def forget_before(self, instant: datetime) -> int:
        """Delete decisions made before `instant` with all that belongs to them; returns how many.

        Works in small steps, so that `append` never waits for long. Where ids and times disagree
        (a clock was set), some may be kept until those with smaller ids are old enough.
        """

    def forget_agent(self, agent_id: str) -> int:
        """Delete an agent's decisions and outcomes, and its figures; returns how many decisions.

        What is summed up for all stays, and what it was assigned. Works in small steps.
        """

    def close(self) -> None: ...


R = TypeVar("R")
P = TypeVar("P")


class Aside(Protocol):
    """Somewhere to do arithmetic that takes longer than a request may wait."""

    async def run(
        self, rows: Iterator[R], answer: Callable[[Sequence[R]], Iterable[P]]
    ) -> Sequence[P]:
        """The parts of the `answer` to all `rows`; raises what either raises.

        Rows are made of what may change at any moment, so they are made at one, or on the event
        loop; the answer is made of nothing else, and changes nothing. Rows and parts come a little
        at a time, so that nobody on the loop waits for all of them. Raises `TimeoutError` when it
        takes too long.
        """


class AssignmentQuery(NamedTuple):
    """Which assignments to list, by agent and rank; `limit` None for all from `offset` on."""

    limit: int | None = 50
    offset: int = 0
    status: Status | None = None
    means: Means | None = None
    agent_id: str | None = None
    model_id: str | None = None


class AssignmentPage(NamedTuple):
    """Some of the assignments that were asked for, and how many there are of them."""

    assignments: Sequence[Assignment]
    total: int


class RunQuery(NamedTuple):
    """Which runs to list, newest first. `before` is the id of the last one already seen.

    `since` and `until` are about when they were made, the latter excluded; `by` is who decided.
    """

    limit: int = 50
    before: str | None = None
    state: RunState | None = None
    kind: RunKind | None = None
    strategy: str | None = None
    by: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class DrawnQuery(NamedTuple):
    """Which answers a trial counts: of the agent, since that second, of one of the two models,
    where nothing but this strategy was asked for and chance has drawn the model (`drawn`).
    """

    agent_id: str
    model_ids: tuple[str, str]
    since: datetime
    strategy: Strategy


class AssignmentStore(Protocol):
    """Keeps who stands where, and how that came to be. Called from worker threads; may block.

    What is kept is durable once a call returns. All methods raise `StoreError` and nothing else.
    The usage of an assignment is counted from the outcomes that the `Store` beside it is given.
    """

    def packed(self, problem: Problem) -> bytes:
        """The problem as `keep` wants it. Changes nothing; may be asked in another process."""

    def keep(
        self, run: Run, assignments: Collection[Assignment] = (), problem: bytes = b""
    ) -> None:
        """Keep a run, what it changed, and what was solved (if it was), together or not at all.

        A run or an assignment that is there is replaced, but for the usage. What the run undoes is
        marked undone; with a plan that is proposed or applied, older proposals are stale.
        """

    def rematch(self, assignments: Collection[Assignment]) -> None:
        """What speaks for these pairs has changed, and nothing else has."""

    def remove(self, run: Run, assignment_id: str) -> None:
        """Keep the run and forget the assignment with its usage."""

    def forget_unused(self, before: datetime) -> int:
        """Forget what was, where nothing has changed or used it since; of how many it did."""

    def listed(self, query: AssignmentQuery) -> AssignmentPage: ...

    def assignment(self, assignment_id: str) -> Assignment | None: ...

    def runs(self, query: RunQuery) -> Sequence[Run]: ...

    def drawn(self, query: DrawnQuery) -> Mapping[str, Results]:
        """What the answers were worth, by model; models without any are left out.

        First attempts on the model that was drawn: by the share of a trial, or among equals. What a
        fallback, a name in the request, exploration, panic or a conversation that stays has brought
        does not count, nor what the caller or the gateway is to blame for.
        """

    def mark(self) -> str:
        """Another after every run that was kept, by whichever process; cheap to ask."""

    def run(self, run_id: str) -> Run | None: ...

    def problem(self, run_id: str) -> Problem | None:
        """What was solved in the run; None where nothing was, or where that is forgotten."""
