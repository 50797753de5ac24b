"""What did the operator get wrong, where, and what is to be done about it?

Translates what validation finds into `Problem`s in plain words, and cuts the faulty parts out, so
that the rest can be checked too: an operator should see all mistakes at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pointsman.app.secrets import is_secret
from pointsman.app.section import FORMS, Section
from pointsman.app.settings import Settings
from pointsman.app.yamltree import Path, Tree, spelled
from pointsman.core.errors import Problem

MAX_SHOWN_CHARS = 60
MAX_LISTED = 12


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt name: the known one that looks like it, or all that are known."""
    names = list(dict.fromkeys(known))
    by_lower = {name.lower(): name for name in names}
    if close := difflib.get_close_matches(word.lower(), by_lower, n=1):
        return f"did you mean `{by_lower[close[0]]}`?"
    if not names:
        return "none are declared"
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return f"known: {', '.join(names[:MAX_LISTED])}{more}"


class Findings:
    """The problems found so far in one document, each with its line."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.problems = list(tree.problems)
        self._reported = {problem.path for problem in tree.problems}

    def add(self, path: Path, message: str, remedy: str, *, shown: bool = True) -> None:
        """Note a problem; the value is shown with it unless `shown` is False or it is a secret."""
        value = self._tree.raw.get(path, "") if shown and not is_secret(path) else ""
        if len(value) > MAX_SHOWN_CHARS:
            value = value[: MAX_SHOWN_CHARS - 1] + "…"
        place = spelled(path)
        self._reported.add(place)
        line = self._tree.line(path)
        self.problems.append(Problem(place, message, remedy, value=value, line=line))

    def add_unless_known(self, path: Path, message: str, remedy: str) -> None:
        """Note that something is missing, unless it was found faulty and cut out before."""
        if not self.knows(path):
            self.add(path, message, remedy)

    def knows(self, path: Path) -> bool:
        """Whether something at exactly this path has been reported already."""
        return spelled(path) in self._reported

    def knows_within(self, path: Path) -> bool:
        """Whether something at this path or below it has been reported already."""
        place = spelled(path)
        below = (f"{place}.", f"{place}[")
        return any(each == place or each.startswith(below) for each in self._reported)

    def wrote(self, path: Path) -> bool:
        """Whether the operator wrote anything at this path, right or wrong."""
        return path in self._tree.lines


def settings_of(value: object, findings: Findings) -> Settings:
    """The settings in `value`. What is faulty goes to the findings and counts as left out."""
    while True:
        try:
            return Settings.model_validate(value)
        except ValidationError as error:
            faulty = set()
            for mistake in error.errors(include_url=False):
                path = _place(mistake)
                faulty.add(_cut(path, missing=mistake["type"] == "missing"))
                _report(mistake, path, findings)
            rest = {} if () in faulty else _without(value, faulty, ())
            # What cannot be cut out by its path must not be looked at for ever.
            value = {} if rest == value else rest


def _place(mistake: ErrorDetails) -> Path:
    """The path in the document: pydantic's, without the marks for keys and for union members."""
    marks = ("[key]", "(word)", "(table)")
    return tuple(step for step in mistake["loc"] if step not in marks)


def _cut(path: Path, *, missing: bool) -> Path:
    """What to take out because of a mistake at `path`.

    A list goes whole: without one item the positions of the others would no longer be true.
    """
    lists = [i for i, step in enumerate(path) if isinstance(step, int)]
    end = min([*lists, len(path) - missing])
    return path[: max(end, 0)]


def _without(value: Any, faulty: Collection[Path], path: Path) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: _without(inner, faulty, (*path, key))
        for key, inner in value.items()
        if (*path, key) not in faulty
    }


def _report(mistake: ErrorDetails, path: Path, findings: Findings) -> None:
    if findings.knows(path):
        return
    context = mistake.get("ctx", {})
    if mistake["type"] == "extra_forbidden":
        # The value is not shown: it may be a key under a name we do not know.
        remedy = nearest(str(path[-1]), _known_keys(path[:-1]))
        findings.add(path, "this key is not known", remedy, shown=False)
        return
    message, remedy = _words(mistake["type"], path, context)
    about_value = "[key]" not in mistake["loc"] and mistake["type"] not in _COLLECTIONS
    findings.add(path, message, remedy, shown=about_value)


def _known_keys(path: Path) -> list[str]:
    """The keys that the section at `path` knows."""
    section: type[Section] = Settings
    steps = iter(path)
    for step in steps:
        annotation = section.model_fields[str(step)].annotation
        section = next(_sections_within(annotation))
        if any(get_origin(kind) in (dict, list) for kind in (annotation, *get_args(annotation))):
            next(steps, None)
    return list(section.model_fields)


def _sections_within(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_within(part)


Context = Mapping[str, Any]

_COLLECTIONS = frozenset({"model_type", "dict_type", "list_type"})

_BARE: Mapping[str, tuple[str, str]] = {
    "int_type": ("this must be a whole number", "write digits only, without quotes"),
    "float_type": ("this must be a number", "write it without quotes or a unit"),
    "bool_type": ("this must be true or false", "write `true` or `false`, without quotes"),
    "string_type": ("this must be text", "put it in quotes"),
    "is_instance_of": ("this must be text", "put it in quotes"),
    "string_unicode": ("this is not proper Unicode text", "type it again"),
    "finite_number": ("this must be a finite number", "write the number out"),
    "model_type": ("this must be a mapping", "write `key: value` pairs below it"),
    "dict_type": ("this must be a mapping", "write `key: value` pairs below it"),
    "list_type": ("this must be a list", "write it as [a, b], or one `- item` per line"),
}

_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
    "string_too_short": ("min_length", "text of a length of at least"),
    "string_too_long": ("max_length", "text of a length of at most"),
}


def _words(kind: str, path: Path, context: Context) -> tuple[str, str]:
    """Message and remedy for one kind of mistake."""
    if kind in _BARE:
        return _BARE[kind]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        bound = context[name]
        figure = f"{bound:g}" if isinstance(bound, float) else str(bound)
        return (f"this must be {words} {figure}", "choose a value within the bounds")
    if kind in _OTHERS:
        return _OTHERS[kind](path, context)
    return ("this cannot be used here", "see the reference of the configuration")


def _missing(path: Path, _context: Context) -> tuple[str, str]:
    return ("this is missing", f"add `{path[-1]}:`")


def _choice(_path: Path, context: Context) -> tuple[str, str]:
    options = re.findall(r"'([^']*)'", context["expected"])
    return ("this is none of the possible values", f"choose one of: {', '.join(options)}")


def _form(_path: Path, context: Context) -> tuple[str, str]:
    return ("this does not have the right form", f"write {FORMS[context['pattern']]}")


def _our_own(_path: Path, context: Context) -> tuple[str, str]:
    return (str(context["error"]), "change one of them")


_OTHERS: Mapping[str, Callable[[Path, Context], tuple[str, str]]] = {
    "missing": _missing,
    "literal_error": _choice,
    "enum": _choice,
    "string_pattern_mismatch": _form,
    "value_error": _our_own,
}
