"""Does the first look at the control API, which builds it, hold anybody up?"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from control_server import Router

from pointsman.adapters.http.asgi import AsgiApp
from pointsman.adapters.http.auth import Key, Role
from pointsman.adapters.http.control import KEY_IN_SCOPE, PREFIX, ControlApi
from pointsman.adapters.stores.sqlite import SqliteStore

WITHIN_S = 20.0


class Slow(ControlApi):
    """Takes as long to build as nobody else has had a turn."""

    def __init__(self, router: Router) -> None:
        super().__init__(router, version="1.2.3")
        self.others_had_a_turn = threading.Event()
        self.kept_others_waiting: list[bool] = []

    def _build(self) -> AsgiApp:
        self.kept_others_waiting.append(not self.others_had_a_turn.wait(WITHIN_S))
        return super()._build()


async def test_while_it_is_built_others_are_served_and_it_is_built_once(tmp_path: Path) -> None:
    router = Router(SqliteStore(tmp_path / "pointsman.db"))
    api = Slow(router)
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    def scope() -> dict[str, Any]:
        path = f"{PREFIX}/agents"
        asked = {"method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
        who = {KEY_IN_SCOPE: Key("tester", b"", Role.VIEWER, ()), "headers": []}
        return {"type": "http", "http_version": "1.1", "scheme": "http", **asked, **who}

    looks = [asyncio.create_task(api(scope(), receive, send)) for _ in range(2)]
    await asyncio.sleep(0)
    api.others_had_a_turn.set()
    await asyncio.gather(*looks)
    assert statuses == [200, 200]
    assert api.kept_others_waiting == [False]
    router.store.close()
