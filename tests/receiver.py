"""Who receives notifications over HTTP, and misbehaves when told to?

In this process with `receiving()`, or in one of its own: `python receiver.py` prints its port.
POST delivers; what becomes of it is set by `PUT /behaviour` with any of `status`, `headers`,
`answer`, `hang` (never answers), `reset` (breaks the connection), `times` (for so many requests;
then all is well again). `GET /received` tells what came, also what was not taken.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One request. `status` is what was answered, 0 where nothing was."""

    path: str
    headers: dict[str, str]
    body: str
    status: int

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Receiver(ThreadingHTTPServer):
    """Listens on a free port of loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.received: list[Received] = []
        self.behaviour: dict[str, Any] = {}
        self.changed = threading.Condition()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def taken(self) -> list[Received]:
        """What was answered with 2xx."""
        return [each for each in self.received if 200 <= each.status < 300]

    def behave(self, **behaviour: Any) -> None:
        with self.changed:
            self.behaviour = behaviour
            self.changed.notify_all()

    def note(self, received: Received) -> None:
        with self.changed:
            self.received.append(received)
            self.changed.notify_all()

    def wait_for(self, count: int, within_s: float = 20.0) -> list[Received]:
        """What was taken, once there is so much of it."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.taken) >= count, within_s), self.received
            return self.taken

    def next_behaviour(self) -> dict[str, Any]:
        with self.changed:
            now = self.behaviour
            if "times" in now:
                left = now["times"] - 1
                self.behaviour = {**now, "times": left} if left else {}
            return now

    def secure(self, certificate: str, key: str) -> None:
        """Speak TLS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is not worth a word."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with self.server.changed:
            told = [each._asdict() for each in self.server.received]
        self._answer(200, {}, json.dumps(told))

    def do_PUT(self) -> None:
        self.server.behave(**json.loads(self._body()))
        self._answer(204, {}, "")

    def do_POST(self) -> None:
        body = self._body()
        behaviour = self.server.next_behaviour()
        status = 0 if behaviour.keys() & {"hang", "reset"} else behaviour.get("status", 200)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.note(Received(self.path, headers, body, status))
        if behaviour.get("hang"):
            with self.server.changed:
                self.server.changed.wait_for(lambda: self.server.behaviour is not behaviour)
        if not status:
            self._reset()
            return
        self._answer(status, behaviour.get("headers", {}), behaviour.get("answer", "ok"))

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("content-length", 0))).decode()

    def _answer(self, status: int, headers: dict[str, str], text: str) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver in a thread of this process."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.behave()
        receiver.shutdown()
        receiver.server_close()


if __name__ == "__main__":
    process = Receiver()
    print(process.port, flush=True)
    process.serve_forever()
