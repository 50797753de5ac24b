"""Does this gateway judge, where several share their alerts, and what do the others see?

One has the watch and judges for all. The others tell it what they see, and show what it found. Why
so, and what becomes of it in an outage of the database: `docs/decisions/0023-*.md`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from enum import StrEnum

from pointsman.core.alert_report import Gauge, Report
from pointsman.core.errors import StoreError
from pointsman.engine.alert_ports import LEASE_S, Hold, Rota
from pointsman.engine.ports import Clock

TURN_S = 4.0
"""How often whoever has the watch says so, and the others ask whether they may have it."""
ALONE_AFTER_S = 60.0
"""So long a gateway that cannot reach the database believes that another watches for it."""
FRESH_S = 60.0
"""So long a gauge of another gateway counts, or for so many looks."""
FRESH_LOOKS = 3

log = logging.getLogger(__name__)


class Role(StrEnum):
    """`LEADS`: it judges for all. `FOLLOWS`: another does.

    `ALONE`: it judges what it serves itself, since the database cannot be reached, nor the others.
    """

    LEADS = "leads"
    FOLLOWS = "follows"
    ALONE = "alone"


class Sharing:
    """The part of one gateway among those that share alerts. Belongs to one event loop.

    `anew` says that it has come to lead: what the others found has to be taken up first.
    """

    def __init__(self, rota: Rota, clock: Clock) -> None:
        self._rota = rota
        self._clock = clock
        self.role = Role.FOLLOWS
        self.anew = False
        self._away_since_s: float | None = None
        self._patient_until_s = float("-inf")
        self._gauges: dict[str, tuple[float, Sequence[Gauge]]] = {}

    @property
    def name(self) -> str:
        return self._rota.name

    @property
    def judges(self) -> bool:
        return self.role is not Role.FOLLOWS

    @property
    def tells(self) -> bool:
        """Whether the outbox that all share is for this one to work off."""
        return self.role is Role.LEADS

    async def turn(self) -> None:
        """Say that one has the watch, or ask for it."""
        now_s = self._clock.monotonic()
        over = now_s >= self._patient_until_s
        try:
            hold = await asyncio.to_thread(self._rota.take, over=over)
        except StoreError as error:
            self._is_away(now_s, error)
            return
        self._is_there(hold)

    async def leave(self) -> None:
        """Let another have the watch at once. Raises `StoreError`."""
        self.role = Role.FOLLOWS
        await asyncio.to_thread(self._rota.leave)

    def _is_away(self, now_s: float, error: StoreError) -> None:
        if self._away_since_s is None:
            self._away_since_s = now_s
        # Who had the watch before comes first when the database is back.
        self._patient_until_s = now_s + LEASE_S
        led = self.role is Role.LEADS
        if led or (self.role is Role.FOLLOWS and now_s - self._away_since_s >= ALONE_AFTER_S):
            self.role, self.anew = Role.ALONE, False
            self._gauges.clear()
            log.warning("this gateway judges by itself what it serves: %s", error)

    def _is_there(self, hold: Hold) -> None:
        self._away_since_s = None
        before = self.role
        self.role = Role.FOLLOWS if hold is Hold.NONE else Role.LEADS
        if hold is Hold.TAKEN:
            self.anew = True
        if self.role is not before or self.anew:
            log.info("alerts: this gateway %s", self.role)

    async def tell(self, report: Report) -> None:
        """Give whoever has the watch what was seen here. What cannot be given is lost to it."""
        try:
            await asyncio.to_thread(self._rota.tell, report)
        except StoreError as error:
            log.warning("what was seen here cannot be told to who judges: %s", error)

    async def told(self, now_s: float) -> Sequence[Report]:
        """What the others have seen since the last time; nothing while that cannot be read."""
        try:
            reports = await asyncio.to_thread(self._rota.told)
        except StoreError as error:
            log.warning("what the other gateways see cannot be read: %s", error)
            return ()
        for each in reports:
            self._gauges[each.gateway] = now_s, each.gauges
        return reports

    def gauges(self, now_s: float, interval_s: float) -> Iterable[Gauge]:
        """The readings of the other gateways, but for those that have been silent for long."""
        fresh_s = max(FRESH_S, FRESH_LOOKS * interval_s)
        self._gauges = {
            name: each for name, each in self._gauges.items() if now_s - each[0] < fresh_s
        }
        return (gauge for _, gauges in self._gauges.values() for gauge in gauges)
