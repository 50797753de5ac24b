"""Is it reckoned beside this process, on what it knows now, and is whoever hangs let go?"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from pointsman.adapters import forked
from pointsman.adapters.forked import ForkedAside, say
from pointsman.app.clock import SystemClock
from pointsman.core.errors import RequestError
from pointsman.engine.aside import ThreadAside

KNOWN = {"seen": 1}


def rows() -> Iterator[int]:
    yield from (KNOWN["seen"], 2, 3)


def doubled(given: Sequence[int]) -> Iterator[tuple[int, int]]:
    KNOWN["seen"] = 99  # spoils what is the child's own
    return ((os.getpid(), 2 * each) for each in given)


def aside(within_s: float = 30.0) -> ForkedAside:
    return ForkedAside(ThreadAside(SystemClock()), within_s=within_s)


async def test_a_child_answers_by_what_is_known_and_changes_nothing() -> None:
    found = await aside().run(rows(), doubled)
    assert [value for _, value in found] == [2, 4, 6]
    assert {pid for pid, _ in found}.isdisjoint({os.getpid()})
    assert KNOWN == {"seen": 1}


async def test_the_loop_goes_on_meanwhile() -> None:
    def slow(_: Sequence[int]) -> Iterable[int]:
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            pass
        yield 7

    work = asyncio.create_task(aside().run(rows(), slow))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert await work == [7]
    assert turns > 20


async def test_what_it_raises_is_raised_here() -> None:
    def refused(_: Sequence[int]) -> Iterable[int]:
        yield 1
        raise RequestError("no such point", param="point", code="unknown_point")

    with pytest.raises(RequestError, match="no such point") as caught:
        await aside().run(rows(), refused)
    assert (caught.value.param, caught.value.code) == ("point", "unknown_point")


def wait_until(found: Callable[[], object]) -> None:
    """For what another process does, which nobody announces."""
    until = time.monotonic() + 10.0
    while not found():
        assert time.monotonic() < until
        time.sleep(0.005)


class Hanging:
    """An answer that never comes; it leaves the number of its process behind."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "pid"

    def __call__(self, _: Sequence[int]) -> Iterable[int]:
        self.path.write_text(str(os.getpid()))
        signal.pause()
        yield 1

    @property
    def is_there(self) -> bool:
        try:
            os.kill(int(self.path.read_text()), 0)
        except ProcessLookupError:
            return False
        return True


async def test_whoever_takes_too_long_is_given_up(tmp_path: Path) -> None:
    hanging = Hanging(tmp_path)
    with pytest.raises(TimeoutError):
        await aside(within_s=0.5).run(rows(), hanging)
    assert not hanging.is_there


async def test_whoever_is_not_waited_for_any_more_is_let_go(tmp_path: Path) -> None:
    hanging = Hanging(tmp_path)
    work = asyncio.create_task(aside().run(rows(), hanging))
    await asyncio.to_thread(wait_until, lambda: hanging.path.exists() and hanging.path.read_text())
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await asyncio.to_thread(wait_until, lambda: not hanging.is_there)


async def test_a_child_that_dies_has_no_answer() -> None:
    def dies(_: Sequence[int]) -> Iterable[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    with pytest.raises(ChildProcessError, match="ended without an answer"):
        await aside().run(rows(), dies)


async def test_where_no_process_can_be_made_a_thread_does_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise OSError("too many processes")

    monkeypatch.setattr(os, "fork", refuse)
    assert await aside().run(rows(), lambda given: given) == [1, 2, 3]


def test_what_is_said_ends_with_an_end_or_an_error() -> None:
    fine, wrong = io.BytesIO(), io.BytesIO()
    say(lambda: [1, "two"], fine)
    say(lambda: iter([1 // 0]), wrong)
    assert fine.getvalue().count(forked.PART) >= 2
    assert wrong.getvalue().startswith(forked.ERROR)
