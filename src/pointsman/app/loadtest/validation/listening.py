"""What does an open dashboard hear, and when?"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pointsman.adapters.http.control import PREFIX

Document = dict[str, Any]


class Told(NamedTuple):
    """One event: when it came, on the monotonic clock, and the overview that it told."""

    at: float
    overview: Document


class Listener:
    """Listens to the events of the overview, once a second, until it is closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=15)
        self._connection.request("GET", f"{PREFIX}/events?every=1")
        self._answer = self._connection.getresponse()
        self._came = threading.Condition()
        self._closed = False
        self.told: list[Told] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for line in self._answer:
                if self._closed:
                    return
                if line.startswith(b"data: "):
                    self._note(Told(time.monotonic(), json.loads(line[6:])))
        except (OSError, HTTPException, ValueError):
            return  # closed, or the gateway has gone: what was told until then counts

    def _note(self, told: Told) -> None:
        with self._came:
            self.told.append(told)
            self._came.notify_all()

    def wait_for(self, wanted: Callable[[Document], bool], within_s: float) -> Told | None:
        """The first event whose overview is as wanted, also of those that came already."""

        def found() -> Told | None:
            return next((each for each in self.told if wanted(each.overview)), None)

        with self._came:
            self._came.wait_for(found, within_s)
            return found()

    def close(self) -> None:
        self._closed = True
        self._thread.join(3.0)
        self._connection.close()
