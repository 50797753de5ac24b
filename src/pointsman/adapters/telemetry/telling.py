"""How are collectors told what happens, without a request ever waiting for it?

Requests append to a bounded queue. A thread takes from it, a few times a second, makes spans and
measurements, and hands them to the exporters of the SDK, which have threads and patience of their
own. What does not fit into the queue is counted and dropped: a collector that is down, or slower
than the gateway, costs telemetry and nothing else.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from threading import Event, Thread
from typing import NamedTuple, Protocol

from pointsman.core.decision import Decision, Outcome
from pointsman.engine.ports import Ledger

CAPACITY = 20_000
TURN_S = 0.25
PATIENCE_S = 5.0
"""How long a stop waits for what is still to be sent."""

_NEEDED = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_SLICE = 100
_BREATH_S = 0.0005

log = logging.getLogger(__name__)


class Endpoint(NamedTuple):
    """Where to tell, how much: `url` without the paths of signals, `share` of requests in [0, 1].

    Headers, certificates, compression, timeouts and the name of this service are what the
    environment's `OTEL_…` variables say. `metrics_every_s` is how often measurements are sent.
    """

    url: str
    share: float
    metrics_every_s: float
    version: str


class Collected(Protocol):
    """Spans and measurements in the making. Belongs to one thread."""

    def decided(self, decision: Decision) -> None: ...

    def ended(self, outcome: Outcome) -> None: ...

    def settle(self, now: datetime) -> None: ...

    def close(self) -> None:
        """Send what there is."""


def is_installed() -> bool:
    """Is the extra there, without importing it?"""
    try:
        return all(find_spec(name) is not None for name in _NEEDED)
    except ModuleNotFoundError:
        return False


def collected(endpoint: Endpoint) -> Collected:
    """The SDK's side; imported only here, which takes a tenth of a second."""
    sdk = import_module("pointsman.adapters.telemetry.otlp")
    made: Collected = sdk.Otlp(endpoint)
    return made


class Telemetry:
    """The telemetry of one process, from `start` to `close`. `dropped` counts lost records."""

    def __init__(
        self,
        endpoint: Endpoint,
        now: Callable[[], datetime],
        *,
        collect: Callable[[Endpoint], Collected] = collected,
        capacity: int = CAPACITY,
    ) -> None:
        self._endpoint = endpoint
        self._now = now
        self._collect = collect
        self._capacity = capacity
        self._queue: deque[Decision | Outcome] = deque()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="telemetry", daemon=True)
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def take(self, record: Decision | Outcome) -> None:
        """What happened; on the path of a request."""
        if len(self._queue) < self._capacity:
            self._queue.append(record)
        else:
            self.dropped += 1

    def close(self) -> None:
        """Tell what there is left to tell, for a while. Blocks."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)
        if self.dropped:
            log.warning("telemetry was dropped", extra={"records": self.dropped})

    def _run(self) -> None:
        try:
            collect = self._collect(self._endpoint)
            while not self._stopped.wait(TURN_S):
                self._turn(collect)
            self._turn(collect)
            collect.close()
        except Exception:  # here a thread begins: requests are served all the same
            log.exception("telemetry has ended")
            self._capacity = 0
            self._queue.clear()

    def _turn(self, collect: Collected) -> None:
        count = 0
        while self._queue:
            record = self._queue.popleft()
            if isinstance(record, Decision):
                collect.decided(record)
            else:
                collect.ended(record)
            count += 1
            if count % _SLICE == 0:
                # Those who are being served share one interpreter with this thread.
                self._stopped.wait(_BREATH_S)
        collect.settle(self._now())


class Told:
    """A ledger that tells the telemetry what it is told."""

    def __init__(self, ledger: Ledger, telemetry: Telemetry) -> None:
        self._ledger = ledger
        self._telemetry = telemetry

    def decided(self, decision: Decision) -> None:
        self._ledger.decided(decision)
        self._telemetry.take(decision)

    def ended(self, outcome: Outcome) -> None:
        self._ledger.ended(outcome)
        self._telemetry.take(outcome)
