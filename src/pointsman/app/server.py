"""How does a running router become an HTTP server?"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import uvicorn

from pointsman.adapters.forked import ForkedAside
from pointsman.adapters.http.app import Application, Parts
from pointsman.adapters.http.control import ControlApi
from pointsman.adapters.http.dashboard import Dashboard
from pointsman.adapters.http.edge import EdgeProtocol, edge_protocol
from pointsman.adapters.http.gateway import Gateway
from pointsman.adapters.http.guesses import Guesses
from pointsman.adapters.http.listing import Entry, entries
from pointsman.adapters.http.session_file import SessionFile
from pointsman.adapters.http.sessions import Clocks, Sessions
from pointsman.adapters.metrics import Metrics
from pointsman.adapters.stores.spool.store import SpooledStore
from pointsman.app.clock import SystemClock
from pointsman.app.configuration import Configuration
from pointsman.app.control import RouterSource
from pointsman.app.listening import BACKLOG
from pointsman.app.logs import Logs
from pointsman.app.reloading import Load
from pointsman.app.running import Running
from pointsman.app.stopping import StoppingServer
from pointsman.engine.aside import ThreadAside
from pointsman.engine.ports import Aside
from pointsman.version import VERSION

DASHBOARD = Path(__file__).parents[1] / "dashboard"
"""Where its built files lie; see `ui/build.py`."""
SWITCH_INTERVAL_S = 0.0005

log = logging.getLogger(__name__)


def _aside() -> Aside | None:
    """A copy of this process reckons what takes long, where copies are safe to make."""
    return ForkedAside(ThreadAside(SystemClock())) if sys.platform == "linux" else None


class _Scraped:
    """What a scrape reads of the engine."""

    def __init__(self, running: Running, logs: Logs) -> None:
        self._running = running
        self._logs = logs

    def in_flight(self) -> Mapping[str, int]:
        return self._running.parts.load.snapshot()

    def circuits(self) -> Mapping[str, str]:
        return self._running.parts.health.circuits()

    def config_version(self) -> str:
        return self._running.configuration.version

    def backlog(self) -> Mapping[str, float] | None:
        store = self._running.parts.store
        if not isinstance(store, SpooledStore):
            return None
        now = store.backlog()
        return {
            "records": now.records,
            "behind_s": now.behind_s,
            "lost_decisions": now.lost.decisions,
            "lost_outcomes": now.lost.outcomes,
        }

    def log_records_dropped(self) -> int:
        return self._logs.dropped

    def telemetry_dropped(self) -> int:
        telemetry = self._running.parts.telemetry
        return 0 if telemetry is None else telemetry.dropped

    def crowded_out(self) -> int:
        return self._running.parts.store.crowded_out


class HttpServer:
    """The gateway on a socket, until it is told to stop. `announce` is told when it is ready."""

    def __init__(
        self,
        configuration: Configuration,
        load: Load,
        logs: Logs,
        announce: Callable[[Running], None],
    ) -> None:
        self._first = configuration
        self._load = load
        self._logs = logs
        self._announce = announce
        self._protocol: type[EdgeProtocol] | None = None

    async def run(self, listening: socket.socket) -> bool:
        """Serve until SIGTERM or SIGINT. Returns whether it came up and lost nothing at the end."""
        running = Running(
            self._first, load=self._load, reconfigured=self._reconfigured, aside=_aside()
        )
        app = Application(self._parts(running), running.parts.random)
        self._protocol = edge_protocol(app.answer, self._first.limits)
        server = StoppingServer(
            uvicorn.Config(
                app,
                http=self._protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=max(1, round(self._first.limits.idle_timeout_s)),
            ),
            grace=running.grace,
            grace_s=lambda: running.configuration.server.shutdown_grace_s,
            give_up=lambda reason: self._give_up(running, reason),
        )
        await server.serve(sockets=[listening])
        return server.started and running.all_written

    def _give_up(self, running: Running, reason: str) -> NoReturn:
        """End the process as it stands, whichever thread or disk keeps it from ending."""
        lost = "" if running.all_written else "; the last records may be lost"
        log.error("stopped without waiting any more: %s%s", reason, lost)
        self._logs.stop()
        os._exit(0 if running.all_written else 1)

    def _reconfigured(self, configuration: Configuration) -> None:
        if self._protocol is not None:
            self._protocol.limits = configuration.limits
        self._logs.set_level(configuration.server.log_level)

    def _parts(self, running: Running) -> Parts:
        parts = running.parts
        gateway = Gateway(
            parts.service,
            parts.registry,
            keys=lambda: running.keys,
            tally=parts.tally,
            statistics=parts.statistics,
            clock=parts.clock,
            settled=parts.ledger.settled if self._first.store.strict else None,
        )
        metrics = Metrics(
            parts.tally,
            parts.statistics,
            parts.ledger,
            _Scraped(running, self._logs),
            version=VERSION,
            desk=parts.watching.desk,
            deliverer=parts.deliverer,
            monotonic=parts.clock.monotonic,
        )
        control = ControlApi(RouterSource(running, self._logs.set_level), version=VERSION)
        return Parts(
            running=lambda: self._in_service(running),
            keys=lambda: running.keys,
            sessions=Sessions(
                lambda: running.keys,
                Clocks(parts.clock.monotonic, lambda: parts.clock.now().timestamp()),
                version=VERSION,
                file=SessionFile(self._first.server.data_dir),
            ),
            guesses=Guesses(parts.clock.monotonic, parts.clock.sleep),
            chat=gateway.chat,
            models=lambda agents: _models(running, agents),
            control=control,
            dashboard=Dashboard(DASHBOARD).answer,
            metrics=metrics.render,
            readiness=running.readiness,
        )

    @asynccontextmanager
    async def _in_service(self, running: Running) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[Any]] = set()

        async def reload() -> None:
            try:
                await running.reload()
            except Exception:  # here a task begins: nobody else would hear of it
                log.exception("reloading failed")

        def on_signal() -> None:
            task = loop.create_task(reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        async with running.running():
            loop.add_signal_handler(signal.SIGHUP, on_signal)
            _settle_interpreter()
            self._announce(running)
            try:
                yield
            finally:
                loop.remove_signal_handler(signal.SIGHUP)


def _settle_interpreter() -> None:
    """Keep the pauses short that callers would feel.

    What lives as long as the process is no work for the garbage collector. And the thread that
    writes the ledger gives the interpreter back sooner than after the usual five milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def _models(running: Running, agents: tuple[str, ...]) -> Mapping[str, Entry]:
    setup = running.parts.registry.current.setup
    created = int(running.loaded_at.timestamp())
    return entries(setup.fleet, setup.aliases, created=created, agents=agents)
