"""Can what a Python program asks be said in JSON, and what of it cannot?"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import msgspec

from pointsman.core.errors import RequestError

_MAX_WORDS = 200
_NOT_SAID = (TypeError, ValueError, OverflowError, RecursionError)


def body_of(request: Any, *, stream: bool) -> bytes:
    """The request as it would come over HTTP.

    Raises `RequestError` with the place of what is no JSON: a number that is none, half a
    character, an object of any other kind.
    """
    if not isinstance(request, Mapping):
        words = f"A request is a dictionary such as OpenAI's SDK sends, not {_kind(request)}."
        raise RequestError(words, code="invalid_request")
    body = {**request, "stream": stream}
    try:
        encoded = msgspec.json.encode(body)
        # A number that is none is written as null, so only where one stands do we look again.
        fault = _fault(body, "") if b"null" in encoded else None
    except _NOT_SAID:
        fault = _named_fault(body)
    if fault is not None:
        place, words = fault
        at = f" at {place[:_MAX_WORDS]!r}" if place else ""
        message = f"The request cannot be written as JSON{at}: {words[:_MAX_WORDS]}."
        raise RequestError(message, param=place[:_MAX_WORDS] or None, code="invalid_value")
    return encoded


def _named_fault(body: dict[str, Any]) -> tuple[str, str]:
    try:
        found = _fault(body, "")
    except RecursionError:
        found = None
    return found or ("", "it is nested without end, or holds itself")


def _fault(value: Any, place: str) -> tuple[str, str] | None:
    """Where something that is no JSON stands and what it is, the first there is, or None."""
    if isinstance(value, float) and not isfinite(value):
        return place, f"{value} is no number in JSON; leave it out or give a finite one"
    for name, each in _inside(value, place):
        found = _fault(each, name)
        if found is not None:
            return found
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        return place, f"half a character ({half!r}); a text was cut within one, send it whole"
    except (TypeError, ValueError, OverflowError) as error:
        return place, f"{_kind(value)} is not possible there ({error})"
    return None


def _inside(value: Any, place: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        dot = "." if place else ""
        return [(f"{place}{dot}{_plain(name)}", each) for name, each in value.items()]
    if isinstance(value, list | tuple):
        return [(f"{place}[{number}]", each) for number, each in enumerate(value)]
    return []


def _plain(name: Any) -> str:
    """The name in letters that can be shown anywhere."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def _kind(value: Any) -> str:
    return f"a value of type {type(value).__name__!r}"
