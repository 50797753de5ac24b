"""How does a Python program route requests without a server?

The same engine as behind the gateway, hence the same decisions, attempts and records.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, NamedTuple

import msgspec

from pointsman.adapters.http.asking import ask_of
from pointsman.adapters.http.auth import AGENT_HEADER, ANYBODY
from pointsman.adapters.http.identity import SESSION_HEADERS, request_id_of
from pointsman.adapters.http.wire import chat_request
from pointsman.app.config import load
from pointsman.app.configuration import Configuration
from pointsman.app.running import Running
from pointsman.core.decision import Decision
from pointsman.engine.attempt import Begun
from pointsman.engine.ports import StoredDecision
from pointsman.engine.serve import Ask, Served

Request = Mapping[str, Any]
"""A body of OpenAI's chat completions, as a dictionary."""


class Reply(NamedTuple):
    """A complete answer: OpenAI's document, and how it came about.

    `cost_usd` is that of the answering attempt, None when unknown.
    """

    document: dict[str, Any]
    decision: Decision
    model_id: str
    attempts: int
    cost_usd: Decimal | None


class Stream:
    """A streamed answer that has begun; iterate over it for OpenAI's chunks as dictionaries.

    Iteration raises `UpstreamError` when the answer breaks off.
    """

    def __init__(self, served: Served) -> None:
        self._begun: Begun = served.begun
        self.decision = served.decision
        self.model_id = served.model.id
        self.attempts = len(served.earlier) + 1

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        while (data := await self._begun.read()) is not None:
            for event in data.split(b"\n\n"):
                if event:
                    yield msgspec.json.decode(event.removeprefix(b"data: "))


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
        ask = self._ask(request, agent, session, stream=False)
        return self._running.parts.service.decide(ask)

    async def chat(
        self, request: Request, *, agent: str | None = None, session: str | None = None
    ) -> Reply:
        """The whole answer. Raises `RequestError`, `NoEligibleModel` or `AttemptsSpent`."""
        served = await self._running.parts.service.serve(
            self._ask(request, agent, session, stream=False)
        )
        try:
            pieces: list[bytes] = []
            while (data := await served.begun.read()) is not None:
                pieces.append(data)
        finally:
            await served.begun.close()
        outcome = served.begun.outcome
        return Reply(
            document=msgspec.json.decode(b"".join(pieces)),
            decision=served.decision,
            model_id=served.model.id,
            attempts=len(served.earlier) + 1,
            cost_usd=outcome.cost_usd if outcome else None,
        )

    @asynccontextmanager
    async def stream(
        self, request: Request, *, agent: str | None = None, session: str | None = None
    ) -> AsyncIterator[Stream]:
        """The answer chunk by chunk; leaving the block early hangs up on the upstream.

        Raises `RequestError`, `NoEligibleModel` or `AttemptsSpent` upon entering.
        """
        served = await self._running.parts.service.serve(
            self._ask(request, agent, session, stream=True)
        )
        try:
            yield Stream(served)
        finally:
            await served.begun.close()

    async def explain(self, decision_id: str) -> StoredDecision | None:
        """A recorded decision with its outcomes, or None when there is none of that id."""
        return await self._running.recall(decision_id)

    def _ask(
        self, request: Request, agent: str | None, session: str | None, *, stream: bool
    ) -> Ask:
        headers: dict[bytes, bytes] = {}
        if agent:
            headers[AGENT_HEADER] = agent.encode()
        if session:
            headers[SESSION_HEADERS[0]] = session.encode()
        body = msgspec.json.encode({**request, "stream": stream})
        return ask_of(
            chat_request(body),
            self._running.parts.registry.current.setup,
            key=ANYBODY,
            headers=headers,
            request_id=request_id_of(headers, self._random),
        )


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

    def read() -> Configuration:
        configuration = load(Path(path) if path else None, variables)
        if data_dir is None:
            return configuration
        server = replace(configuration.server, data_dir=Path(data_dir))
        return replace(configuration, server=server)

    running = Running(read(), load=read)
    async with running.running():
        yield Router(running)
