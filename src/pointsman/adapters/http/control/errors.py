"""How does the control API say what went wrong?

In the shape, the types and the codes of every other answer, also where routing fails.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.params import ParameterKwarg
from litestar.typing import FieldDefinition

from pointsman.adapters.http.control.slashes import KEPT
from pointsman.adapters.http.replies import Reply, come_back_in, reply_to
from pointsman.core.errors import Conflict, NotFound, RequestError, StoreError

log = logging.getLogger(__name__)

Asked = Request[Any, Any, Any]
Errors = Response[bytes]

STORE_BACK_S = 5.0
"""When to ask again what the store could not answer."""

INVALID = "invalid_request_error"
MOST_SHOWN = 60
"""So much of a value is repeated to whoever sent it."""

_ZERO = b"\\u0000"

_CODES: Mapping[int, str] = MappingProxyType(
    {404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
)


def answer(reply: Reply) -> Errors:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Response(
        reply.body(), status_code=reply.status, headers=headers, media_type="application/json"
    )


def request_error(_: Asked, fault: RequestError) -> Errors:
    return answer(reply_to(fault))


def not_found(_: Asked, fault: NotFound) -> Errors:
    return answer(reply_to(fault)._replace(status=404))


def conflict(_: Asked, fault: Conflict) -> Errors:
    return answer(reply_to(fault)._replace(status=409))


def store_error(asked: Asked, fault: StoreError) -> Errors:
    log.error("the store failed: %s", fault, extra={"path": asked.url.path})
    found = "be read" if asked.method in {"GET", "HEAD"} else "keep what was asked for"
    words = f"The store cannot {found} now: try again later. The server's log says why."
    headers = come_back_in(STORE_BACK_S)
    return answer(Reply(503, words, "server_error", "store_unavailable", headers=headers))


def too_long(_: Asked, fault: TimeoutError) -> Errors:
    words = "It took too long and was given up; ask for less: another strategy, or a shorter limit."
    log.warning("given up: %s", fault)
    return answer(Reply(504, words, "server_error", "took_too_long"))


def lost(_: Asked, fault: ChildProcessError) -> Errors:
    log.error("a process that reckoned was lost: %s", fault)
    words = "The process that worked it out was ended before it answered; ask again."
    return answer(Reply(503, words, "server_error", "process_lost"))


def validation_error(asked: Asked, fault: ValidationException) -> Errors:
    """The first of the faults that Litestar found names the place."""
    faults = fault.extra if isinstance(fault.extra, list) else []
    first = faults[0] if faults else {}
    words, param = str(first.get("message", fault.detail)), first.get("key")
    if param == "data":  # what Litestar calls the body, and all it says when there is none
        param, words = None, f"body: {words}" if words != "'data'" else "a JSON body is needed"
    if not param:
        return answer(Reply(400, words, INVALID, "invalid_value"))
    named = _named(asked, param)
    # An enumeration's fault has said what was given.
    given = None if "value '" in words else asked.query_params.get(named)
    shown = "" if given is None else f" ({given[:MOST_SHOWN]!r})"
    example = ", such as 2030-01-31T12:00:00Z" if "RFC3339" in words else ""
    message = f"{named}: {words}{shown}{example}{_allowed(asked, param)}"
    return answer(Reply(400, message, INVALID, "invalid_value", named))


def _known(asked: Asked, param: str) -> FieldDefinition | None:
    """The parameter of the call itself, or of what it depends on."""
    handler = asked.route_handler
    own = handler.parsed_fn_signature
    needed = handler.resolve_dependencies().items()
    signatures = [own, *(d.parsed_fn_signature for name, d in needed if name in own.parameters)]
    found = (each.parameters.get(param) for each in signatures)
    return next((each for each in found if each is not None), None)


def _named(asked: Asked, param: str) -> str:
    """What callers call it."""
    known = _known(asked, param)
    told = known.kwarg_definition if known is not None else None
    return (told.name if isinstance(told, ParameterKwarg) else None) or param


def _allowed(asked: Asked, param: str) -> str:
    """What may stand there: the values of a parameter that takes only some, else its meaning."""
    known = _known(asked, param)
    if known is None:
        return ""
    choices = [value for kind in (known, *known.inner_types) for value in _choices(kind)]
    named = [value for value in choices if isinstance(value, str)]
    if named:
        return f". One of: {', '.join(named)}."
    told = known.kwarg_definition
    meaning = told.description if isinstance(told, ParameterKwarg) else None
    return f". {meaning}" if meaning else ""


def _choices(kind: FieldDefinition) -> Iterable[object]:
    """What a literal or an enumeration may be."""
    enumeration = isinstance(kind.annotation, type) and issubclass(kind.annotation, StrEnum)
    return [each.value for each in kind.annotation] if enumeration else kind.args


async def without_zeros(asked: Asked) -> None:
    """No text has a NUL: one store would keep it, another could not, and nobody can see it.

    Raises `RequestError` that names the place.
    """
    body = await asked.body()
    if _ZERO not in body:
        return
    try:
        place = _place_of_zero(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # Whoever decodes it for what it is meant to be says so.
    if place is not None:
        words = f"{place or 'body'}: text cannot have a NUL character (\\u0000); leave it out."
        raise RequestError(words, param=place or None, code="invalid_value")


def _place_of_zero(value: object, place: str = "") -> str | None:
    if isinstance(value, str):
        return place if "\0" in value else None
    inner: Iterable[tuple[str, object]] = ()
    if isinstance(value, dict):
        inner = ((f"{place}.{name}" if place else name, each) for name, each in value.items())
    elif isinstance(value, list):
        inner = ((f"{place}[{number}]", each) for number, each in enumerate(value))
    found = (_place_of_zero(each, name) for name, each in inner)
    return next((each for each in found if each is not None), None)


def unreadable(_: Asked, fault: UnicodeDecodeError | RecursionError) -> Errors:
    """What a JSON decoder raises for bodies that it does not call malformed."""
    words = "The body is nested too deeply."
    if isinstance(fault, UnicodeDecodeError):
        words = "The body is not valid UTF-8."
    return answer(Reply(400, words, INVALID, "invalid_json"))


def http_error(asked: Asked, fault: HTTPException) -> Errors:
    status = fault.status_code
    if status >= 500:
        return internal_error(asked, fault)
    path = asked.url.path.replace(KEPT, "/")
    words = {
        404: f"There is nothing at {path}.",
        405: f"{path} does not take {asked.method}.",
    }.get(status, fault.detail)
    refusal = answer(Reply(status, words, INVALID, _CODES.get(status, "invalid_request")))
    refusal.headers.update(fault.headers or {})
    return refusal


def internal_error(asked: Asked, fault: Exception) -> Errors:
    log.error("the control API failed", exc_info=fault, extra={"path": asked.url.path})
    words = "The router failed to answer; its log says why."
    return answer(Reply(500, words, "server_error", "internal_error"))


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    RequestError: request_error,
    NotFound: not_found,
    Conflict: conflict,
    StoreError: store_error,
    TimeoutError: too_long,
    ChildProcessError: lost,
    ValidationException: validation_error,
    NotFoundException: http_error,
    MethodNotAllowedException: http_error,
    HTTPException: http_error,
    UnicodeDecodeError: unreadable,
    RecursionError: unreadable,
    Exception: internal_error,
}
