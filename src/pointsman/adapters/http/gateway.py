"""How is a chat request answered over HTTP, from its first byte to its last?

A caller who hangs up cancels the task that answers, and with it the upstream is let go at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pointsman.adapters.http.answering import facts_of, facts_of_failure, plain_lines, send_stream
from pointsman.adapters.http.asking import ask_of
from pointsman.adapters.http.auth import KeyRing, Role, require
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.explanation import with_explanation
from pointsman.adapters.http.identity import sender_of
from pointsman.adapters.http.replies import Header, reply_to
from pointsman.adapters.http.wire import ChatRequest, chat_request
from pointsman.core.errors import (
    AccessDenied,
    AttemptsSpent,
    NoEligibleModel,
    PointsmanError,
    RequestError,
)
from pointsman.engine.ports import Clock
from pointsman.engine.registry import Registry
from pointsman.engine.serve import Served, Service
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.tally import Tally

LARGE_BODY_BYTES = 64 * 1024
"""A longer body is read beside the loop. One of 20 MB takes up to seconds, if it holds half a
million messages, and nobody else would be served meanwhile."""

log = logging.getLogger(__name__)


class Gateway:
    """The OpenAI surface. `keys` are asked for anew with every request.

    `settled`, where given, is waited for before the last byte of every answer.
    """

    def __init__(
        self,
        service: Service,
        registry: Registry,
        *,
        keys: Callable[[], KeyRing],
        tally: Tally,
        statistics: LiveStatistics,
        clock: Clock,
        settled: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._service = service
        self._registry = registry
        self._keys = keys
        self._tally = tally
        self._statistics = statistics
        self._clock = clock
        self._settled = settled
        # One at a time: each that is read holds the others up by as much as it takes.
        self._aside = ThreadPoolExecutor(1, "large-bodies")

    async def chat(self, exchange: Exchange) -> None:
        """`POST /v1/chat/completions`."""
        headers = exchange.headers
        try:
            key = self._keys().holder(headers)
            require(key, Role.CALLER, Role.ADMIN)
            body = await exchange.body()
            arrived = self._clock.monotonic()
            previewed = self._registry.current.setup.previews is not None
            request = (
                await self._read_aside(body, previewed=previewed)
                if len(body) > LARGE_BODY_BYTES
                else chat_request(body, previewed=previewed)
            )
            setup = self._registry.current.setup
            sender = sender_of(key, headers)
            ask = ask_of(request, setup, sender, request_id=exchange.request_id)
        except RequestError as error:
            if isinstance(error, AccessDenied) and not error.known:
                self._tally.refused(error.code or "unknown")
                raise  # who guesses keys is told one thing, wherever
            await self._refuse(exchange, error)
            return
        try:
            served = await self._service.serve(ask)
            try:
                if request.stream:
                    await self._stream(served, request, arrived, exchange)
                else:
                    await self._reply(served, request, arrived, exchange)
            finally:
                if served.begun.outcome is None:
                    await served.begun.close()
        except (NoEligibleModel, AttemptsSpent) as error:
            if self._settled is not None:
                await self._settled()
            await self._refuse(exchange, error, pinned=ask.selection.pinned is not None)
        else:
            if log.isEnabledFor(logging.DEBUG):
                _log_answer(served)

    async def _read_aside(self, body: bytes, *, previewed: bool) -> ChatRequest:
        loop = asyncio.get_running_loop()
        read = partial(chat_request, body, previewed=previewed)
        return await loop.run_in_executor(self._aside, read)

    async def _reply(
        self, served: Served, request: ChatRequest, arrived: float, exchange: Exchange
    ) -> None:
        document = await served.begun.document()
        if request.explain:
            document = with_explanation(document, served, self._registry.fleet.version)
        facts = facts_of(served, self._overhead_s(served, arrived))
        if self._settled is not None:
            await self._settled()
        await exchange.answer(200, plain_lines(served, facts), document)

    async def _stream(
        self, served: Served, request: ChatRequest, arrived: float, exchange: Exchange
    ) -> None:
        facts = facts_of(served, self._overhead_s(served, arrived))
        explain = self._registry.fleet.version if request.explain else None
        end = await send_stream(
            exchange, served, facts, include_usage=request.include_usage, explain=explain
        )
        if self._settled is not None:
            await self._settled()
        await exchange.end(end)

    def _overhead_s(self, served: Served, arrived: float) -> float:
        """What we have added to the time that the upstreams took; the statistics are told."""
        upstream_s = served.begun.upstream_s
        for outcome in served.earlier:
            upstream_s += outcome.total_s
        overhead_s = max(0.0, self._clock.monotonic() - arrived - upstream_s)
        self._statistics.answered(overhead_s)
        return overhead_s

    async def _refuse(
        self, exchange: Exchange, error: PointsmanError, *, pinned: bool = False
    ) -> None:
        reply = reply_to(error, pinned=pinned)
        code = reply.ours or reply.code or "unknown"
        self._tally.refused(code)
        facts = {"request_id": exchange.request_id, "status": reply.status, "code": code}
        log.info("request refused", extra=facts)
        await exchange.refuse(reply, _trace(error))


def _log_answer(served: Served) -> None:
    facts = {
        "request_id": served.decision.request_id,
        "decision_id": served.decision.id,
        "agent": served.decision.agent_id,
        "model": served.model.id,
        "attempts": len(served.earlier) + 1,
    }
    log.debug("request answered", extra=facts)


def _trace(error: PointsmanError) -> tuple[Header, ...]:
    """The headers that lead from an error to the record of what happened."""
    if isinstance(error, NoEligibleModel):
        return ((b"x-pointsman-decision", error.decision_id.encode()),)
    if isinstance(error, AttemptsSpent):
        return facts_of_failure(error.failures)
    return ()
