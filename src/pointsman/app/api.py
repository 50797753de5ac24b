"""How does a Python program route requests without a server?

The same engine as behind the gateway, hence the same decisions, attempts and records.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, NamedTuple

import msgspec

from pointsman.adapters.http.asking import Sender, ask_of
from pointsman.adapters.http.control.decision_bodies import MAX_COMMENT_CHARS
from pointsman.adapters.http.explanation import explanation, with_explanation
from pointsman.adapters.http.identity import request_id_of
from pointsman.adapters.http.usage_chunk import last_chunk
from pointsman.adapters.http.wire import ChatRequest, chat_request
from pointsman.app.additions import Additions, added_beside
from pointsman.app.config import load
from pointsman.app.configuration import Configuration
from pointsman.app.request_values import body_of
from pointsman.app.running import Running
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import RequestError
from pointsman.core.fleet import Usage
from pointsman.engine.ports import StoredDecision
from pointsman.engine.serve import Ask, Served

RATINGS = range(1, 6)

Request = Mapping[str, Any]
"""A body of OpenAI's chat completions, as a dictionary."""


class Reply(NamedTuple):
    """A complete answer: OpenAI's document, and how it came about.

    `cost_usd` is that of all attempts, None when that of any is unknown.
    """

    document: dict[str, Any]
    decision: Decision
    model_id: str
    attempts: int
    cost_usd: Decimal | None


class Stream:
    """A streamed answer that has begun; iterate over it for OpenAI's chunks as dictionaries.

    With `stream_options.include_usage` the last chunk has no choices but the usage, and `usage` is
    None in all others, as over HTTP. Iteration raises `UpstreamError` when the answer breaks off.
    `outcome`, `usage` and `cost_usd` are known once the answer has ended, and None before.
    """

    def __init__(self, served: Served, *, include_usage: bool, explain: str | None) -> None:
        self._served = served
        self._include_usage = include_usage
        self._explain = explain
        self.decision = served.decision
        self.model_id = served.model.id
        self.attempts = len(served.earlier) + 1

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        begun = self._served.begun
        first = data = await begun.read()
        while data is not None:
            for event in data.split(b"\n\n"):
                if event:
                    chunk = _document(event.removeprefix(b"data: "))
                    yield chunk | {"usage": None} if self._include_usage else chunk
            data = await begun.read()
        if first is not None and (self._include_usage or self._explain):
            yield self._last(first)

    def _last(self, first: bytes) -> dict[str, Any]:
        why = explanation(self._served, self._explain) if self._explain else None
        chunk = last_chunk(self._served, first, include_usage=self._include_usage, explanation=why)
        return _document(chunk)

    @property
    def outcome(self) -> Outcome | None:
        """How the attempt that answered ended."""
        return self._served.begun.outcome

    @property
    def usage(self) -> Usage | None:
        """The tokens that the answer took, marked where they are our own estimate."""
        return self.outcome.usage if self.outcome else None

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost of all attempts; None also when that of any is unknown."""
        return self._served.cost_usd


def _document(given: bytes) -> dict[str, Any]:
    """A document as a dictionary, also one that holds half a character of a pair."""
    document: dict[str, Any]
    try:
        document = msgspec.json.decode(given)
    except msgspec.DecodeError:
        document = json.loads(given)
    return document


class Router:
    """Decides and serves within this process. Made by `pointsman.open`."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._random = Random(SystemRandom().getrandbits(64))  # noqa: S311 - names, not secrets

    def decide(
        self, request: Request, *, agent: str | None = None, session: str | None = None
    ) -> Decision:
        """Which model would serve the request now, and why; nothing is called or recorded.

        The decision has no candidates when none can. Raises `RequestError`.
        """
        ask = self._ask(self._read(request, stream=False), agent, session)
        return self._running.parts.service.decide(ask)

    async def chat(
        self, request: Request, *, agent: str | None = None, session: str | None = None
    ) -> Reply:
        """The whole answer. Raises `RequestError`, `NoEligibleModel` or `AttemptsSpent`."""
        read = self._read(request, stream=False)
        ask = self._ask(read, agent, session)
        served = await self._running.parts.service.serve(ask)
        try:
            document = await served.begun.document()
            if read.explain:
                document = with_explanation(document, served, self._version)
        finally:
            await served.begun.close()
            await self._settle()
        return Reply(
            document=_document(document),
            decision=served.decision,
            model_id=served.model.id,
            attempts=len(served.earlier) + 1,
            cost_usd=served.cost_usd,
        )

    @asynccontextmanager
    async def stream(
        self, request: Request, *, agent: str | None = None, session: str | None = None
    ) -> AsyncIterator[Stream]:
        """The answer chunk by chunk; leaving the block early hangs up on the upstream.

        Raises `RequestError`, `NoEligibleModel` or `AttemptsSpent` upon entering.
        """
        read = self._read(request, stream=True)
        ask = self._ask(read, agent, session)
        served = await self._running.parts.service.serve(ask)
        try:
            explain = self._version if read.explain else None
            yield Stream(served, include_usage=read.include_usage, explain=explain)
        finally:
            await served.begun.close()
            await self._settle()

    async def explain(self, decision_id: str) -> StoredDecision | None:
        """A recorded decision with its outcomes, or None when there is none of that id."""
        return await self._running.recall(decision_id)

    async def judge(
        self,
        decision_id: str,
        *,
        rating: int | None = None,
        success: bool | None = None,
        comment: str = "",
    ) -> bool:
        """Say how good an answer was: it is kept and teaches, and the last word counts.

        `rating` is from 1 (useless) to 5 (excellent), `success` whether the answer served its
        purpose; give at least one. False when there is no such decision, or no answer to it.
        Raises `RequestError` for what is no judgement.
        """
        _check_judgement(rating, success, comment)
        found = await self._running.recall(decision_id)
        served = next((o for o in found.outcomes if o.failure is None), None) if found else None
        if found is None or served is None:
            return False
        made, now = found.decision, self._running.parts.clock.now()
        said = Feedback(
            *(made.id, made.agent_id, served.model_id, made.task.type, now, rating, success),
            comment=comment,
        )
        return await self._running.judge(said) is not None

    @property
    def _version(self) -> str:
        return self._running.parts.registry.fleet.version

    async def _settle(self) -> None:
        if self._running.configuration.store.strict:
            await self._running.parts.ledger.settled()

    def _ask(self, request: ChatRequest, agent: str | None, session: str | None) -> Ask:
        setup = self._running.parts.registry.current.setup
        sender = Sender(agent=agent, session=session)
        return ask_of(request, setup, sender, request_id=request_id_of({}, self._random))

    def _read(self, request: Request, *, stream: bool) -> ChatRequest:
        previewed = self._running.parts.registry.current.setup.previews is not None
        return chat_request(body_of(request, stream=stream), previewed=previewed)


def _check_judgement(rating: int | None, success: bool | None, comment: str) -> None:
    if rating is None and success is None:
        words = "Neither 'rating' nor 'success' is given; say at least one of them."
        raise RequestError(words, param="rating", code="missing_value")
    if rating is not None and rating not in RATINGS:
        words = f"'rating' is from 1 (useless) to 5 (excellent), not {rating!r}."
        raise RequestError(words, param="rating", code="invalid_value")
    if len(comment) > MAX_COMMENT_CHARS:
        words = f"'comment' has {len(comment)} characters; {MAX_COMMENT_CHARS} are kept at most."
        raise RequestError(words, param="comment", code="invalid_value")


@asynccontextmanager
async def open(  # noqa: A001 - used as `pointsman.open`, like the built-in it resembles
    path: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Router]:
    """A router for the configuration at `path`, until the block is left.

    Without a path it is what `pointsman serve` would use: the providers whose keys are in the
    environment, else the simulated fleet. The file is watched and reloaded as the server does.
    Raises `ConfigError` with every mistake found, or `StoreError`.
    """
    variables = os.environ if environ is None else environ

    kept_in = None if data_dir is None else Path(data_dir)

    def read(additions: Additions | None = None) -> Configuration:
        added = added_beside(kept_in, additions)
        configuration = load(Path(path) if path else None, variables, added)
        if kept_in is None:
            return configuration
        server = replace(configuration.server, data_dir=kept_in)
        return replace(configuration, server=server)

    running = Running(read(), load=read)
    async with running.running():
        yield Router(running)
