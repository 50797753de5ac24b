"""How are agents and models added, changed and taken away while the router runs?

What results is read and checked as a whole, just as a changed configuration file is. Only when it
is sound is it written to the audit log, kept, and served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pointsman.adapters.http.control import Change, Purpose
from pointsman.app.additions import (
    FILE_NAME,
    MOST,
    Additions,
    Document,
    SectionName,
    keep_additions,
    read_additions,
)
from pointsman.app.configuration import Configuration
from pointsman.app.running import Running
from pointsman.app.yamltree import spelled
from pointsman.core.errors import ConfigError, Conflict, NotFound, RequestError

_WHAT: Mapping[SectionName, tuple[str, str]] = MappingProxyType(
    {"agents": ("agent", "unknown_agent"), "models": ("model", "model_not_found")}
)
"""What one of a section is called, and the code for one that is not there."""


async def add(running: Running, change: Change, by: str) -> None:
    """Carry out a change that `by` wants.

    Raises `RequestError` when the fleet that would result is not sound, `Conflict` when things are
    not as the change supposes, `NotFound`, and `StoreError`.
    """

    def wanted(configuration: Configuration) -> Additions:
        document = _document(change, configuration)
        return configuration.additions.with_one(change.section, change.name, document)

    async def keep(configuration: Configuration) -> None:
        folder = running.configuration.server.data_dir
        await asyncio.to_thread(_refuse_strange, folder, running.configuration.additions)
        before, after = _of(running.configuration, change), _of(configuration, change)
        done = "delete" if after is None else "set"
        act = f"{_WHAT[change.section][0]}.{done}"
        await running.parts.audit.note(by, act, change.name, before=before, after=after)
        await asyncio.to_thread(keep_additions, folder, configuration.additions)

    try:
        await running.extend(wanted, keep)
    except ConfigError as error:
        raise _refused(change, error) from error


def _refuse_strange(folder: Path, known: Additions) -> None:
    """What a person has changed in the file and nobody has read yet must not be written over."""
    if read_additions(folder)[:2] != known[:2]:
        words = f"{FILE_NAME} was changed by hand and not read yet: reload the configuration first."
        raise Conflict(words, code="additions_changed")


def _of(configuration: Configuration, change: Change) -> Document | None:
    return configuration.additions.of(change.section).get(change.name)


def _document(change: Change, configuration: Configuration) -> Document | None:
    """What shall stand under the name; None when nothing shall."""
    kept = _of(configuration, change)
    is_written = change.name in configuration.written[change.section]
    if is_written and not (kept is not None and change.purpose is Purpose.REMOVE):
        raise _written(change, configuration)
    if change.purpose is Purpose.CREATE and kept is not None:
        words = f"{change.name} was added already; PUT replaces it, PATCH changes parts of it."
        raise Conflict(words, param=change.name, code="already_declared")
    if kept is None and change.purpose in (Purpose.MERGE, Purpose.REMOVE):
        raise _unknown(change)
    if kept is None and len(configuration.additions.of(change.section)) >= MOST:
        words = f"There are {MOST} additions already; remove some, or declare them in the file."
        raise Conflict(words, param=change.name, code="too_many")
    if change.purpose is Purpose.REMOVE:
        return None
    return merged(kept, change.document) if change.purpose is Purpose.MERGE else change.document


def merged(old: object, new: Mapping[str, Any]) -> dict[str, Any]:
    """The old document with the new one laid over it: a JSON merge patch (RFC 7396)."""
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value) if isinstance(value, dict) else value
    return result


def _written(change: Change, configuration: Configuration) -> Conflict:
    remedy = "change it there"
    if configuration.stands_in:
        remedy = "to have another fleet, write a file (`pointsman init` begins one)"
    words = f"{change.name} stands in the configuration ({configuration.source}): {remedy}."
    return Conflict(words, param=change.name, code="declared_in_configuration")


def _unknown(change: Change) -> NotFound:
    kind, code = _WHAT[change.section]
    words = f"No {kind} {change.name!r} was added."
    return NotFound(words, param=f"{kind}_id", code=code)


def _refused(change: Change, error: ConfigError) -> RequestError:
    """What is wrong, all of it; what concerns the entry itself is named from there on."""
    place = spelled((change.section, change.name))
    told = "; ".join(str(problem).replace(place, change.name, 1) for problem in error.problems)
    kind, _ = _WHAT[change.section]
    if change.purpose is Purpose.REMOVE:
        return Conflict(f"{change.name} is still needed: {told}", param=change.name, code="in_use")
    return RequestError(told, param=change.name, code=f"invalid_{kind}")
