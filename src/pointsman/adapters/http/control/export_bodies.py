"""How do bodies of the control API read as flat lines, whatever they hold?

A body within a body gives a column to each of its fields, `scope.kind`; a list of words is one
text, the words apart by blanks; anything else that is no single value stands there as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, get_args

import msgspec

from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.export_rows import Line, instant_text


@cache
def columns(kind: type[Body]) -> tuple[str, ...]:
    """What stands above the columns of such bodies."""
    return tuple(_columns(kind, ""))


def _columns(kind: type[Body], prefix: str) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        within = _body_within(field.type)
        if within is None:
            yield prefix + field.name
        else:
            yield from _columns(within, f"{prefix}{field.name}.")


def row(body: Body) -> Line:
    """A body as a line, in the order of `columns`."""
    found: dict[str, Any] = {}
    _fill(found, type(body), body, "")
    return found


def _fill(found: dict[str, Any], kind: type[Body], body: Body | None, prefix: str) -> None:
    for field in msgspec.structs.fields(kind):
        value = None if body is None else getattr(body, field.name)
        within = _body_within(field.type)
        if within is None:
            found[prefix + field.name] = _plain(value)
        else:
            _fill(found, within, value, f"{prefix}{field.name}.")


def _body_within(annotated: Any) -> type[Body] | None:
    """The body that a field holds, if it holds one or nothing."""
    for kind in (annotated, *get_args(annotated)):
        if isinstance(kind, type) and issubclass(kind, Body) and not _is_many(annotated):
            return kind
    return None


def _is_many(annotated: Any) -> bool:
    return getattr(annotated, "__origin__", None) in (list, dict)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    return msgspec.json.encode(value).decode()
