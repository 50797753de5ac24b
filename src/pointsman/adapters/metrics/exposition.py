"""How does a scrape get its page without anybody else waiting for it?

Figures are read on the event loop, because they change there, for a millisecond at a time. What was
read changes no more, so a thread turns it into text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pointsman.adapters.metrics.alerting import alerted, delivered, known_as
from pointsman.adapters.metrics.families import Part
from pointsman.adapters.metrics.recent import agents, recent_agents, recent_models
from pointsman.adapters.metrics.served import LedgerCounters, Scraped, ledgered, served, spooled
from pointsman.adapters.metrics.tallied import tallied
from pointsman.engine.alert_desk import Desk
from pointsman.engine.notify import Deliverer
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.steps import in_steps
from pointsman.engine.tally import Tally


class Metrics:
    """The exposition of one server process."""

    def __init__(
        self,
        tally: Tally,
        statistics: LiveStatistics,
        ledger: LedgerCounters,
        scraped: Scraped,
        *,
        version: str,
        desk: Desk | None = None,
        deliverer: Deliverer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._statistics = statistics
        self._ledger = ledger
        self._scraped = scraped
        self._version = version
        self._desk = desk
        self._deliverer = deliverer
        self._monotonic = monotonic
        # A registry of its own, since the library's default one is shared by the whole process.
        self._process = ProcessCollector(registry=CollectorRegistry(auto_describe=False))

    async def render(self, accept_header: str) -> tuple[bytes, bytes]:
        """(body, content type): OpenMetrics for a scraper that asks for it, else plain text."""
        encode, content_type = choose_encoder(accept_header)
        read = _Read(await self._read())
        return await asyncio.to_thread(encode, read), content_type.encode("ascii")

    async def _read(self) -> list[Metric]:
        return [m async for m in in_steps(self._all(), self._monotonic) if m is not None]

    def _all(self) -> Part:
        yield from tallied(self._tally)
        yield from recent_models(self._statistics)
        yield from agents(self._statistics)
        yield from recent_agents(self._statistics)
        yield from ledgered(self._ledger, self._monotonic)
        yield from spooled(self._scraped)
        if self._desk is not None:
            yield from alerted(self._desk)
            yield from known_as()
        if self._deliverer is not None:
            yield from delivered(self._deliverer)
        yield from served(self._scraped, self._version)
        yield from self._process.collect()


class _Read(Collector):
    """Metrics that were read before, in the shape that the library's encoders take."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics
