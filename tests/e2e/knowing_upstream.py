"""An upstream whose models know different things, so that calibration has something to find."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

ASKED = re.compile(r"What is (\d+) plus (\d+)\?")
KNOWN_UP_TO = {"first": 1000, "second": 10, "third": 0}
"""Sums below these are right."""


def answer(model: str, text: str) -> str:
    """What the model says; the one called `judge` rates short answers higher."""
    if model == "judge":
        given = text.rpartition("<answer>")[2].partition("</answer>")[0]
        return json.dumps({"reason": "its length", "rating": 5 if len(given) < 40 else 2})
    found = ASKED.search(text)
    if found is None:
        return "It depends." if model == "first" else "It depends on many things. " * 5
    total = int(found[1]) + int(found[2])
    if total >= KNOWN_UP_TO[model]:
        total += 1
    if "JSON" in text:
        return json.dumps({"sum": total} if model == "first" else {"total": str(total)})
    return f"Let me see.\n\nThe answer is: {total}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(body)
        if body["model"] == "broken":
            self.send_error(500)
            return
        text = answer(body["model"], body["messages"][-1]["content"])
        document = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
        }
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, *_: Any) -> None:
        """Nobody reads along."""


class KnowingUpstream:
    """`url` is without `/v1`; `asked` are the bodies of all requests."""

    def __init__(self, url: str, asked: list[dict[str, Any]]) -> None:
        self.url = url
        self.asked = asked


@contextmanager
def knowing_upstream() -> Iterator[KnowingUpstream]:
    asked: list[dict[str, Any]] = []
    handler = type("Handler", (_Handler,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield KnowingUpstream(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
