"""Who looks at the dashboard during a soak, and what do they see?"""

from __future__ import annotations

import os
import shutil
import threading
import time
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import sync_playwright

from bench.dashboard import FLAGS
from pointsman.adapters.http.control import PREFIX

EVERY_S = 2
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COME_BACK_S = 0.5
LOOK_S = 1.0


class Worker(Protocol):
    """Does something beside the load until it is stopped."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Looker(Worker, Protocol):
    """Looks until it is stopped. `faults` are sentences on what should not have been."""

    faults: list[str]

    def told(self) -> str:
        """What it saw, in a few words."""


class StreamLooker(threading.Thread):
    """Listens to the events of the overview, as an open page does; comes back when it is cut."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(daemon=True)
        self._address = host, port
        self._over = threading.Event()
        self.events = self.troubles = self.connections = 0
        self.longest_gap_s = 0.0
        self.faults: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self._listen()
            except (OSError, HTTPException) as error:
                if not self._over.is_set():
                    self.faults.append(f"the stream of events broke: {error!r}")
                    self._over.wait(COME_BACK_S)

    def _listen(self) -> None:
        connection = HTTPConnection(*self._address, timeout=30)
        connection.request("GET", f"{PREFIX}/events?every={EVERY_S}")
        answer = connection.getresponse()
        self.connections += 1
        heard = time.monotonic()
        for line in answer:
            if self._over.is_set():
                break
            if line.startswith(b"event: "):
                now = time.monotonic()
                self.longest_gap_s = max(self.longest_gap_s, now - heard)
                heard = now
                self.events += 1
                self.troubles += line.startswith(b"event: trouble")
        connection.close()

    def stop(self) -> None:
        self._over.set()
        self.join(EVERY_S + 5)

    def told(self) -> str:
        return (
            f"{self.events} events over {self.connections} connection(s), "
            f"{self.troubles} of them that the database is away; "
            f"longest gap {self.longest_gap_s:.1f} s"
        )


class PageLooker(threading.Thread):
    """The dashboard in the distribution's Chromium."""

    def __init__(self, url: str, executable: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._executable = executable
        self._over = threading.Event()
        self.heaps_mb: list[float] = []
        self.faults: list[str] = []

    @classmethod
    def where_possible(cls, url: str) -> PageLooker | None:
        """One, if there is a Chromium."""
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        return None if found is None else cls(url, found)

    def run(self) -> None:
        flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=self._executable, args=flags)
                self._look(browser.new_page())
                browser.close()
        except BrowserError as error:
            self.faults.append(f"the page: {error}")

    def _look(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"an error in the page: {error}"))
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(f"{self._url}/#/overview?every={EVERY_S}")
        page.locator(".plot canvas").first.wait_for()
        while not self._over.is_set():
            page.wait_for_timeout(1000 * LOOK_S)
            found = session.send("Performance.getMetrics")["metrics"]
            heap = next(each["value"] for each in found if each["name"] == "JSHeapUsedSize")
            self.heaps_mb.append(heap / 2**20)

    def stop(self) -> None:
        self._over.set()
        self.join(30)

    def told(self) -> str:
        if not self.heaps_mb:
            return "Chromium: the page did not come up"
        tenth = max(1, len(self.heaps_mb) // 10)
        # What is to be collected comes and goes, so the least of a while counts.
        first, last = min(self.heaps_mb[: 2 * tenth]), min(self.heaps_mb[-2 * tenth :])
        return f"Chromium: heap {first:.1f} MB at first, {last:.1f} MB at last"


def lookers(host: str, port: int, *, browser: bool) -> list[Looker]:
    """Two: a page where there is a Chromium, else two who listen to the events."""
    found: list[Looker] = [StreamLooker(host, port)]
    page = PageLooker.where_possible(f"http://{host}:{port}") if browser else None
    return [*found, page or StreamLooker(host, port)]
