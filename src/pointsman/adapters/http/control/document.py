"""What does the control API say of itself to programs that read OpenAPI?"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from copy import deepcopy
from itertools import chain
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

OURS = __name__.rpartition(".")[0]

_ERROR: dict[str, Any] = {
    "title": "ErrorBody",
    "description": "What went wrong, in the shape of every error of this gateway.",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_MEDIA = {"csv": "text/csv", "json": "application/json", "ndjson": "application/x-ndjson"}
_OTHERWISE: dict[str, Any] = {
    "description": "What went wrong.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
}


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Litestar's document, each body with what its docstring says of the fields.

    Errors are described as they are sent, which Litestar does not know: it would tell its own. Of a
    query it tells whatever a dependency of the call can read, of which the call may take a part.
    """
    document: dict[str, Any] = deepcopy(app.openapi_schema.to_schema())
    document["components"]["schemas"]["ErrorBody"] = _ERROR
    for call in chain.from_iterable(path.values() for path in document["paths"].values()):
        call["responses"] = {k: v for k, v in call["responses"].items() if k < "400"}
        call["responses"]["default"] = _OTHERWISE
        if forms := _forms(call):
            call["responses"]["200"]["content"] = {_MEDIA[form]: {"schema": {}} for form in forms}
    for call, handler in _calls(app, document):
        known = handler.opt.get("query_parameters", ())
        parameters = [
            p for p in call.get("parameters", ()) if p["in"] != "query" or p["name"] in known
        ]
        if parameters:
            call["parameters"] = parameters
    words = {
        body.__name__: inspect.cleandoc(body.__doc__ or "") for body in _bodies(msgspec.Struct)
    }
    for name, schema in document["components"]["schemas"].items():
        if words.get(name):
            schema["description"] = words[name]
    return document


def _calls(
    app: Litestar, document: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], HTTPRouteHandler]]:
    """What the document says of each call, with what answers it."""
    for route in app.routes:
        path = document["paths"].get(route.path_format, {})
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            for method in handler.http_methods & {name.upper() for name in path}:
                yield path[method.lower()], handler


def _forms(call: dict[str, Any]) -> list[str]:
    """The forms in which it answers, where the query says in which; of one alone it would tell."""
    asked = (each for each in call.get("parameters", ()) if each["name"] == "format")
    return [form for each in asked for form in each["schema"].get("enum", ())]


def _bodies(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Of this API: other packages have structs of the same name."""
    for body in kind.__subclasses__():
        if body.__module__.startswith(OURS):
            yield body
        yield from _bodies(body)
