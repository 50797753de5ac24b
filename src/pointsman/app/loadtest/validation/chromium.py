"""How is a browser looked through, where there is one?

By Chromium's own protocol over a pair of pipes, so that nothing but Chromium is needed
(https://chromedevtools.github.io/devtools-protocol/; messages end with NUL).
"""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from pointsman.core.errors import PointsmanError

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
ANSWERS_WITHIN_S = 30.0
_STOPS_WITHIN_S = 5.0
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--window-size=1440,900",
    # It finds no host but this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class BrowserFailed(PointsmanError):
    """The browser did not come up, went away, or could not do what it was asked."""


def chromium() -> str | None:
    """Where Chromium is on this machine, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page of a browser without a window, which ends when it is left."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._numbers = itertools.count(1)
        self._session = ""
        self._read = self._write = self._pid = -1
        self._buffer = b""
        self._folder = tempfile.TemporaryDirectory(prefix="pointsman-chromium-")

    def __enter__(self) -> Self:
        from_us, self._write = os.pipe()
        self._read, to_us = os.pipe()
        try:
            try:
                self._pid = self._spawn(from_us, to_us)
            finally:
                os.close(from_us)
                os.close(to_us)
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime"):
                self.ask(f"{domain}.enable")
            # What a task takes of the processor, whatever else the machine does meanwhile.
            self.ask("Performance.enable", timeDomain="threadTicks")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end()

    def _spawn(self, from_us: int, to_us: int) -> int:
        """Chromium reads commands from descriptor 3 and answers on 4."""
        # Root may not use its sandbox, as in most containers.
        root = ("--no-sandbox",) if os.geteuid() == 0 else ()
        folder = f"--user-data-dir={self._folder.name}"
        quiet = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 1, 2)]
        # First away from 3 and 4, which either of the two may be.
        moved = [
            (os.POSIX_SPAWN_DUP2, from_us, 103),
            (os.POSIX_SPAWN_DUP2, to_us, 104),
            (os.POSIX_SPAWN_DUP2, 103, 3),
            (os.POSIX_SPAWN_DUP2, 104, 4),
            (os.POSIX_SPAWN_CLOSE, 103),
            (os.POSIX_SPAWN_CLOSE, 104),
        ]
        command = [self._executable, *_FLAGS, *root, folder, "about:blank"]
        return os.posix_spawn(
            self._executable, command, os.environ, file_actions=[*quiet, *moved], setpgroup=0
        )

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol returns. Raises `BrowserFailed`."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._write, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise BrowserFailed(self._ended(method)) from error
        answer = self._answer(number, method)
        if "error" in answer:
            raise BrowserFailed(f"{method}: {answer['error'].get('message')}")
        found: dict[str, Any] = answer["result"]
        return found

    def _answer(self, number: int, method: str) -> dict[str, Any]:
        until = time.monotonic() + ANSWERS_WITHIN_S
        while True:
            message, ended, rest = self._buffer.partition(b"\0")
            if ended:
                self._buffer = rest
                answer: dict[str, Any] = json.loads(message)
                if answer.get("id") == number:
                    return answer
                continue
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise BrowserFailed(f"{method}: no answer in {ANSWERS_WITHIN_S:.0f} s")
            more = os.read(self._read, 1 << 20)
            if not more:
                raise BrowserFailed(self._ended(method))
            self._buffer += more

    def _ended(self, method: str) -> str:
        return f"{method}: {self._executable} has ended"

    def open(self, url: str) -> None:
        self.ask("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What an expression in JavaScript comes to; a promise is waited for."""
        found = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise BrowserFailed(f"{expression[:80]}: {found['exceptionDetails'].get('text')}")
        return found["result"].get("value")

    def _end(self) -> None:
        for descriptor in (self._write, self._read):
            os.close(descriptor)  # it ends by itself then
        if self._pid > 0:
            self._await_end()
        # Its helpers may still write for a moment.
        with suppress(OSError):
            self._folder.cleanup()

    def _await_end(self) -> None:
        until = time.monotonic() + _STOPS_WITHIN_S
        while self._is_running() and time.monotonic() < until:
            time.sleep(0.02)
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _is_running(self) -> bool:
        with suppress(ChildProcessError):
            return os.waitpid(self._pid, os.WNOHANG)[0] == 0
        return False
