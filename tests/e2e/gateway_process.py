"""How does a test start the gateway as its user does, and look at it from outside?"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

COMMAND = (str(Path(sys.executable).with_name("pointsman")),)
START_S = 60.0
CONTROL = "/api/v1/model-router"

_ADDRESS = re.compile(r"listening on http://\[?([^\]\s]+?)\]?:(\d+)\b")
_GREETING_ENDS = "  data  "

Document = dict[str, Any]


class Answer(NamedTuple):
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Document:
        document: Document = json.loads(self.body)
        return document

    @property
    def error(self) -> Document:
        """The error, whose envelope is checked on the way."""
        document = self.document
        assert set(document) == {"error"}, document
        assert set(document["error"]) == {"message", "type", "param", "code"}, document
        error: Document = document["error"]
        assert error["message"]
        return error


def wait_until(found: Callable[[], Any], *, within_s: float = 10.0, what: str = "") -> Any:
    """What `found` returns as soon as it is true; for things that nothing announces."""
    until = time.monotonic() + within_s
    while not (value := found()):
        assert time.monotonic() < until, f"{what or found} did not come about in {within_s} s"
        time.sleep(0.005)
    return value


def chat_body(**fields: Any) -> Document:
    """A plain request, with `fields` over it."""
    return {"model": "auto", "messages": [{"role": "user", "content": "Hello"}], **fields}


class GatewayProcess:
    """`pointsman serve` in a process of its own. Stops, if need be by force, when it is left."""

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        *,
        arguments: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.folder = folder
        self.config_path = folder / "fleet.yaml"
        self.data_dir = folder / "data"
        self.log_path = folder / "log.txt"
        self._command = command
        self._arguments = arguments
        self._environ = {**os.environ, "PYTHONUNBUFFERED": "1", **(environ or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.greeting = ""
        self.host = ""
        self.port = 0
        self.configure(config)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    # The process.

    def configure(self, config: Mapping[str, Any] | str) -> None:
        """Write the file, as editors do: at once. JSON is YAML."""
        text = config if isinstance(config, str) else json.dumps(config, indent=2)
        new = self.config_path.with_suffix(".new")
        new.write_text(text, "utf-8")
        new.replace(self.config_path)

    def start(self) -> Self:
        with self.log_path.open("ab") as log:
            where = ("--port", str(self.port), "--data-dir", str(self.data_dir))
            self._process = subprocess.Popen(
                [*self._command, "serve", str(self.config_path), *where, *self._arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environ,
                cwd=self.folder,
            )
        try:
            self.greeting = self._read_greeting(self._process)
        except BaseException:
            self.kill()
            raise
        address = _ADDRESS.search(self.greeting)
        assert address, self.greeting
        self.host, self.port = address[1], int(address[2])
        return self

    def _read_greeting(self, process: subprocess.Popen[bytes]) -> str:
        assert process.stdout is not None
        until = time.monotonic() + START_S
        said = b""
        while _GREETING_ENDS.encode() not in said:
            ready, _, _ = select.select([process.stdout], [], [], until - time.monotonic())
            assert ready, f"it did not start in {START_S} s:\n{self.log}"
            data = os.read(process.stdout.fileno(), 65536)
            assert data, f"it ended instead of serving:\n{self.log}"
            said += data
        return said.decode()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, within_s: float = 15.0) -> int:
        """The exit status, once it has ended by itself."""
        assert self._process is not None
        status = self._process.wait(within_s)
        self._let_go()
        return status

    def terminate(self) -> int:
        """Ask it to stop, and the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def stop(self) -> None:
        """End it as an operator would, by force where that takes longer than a test can wait."""
        if self._process is None or self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired, AssertionError):
                self.signal(signal.SIGTERM)
                self.wait(1.0)
        self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._let_go()

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    @property
    def log_records(self) -> list[Document]:
        """The log as records; only where it is written as JSON."""
        return [json.loads(line) for line in self.log.splitlines()]

    # The gateway.

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def call(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = HTTPConnection(self.host, self.port, timeout=20)
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, sent, dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("GET", path, headers=headers)

    def chat(self, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
        """One plain request with `fields` over the usual ones."""
        return self.call("POST", "/v1/chat/completions", chat_body(**fields), headers)

    def control(self, path: str, headers: Mapping[str, str] | None = None) -> Document:
        answer = self.get(CONTROL + path, headers)
        assert answer.status == 200, answer
        return answer.document

    def decision(self, decision_id: str, headers: Mapping[str, str] | None = None) -> Document:
        """The record of one decision, with its outcomes."""
        decision: Document = self.control(f"/decisions/{decision_id}", headers)["decision"]
        return decision

    def outcomes(self, answer: Answer) -> list[Document]:
        """What the attempts behind an answer came to."""
        outcomes: list[Document] = self.decision(answer.headers["x-pointsman-decision"])["outcomes"]
        return outcomes

    @property
    def readiness(self) -> Document:
        return self.get("/readyz").document

    def reload(self) -> None:
        """SIGHUP, then wait for the file as it is now to be served or refused."""
        before = len(self.log)
        self.signal(signal.SIGHUP)
        wait_until(
            lambda: any(
                words in self.log[before:]
                for words in ("configuration reloaded", "the new configuration is not used")
            ),
            what="the reload",
        )


class Serve(Protocol):
    """Starts a gateway that ends with the test; see the fixture `serve`."""

    def __call__(
        self,
        config: Mapping[str, Any],
        *,
        arguments: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> GatewayProcess: ...


def pointsman(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
