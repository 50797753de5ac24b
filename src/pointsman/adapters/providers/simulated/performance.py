"""How does one answer go out on the wire, faults included?"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from random import Random

from pointsman.adapters.providers.simulated.connection import Connection, Headers
from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.adapters.providers.simulated.journal import Entry
from pointsman.adapters.providers.simulated.models import MIDWAY, Prepared
from pointsman.adapters.providers.simulated.refusals import Refusal, error_json, server_error
from pointsman.adapters.providers.simulated.sse import DONE, Head, Writer, completion

_PAGE = b"<!doctype html><title>502</title><h1>Not the answer you were looking for (simulated)</h1>"


STALLS = frozenset({Fault.STALL, Fault.STALL_FIRST})


class Performance:
    """Plays one prepared answer to one client. `run` raises `HungUp` when the client leaves."""

    def __init__(
        self, prepared: Prepared, head: Head, connection: Connection, entry: Entry, headers: Headers
    ) -> None:
        self._prepared = prepared
        self._connection = connection
        self._entry = entry
        self._headers = headers
        self._head = head
        self._started_s = time.monotonic()
        self._chance = Random(prepared.id)  # noqa: S311 - a simulation, nothing secret
        self._instead: Mapping[Fault, Callable[[], Awaitable[None]]] = {
            Fault.RESET: self._reset,
            Fault.EMPTY_BODY: self._empty_body,
            Fault.WRONG_TYPE: self._wrong_type,
        }
        self._midway: Mapping[Fault, Callable[[bytes], Awaitable[None]]] = {
            Fault.STALL: self._stall,
            Fault.CUT: self._cut,
            Fault.EARLY_END: self._early_end,
            Fault.STREAM_ERROR: self._report,
        }

    async def run(self) -> None:
        """Wait until the status is known, then give the answer, or what comes instead."""
        prepared = self._prepared
        fault = prepared.plan.fault
        self._entry.fault = fault.value if fault else None
        await self._connection.wait(prepared.plan.accept_s)
        if prepared.refusal:
            await refuse(self._connection, self._entry, prepared.refusal, self._headers)
            return
        self._entry.status = 200
        if fault and fault in self._instead:
            self._entry.ended = "fault"
            await self._instead[fault]()
            return
        # Noted beforehand, so that who has seen the end finds it in the log. A stall has no end but
        # the caller's hanging up, which is noted when it comes.
        if fault not in STALLS:
            self._entry.ended = "fault" if fault in MIDWAY else "complete"
        await (self._stream() if prepared.asked.stream else self._whole())

    async def _stream(self) -> None:
        plan = self._prepared.plan
        await self._connection.begin(200, self._typed(b"text/event-stream; charset=utf-8"))
        if plan.fault is Fault.STALL_FIRST:
            await self._connection.wait(None)
        writer = Writer(self._head)
        if plan.fault is Fault.CUT and plan.order and plan.order.at_byte is not None:
            await self._cut_at(self._everything(writer), plan.order.at_byte)
            return
        if await self._tokens(writer):
            await self._connection.finish(self._ending(writer))

    async def _tokens(self, writer: Writer) -> bool:
        """Send token by token; False when a fault in the middle has ended the answer."""
        prepared = self._prepared
        opening = writer.roles(prepared.choices)
        fault = prepared.plan.fault
        interrupt = self._midway.get(fault) if fault else None
        for number, (step, due_s) in enumerate(zip(prepared.steps, prepared.due_s, strict=True)):
            await self._until(due_s)
            event = opening + writer.step(step)
            opening = b""
            if number == prepared.fault_at:
                event = _broken(event) if fault is Fault.MALFORMED else event
                if interrupt:
                    await interrupt(event)
                    return False
            await self._connection.write(event)
            self._entry.chunks_sent += 1
        if interrupt:
            await interrupt(opening + writer.finishes(prepared.choices))
            return False
        if opening:
            await self._until(prepared.plan.first_token_s)
            await self._connection.write(opening)
        return True

    def _ending(self, writer: Writer) -> bytes:
        prepared = self._prepared
        ending = writer.finishes(prepared.choices)
        if prepared.plan.fault is Fault.MALFORMED and prepared.fault_at >= len(prepared.steps):
            ending = _broken(ending)
        if prepared.asked.include_usage:
            ending += writer.usage(prepared.usage)
        return ending if prepared.plan.fault is Fault.NO_DONE else ending + DONE

    def _everything(self, writer: Writer) -> bytes:
        events = b"".join(writer.step(step) for step in self._prepared.steps)
        return writer.roles(self._prepared.choices) + events + self._ending(writer)

    async def _whole(self) -> None:
        prepared = self._prepared
        fault = prepared.plan.fault
        if fault is Fault.STALL_FIRST:
            await self._connection.wait(None)
        await self._until(prepared.whole_s)
        body = completion(self._head, prepared.choices, prepared.usage)
        if fault in (Fault.MALFORMED, Fault.EARLY_END):
            body = body[: len(body) // 2]
        if fault is Fault.STREAM_ERROR:
            body = error_json(server_error())
        if fault in (Fault.CUT, Fault.STALL):
            await self._part_of(body)
            return
        await self._connection.answer(200, body, self._typed(b"application/json"))
        self._entry.chunks_sent += 1

    async def _part_of(self, body: bytes) -> None:
        """Promise the whole document and give a part of it."""
        plan = self._prepared.plan
        at_byte = plan.order.at_byte if plan.order else None
        given = self._chance.randrange(1, len(body)) if at_byte is None else at_byte
        length = (b"content-length", b"%d" % len(body))
        await self._connection.begin(200, [*self._typed(b"application/json"), length])
        await self._connection.write(body[:given])
        if plan.fault is Fault.STALL:
            await self._connection.wait(None)
        await self._connection.drop(reset=False)

    async def _cut_at(self, data: bytes, at_byte: int) -> None:
        await self._until(self._prepared.plan.first_token_s)
        await self._connection.write(data[:at_byte])
        await self._connection.drop(reset=False)

    async def _stall(self, _event: bytes) -> None:
        await self._connection.wait(None)

    async def _cut(self, event: bytes) -> None:
        await self._connection.write(event[: self._chance.randrange(len(event))])
        await self._connection.drop(reset=False)

    async def _early_end(self, _event: bytes) -> None:
        await self._connection.finish()

    async def _report(self, _event: bytes) -> None:
        await self._connection.finish(b"data: " + error_json(server_error()) + b"\n\n")

    async def _reset(self) -> None:
        await self._connection.drop(reset=True)

    async def _empty_body(self) -> None:
        streamed = self._prepared.asked.stream
        kind = b"text/event-stream; charset=utf-8" if streamed else b"application/json"
        await self._connection.answer(200, b"", self._typed(kind))

    async def _wrong_type(self) -> None:
        await self._connection.answer(200, _PAGE, self._typed(b"text/html; charset=utf-8"))

    async def _until(self, due_s: float) -> None:
        await self._connection.wait(due_s - (time.monotonic() - self._started_s))

    def _typed(self, content_type: bytes) -> Headers:
        return [*self._headers, (b"content-type", content_type)]


async def refuse(connection: Connection, entry: Entry, refusal: Refusal, headers: Headers) -> None:
    """Answer with an error status and body as OpenAI does."""
    entry.status = refusal.status
    entry.ended = "refused"
    waiting: list[tuple[bytes, bytes]] = []
    if refusal.retry_after_s is not None:
        whole_s = max(1, round(refusal.retry_after_s))
        waiting.append((b"retry-after", b"%d" % whole_s))
        waiting.append((b"retry-after-ms", b"%d" % round(refusal.retry_after_s * 1000)))
    kind = (b"content-type", b"application/json")
    await connection.answer(refusal.status, error_json(refusal), [*headers, *waiting, kind])


def _broken(event: bytes) -> bytes:
    """The event with its JSON cut in half, still ended as an event."""
    return event[: len(event) // 2] + b"\n\n"
