"""Which values of a foreign configuration were carried over, and what is said about the others?

Every value is either taken or noted; `settle` turns what is left into notes, so that nothing can be
dropped in silence. Notes name places, never values: a value may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Path = tuple[str | int, ...]

_MISSING = object()


class Note(NamedTuple):
    """What could not be carried over as it stood: where, what about it, and what to do instead."""

    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f" — {self.remedy}" if self.remedy else "")


def spelled(path: Path) -> str:
    """A path as people write it: `model_list[0].litellm_params.model`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def leaves(value: object, path: Path = ()) -> Iterator[Path]:
    """The paths of all values that hold no others; an empty collection counts as one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


@dataclass(slots=True)
class Account:
    """The document, and what became of each of its values."""

    document: object
    notes: list[Note] = field(default_factory=list)
    _settled: set[Path] = field(default_factory=set)

    def peek(self, *path: str | int) -> object:
        """The value at the path, or None where there is none."""
        found = _at(self.document, path)
        return None if found is _MISSING else found

    def take(self, *path: str | int) -> object:
        """The value at the path, or None; it counts as carried over with all that it holds."""
        self._settled.add(path)
        return self.peek(*path)

    def note(self, path: Path, message: str, remedy: str = "") -> None:
        """Say what became of the value at the path, and of all that it holds."""
        self._settled.add(path)
        self.remark(path, message, remedy)

    def remark(self, path: Path, message: str, remedy: str = "") -> None:
        """Say something at the path that accounts for none of its values."""
        note = Note(spelled(path), message, remedy)
        if note not in self.notes:
            self.notes.append(note)

    def settle(self, advice: Callable[[Path], tuple[str, str]]) -> None:
        """Note every value that was neither taken nor noted, with the advice for its path.

        Null and empty collections say nothing, so nothing is said about them.
        """
        for path in leaves(self.document):
            begins = (path[:length] for length in range(len(path) + 1))
            if self.peek(*path) not in (None, {}, []) and self._settled.isdisjoint(begins):
                self.note(path, *advice(path))


def _at(value: object, path: Path) -> object:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            # A key that YAML read as a number or a date is spelled as text in paths.
            keys = {str(key): key for key in value}
            value = value[keys[step]] if step in keys else _MISSING
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return _MISSING
    return value
