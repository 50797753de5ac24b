"""Which agents and models were added through the API, and where are they kept?

In a file of their own beside the data, in the form of the configuration file, which stays as its
author wrote it. What both declare counts as the configuration file says. Text in additions is taken
as it stands: whoever may add an agent may not thereby read the environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pointsman.app.yamltree import Path as Place
from pointsman.app.yamltree import Tree, spelled
from pointsman.core.errors import ConfigError, Problem, StoreError

SectionName = Literal["agents", "models"]
SECTIONS: tuple[SectionName, ...] = ("agents", "models")
FILE_NAME = "additions.json"
MOST = 10_000
"""So many of a kind may be added."""

Document = Mapping[str, Any]
_NONE: Mapping[str, Document] = MappingProxyType({})


class Additions(NamedTuple):
    """What was added: documents as they would stand in the configuration file, by id.

    `source` is the file they were read from, empty for those that are only tried.
    """

    agents: Mapping[str, Document] = _NONE
    models: Mapping[str, Document] = _NONE
    source: str = ""

    def of(self, section: SectionName) -> Mapping[str, Document]:
        return self.agents if section == "agents" else self.models

    def with_one(self, section: SectionName, name: str, document: Document | None) -> Additions:
        """These with another document under this name, or with none."""
        others = {key: each for key, each in self.of(section).items() if key != name}
        changed = others if document is None else {**others, name: document}
        if section == "agents":
            return Additions(changed, self.models)
        return Additions(self.agents, changed)


NOTHING_ADDED = Additions()


def no_additions(_folder: Path) -> Additions:
    """For those who read a configuration file and nothing else."""
    return NOTHING_ADDED


def added_beside(data_dir: Path | None, additions: Additions | None) -> Callable[[Path], Additions]:
    """What `load` asks: these additions, else those in `data_dir`, else those where it says."""
    if additions is not None:
        return lambda _folder: additions
    return lambda folder: read_additions(data_dir or folder)


def read_additions(folder: Path) -> Additions:
    """What is kept in the folder; nothing when there is no such file. Raises `ConfigError`."""
    file = folder / FILE_NAME
    try:
        kept = json.loads(file.read_bytes())
        json.dumps(kept, ensure_ascii=False).encode()  # which fails for half of a character
    except FileNotFoundError:
        return NOTHING_ADDED
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(file, f"the file cannot be read: {error}") from error
    if not isinstance(kept, dict) or not kept.keys() <= set(SECTIONS):
        raise _unusable(file, "the file must hold `agents` and `models`, and nothing else")
    agents, models = (kept.get(section, {}) for section in SECTIONS)
    if not isinstance(agents, dict) or not isinstance(models, dict):
        raise _unusable(file, "`agents` and `models` must each be a mapping of ids")
    return Additions(agents, models, str(file))


def keep_additions(folder: Path, additions: Additions) -> None:
    """Keep these and no others, whole or not at all. Raises `StoreError`."""
    content = {section: dict(additions.of(section)) for section in SECTIONS}
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
    fresh = folder / f"{FILE_NAME}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(fresh, "w", encoding="utf-8", opener=_for_the_owner) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(folder / FILE_NAME)
        _settle(folder)
    except OSError as error:
        raise StoreError(f"{folder / FILE_NAME} cannot be written: {error.strerror}") from error


def _for_the_owner(path: str, flags: int) -> int:
    """Opened so that nobody else may read it, as the database beside it."""
    return os.open(path, flags, 0o600)


def _settle(folder: Path) -> None:
    """Let the new name outlive a power cut as well."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def with_additions(tree: Tree, additions: Additions) -> Tree:
    """The document with what was added beneath it."""
    if not isinstance(tree.value, dict):
        return tree
    value = dict(tree.value)
    raw, lines = dict(tree.raw), dict(tree.lines)
    for section in SECTIONS:
        written = value.get(section)
        if written is not None and not isinstance(written, dict):
            continue  # A mistake, which will be reported.
        own = written or {}
        fresh = {name: each for name, each in additions.of(section).items() if name not in own}
        if not fresh:
            continue
        value[section] = {**own, **fresh}
        for name, document in fresh.items():
            places = dict(_places(document, (section, name)))
            raw |= places
            lines |= dict.fromkeys(places, 0)
    return replace(tree, value=value, raw=raw, lines=lines)


def _places(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    """Each part of a document with its text, as a configuration file would have them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*place, index))
    yield place, "" if isinstance(value, dict | list) else _as_text(value)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def ids_of(value: object) -> dict[SectionName, frozenset[str]]:
    """The ids that a document declares, by section."""
    sections = value if isinstance(value, dict) else {}
    found = {name: sections.get(name) for name in SECTIONS}
    return {name: frozenset(each if isinstance(each, dict) else ()) for name, each in found.items()}


def said_twice(
    written: Mapping[SectionName, frozenset[str]], additions: Additions
) -> Iterator[str]:
    """Advice on what the configuration file declares as well."""
    for section in SECTIONS:
        for name in sorted(written[section] & additions.of(section).keys()):
            yield (
                f"{spelled((section, name))} was also added through the API: the configuration "
                f"file has the last word; DELETE …/{section}/{name} forgets the other"
            )


def where_added(problems: list[Problem], added: Additions) -> list[Problem]:
    """The problems; those of what was added say where it is kept, since no line leads there."""
    names = [spelled((section, name)) for section in SECTIONS for name in added.of(section)]
    starts = tuple(f"{name}{end}" for name in names for end in ".[")
    return [
        _told(problem, added)
        if problem.path in names or problem.path.startswith(starts)
        else problem
        for problem in problems
    ]


def _told(problem: Problem, added: Additions) -> Problem:
    kept = f"; it was added through the API and is kept in {added.source}" if added.source else ""
    return replace(problem, message=f"{problem.message}{kept}", line=None)


def _unusable(file: Path, message: str) -> ConfigError:
    remedy = "mend it, or move it away to go on without what was added through the API"
    return ConfigError([Problem(FILE_NAME, message, remedy)], str(file))
