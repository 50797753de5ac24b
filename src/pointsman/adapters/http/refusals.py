"""What is a caller told whose connection brings no request that could be answered?"""

from __future__ import annotations

from pointsman.adapters.http.replies import Reply, come_back_in

MOST_PIPELINED = 16
"""Requests that may wait on one connection behind the one that is being answered."""

NOT_HTTP = Reply(400, "Invalid HTTP request received.", "invalid_request_error", "invalid_http")
TOO_MANY_AT_ONCE = Reply(
    429,
    f"More than {MOST_PIPELINED} requests wait on this connection; await answers in between.",
    "rate_limit_error",
    "too_many_pipelined_requests",
)
STOPPING = Reply(
    503,
    "The gateway has stopped before it had an answer.",
    "server_error",
    "shutting_down",
    headers=come_back_in(1.0),
)


def head_too_large(limit: int) -> Reply:
    """`limit` is in bytes."""
    message = f"The head of the request is larger than {limit} bytes."
    return Reply(431, message, "invalid_request_error", "headers_too_large")


def too_slow(part: str, allowed_s: float) -> Reply:
    """`part` of the request is still not there."""
    message = f"The {part} of the request did not arrive within {allowed_s:g} s."
    return Reply(408, message, "invalid_request_error", "request_timeout")


def too_many_connections(limit: int) -> Reply:
    """More than `limit` are open."""
    words = f"All {limit} connections are in use."
    return Reply(503, words, "server_error", "too_many_connections", headers=come_back_in(1.0))
