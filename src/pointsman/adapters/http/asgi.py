"""What passes between the server and our raw ASGI callables?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from pointsman.adapters.http.replies import JSON, Header, Reply
from pointsman.core.errors import RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class CallerLeftError(Exception):
    """The caller hung up before its request was complete."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `RequestError` when it is too large or compressed."""
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise RequestError(
            "A compressed body is not accepted; send it plain.", code="unsupported_media_type"
        )
    if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise RequestError(
            "No transfer coding but 'chunked' is understood.", code="unsupported_media_type"
        )
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        return _within(message["body"], limit)
    parts: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        parts.append(message["body"])
        size += len(message["body"])
        if size > limit:
            raise _too_large(limit)
        if not message["more_body"]:
            return b"".join(parts)
        message = await receive()
    raise CallerLeftError


async def send_whole(send: Send, status: int, body: bytes, headers: tuple[Header, ...]) -> None:
    """An answer in one go, with its length."""
    length = (b"content-length", str(len(body)).encode())
    start = {"type": "http.response.start", "status": status, "headers": [*headers, length]}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def send_reply(send: Send, reply: Reply, headers: tuple[Header, ...] = ()) -> None:
    """An error. The rest of the request is left to the server underneath, which reads and drops it:
    if we closed, a client that is still sending would see a reset instead of this answer.
    """
    await send_whole(send, reply.status, reply.body(), (JSON, *headers, *reply.headers))


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> RequestError:
    return RequestError(
        f"The body is larger than the {limit} bytes that this gateway takes.",
        code="request_too_large",
    )
