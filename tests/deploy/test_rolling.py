"""Can gateways behind a proxy be replaced one after the other without anybody noticing?

Real processes behind a real nginx with the configuration in `deploy/nginx`. Callers ask without a
pause; each gateway is stopped by SIGTERM and started again, and nothing may fail: no status but
200, no stream without its end.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import aiohttp
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from fleets import fleet
from front import in_front_of
from gateway_process import GatewayProcess, chat_body
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event

PIECES, PAUSE_S = 5, 0.02
COMPLETION = (
    b'{"id": "1", "object": "chat.completion", "created": 1, "model": "first", "choices": ['
    b'{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],'
    b'"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}'
)
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


async def streaming(wire: Wire) -> None:
    await wire.send(CHUNKED)
    for _ in range(PIECES):
        await wire.events(event("word"))
        await asyncio.sleep(PAUSE_S)  # a stream takes its time; that is what is tried
    await wire.events(event(finish="stop"), DONE)
    await wire.send(b"0\r\n\r\n")


async def at_once(wire: Wire) -> None:
    await wire.send(PLAIN % len(COMPLETION) + COMPLETION)


class Callers:
    """So many at a time ask one address again and again; what they were told is counted."""

    def __init__(self, session: aiohttp.ClientSession, url: str, *, stream: bool) -> None:
        self._session = session
        self._url = f"{url}/v1/chat/completions"
        self._stream = stream
        self._over = False
        self._news = asyncio.Condition()
        self.told: Counter[str] = Counter()

    @asynccontextmanager
    async def asking(self, many: int) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for _ in range(many):
                group.create_task(self._ask_on())
            yield
            self._over = True

    async def more(self, answers: int) -> None:
        """Wait until so many more have been told something."""
        wanted = self.told.total() + answers
        async with self._news:
            await self._news.wait_for(lambda: self.told.total() >= wanted)

    async def _ask_on(self) -> None:
        while not self._over:
            try:
                said = await self._ask()
            except aiohttp.ClientError as error:
                said = repr(error)
            async with self._news:
                self.told[said] += 1
                self._news.notify_all()

    async def _ask(self) -> str:
        body = chat_body(stream=self._stream)
        async with self._session.post(self._url, json=body) as answer:
            said = await answer.read()
        whole = said.endswith(DONE) if self._stream else b'"Hello"' in said
        return "well" if answer.status == 200 and whole else f"{answer.status}: {said[:200]!r}"


def gateways(folder: Path, upstream: str, many: int) -> list[GatewayProcess]:
    server = {"log_format": "json", "shutdown_grace_s": 20}
    made = []
    for number in range(many):
        (folder / f"gateway-{number}").mkdir()
        config = fleet(upstream, only=("first",), server=server)
        made.append(GatewayProcess(folder / f"gateway-{number}", config))
    return made


async def restarted(gateway: GatewayProcess) -> None:
    gateway.signal(signal.SIGTERM)
    assert await asyncio.to_thread(gateway.wait, 25.0) == 0
    await asyncio.to_thread(gateway.start)


ROUNDS = [1, pytest.param(25, marks=[pytest.mark.prove, pytest.mark.timeout(600)])]


@pytest.mark.parametrize("stream", [True, False], ids=["streams", "plain"])
@pytest.mark.parametrize("rounds", ROUNDS)
async def test_gateways_are_replaced_one_after_the_other_and_nothing_is_lost(
    tmp_path: Path, repository: Path, rounds: int, stream: bool
) -> None:
    async with ScriptedUpstream(streaming if stream else at_once) as upstream:
        running = gateways(tmp_path, upstream.url, 2)
        try:
            for gateway in running:
                await asyncio.to_thread(gateway.start)
            (tmp_path / "front").mkdir()
            ports = [gateway.port for gateway in running]
            with in_front_of(ports, tmp_path / "front", repository) as url:
                told = await _told_over(rounds, running, url, stream=stream)
        finally:
            for gateway in running:
                gateway.stop()
    print(f"{told.total()} answers over {2 * rounds} restarts", file=sys.stderr)
    assert set(told) == {"well"}, told


async def _told_over(
    rounds: int, running: list[GatewayProcess], url: str, *, stream: bool
) -> Counter[str]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        callers = Callers(session, url, stream=stream)
        async with callers.asking(24):
            turns = count()
            for gateway in running * rounds:
                await callers.more(40 + next(turns) % 7)
                await restarted(gateway)
            await callers.more(40)
        return callers.told
