"""What does the control API need to know, and from whom?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from random import Random
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from pointsman.core.decision import Decision, Feedback
from pointsman.core.fleet import Fleet
from pointsman.engine.alert_desk import Desk
from pointsman.engine.assignments import Assignments
from pointsman.engine.audit import Audit
from pointsman.engine.blast import Around
from pointsman.engine.decide import Ask
from pointsman.engine.drains import Drain, Drains
from pointsman.engine.explain import Explained
from pointsman.engine.history_ports import Series, SeriesQuery
from pointsman.engine.notify import Deliverer
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.registry import Setup
from pointsman.engine.statistics import Asked, Report
from pointsman.engine.tally import Tally
from pointsman.engine.timeline import Timeline


class LiveModel(NamedTuple):
    """The state of a model now. `circuit` is closed, open or probing.

    `left_alone` says why nobody is sent there for another `left_alone_s` seconds, be it by the
    breaker or after a refusal; empty where it takes requests.

    `utilisation` is the largest share of any of its limits that it uses, None without limits;
    `over_target` says that this is more than it should be for long. `drain` is set where a person
    has taken it out of service.
    """

    circuit: str = "closed"
    in_flight: int = 0
    utilisation: float | None = None
    over_target: bool = False
    drain: Drain | None = None
    left_alone: str = ""
    left_alone_s: float = 0.0


class ConfigView(NamedTuple):
    """The configuration in force, ready for JSON, with every secret already taken out.

    `rejected` says in words why a later one is not used, empty when none was rejected. `source` is
    the file, `origins` say of each value that is no default where it comes from, by its path.
    """

    version: str
    settings: Mapping[str, object]
    rejected: str = ""
    source: str = ""
    origins: Mapping[str, ValueOrigin] = MappingProxyType({})


class ValueOrigin(NamedTuple):
    """`kind` is file, environment, command_line, api or built_in; on which `line` of the file a
    value stands, and the names of the variables that it was taken from.
    """

    kind: str
    line: int | None = None
    variables: tuple[str, ...] = ()


class Purpose(Enum):
    """What becomes of an agent or a model that is added."""

    CREATE = auto()
    REPLACE = auto()
    MERGE = auto()
    REMOVE = auto()


class Change(NamedTuple):
    """A change of the fleet. The document is as in the configuration; to merge, parts of it."""

    section: Literal["agents", "models"]
    name: str
    purpose: Purpose
    document: Mapping[str, Any] = MappingProxyType({})


class Counted(NamedTuple):
    """What was counted between `began` and `at`, and how things stand at `at`.

    `circuits` holds the state of each model that has a circuit breaker. `queued`, `written` and
    `dropped` are records of the ledger, `failing_s` for how long it has been unable to write;
    `not_durable` are answers that went out before they were stored though they should not have,
    `crowded_out` decisions that were forgotten to make room.
    `mean_match` in [0, 1] is that of the standing `assignments`, None without any.
    """

    began: datetime
    at: datetime
    tally: Tally
    in_flight: int
    circuits: Mapping[str, str]
    queued: int
    written: int
    dropped: Mapping[str, int]
    failing_s: float
    not_durable: int = 0
    crowded_out: int = 0
    assignments: int = 0
    mean_match: float | None = None


class ControlSource(Protocol):
    """The running router, as the control API sees it. The async methods raise `StoreError`."""

    def fleet(self) -> Fleet:
        """The fleet as it is served: what traffic corrected shows in the sources of a model."""

    def live(self, model_id: str) -> LiveModel: ...

    def config(self) -> ConfigView: ...

    def added(self, section: Literal["agents", "models"]) -> Mapping[str, Mapping[str, Any]]:
        """What was added to the configuration through the API and counts, by id."""

    async def add(self, change: Change, by: str) -> None:
        """Add an agent or a model, change it or take it away, as `by` wants.

        Raises `RequestError`, and `Conflict` when things are not as the change supposes.
        """

    def set_log_level(self, level: str) -> None:
        """`level` is one of debug, info, warning, error."""

    def counted(self) -> Counted: ...

    async def report(self, asked: Asked) -> Report:
        """What happened in a window."""

    def timeline(self) -> Timeline:
        """How it has gone of late."""

    async def series(self, query: SeriesQuery) -> Series:
        """How much happened when."""

    def audit(self) -> Audit:
        """Who changed what."""

    async def forget_agent(self, agent_id: str) -> int:
        """Delete what is kept of an agent; returns how many decisions."""

    def now(self) -> datetime:
        """The present instant, in UTC."""

    def random(self) -> Random:
        """For ids; nobody's secret."""

    def setup(self) -> Setup:
        """The configuration as it is served."""

    def decide(self, ask: Ask, seed: int | None, against: str | None) -> Explained:
        """What would be decided now, explained. Nothing is called, counted or written down.

        With the seed of another decision it is drawn as that one was. `against` is whose chances
        are looked at, the runner-up's without. Raises `RequestError` when that is nobody.
        """

    def decided(self, ask: Ask, seed: int) -> Decision:
        """The same without any explanation."""

    async def judge(self, feedback: Feedback) -> StoredDecision | None:
        """Keep what is said of an answer, and let it teach.

        The decision as it was before; None when there is no such decision.
        """

    def deliverer(self) -> Deliverer:
        """Through which alerts are told."""

    def alerts(self) -> Desk:
        """Alerts as they stand, and what people may do about them."""

    def drains(self) -> Drains:
        """What is out of service, and the one place where that is changed."""

    def around(self) -> Around:
        """The parts that say what would happen without a model."""

    def assignments(self) -> Assignments:
        """Who stands where, and the one place where that is changed."""

    async def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]: ...

    def kept(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        """Decisions that are stored; for a thread, as it blocks."""

    async def decision(self, decision_id: str) -> StoredDecision | None:
        """A decision is found as soon as its request has been answered."""
