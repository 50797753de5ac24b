"""What does a control API look like from outside: a server, a client, records to ask about?"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any

import uvicorn
from quiet_desk import quiet_desk

from pointsman.adapters.http.auth import Key, Role
from pointsman.adapters.http.control import (
    KEY_IN_SCOPE,
    Change,
    ConfigView,
    ControlApi,
    Counted,
    LiveModel,
)
from pointsman.adapters.http.replies import JSON, reply_to
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.clock import SystemClock
from pointsman.core.admission import BreakerPolicy
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Objection,
    Outcome,
    ReasonCode,
    Rejection,
    Strategy,
    Task,
    Term,
)
from pointsman.core.errors import AccessDenied, Conflict, FailureKind
from pointsman.core.fleet import (
    Agent,
    Fleet,
    Limits,
    Model,
    Price,
    PriceState,
    Rate,
    Source,
    Usage,
    Weights,
)
from pointsman.engine.alert_desk import Desk
from pointsman.engine.aside import ThreadAside
from pointsman.engine.assignments import Assignments
from pointsman.engine.audit import Audit
from pointsman.engine.blast import Around
from pointsman.engine.decide import Ask
from pointsman.engine.drains import Drains
from pointsman.engine.explain import Explained, borne_out, explained
from pointsman.engine.health import Health
from pointsman.engine.history_ports import Series, SeriesQuery
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.load import Load
from pointsman.engine.notify import Deliverer
from pointsman.engine.policy import Policy
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.registry import Registry, Setup
from pointsman.engine.sending import Channel
from pointsman.engine.serve import Service
from pointsman.engine.statistics import Asked, LiveStatistics, Report
from pointsman.engine.tally import Tally
from pointsman.engine.timeline import Timeline

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "/api/v1/model-router"

BIG = Model(
    "acme/big/v2",
    "acme",
    "big-v2",
    strengths={"coding": 0.9},
    context_window=8_192,
    price=Price(PriceState.KNOWN, Rate(Decimal("2.5")), Rate(Decimal(10)), Rate(Decimal("0.25"))),
    limits=Limits(max_in_flight=8, tokens_per_min=90_000),
    unsupported=frozenset({"logprobs"}),
    sources={"context_window": Source("learned from an answer", "2026-03-01"), "x": Source("file")},
)
SMALL = Model("acme/small", "acme", "small", "Small", profiled=False)
BUILDER = Agent(
    "builder",
    "Builder",
    requires=("coding",),
    allow=frozenset({"acme/small", "acme/big/v2"}),
    pinned="acme/small",
    weights=Weights(quality=0.5, latency=0.3, cost=0.2),
    latency_budget_s=1.5,
    explore=False,
)


class OneNoon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody sleeps here, asked for {seconds} s")


@dataclass
class Router:
    """The running router: a real store, a real fleet."""

    store: SqliteStore
    levels: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    statistics: LiveStatistics = field(default_factory=lambda: LiveStatistics(OneNoon()))
    agents: Sequence[Agent] = (BUILDER,)
    book: Assignments | None = None
    out: Drains | None = None
    served: Registry | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)
    told: Deliverer | None = None
    desk: Desk | None = None

    def fleet(self) -> Fleet:
        return Fleet(self.agents, [BIG, SMALL], "cfg_9")

    def live(self, model_id: str) -> LiveModel:
        busy = LiveModel("open", 8, 1.0, over_target=True, left_alone="broken", left_alone_s=4.5)
        return busy if model_id == BIG.id else LiveModel(drain=self.drains().of(model_id))

    def config(self) -> ConfigView:
        return ConfigView("cfg_9", {"keys": [{"name": "ops", "key": "***"}]})

    def added(self, section: str) -> Mapping[str, Mapping[str, Any]]:
        return {"small": {"name": "Small"}} if section == "agents" else {}

    async def add(self, change: Change, by: str) -> None:
        raise Conflict(f"{by} may not have {change.name}: this fleet is what it is")

    def set_log_level(self, level: str) -> None:
        if level == "error":
            raise RuntimeError("the log is on fire")
        self.levels.append(level)

    def counted(self) -> Counted:
        return Counted(
            began=NOON - timedelta(minutes=2),
            at=NOON,
            tally=self.tally,
            in_flight=3,
            circuits={BIG.id: "open", SMALL.id: "closed", "acme/other": "closed"},
            queued=1,
            written=2,
            dropped={"decision": 0, "outcome": 4},
            failing_s=0.0,
        )

    def kept(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        return self.store.decisions(query)

    def audit(self) -> Audit:
        return Audit(self.store.audit, SystemClock(), Random())

    async def forget_agent(self, agent_id: str) -> int:
        return await asyncio.to_thread(self.store.forget_agent, agent_id)

    async def series(self, query: SeriesQuery) -> Series:
        return await asyncio.to_thread(self.store.aggregates.series, query)

    async def report(self, asked: Asked) -> Report:
        return await self.statistics.report(asked)

    def timeline(self) -> Timeline:
        return self.statistics.timeline

    def now(self) -> datetime:
        return NOON

    def random(self) -> Random:
        return Random(1)

    def setup(self) -> Setup:
        return Setup(self.fleet(), {}, Policy(band=0.2))

    def decide(self, ask: Ask, seed: int | None, against: str | None) -> Explained:
        decide = self.service().decide
        explanation = explained(StoredDecision(made := decide(ask, seed), ()), against)
        return borne_out(explanation, lambda supposed: decide(ask, made.seed, supposed))

    def decided(self, ask: Ask, seed: int) -> Decision:
        return self.service().decide(ask, seed)

    def service(self) -> Service:
        """An engine that decides by what is declared, and serves nobody."""
        scorer, clock = CapabilityScorer(), SystemClock()
        return Service(
            Registry(self.setup(), scorer),
            scorer=scorer,
            load=Load(clock),
            health=Health(clock, BreakerPolicy()),
            ledger=WriteBehindLedger(self.store, clock),
            tally=Tally(),
            clock=clock,
            random=Random(1),
        )

    def drains(self) -> Drains:
        self.out = self.out or Drains(self.registry(), self.audit())
        return self.out

    def around(self) -> Around:
        clock, scorer = SystemClock(), CapabilityScorer()
        health = Health(clock, BreakerPolicy())
        return Around(self.registry(), scorer, health, self.statistics, clock)

    def registry(self) -> Registry:
        self.served = self.served or Registry(self.setup(), CapabilityScorer())
        return self.served

    def deliverer(self) -> Deliverer:
        if self.told is None:
            self.told = Deliverer(self.store.outbox, OneNoon(), Random(1), self.channels)
        return self.told

    def alerts(self) -> Desk:
        if self.desk is None:
            self.desk = quiet_desk(self.store, self.registry(), self.statistics)
        return self.desk

    def assignments(self) -> Assignments:
        if self.book is None or self.book.store is not self.store.assignments:
            scorer = CapabilityScorer()
            registry = Registry(self.setup(), scorer)
            store = self.store.assignments
            clock = OneNoon()
            aside = ThreadAside(clock)
            self.book = Assignments(store, registry, scorer, clock, Random(1), aside)
            self.book.loaded = True
        return self.book

    async def judge(self, feedback: Feedback) -> StoredDecision | None:
        before = self.store.decision(feedback.decision_id)
        return before if self.store.judge(feedback) else None

    async def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        return await asyncio.to_thread(self.store.decisions, query)

    async def decision(self, decision_id: str) -> StoredDecision | None:
        return await asyncio.to_thread(self.store.decision, decision_id)


@dataclass
class Client:
    router: Router
    port: int

    def with_store(self, path: Path) -> Client:
        """The same server with another, empty store."""
        self.router.store.close()
        self.router.store = SqliteStore(path)
        self.router.levels.clear()
        self.router.out = self.router.served = None
        self.router.told, self.router.channels = None, {}
        self.router.agents = (BUILDER,)
        return self

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        role: str = "admin",
        **more: str,
    ) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"x-role": role, "content-type": "application/json", **more}
        connection.request(method, BASE + path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if text else None

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        assert status == 200, body
        return body

    def refused(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """(status, error): the envelope is checked on the way."""
        status, answer = self.call(method, path, body)
        assert set(answer) == {"error"}
        assert set(answer["error"]) == {"message", "type", "param", "code"}
        return status, answer["error"]


def dispatcher(api: ControlApi) -> Any:
    """What of the outer application the control API leans on: here the role is simply said."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        (role,) = (value for name, value in scope["headers"] if name == b"x-role")
        role, _, agents = role.partition(b":")
        if role:
            bound = tuple(agents.decode().split(",")) if agents else ()
            scope[KEY_IN_SCOPE] = Key("tester", b"", Role(role.decode()), bound)
        try:
            await api(scope, receive, send)
        except AccessDenied as error:
            reply = reply_to(error)
            headers = [JSON, *reply.headers]
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": reply.body()})

    return app


@contextmanager
def control_server(path: Path) -> Iterator[Client]:
    """A server on loopback whose store is the file at `path`."""
    router = Router(SqliteStore(path))
    app = dispatcher(ControlApi(router, version="1.2.3"))
    config = uvicorn.Config(app, "127.0.0.1", 0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield Client(router, server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(10)
    router.store.close()


def a_decision(n: int, **changes: Any) -> Decision:
    terms = (Term("capability", 0.63, "coding 0.90"), Term("latency", 0.17), Term("cost", -0.1))
    decision = Decision(
        id=f"dec_{n:06d}",
        request_id=f"req_{n}",
        at=NOON + timedelta(minutes=n),
        agent_id="builder",
        task=Task("coding", 1_000, None, frozenset({"vision", "coding"})),
        strategy=Strategy.BALANCED,
        candidates=(
            Candidate("acme/big/v2", sum(term.value for term in terms), terms),
            Candidate("acme/small", 0.5, (Term("capability", 0.5),)),
        ),
        rejections=(Rejection("acme/old", Objection(ReasonCode.RESTING, "asked us to wait", 1.5)),),
        propensity=0.5,
        config_version="cfg_9",
        session="s1",
        asked_model="auto",
    )
    return decision._replace(**changes)


def an_outcome(n: int, attempt: int = 1, **changes: Any) -> Outcome:
    outcome = Outcome(
        decision_id=f"dec_{n:06d}",
        attempt=attempt,
        model_id="acme/big/v2",
        agent_id="builder",
        at=NOON + timedelta(minutes=n, seconds=1),
        failure=None,
        streamed=True,
        total_s=1.5,
        first_token_s=0.25,
        usage=Usage(1_000, 50, 800),
        cost_usd=Decimal("0.0025"),
        upstream_model="big-v2-0301",
    )
    return outcome._replace(**changes)


def failed(n: int, attempt: int = 1, **changes: Any) -> Outcome:
    return an_outcome(
        n,
        attempt,
        failure=FailureKind.SERVER_ERROR,
        usage=None,
        cost_usd=Decimal(0),
        first_token_s=None,
        status=500,
        message="boom",
    )._replace(**changes)
