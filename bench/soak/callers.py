"""Who asks during a soak, and what does each caller remember of its answer?

Every request has an id of the caller's own, under which the gateway writes it down: so each answer
can be held against its row, whatever happened to it.
"""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import NamedTuple

from bench.soak.plan import Plan
from pointsman.adapters.providers.simulated.personas import AGENTS
from pointsman.app.loadtest.calling import Caller, Went
from pointsman.app.loadtest.requests import Ask, Request, Traffic

ID_HEADER = "x-request-id"
LEFT = "left"
TIMEOUT_S = 90.0
MOST_PATIENCE_S = 1.5
SUBJECTS = ("trains", "signals", "rivers", "lanterns", "bridges", "clocks", "harbours", "maps")
SENTENCE = "A pointsman sets the points for each train, and answers for where it goes. "
SHARED_CONTEXTS = 6
"""Of the length of which upstreams read parts from a cache."""


class Seen(NamedTuple):
    """What a caller saw of one request; `fault` is empty where all is well."""

    fault: str
    status: int
    model: str
    streamed: bool
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    due_s: float
    felt_s: float


class Ledger:
    """What all callers saw, by the id of the request. Times count from `began` on."""

    def __init__(self) -> None:
        self.began = 0.0
        self.seen: dict[str, Seen] = {}

    def note(self, request: Request, went: Went) -> None:
        self.seen[request.headers[ID_HEADER]] = Seen(
            went.fault,
            went.status,
            went.model,
            request.streamed,
            went.prompt_tokens,
            went.tokens,
            went.cached_tokens,
            went.due - self.began,
            went.felt_s,
        )


class NumberedTraffic(Traffic):
    """Requests of all agents, each with an id of its own."""

    def __init__(self, plan: Plan, name: str) -> None:
        weights = {agent.id: 1.0 + place % 3 for place, agent in enumerate(AGENTS)}
        random = Random(f"{plan.seed} what")
        super().__init__(asks(random), random, agents=weights, streamed=plan.streamed)
        self._prefix = f"{name.replace(' ', '-')}-{plan.seed}"
        self._count = 0

    def draw(self) -> Request:
        self._count += 1
        request = super().draw()
        own = {ID_HEADER: f"{self._prefix}-{self._count:08d}"}
        return request._replace(headers={**request.headers, **own})


def asks(random: Random) -> list[Ask]:
    """Short questions, and questions on long texts that come again and again."""
    short = [
        Ask(
            ({"role": "user", "content": f"Tell me something about {subject}, number {number}."},),
            fields={"max_tokens": random.choice((8, 16, 48))},
        )
        for subject in SUBJECTS
        for number in range(5)
    ]
    long = [
        Ask(
            (
                {"role": "system", "content": f"Text {number}. " + SENTENCE * (20 + 20 * number)},
                {"role": "user", "content": f"What does it say of {subject}?"},
            ),
            fields={"max_tokens": 24},
        )
        for number in range(SHARED_CONTEXTS)
        for subject in SUBJECTS[:3]
    ]
    return short + long


class ImpatientCaller(Caller):
    """Like any other, but hangs up on some requests, at any moment of them."""

    def __init__(self, url: str, plan: Plan) -> None:
        super().__init__(url, {}, TIMEOUT_S)
        self._leaving = plan.leaving
        self._random = Random(f"{plan.seed} who leaves")

    async def call(self, request: Request, due: float) -> Went:
        if self._random.random() >= self._leaving:
            return await super().call(request, due)
        sent = time.monotonic()
        try:
            async with asyncio.timeout(self._random.uniform(0.01, MOST_PATIENCE_S)):
                return await super().call(request, due)
        except TimeoutError:
            return Went(due, sent, time.monotonic(), fault=LEFT, agent=request.agent)
