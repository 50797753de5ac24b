"""What does the control API say of itself to programs that read OpenAPI?"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar

OURS = __name__.rpartition(".")[0]


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Litestar's document, each body with what its docstring says of the fields."""
    document = dict(app.openapi_schema.to_schema())
    words = {
        body.__name__: inspect.cleandoc(body.__doc__ or "") for body in _bodies(msgspec.Struct)
    }
    for name, schema in document["components"]["schemas"].items():
        if words.get(name):
            schema["description"] = words[name]
    return document


def _bodies(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Of this API: other packages have structs of the same name."""
    for body in kind.__subclasses__():
        if body.__module__.startswith(OURS):
            yield body
        yield from _bodies(body)
