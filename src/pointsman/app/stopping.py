"""How does a server end: what first, what then, and all of it within which time?"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

KEPT_TO_WRITE_S = 2.0
"""So much of the grace, a fifth of it at most, answers leave to what they have to write."""
LAST_WORDS_S = 0.25
"""How long those who are cut may take to hear of it."""
OVERDUE_S = 0.5
"""So long after the grace a process ends that is still held up."""
LOOK_S = 0.05

log = logging.getLogger(__name__)


class Grace:
    """How long a process may take to end, in seconds from the first `begin` on.

    All that has to be done first shares it: answers, then what they leave to write, then the rest.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: float | None = None

    def begin(self, grace_s: float) -> bool:
        """False when it had begun before, which changes nothing."""
        if self._until is not None:
            return False
        self._until = self._monotonic() + grace_s
        return True

    def shorten(self, left_s: float) -> None:
        """Once it has begun: no more than so much is left."""
        if self._until is not None:
            self._until = min(self._until, self._monotonic() + left_s)

    @property
    def left_s(self) -> float:
        """0 when it is over, and before it has begun."""
        return 0.0 if self._until is None else max(0.0, self._until - self._monotonic())


async def in_time(work: Coroutine[Any, Any, None], within_s: float) -> bool:
    """Whether it is done within so many seconds. What is not done by then is not cut, but left."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait({task}, timeout=within_s)
    for each in done:
        await each
    return bool(done)


class StoppingServer(uvicorn.Server):
    """A server that ends within a grace of `grace_s` seconds, in this order.

    No more connections, but for those that the system has taken already; one more request on each
    that was to be kept; answers under way may finish, all but the last fifth of the grace; what is
    still open then is cut, which its caller is told; then the application ends, within the rest.

    The first SIGTERM or SIGINT begins it. With the second, answers are cut at once. With the third,
    and when the grace has long been over, `give_up` is called with the reason, to end the process.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        grace: Grace,
        grace_s: Callable[[], float],
        give_up: Callable[[str], None],
    ) -> None:
        super().__init__(config)
        self._grace = grace
        self._grace_s = grace_s
        self._give_up = give_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as declared
        # The signal is not kept to be raised again at the end, as the server above would.
        if self.force_exit:
            # Not here: what the signal interrupts may hold a lock that giving up takes, as that of
            # the log's queue. A thread of its own gets it once this has returned.
            words = ["told to stop for the third time"]
            threading.Thread(target=self._give_up, args=words, daemon=True).start()
        elif self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True
            self._begin()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._begin()
        await self._take_no_more(sockets or [])
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await self._until_answered(self._kept_s())
        if self.force_exit:
            self._grace.shorten(self._kept_s())
            self._expect_end()
        if state.tasks:
            log.warning("answers are cut", extra={"count": len(state.tasks)})
            for task in list(state.tasks):
                task.cancel()
            await asyncio.wait(state.tasks, timeout=LAST_WORDS_S)
        await self.lifespan.shutdown()

    async def _take_no_more(self, sockets: list[socket.socket]) -> None:
        """Close what is listened on, without the connections that wait there to be taken.

        Whoever is behind one has been told by the system that it stands, and may have sent already.
        """
        spares = [each.dup() for each in sockets]
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()
        waiting: list[socket.socket] = []
        for spare in spares:
            with spare, suppress(BlockingIOError):
                while True:
                    waiting.append(spare.accept()[0])
        for each in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, each)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(server_state=self.server_state)

    def _begin(self) -> None:
        if self._grace.begin(self._grace_s()):
            self._expect_end()

    def _expect_end(self) -> None:
        words = ["the time to stop is long over"]
        overdue = threading.Timer(self._grace.left_s + OVERDUE_S, self._give_up, words)
        overdue.daemon = True
        overdue.start()

    def _kept_s(self) -> float:
        return min(KEPT_TO_WRITE_S, self._grace_s() / 5)

    async def _until_answered(self, kept_s: float) -> None:
        """Wait for all connections to be done with, until no more than `kept_s` is left."""
        state = self.server_state
        while (state.connections or state.tasks) and not self.force_exit:
            if self._grace.left_s <= kept_s:
                return
            await asyncio.sleep(LOOK_S)
