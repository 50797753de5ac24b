"""How is a chat request answered over HTTP, from its first byte to its last?

A raw ASGI callable, since this is the way that every request takes. That makes three things ours
to see to: the size of the body, the shape of every error, and a caller who hangs up, upon which
the upstream is let go at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random

from pointsman.adapters.http.answering import facts_of, send_plain, send_stream
from pointsman.adapters.http.asgi import (
    CallerLeftError,
    Receive,
    Scope,
    Send,
    read_body,
    send_reply,
)
from pointsman.adapters.http.asking import ask_of
from pointsman.adapters.http.auth import KeyRing, Role, require
from pointsman.adapters.http.identity import request_id_of, sender_of
from pointsman.adapters.http.replies import Header, reply_to
from pointsman.adapters.http.wire import ChatRequest, chat_request
from pointsman.core.errors import AttemptsSpent, NoEligibleModel, PointsmanError, RequestError
from pointsman.engine.ports import Clock
from pointsman.engine.registry import Registry
from pointsman.engine.serve import Ask, Served, Service
from pointsman.engine.tally import Tally

log = logging.getLogger(__name__)


class _HangUp:
    """Cancels the task that answers when its caller leaves, until `over`.

    Watching takes a task, which an answer that comes at once need not pay for: it begins only when
    the caller has waited a moment.
    """

    __slots__ = ("_answering", "_receive", "_timer", "_watching", "over", "seen")

    AFTER_S = 0.01

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._answering = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(self.AFTER_S, self._begin)
        self.over = False
        self.seen = False

    def end(self) -> None:
        """The last bytes are about to be sent: from here on the caller may leave."""
        self.over = True
        self._timer.cancel()

    def _begin(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.over and self._answering is not None:
            self.seen = True
            self._answering.cancel()


class Gateway:
    """The OpenAI surface. `keys` and `max_body_bytes` are asked for anew with every request."""

    def __init__(
        self,
        service: Service,
        registry: Registry,
        *,
        keys: Callable[[], KeyRing],
        max_body_bytes: Callable[[], int],
        tally: Tally,
        clock: Clock,
        random: Random,
    ) -> None:
        self._service = service
        self._registry = registry
        self._keys = keys
        self._max_body_bytes = max_body_bytes
        self._tally = tally
        self._clock = clock
        self._random = random

    async def chat(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST /v1/chat/completions`."""
        headers = dict(scope["headers"])
        request_id = request_id_of(headers, self._random)
        try:
            key = self._keys().holder(headers)
            require(key, Role.CALLER, Role.ADMIN)
            body = await read_body(headers, receive, self._max_body_bytes())
            arrived = self._clock.monotonic()
            request = chat_request(body)
            setup = self._registry.current.setup
            ask = ask_of(request, setup, sender_of(key, headers), request_id=request_id)
        except RequestError as error:
            await self._refuse(send, error, request_id)
        except CallerLeftError:
            log.debug("the caller left in the middle of its request")
        else:
            hang_up = _HangUp(receive)
            try:
                await self._serve(ask, request, arrived, send, hang_up)
            finally:
                hang_up.end()

    async def _serve(
        self, ask: Ask, request: ChatRequest, arrived: float, send: Send, hang_up: _HangUp
    ) -> None:
        try:
            served = await self._service.serve(ask)
            try:
                if request.stream:
                    await self._stream(served, request, arrived, send, hang_up)
                else:
                    await self._reply(served, arrived, send, hang_up)
            finally:
                await served.begun.close()
            if log.isEnabledFor(logging.DEBUG):
                _log_answer(served)
        except (NoEligibleModel, AttemptsSpent) as error:
            hang_up.end()
            pinned = ask.selection.pinned is not None
            await self._refuse(send, error, ask.request_id, pinned=pinned)
        except asyncio.CancelledError:
            # When it was the caller who left, nobody is waiting for an answer or an error.
            if not hang_up.seen:
                raise

    async def _reply(self, served: Served, arrived: float, send: Send, hang_up: _HangUp) -> None:
        pieces: list[bytes] = []
        while (data := await served.begun.read()) is not None:
            pieces.append(data)
        hang_up.end()
        facts = facts_of(served, self._overhead_s(served, arrived))
        await send_plain(send, b"".join(pieces), served, facts)

    async def _stream(
        self, served: Served, request: ChatRequest, arrived: float, send: Send, hang_up: _HangUp
    ) -> None:
        facts = facts_of(served, self._overhead_s(served, arrived))
        last = await send_stream(send, served, facts, include_usage=request.include_usage)
        hang_up.end()
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def _overhead_s(self, served: Served, arrived: float) -> float:
        """What we have added to the time that the upstreams took."""
        upstream_s = served.begun.upstream_s + sum(outcome.total_s for outcome in served.earlier)
        return max(0.0, self._clock.monotonic() - arrived - upstream_s)

    async def _refuse(
        self, send: Send, error: PointsmanError, request_id: str, *, pinned: bool = False
    ) -> None:
        reply = reply_to(error, pinned=pinned)
        self._tally.refused(reply.code or "unknown")
        facts = {"request_id": request_id, "status": reply.status, "code": reply.code}
        log.info("request refused", extra=facts)
        await send_reply(send, reply, _trace(error, request_id))


def _log_answer(served: Served) -> None:
    facts = {
        "request_id": served.decision.request_id,
        "decision_id": served.decision.id,
        "agent": served.decision.agent_id,
        "model": served.model.id,
        "attempts": len(served.earlier) + 1,
    }
    log.debug("request answered", extra=facts)


def _trace(error: PointsmanError, request_id: str) -> tuple[Header, ...]:
    """The headers that lead from an error to the record of what happened."""
    headers: tuple[Header, ...] = ((b"x-request-id", request_id.encode()),)
    if isinstance(error, NoEligibleModel):
        headers += ((b"x-pointsman-decision", error.decision_id.encode()),)
    if isinstance(error, AttemptsSpent):
        decision_id = error.failures[-1][0].decision_id
        headers += (
            (b"x-pointsman-decision", decision_id.encode()),
            (b"x-pointsman-attempts", str(len(error.failures)).encode()),
        )
    return headers
