"""How does one try on one model go, and how did it end?

An attempt has two lives, and two types keep them apart. While it *begins*, nothing has reached the
caller, so another model can still take over. Once it has *begun* its pieces are on their way and
all that remains is to finish or to fail. Whatever happens, also when the caller leaves in the
middle, exactly one `Ending` is reported. These are objects and not nested async generators, because
a generator that is dropped half-way is finalised some time later, by nobody in particular.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Usage
from pointsman.engine.policy import Timeouts
from pointsman.engine.ports import Answer, Call, Clock, Piece, Provider

CLOCK_STEP_S = 0.001
MOST_HELD_BYTES = 1 << 20
"""What may come before the first usable piece: it is kept until that comes, so it has an end."""

log = logging.getLogger(__name__)


class Ending(NamedTuple):
    """How an attempt ended: `error` is None exactly when the answer was complete."""

    error: UpstreamError | None
    total_s: float
    first_token_s: float | None
    usage: Usage | None
    upstream_model: str | None
    completion_chars: int


class Patience:
    """The longest that one answer may keep us waiting: between pieces, and `left_s` in all.

    `spent` makes what is raised when that is used up.

    One timer for the whole answer, set anew only when it goes off: a piece costs no timer. Time
    that the *caller* takes to read does not count, so only `waiting` arms it.
    """

    __slots__ = (
        "_between_s",
        "_give_up",
        "_left_s",
        "_loop",
        "_monotonic",
        "_since",
        "_spent",
        "_timer",
    )

    def __init__(
        self,
        between_s: float,
        left_s: float,
        spent: Callable[[], UpstreamError],
        clock: Clock,
        give_up: Callable[[UpstreamError], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._monotonic = clock.monotonic
        self._between_s = between_s
        self._left_s = left_s
        self._spent = spent
        self._give_up = give_up
        self._since: float | None = None
        self._timer = self._loop.call_later(min(self._between_s, left_s), self._went_off)

    def waiting(self) -> None:
        """We now wait for the upstream."""
        self._since = self._monotonic()

    def served(self) -> float:
        """The upstream has given something; how long that took."""
        since, self._since = self._since, None
        if since is None:
            return 0.0
        took_s = self._monotonic() - since
        self._left_s -= took_s
        return took_s

    def served_and_waiting(self) -> float:
        """It has given something and we wait for the next; how long the former took."""
        took_s = self.served()
        self.waiting()
        return took_s

    def end(self) -> None:
        self._timer.cancel()

    def _went_off(self) -> None:
        # The loop's clock is coarser than ours, so a timer may go off a moment early.
        waited_s = self._waited_s() + CLOCK_STEP_S
        if waited_s >= self._left_s:
            self._give_up(self._spent())
        elif waited_s >= self._between_s:
            words = f"nothing came for {self._between_s:g} s"
            self._give_up(UpstreamError(FailureKind.STALLED, words))
        else:
            next_s = min(self._between_s, self._left_s) - waited_s
            self._timer = self._loop.call_later(max(next_s, CLOCK_STEP_S), self._went_off)

    def _waited_s(self) -> float:
        return 0.0 if self._since is None else self._monotonic() - self._since


class _Limit:
    """`asyncio.timeout` for the one place that every request passes, at a third of its price.

    Cancels the present task when `limit_s` have passed. `end` takes a cancellation of its own back
    and says whether there was one; a cancellation by anybody else goes before it.
    """

    __slots__ = ("_cancelled_before", "_task", "_timer", "_went_off")

    def __init__(self, limit_s: float) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        self._task = task
        self._cancelled_before = task.cancelling()
        self._went_off = False
        self._timer = task.get_loop().call_later(limit_s, self._go_off)

    def _go_off(self) -> None:
        self._went_off = True
        self._task.cancel()

    def end(self) -> bool:
        self._timer.cancel()
        return self._went_off and self._task.uncancel() <= self._cancelled_before


class Attempt:
    """One try that has not begun to answer. `ended` is called once, with how it went."""

    __slots__ = ("_answer", "_call", "_clock", "_ended", "_provider", "_started", "_timeouts")

    def __init__(
        self,
        provider: Provider,
        call: Call,
        timeouts: Timeouts,
        clock: Clock,
        ended: Callable[[Ending], Outcome],
    ) -> None:
        self._provider = provider
        self._call = call
        self._timeouts = timeouts
        self._clock = clock
        self._ended = ended
        self._answer: Answer | None = None
        self._started = 0.0

    async def begin(self, left_s: float | None = None) -> Begun:
        """Wait for the first usable piece; `left_s` is what remains of the caller's deadline.

        Raises `UpstreamError` when this try has failed.
        """
        self._started = self._clock.monotonic()
        limit_s = self._longest_wait_s()
        hurried = left_s is not None and left_s < limit_s
        limit = _Limit(left_s if hurried and left_s is not None else limit_s)
        try:
            self._answer = await self._provider.open(self._call)
            first = await self._answer.read()
            if first is None or not first.usable:
                first = await self._first_usable(self._answer, first)
        except UpstreamError as failure:
            limit.end()
            error = failure
        except BaseException as other:  # our limit went off, the caller left, or we have a defect
            ours = limit.end()
            if isinstance(other, Exception):
                await self._fail(_defect(self._call, other))
                raise
            if not (ours and isinstance(other, asyncio.CancelledError)):
                await self._fail(_cancelled())
                raise
            error = _deadline(left_s or 0.0) if hurried else self._out_of_time(limit_s)
        else:
            limit.end()
            return self._hand_over(self._answer, first, left_s)
        await self._fail(error)
        raise error

    def _longest_wait_s(self) -> float:
        """How long it may take to begin. A plain answer begins when it is whole."""
        total_s = self._timeouts.total_s
        return min(self._timeouts.first_token_s, total_s) if self._call.stream else total_s

    def _out_of_time(self, limit_s: float) -> UpstreamError:
        return _too_slow(limit_s) if self._call.stream else _too_long(limit_s)

    def _hand_over(self, answer: Answer, first: Piece, left_s: float | None) -> Begun:
        took_s = self._clock.monotonic() - self._started
        patience = None
        if self._call.stream:
            total_s = self._timeouts.total_s
            spent: Callable[[float], UpstreamError] = _too_long
            if left_s is not None and left_s < total_s:
                total_s, spent = left_s, _deadline
            between_s = self._timeouts.between_tokens_s
            patience = Patience(
                between_s, total_s - took_s, partial(spent, total_s), self._clock, answer.abort
            )
        return Begun(self._call, answer, first, took_s, patience, self._ended)

    async def _first_usable(self, answer: Answer, piece: Piece | None) -> Piece:
        """The first piece a caller wants, with `piece` and whatever else comes before in front."""
        held = bytearray()
        while piece is not None and not piece.usable:
            held += piece.data
            if len(held) > MOST_HELD_BYTES:
                words = "the answer has nothing usable in the first 1 MiB"
                raise UpstreamError(FailureKind.MALFORMED, words)
            piece = await answer.read()
        if piece is None:
            raise UpstreamError(FailureKind.EMPTY, "the answer ended before it began")
        return piece._replace(data=bytes(held) + piece.data)

    async def _fail(self, error: UpstreamError) -> None:
        took_s = self._clock.monotonic() - self._started
        try:
            self._ended(Ending(error, took_s, None, None, None, 0))
        finally:
            if self._answer is not None:
                await self._answer.close()


Sink = Callable[[bytes], bool]
"""Takes bytes for the caller at once, or says that it cannot."""


class Begun:
    """An answer on its way to the caller. Whoever holds it must `close` it.

    `outcome` is None until it has ended. `upstream_s` is how long we have waited for the upstream,
    `usage_json` the usage in its own words, where it gave any.
    """

    __slots__ = (
        "_answer",
        "_call",
        "_chars",
        "_ended",
        "_first",
        "_over",
        "_patience",
        "_usage",
        "first_token_s",
        "outcome",
        "upstream_model",
        "upstream_s",
        "usage_json",
    )

    def __init__(
        self,
        call: Call,
        answer: Answer,
        first: Piece,
        first_token_s: float,
        patience: Patience | None,
        ended: Callable[[Ending], Outcome],
    ) -> None:
        self._call = call
        self._answer = answer
        self._patience = patience
        self._ended = ended
        self._over = False
        self._usage: Usage | None = None
        self.usage_json: bytes | None = None
        self._chars = 0
        self.first_token_s = first_token_s
        self.upstream_s = first_token_s
        self.upstream_model: str | None = None
        self.outcome: Outcome | None = None
        self._first: bytes | None = self._noted(first)

    async def read(self, sink: Sink | None = None) -> bytes | None:
        """The next bytes for the caller, or None when the answer is complete.

        What comes in the meantime may go to `sink`, in its order; what that does not take is
        returned here.

        Raises `UpstreamError` when the upstream fails after it has begun; then nothing follows.
        """
        first = self._first
        if first is not None:
            self._first = None
            return first
        if self._patience is None:  # a plain answer is one piece, and that has been read
            await self._end(None)
            return None
        self._patience.waiting()
        try:
            piece = await self._answer.read(sink and partial(self._passed, sink))
        except UpstreamError as error:
            await self._end(error)
            raise
        except Exception as defect:  # it must not pass for a caller who left
            await self._end(_defect(self._call, defect))
            raise
        self.upstream_s += self._patience.served()
        if piece is None:
            await self._end(None)
            return None
        return self._noted(piece)

    async def document(self) -> bytes:
        """A plain answer, which is whole once it has begun; with it the attempt has ended."""
        document = self._first or b""
        await self._end(None)
        return document

    async def close(self) -> None:
        """Let go; an answer that is not complete counts as cancelled by the caller. Idempotent."""
        if not self._over:
            await self._end(_cancelled())

    def _passed(self, sink: Sink, piece: Piece) -> bool:
        """Whether the piece went on at once."""
        if self._patience is None or not sink(piece.data):
            return False
        self.upstream_s += self._patience.served_and_waiting()
        self._noted(piece)
        return True

    def _noted(self, piece: Piece) -> bytes:
        self._chars += piece.completion_chars
        if piece.usage is not None:
            self._usage = piece.usage
            self.usage_json = piece.usage_json
        if piece.upstream_model is not None:
            self.upstream_model = piece.upstream_model
        return piece.data

    async def _end(self, error: UpstreamError | None) -> None:
        if self._over:
            return  # Whoever reads on after the end has had the ending already.
        self._over = True  # Before it is reported: a report that fails is not made again.
        if self._patience is not None:
            self.upstream_s += self._patience.served()
            self._patience.end()
        ending = Ending(
            error,
            self.upstream_s,
            self.first_token_s,
            self._usage,
            self.upstream_model,
            self._chars,
        )
        try:
            self.outcome = self._ended(ending)
        finally:
            await self._answer.close()


def _cancelled() -> UpstreamError:
    return UpstreamError(FailureKind.CANCELLED, "the caller left")


def _defect(call: Call, defect: Exception) -> UpstreamError:
    facts = {"request_id": call.request_id, "model": call.model.id}
    log.error("a defect of ours has ended an attempt", exc_info=defect, extra=facts)
    return UpstreamError(FailureKind.INTERNAL, "a defect of the gateway, see its log")


def _deadline(left_s: float) -> UpstreamError:
    return UpstreamError(FailureKind.DEADLINE, f"the caller's deadline left only {left_s:.2f} s")


def _too_long(total_s: float) -> UpstreamError:
    return UpstreamError(FailureKind.TOTAL_TIMEOUT, f"the answer took longer than {total_s:g} s")


def _too_slow(limit_s: float) -> UpstreamError:
    return UpstreamError(FailureKind.FIRST_TOKEN_TIMEOUT, f"nothing usable came in {limit_s:g} s")
