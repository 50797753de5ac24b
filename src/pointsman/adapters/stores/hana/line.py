"""What goes along the line between who serves requests and a process that speaks to HANA?

Both are of one version of pointsman, and nobody else is on the line, so values are pickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import Any, NamedTuple


def _read_only(items: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(items)


ForkingPickler.register(MappingProxyType, lambda proxy: (_read_only, (dict(proxy),)))


class Call(NamedTuple):
    """What is asked of the store, or of a part of it such as `audit`."""

    part: str
    method: str
    arguments: Sequence[Any]
    named: Mapping[str, Any]


class Part(NamedTuple):
    """Some of an answer; more follows."""

    items: Sequence[Any]


class Done(NamedTuple):
    """The answer, or its end."""

    value: Any


class Failed(NamedTuple):
    """Why there is none."""

    error: Exception
