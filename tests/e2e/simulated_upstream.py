"""How does a test order what the simulated upstream does, and see what reached it?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from fleets import personas
from gateway_process import wait_until

from pointsman.adapters.providers.simulated.in_thread import reliable_simulator, running

Row = dict[str, Any]


class SimulatedUpstream:
    """The simulator over its own HTTP interface. `url` is without `/v1`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.address = urlsplit(url).netloc

    def order(self, model: str, fault: str, **options: Any) -> None:
        """From now on `model` shows `fault`; `count` says for how many requests."""
        self._call("PUT", "/simulate/faults", {"model": model, "fault": fault, **options})

    def revoke(self) -> None:
        self._call("DELETE", "/simulate/faults")

    def clear(self) -> None:
        """No faults, an empty log."""
        self.revoke()
        self._call("DELETE", "/simulate/log")

    @property
    def requests(self) -> list[Row]:
        """What was received since it was cleared, oldest first."""
        rows: list[Row] = self._call("GET", "/simulate/log")["requests"]
        return rows

    @property
    def models_called(self) -> list[str]:
        return [row["model"] for row in self.requests]

    @property
    def last(self) -> Row:
        return self.requests[-1]

    @property
    def last_body(self) -> str:
        body: str = self.last["body"]
        return body

    def wait_for_hang_up(self) -> None:
        """Wait until the last request has seen its caller leave."""
        wait_until(lambda: self.requests and self.last["hung_up"], what="the hang-up")

    def _call(self, method: str, path: str, body: Row | None = None) -> Any:
        connection = HTTPConnection(self.address, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode())
            response = connection.getresponse()
            text = response.read()
            assert response.status == 200, text
            return json.loads(text)
        finally:
            connection.close()


@contextmanager
def simulated_upstream(*, api_key: str | None = None) -> Iterator[SimulatedUpstream]:
    """An upstream with the models of `fleets`, which answers at once and never fails unasked."""
    with running(reliable_simulator(personas(), api_key=api_key)) as url:
        yield SimulatedUpstream(url)
