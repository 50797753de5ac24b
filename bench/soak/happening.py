"""Who makes happen what the plan of a soak says: faults, reloads, a database restart?"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from bench.soak.plan import RESTART_AT, TROUBLES, Plan
from bench.soak.world import World, config

RELOADED_WITHIN_S = 20.0
CAUGHT_UP_WITHIN_S = 300.0


class Deed(NamedTuple):
    """Something to be done, so many seconds after the start."""

    at_s: float
    what: str
    do: Callable[[], None]


class Happening(threading.Thread):
    """Does every deed when it is due. What went wrong stands in `mishaps`."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._over = threading.Event()
        self._version = 0
        self.done: list[str] = []
        self.mishaps: list[str] = []
        self.reloads = 0
        self.caught_up_s: float | None = None
        """How long the database took to have everything after it was back; None: it has not."""

    def run(self) -> None:
        began = time.monotonic()
        for deed in sorted(self._deeds(), key=lambda each: each.at_s):
            if self._over.wait(max(0.0, began + deed.at_s - time.monotonic())):
                return
            try:
                deed.do()
                self.done.append(f"{deed.at_s:.0f} s: {deed.what}")
            except Exception as error:  # noqa: BLE001 - whatever it is, the soak tells of it
                self.mishaps.append(f"{deed.what}: {error!r}")

    def stop(self) -> None:
        self._over.set()
        self.join()

    def _deeds(self) -> Sequence[Deed]:
        plan = self._world.plan
        deeds = [
            Deed(plan.duration_s * RESTART_AT, "the database stops", self._world.database.stop),
            Deed(plan.duration_s * RESTART_AT + plan.away_s, "it is back", self._bring_back),
            *(Deed(at_s, "a reload", self._reload) for at_s in reloads(plan)),
        ]
        order = self._world.upstream.order
        for trouble in TROUBLES:
            begin_s, end_s = (plan.duration_s * share for share in (trouble.begin, trouble.end))
            what = f"{trouble.model} shows {trouble.fault}"
            begin = partial(order, trouble.model, trouble.fault, trouble.options)
            deeds.append(Deed(begin_s, what, begin))
            deeds.append(Deed(end_s, f"{what} no more", partial(order, trouble.model, None, {})))
        return deeds

    def _reload(self) -> None:
        """Another configuration, and the signal; it is in force when `/readyz` says so."""
        gateway, database = self._world.gateway, self._world.database
        before = gateway.readiness["config"]["version"]
        self._version += 1
        settings = config(self._world.plan, self._world.upstream.url, database.url(), self._version)
        gateway.configure(settings)
        gateway.signal(signal.SIGHUP)
        self._await(
            lambda: gateway.readiness["config"]["version"] != before,
            RELOADED_WITHIN_S,
            "the new configuration is not in force",
        )
        self.reloads += 1

    def _bring_back(self) -> None:
        self._world.database.start()
        # Others are due meanwhile, so somebody else waits for it to catch up.
        threading.Thread(target=self._await_catching_up, daemon=True).start()

    def _await_catching_up(self) -> None:
        back = time.monotonic()
        try:
            self._await(lambda: behind(self._world) == 0, CAUGHT_UP_WITHIN_S, "rows still wait")
            self.caught_up_s = time.monotonic() - back
        except TimeoutError as error:
            self.mishaps.append(f"after the restart: {error}")

    def _await(self, found: Callable[[], bool], within_s: float, words: str) -> None:
        until = time.monotonic() + within_s
        while not found():
            if time.monotonic() > until:
                raise TimeoutError(f"{words} after {within_s:.0f} s")
            time.sleep(0.05)


def behind(world: World) -> int:
    """How many rows the database does not have yet."""
    waiting: int = world.gateway.readiness["database"]["behind_records"]
    return waiting


def reloads(plan: Plan) -> Sequence[float]:
    """When the configuration changes, in seconds; not within the last reload's distance."""
    every = plan.reload_every_s
    return [number * every for number in range(1, int(plan.duration_s / every))]
