"""How do the simulated models serve the engine without any network?"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from pointsman.adapters.providers.simulated.faults import Fault, Orders
from pointsman.adapters.providers.simulated.models import MIDWAY, Prepared, SimulatedModels
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.adapters.providers.simulated.refusals import Refusal
from pointsman.adapters.providers.simulated.sse import (
    Head,
    Writer,
    completion,
    usage_json,
)
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.engine.ports import Answer, Call, Clock, PassOn, Piece

TICK_S = 0.02
"""Tokens that are due within this time of the last piece share the next one."""

_SILENCE_S = 3600.0

_SHOWN_AS = {
    Fault.CUT: FailureKind.TRUNCATED,
    Fault.EARLY_END: FailureKind.TRUNCATED,
    Fault.MALFORMED: FailureKind.MALFORMED,
    Fault.WRONG_TYPE: FailureKind.MALFORMED,
    Fault.STREAM_ERROR: FailureKind.STREAM_ERROR,
    Fault.EMPTY: FailureKind.EMPTY,
    Fault.EMPTY_BODY: FailureKind.EMPTY,
}
"""As what a fault appears to the engine, once the wire is translated."""

_INSTEAD_OF_ANSWER = frozenset({Fault.STALL_FIRST, Fault.WRONG_TYPE, Fault.EMPTY, Fault.EMPTY_BODY})
_SILENT = frozenset({Fault.STALL, Fault.STALL_FIRST})


class SimulatedProvider:
    """Serves `personas`, a mapping of a model's upstream name to its persona.

    The same seed and the same requests in the same order give the same answers at the same times.
    `time_scale` multiplies every duration. `orders` lets others switch faults on and off. A stream
    that ends without its last event (`NO_DONE`) is a matter of the wire and shows nothing here.
    """

    def __init__(
        self,
        personas: Mapping[str, Persona],
        *,
        seed: int,
        clock: Clock,
        time_scale: float = 1.0,
        orders: Orders | None = None,
    ) -> None:
        self.models = SimulatedModels(
            personas.values(),
            seed=seed,
            started_s=clock.monotonic(),
            time_scale=time_scale,
            orders=orders,
        )
        self._clock = clock
        self._closed = False

    async def open(self, call: Call) -> Answer:
        if self._closed:
            raise UpstreamError(FailureKind.CONNECT_FAILED, "the provider is closed")
        started_s = self._clock.monotonic()
        name = call.model.upstream_name
        if refused := self.models.enter(name):
            raise _error(refused)
        try:
            return await self._accepted(call, started_s)
        except BaseException:  # whatever ends the wait, cancellation too, frees the place taken
            self.models.leave(name)
            raise

    async def probe(self) -> Sequence[str]:
        return tuple(self.models.personas)

    async def close(self) -> None:
        self._closed = True

    async def _accepted(self, call: Call, started_s: float) -> Answer:
        prepared = self.models.prepare(call.model.upstream_name, call.fields, started_s)
        if isinstance(prepared, Refusal):
            raise _error(prepared)
        if prepared.plan.accept_s > 0:
            await self._clock.sleep(prepared.plan.accept_s)
        if prepared.refusal:
            raise _error(prepared.refusal)
        if prepared.plan.fault is Fault.RESET:
            raise UpstreamError(FailureKind.RESET, "connection reset before the answer (simulated)")
        return _SimulatedAnswer(call, prepared, self.models, self._clock, started_s)


class _SimulatedAnswer:
    """An answer that is complete from the start and given out as it falls due."""

    def __init__(
        self,
        call: Call,
        prepared: Prepared,
        models: SimulatedModels,
        clock: Clock,
        started_s: float,
    ) -> None:
        self._prepared = prepared
        self._stream = call.stream
        self._name = call.model.upstream_name
        self._models = models
        self._clock = clock
        self._started_s = started_s
        created = int(clock.now().timestamp())
        self._head = Head(prepared.id, created, call.model.id)
        self._writer = Writer(self._head)
        self._given = 0
        self._given_s = -TICK_S
        self._ended = False
        self._released = False
        self._reason: Exception | None = None
        self._reader: asyncio.Task[object] | None = None

    async def read(self, pass_on: PassOn | None = None) -> Piece | None:  # noqa: ARG002 - paced
        if self._reason is not None:
            raise self._reason
        if self._ended:
            return None
        try:
            return await (self._next_piece() if self._stream else self._whole())
        except UpstreamError as error:
            self.abort(error)
            raise

    def abort(self, reason: Exception) -> None:
        if self._reason is not None:
            return  # the first reason stands, and a reader is cancelled only once
        self._reason = reason
        self._release()
        if self._reader is not None:
            self._reader.cancel()

    async def close(self) -> None:
        if not self._ended and self._reason is None:
            self.abort(UpstreamError(FailureKind.CANCELLED, "the answer was closed"))
        self._release()

    def _release(self) -> None:
        if not self._released:
            self._released = True
            self._models.leave(self._name)

    async def _next_piece(self) -> Piece:
        prepared = self._prepared
        if prepared.plan.fault in _INSTEAD_OF_ANSWER:
            await self._until(prepared.plan.first_token_s)
            await self._fail()
        if self._given >= prepared.fault_at and prepared.plan.fault in MIDWAY:
            await self._fail()
        if not prepared.steps:
            await self._until(prepared.plan.first_token_s)
            return self._piece(0)
        await self._until(max(prepared.due_s[self._given], self._given_s + TICK_S))
        elapsed_s = self._clock.monotonic() - self._started_s
        due = bisect_right(prepared.due_s, elapsed_s, self._given, prepared.fault_at)
        self._given_s = elapsed_s
        return self._piece(max(due, self._given + 1))

    def _piece(self, until: int) -> Piece:
        """Everything up to step `until`; with the last step of a sound answer comes its end."""
        prepared = self._prepared
        due = prepared.steps[self._given : until]
        data = self._writer.steps(due) if due else b""
        if self._given == 0:
            data = self._writer.roles(prepared.choices) + data
        self._given = until
        chars = sum(len(step.text) or len(step.delta) for step in due)
        sound = prepared.plan.fault not in MIDWAY
        if until < len(prepared.steps) or not sound:
            return Piece(data, usable=True, upstream_model=self._name, completion_chars=chars)
        self._end()
        return Piece(
            data + self._writer.finishes(prepared.choices),
            usable=True,
            usage=prepared.usage,
            usage_json=usage_json(prepared.usage),
            upstream_model=self._name,
            completion_chars=chars,
        )

    async def _whole(self) -> Piece:
        prepared = self._prepared
        await self._until(prepared.whole_s)
        if prepared.plan.fault in _SHOWN_AS or prepared.plan.fault in _SILENT:
            await self._fail()
        self._end()
        return Piece(
            completion(self._head, prepared.choices, prepared.usage),
            usable=True,
            usage=prepared.usage,
            usage_json=usage_json(prepared.usage),
            upstream_model=self._name,
            completion_chars=sum(len(choice.text) for choice in prepared.choices),
        )

    def _end(self) -> None:
        self._ended = True
        self._release()

    async def _fail(self) -> None:
        """Fall silent, or raise what the fault appears as."""
        fault = self._prepared.plan.fault
        while fault in _SILENT:
            await self._sleep(_SILENCE_S)
        if fault is not None:
            raise UpstreamError(_SHOWN_AS[fault], f"{fault.value} (simulated)")

    async def _until(self, due_s: float) -> None:
        left_s = due_s - (self._clock.monotonic() - self._started_s)
        if left_s > 0:
            await self._sleep(left_s)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, unless aborted.

        An abort cancels the task that reads and takes its own cancellation back here. That spares a
        task for every wait, and leaves a cancellation that came from elsewhere in force.
        """
        reader = self._reader = asyncio.current_task()
        try:
            await self._clock.sleep(seconds)
        except asyncio.CancelledError:
            if self._reason is None or reader is None or reader.uncancel() > 0:
                raise
        finally:
            self._reader = None
        if self._reason is not None:
            raise self._reason


def _error(refused: Refusal) -> UpstreamError:
    return UpstreamError(
        refused.kind,
        refused.message,
        status=refused.status,
        retry_after_s=refused.retry_after_s,
        param=refused.param,
        upstream_code=refused.code,
    )
