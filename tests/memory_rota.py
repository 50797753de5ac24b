"""A watch that gateways in one process share, with reports, and a database that may be away."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.core.alert_report import Report
from pointsman.core.errors import StoreError
from pointsman.engine.alert_ports import LEASE_S, Hold


class SharedWatch:
    """What all of them see. While `away`, every call raises `StoreError`; `now_s` is its clock."""

    def __init__(self) -> None:
        self.away = False
        self.now_s = 0.0
        self.holder = ""
        self.until_s = float("-inf")
        self.reports: list[Report] = []


class MemoryRota:
    """One gateway's part in it."""

    def __init__(self, shared: SharedWatch, name: str) -> None:
        self._shared = shared
        self._name = name
        self._read = 0

    @property
    def name(self) -> str:
        return self._name

    def _check(self) -> None:
        if self._shared.away:
            raise StoreError("the database is away")

    def take(self, *, over: bool) -> Hold:
        self._check()
        shared = self._shared
        mine = shared.holder == self._name
        if not mine and not (over and shared.until_s < shared.now_s):
            return Hold.NONE
        shared.holder, shared.until_s = self._name, shared.now_s + LEASE_S
        return Hold.KEPT if mine else Hold.TAKEN

    def leave(self) -> None:
        self._check()
        if self._shared.holder == self._name:
            self._shared.until_s = float("-inf")

    def tell(self, report: Report) -> None:
        self._check()
        self._shared.reports.append(report)

    def told(self) -> Sequence[Report]:
        self._check()
        new = self._shared.reports[self._read :]
        self._read = len(self._shared.reports)
        return [each for each in new if each.gateway != self._name]
