"""What has a client seen of a streamed answer?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any, NamedTuple

from gateway_process import GatewayProcess, chat_body

DONE = "[DONE]"
CHAT = "/v1/chat/completions"

Event = dict[str, Any]


class Seen(NamedTuple):
    """The events of one stream in order: `DONE` stands for itself, the others are decoded."""

    events: tuple[Event | str, ...]

    @property
    def chunks(self) -> list[Event]:
        return [e for e in self.events if isinstance(e, dict) and "error" not in e]

    @property
    def text(self) -> str:
        deltas = (choice["delta"] for chunk in self.chunks for choice in chunk["choices"])
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def error(self) -> Event | None:
        errors = [e["error"] for e in self.events if isinstance(e, dict) and "error" in e]
        return errors[0] if errors else None

    @property
    def finish_reasons(self) -> list[str]:
        choices = (choice for chunk in self.chunks for choice in chunk["choices"])
        return [choice["finish_reason"] for choice in choices if choice["finish_reason"]]

    @property
    def looks_complete(self) -> bool:
        """Would any client take this for a whole answer?"""
        return DONE in self.events or bool(self.finish_reasons) or self.error is None


def seen_in(body: bytes) -> Seen:
    """Read a body strictly: each event is one `data:` line between empty ones."""
    events: list[Event | str] = []
    for block in body.decode().split("\n\n"):
        if not block:
            continue
        assert block.startswith("data: "), block
        assert "\n" not in block, block
        data = block.removeprefix("data: ")
        events.append(DONE if data == DONE else json.loads(data))
    return Seen(tuple(events))


@contextmanager
def open_stream(
    gateway: GatewayProcess, headers: Mapping[str, str] | None = None, **fields: Any
) -> Iterator[HTTPResponse]:
    """A stream that has begun; leaving the block hangs up."""
    connection = HTTPConnection(gateway.host, gateway.port, timeout=20)
    try:
        body = json.dumps(chat_body(stream=True, **fields))
        connection.request("POST", CHAT, body, dict(headers or {}))
        with connection.getresponse() as response:
            assert response.status == 200, response.read()
            yield response
    finally:
        connection.close()


def next_event(response: HTTPResponse) -> str:
    """The data of the next event, as soon as it is there; empty at the end."""
    while line := response.readline().decode():
        if line.startswith("data: "):
            return line.removeprefix("data: ").strip()
    return ""
