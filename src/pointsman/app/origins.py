"""Where does each value of the effective configuration come from?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pointsman.app.additions import SECTIONS, Additions
from pointsman.app.yamltree import Path, Tree, spelled

OriginKind = Literal["file", "environment", "command_line", "api", "built_in"]
"""Values that are none of these are defaults."""

_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)")


class ValueOrigin(NamedTuple):
    """On which line of the file a value stands, None where that is no file anyone could open; and
    the names of the environment variables that it was taken from.
    """

    kind: OriginKind
    line: int | None = None
    variables: tuple[str, ...] = ()


def origins(
    effective: Mapping[str, Any],
    tree: Tree,
    environ: Mapping[str, str],
    *,
    spare: Mapping[str, Any],
    added: Additions,
) -> Mapping[str, ValueOrigin]:
    """The origin of each value in `effective` that is no default, by its spelled path.

    `spare` are the sections that stand in for a file that declares no fleet, `added` holds what was
    added through the API.
    """
    by_api: dict[str, Mapping[str, object]] = {name: added.of(name) for name in SECTIONS}
    found = {}
    for path in _leaves(effective, ()):
        origin = _origin(path, tree, environ, spare, by_api)
        if origin is not None:
            found[spelled(path)] = origin
    return MappingProxyType(found)


def _leaves(value: object, path: Path) -> Iterator[Path]:
    inner: Iterator[tuple[str | int, object]]
    if isinstance(value, Mapping) and value:
        inner = iter(value.items())
    elif isinstance(value, list | tuple) and value:
        inner = iter(enumerate(value))
    else:
        yield path
        return
    for name, below in inner:
        yield from _leaves(below, (*path, name))


def _origin(
    path: Path,
    tree: Tree,
    environ: Mapping[str, str],
    spare: Mapping[str, Any],
    by_api: Mapping[str, Mapping[str, object]],
) -> ValueOrigin | None:
    if len(path) > 1 and path[1] in by_api.get(str(path[0]), {}):
        return ValueOrigin("api")
    stands_in = bool(path) and path[0] in spare
    if stands_in:
        return ValueOrigin("built_in") if _holds(spare, path) else None
    # A short form, as `price: free`, stands for all that it comes to.
    for end in range(len(path), 0, -1):
        written = tree.raw.get(path[:end])
        if written is not None:
            line = tree.lines.get(path[:end])
            names = tuple(name for name in _VARIABLE.findall(written) if name in environ)
            return ValueOrigin("environment" if names else "file", line, names)
    return ValueOrigin("file", tree.lines[path]) if path in tree.lines else None


def _holds(value: object, path: Path) -> bool:
    """Whether there is anything at that path, or a short form of it."""
    for step in path:
        if isinstance(value, Mapping):
            if step not in value:
                return False
            value = value[step]
        elif isinstance(value, list):
            if not isinstance(step, int) or step >= len(value):
                return False
            value = value[step]
        else:
            return True
    return True
