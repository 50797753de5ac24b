"""How does a provider behave that follows a script, in a time that a test lets pass?"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

from pointsman.core.errors import UpstreamError
from pointsman.core.fleet import Usage
from pointsman.engine.ports import Answer, Call, PassOn, Piece

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
USAGE = Usage(10, 5)


class FakeClock:
    """Time passes only when somebody sleeps, and then at once, or when it is told to.

    While `held`, sleepers sleep on until they are cancelled.
    """

    def __init__(self) -> None:
        self.t = 0.0
        self.held = False
        self.slept: list[float] = []
        self.asleep = asyncio.Event()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.t)

    def monotonic(self) -> float:
        return self.t

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.asleep.set()
        if self.held:
            await asyncio.get_running_loop().create_future()
        await self.passes(seconds)

    async def passes(self, seconds: float) -> None:
        """So much time goes by."""
        self.t += seconds
        await asyncio.sleep(0)


class RealClock(FakeClock):
    """The time of the machine, for what is timed by the loop itself."""

    def monotonic(self) -> float:
        return monotonic()

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Hold:
    """A step that takes until `go` is set: for ever, if nobody sets it."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.reached = asyncio.Event()

    async def until(self, interrupted: asyncio.Future[Exception]) -> None:
        """Wait, but not longer than until `interrupted` is done."""
        self.reached.set()
        interrupted.add_done_callback(lambda _: self.go.set())
        await self.go.wait()


class After(NamedTuple):
    """A step that takes so many seconds, then is `then`."""

    seconds: float
    then: Piece | Exception | None


Step = Piece | Exception | Hold | After | None


class Script(NamedTuple):
    """How one call goes: `opens` before it is accepted, then one step per read, then the end."""

    opens: Step = None
    reads: Sequence[Step] = ()


def text(words: str = "hello") -> Piece:
    return Piece(words.encode(), usable=True, completion_chars=len(words))


def preamble(words: str = "(") -> Piece:
    return Piece(words.encode(), usable=False)


def with_usage(usage: Usage = USAGE, model: str = "upstream-1") -> Piece:
    return Piece(b"", True, usage, b'{"usage":1}', model)


def good(*words: str) -> Script:
    return Script(reads=(*(text(word) for word in words or ("hello",)), with_usage()))


def refused(error: UpstreamError) -> Script:
    return Script(opens=error)


class ScriptedAnswer:
    """Reads its script. Like a real one it can be aborted in the middle of a read."""

    def __init__(self, steps: Iterable[Step], clock: FakeClock) -> None:
        self._steps = deque(steps)
        self._clock = clock
        self._reason: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self.closed = 0
        self.hold_close: Hold | None = None

    async def read(self, pass_on: PassOn | None = None) -> Piece | None:
        if self._reason.done():
            raise self._reason.result()
        piece = await self.play(self._steps.popleft() if self._steps else None)
        if pass_on is not None and piece is not None and pass_on(piece):
            return await self.read(pass_on)
        return piece

    async def play(self, step: Step) -> Piece | None:
        if isinstance(step, Hold):
            await step.until(self._reason)
            return await self.read()
        if isinstance(step, After):
            await self._clock.passes(step.seconds)
            if self._reason.done():
                raise self._reason.result()
            step = step.then
        if isinstance(step, Exception):
            raise step
        return step

    def abort(self, reason: Exception) -> None:
        if not self._reason.done():
            self._reason.set_result(reason)

    async def close(self) -> None:
        self.closed += 1
        if self.hold_close is not None:
            self.hold_close.reached.set()
            await self.hold_close.go.wait()


class ScriptedProvider:
    """Plays the scripts given for each model in order, then good answers for ever."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.scripts: dict[str, deque[Script]] = {}
        self.calls: list[Call] = []
        self.answers: list[ScriptedAnswer] = []
        self.closed = 0

    async def open(self, call: Call) -> Answer:
        self.calls.append(call)
        waiting = self.scripts.get(call.model.id)
        script = waiting.popleft() if waiting else good()
        answer = ScriptedAnswer(script.reads, self._clock)
        if script.opens is not None:
            if isinstance(script.opens, Hold):
                script.opens.reached.set()
                await script.opens.go.wait()
            else:
                await answer.play(script.opens)
        self.answers.append(answer)
        return answer

    async def probe(self) -> Sequence[str]:
        return []

    async def close(self) -> None:
        self.closed += 1
