"""What did an upstream say when it refused, and which failure is that?

Every house has its own shape of error document. They all become one `Evidence`, and `core.blame`
alone decides what it means. Secrets never pass: an upstream that quotes our key back is cleaned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from pointsman.core.blame import Evidence, Transport, classify
from pointsman.core.errors import UpstreamError
from pointsman.core.secret_shapes import SECRET_SHAPE

MAX_MESSAGE = 1000
MAX_NAME = 200
"""Longest `param` and `code`, in characters: both are names, not prose."""

_LONGEST_WAIT_S = 86_400.0
_MOST_TAGGED_BYTES = 4096
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]{0,500}>", re.DOTALL | re.IGNORECASE)


ODD = (TypeError, ValueError, OverflowError, RecursionError, AttributeError, KeyError)
"""What taking a foreign document apart may raise when it is JSON and no such document.

A list where a name belongs, an integer of thousands of digits, nesting without end: whoever sent it
is to blame, and another endpoint may do better.
"""


class Words(NamedTuple):
    """What an error document says, in one shape for all houses."""

    message: str = ""
    type: str = ""
    param: str | None = None
    code: str = ""


def words_of(body: bytes) -> Words:
    """Read an error document of any known shape; anything else is its own message."""
    try:
        document = msgspec.json.decode(body)
        return words_in(document)
    except ODD:
        # No JSON, or of a kind that cannot be walked through or written down again.
        return Words(_plain(body))


def words_in(document: Any) -> Words:
    """Like `words_of`, of a document that is decoded already."""
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return Words(_text(document))
    error = document.get("error") or document
    if not isinstance(error, dict):
        return Words(_text(error), _text(document.get("error_type")))
    inner = error.get("innererror") or error.get("inner_error") or {}
    code = _text(inner.get("code")) if isinstance(inner, dict) else ""
    param = error.get("param")
    within = _words_behind(error)
    return Words(
        _message(error, within.message),
        within.type or _text(error.get("type") or error.get("status")),
        param if isinstance(param, str) and param else within.param,
        _text(error.get("code")) or code,
    )


def _said(error: dict[str, Any]) -> Any:
    return error.get("message") or error.get("detail") or error.get("errors") or error.get("msg")


def _words_behind(error: dict[str, Any]) -> Words:
    """What a house behind a router, or a validator behind a server, says more precisely."""
    metadata = error.get("metadata")
    if isinstance(metadata, dict) and metadata.get("raw"):
        raw = metadata["raw"]
        # Text within text doubles its escapes, so this ends soon; nested objects would not.
        if not isinstance(raw, str):
            return Words(_text(raw))
        behind = words_of(raw.encode("utf-8", "replace"))
        precise = behind.type if behind.code.isdigit() else behind.code or behind.type
        return behind._replace(type=precise)
    said = _said(error)
    found = said.get("detail") if isinstance(said, dict) else said
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, dict):
        return Words()
    place = first.get("loc")
    path = place[1:] if isinstance(place, list) and place[:1] == ["body"] else []
    return Words("", _text(first.get("type")), ".".join(map(_text, path)) or None)


def _message(error: dict[str, Any], behind: str) -> str:
    parts = [_text(_said(error)), behind]
    # llama.cpp states the true window as a field.
    if isinstance(error.get("n_ctx"), int):
        parts.append(f"(n_ctx: {error['n_ctx']})")
    return " ".join(part for part in parts if part)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _plain(body: bytes) -> str:
    # The tags take quadratic time, as one that opens looks for its end in all that follows.
    text = body[:_MOST_TAGGED_BYTES].decode("utf-8", "replace")
    return " ".join(_TAGS.sub(" ", text).split())


def upstream_error(
    words: Words,
    *,
    status: int | None = None,
    transport: Transport | None = None,
    retry_after_s: float | None = None,
    secrets: Iterable[str] = (),
) -> UpstreamError:
    """The classified failure.

    A numeric code inside a successful answer counts as its status: that is how failures are told
    once an upstream has said 200.
    """
    if transport is Transport.ERROR_IN_STREAM and re.fullmatch(r"[345]\d\d", words.code):
        status = int(words.code)
    evidence = Evidence(
        status, words.code, words.type, words.message, transport, retry_after_s, words.param
    )
    failure = UpstreamError(
        classify(evidence),
        words.message,
        status=status,
        retry_after_s=retry_after_s,
        param=words.param,
        upstream_code=words.code or words.type,
    )
    return cleaned(failure, secrets)


def cleaned(failure: UpstreamError, secrets: Iterable[str] = ()) -> UpstreamError:
    """The failure with nothing secret in any text that is the upstream's, none of it endless."""
    return UpstreamError(
        failure.kind,
        scrubbed(failure.message, secrets),
        status=failure.status,
        retry_after_s=failure.retry_after_s,
        param=scrubbed(failure.param or "", secrets, MAX_NAME) or None,
        upstream_code=scrubbed(failure.upstream_code or "", secrets, MAX_NAME) or None,
    )


def broken(transport: Transport, message: str, secrets: Iterable[str] = ()) -> UpstreamError:
    """A failure that no status tells of."""
    return upstream_error(Words(message), transport=transport, secrets=secrets)


def odd(fault: BaseException) -> UpstreamError:
    """The failure that an error of `ODD` stands for. What it quotes is not passed on."""
    return broken(Transport.MALFORMED, f"an answer of an odd shape ({type(fault).__name__})")


def scrubbed(message: str, secrets: Iterable[str] = (), most: int = MAX_MESSAGE) -> str:
    """The message without keys, and of no more than `most` characters."""
    for secret in secrets:
        message = message.replace(secret, "[key]")
    message = SECRET_SHAPE.sub("[key]", message)
    return message if len(message) <= most else message[: most - 1] + "…"


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the upstream asks to wait, in seconds; None when it does not ask sensibly."""
    exact = _seconds(headers.get("retry-after-ms"))
    if exact is not None:
        return _bounded(exact / 1000)
    asked = headers.get("retry-after")
    plain = _seconds(asked)
    if plain is not None or asked is None:
        return _bounded(plain)
    try:
        at = parsedate_to_datetime(asked)
    except ODD:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return _bounded(max(0.0, (at - now).total_seconds()))


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _bounded(seconds: float | None) -> float | None:
    if seconds is None or not 0.0 <= seconds <= _LONGEST_WAIT_S:
        return None
    return seconds
