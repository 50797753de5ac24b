"""What does this YAML text say, and on which line does each part of it stand?

The text is composed into nodes and built from there, because only nodes know their lines. Plain
scalars follow the core schema of YAML 1.2 (`true` and `false` are the only truth values, `no` is a
country, `12:30` is text), so that every JSON document means here what it means elsewhere. Nothing
the text asks for is done beyond that: no tags, no objects, no unbounded expansion of aliases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pointsman.core.errors import Problem

Path = tuple[str | int, ...]
"""The way to a part of the document: keys and list positions, from the top."""

Expand = Callable[[Path, str], object]
"""Turns the text of a scalar into another text, or into a finished value that is not a `str`."""

MAX_CHARS = 1_048_576
MAX_DEPTH = 32
MAX_NODES = 200_000
MAX_INTEGER = 2**53
"""Beyond this a JSON or JavaScript reader would no longer see the same number."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_WORD = re.compile(r"[^\s.\[\]\"]+")


class ScalarError(Exception):
    """A scalar cannot be used; raised by an `Expand`, reported with its path and line."""

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Tree:
    """A document as plain values, with the line (from 1) and the source text of its parts.

    A part with a problem is left out of its mapping; in a list it is None. `raw` holds scalars as
    they were written, before any expansion.
    """

    value: object
    lines: Mapping[Path, int]
    raw: Mapping[Path, str]
    problems: tuple[Problem, ...]

    def line(self, path: Path) -> int | None:
        """The line of the part, or of the nearest part around it that stands in the text."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def spelled(path: Path) -> str:
    """The path as an operator reads it: `agents.coder.requires[1]`, `models["a/b-1.5"].price`."""
    words = ""
    for step in path:
        if isinstance(step, int):
            words += f"[{step}]"
        elif _PLAIN_WORD.fullmatch(step):
            words += f".{step}" if words else step
        else:
            words += f'["{step}"]'
    return words or "(document)"


def read_tree(text: str, expand: Expand | None = None) -> Tree:
    """The document in `text`. Never raises for what the text says: mistakes are `problems`."""
    if len(text) > MAX_CHARS:
        remedy = "split the fleet over several gateways, or generate less"
        return _hopeless(f"the file is larger than {MAX_CHARS} characters", remedy)
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Tree(None, {}, {}, ())
        return _Builder(loader, expand or _as_written).build(node)
    except yaml.YAMLError as error:
        return _hopeless(*_syntax(error, text))
    except (ValueError, OverflowError):
        # PyYAML lets these through for an escape such as "\UFFFFFFFF" and a huge %YAML version.
        return _hopeless("an escape or directive holds an impossible number", "write it plainly")
    finally:
        if loader is not None:
            loader.dispose()


def _as_written(_path: Path, text: str) -> object:
    return text


def _hopeless(message: str, remedy: str, line: int | None = None) -> Tree:
    problem = Problem(spelled(()), message, remedy, line=line)
    return Tree(None, {}, {}, (problem,))


class _Loader(yaml.SafeLoader):
    """Composes nodes to a bounded depth, resolving plain scalars by YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own shape

    _depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=self.get_mark())
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _regexp = re.compile(rf"^(?:{_pattern})\Z")
    _Loader.add_implicit_resolver(_TAG + _name, _regexp, list(_first))


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else MAX_INTEGER + 1
    if abs(number) > MAX_INTEGER:
        remedy = f"no figure here exceeds {MAX_INTEGER}; if it is text, put it in quotes"
        raise ScalarError("the number is too large", remedy)
    return number


def _real(text: str) -> float:
    return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))


def _nothing(_text: str) -> None:
    return None


def _whole(text: str) -> str:
    """Text as it can be stored and sent: JSON's escapes can write half of a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        words = "this is not proper Unicode text: it holds half of a character"
        raise ScalarError(words, "write the whole character") from None
    return text


_SCALARS: Mapping[str, Callable[[str], object]] = {
    _TAG + "str": _whole,
    _TAG + "bool": _boolean,
    _TAG + "int": _integer,
    _TAG + "float": _real,
    _TAG + "null": _nothing,
    _TAG + "merge": str,
}

_FAULTY = object()


class _Builder:
    """Builds plain values from nodes, noting lines, source texts and problems on the way."""

    def __init__(self, loader: _Loader, expand: Expand) -> None:
        self._loader = loader
        self._expand = expand
        self._lines: dict[Path, int] = {}
        self._raw: dict[Path, str] = {}
        self._problems: list[Problem] = []
        self._open: set[int] = set()
        self._visits = 0

    def build(self, node: Node) -> Tree:
        value = self._value(node, ())
        whole = None if value is _FAULTY else value
        return Tree(whole, self._lines, self._raw, tuple(self._problems))

    def _report(self, path: Path, node: Node, message: str, remedy: str) -> object:
        line = node.start_mark.line + 1
        self._problems.append(Problem(spelled(path), message, remedy, line=line))
        return _FAULTY

    def _value(self, node: Node, path: Path) -> object:
        self._lines.setdefault(path, node.start_mark.line + 1)
        with self._inside(node):
            if isinstance(node, ScalarNode):
                return self._scalar(node, path)
            if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
                items = [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
                return [None if item is _FAULTY else item for item in items]
            if isinstance(node, MappingNode) and node.tag == _TAG + "map":
                return self._mapping(node, path)
            return self._foreign(node, path)

    @contextmanager
    def _inside(self, node: Node) -> Iterator[None]:
        """Stops what a few lines of aliases can grow without bound: loops, depth and number."""
        self._visits += 1
        if self._visits > MAX_NODES:
            self._give_up(node, "the aliases expand to too many values")
        if id(node) in self._open:
            self._give_up(node, "an alias contains itself")
        if len(self._open) > MAX_DEPTH:
            self._give_up(node, "nested too deeply")
        self._open.add(id(node))
        try:
            yield
        finally:
            self._open.discard(id(node))

    def _give_up(self, node: Node, problem: str) -> NoReturn:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)

    def _foreign(self, node: Node, path: Path) -> object:
        return self._report(path, node, f"the tag {node.tag} is not supported", "remove the tag")

    def _scalar(self, node: ScalarNode, path: Path) -> object:
        self._raw[path] = node.value
        plain = node.style is None and node.tag == self._resolved(node.value)
        try:
            value = self._expand(path, node.value)
            if not isinstance(value, str):
                return value
            tag = self._resolved(value) if plain else node.tag
            read = _SCALARS.get(tag)
            return read(value) if read else self._foreign(node, path)
        except ScalarError as error:
            return self._report(path, node, error.message, error.remedy)
        except (KeyError, ValueError):
            kind = node.tag.removeprefix(_TAG)
            return self._report(path, node, f"this text is no {kind}", "remove the tag")

    def _resolved(self, text: str) -> str:
        resolve: Callable[..., str] = self._loader.resolve
        return resolve(ScalarNode, text, (True, False))

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        own: dict[str, object] = {}
        merged: dict[str, object] = {}
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                merged = {**self._merged(value_node, path), **merged}
                continue
            key = self._key(key_node, path, seen)
            if key is None:
                continue
            # The line of a pair is that of its key, also when its value begins further down.
            self._lines[(*path, key)] = key_node.start_mark.line + 1
            value = self._value(value_node, (*path, key))
            if value is not _FAULTY:
                own[key] = value
        return {**merged, **own}

    def _merged(self, node: Node, path: Path) -> dict[str, object]:
        """What `<<` adds: of several sources the first that has a key decides."""
        merged: dict[str, object] = {}
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                self._report(path, node, "`<<` can only merge mappings", "write `<<: *name`")
                continue
            with self._inside(source):
                merged = {**self._mapping(source, path), **merged}
        return merged

    def _key(self, node: Node, path: Path, seen: dict[str, int]) -> str | None:
        if not isinstance(node, ScalarNode) or node.tag != _TAG + "str":
            shown = node.value if isinstance(node, ScalarNode) else "a collection"
            self._report(path, node, f"the key {shown} is not text", "put it in quotes")
            return None
        try:
            key = _whole(node.value)
        except ScalarError as error:
            self._report(path, node, error.message, error.remedy)
            return None
        if key in seen:
            first = f"the first stands on line {seen[key]}"
            self._report((*path, key), node, "this key stands twice", f"keep one; {first}")
            return None
        seen[key] = node.start_mark.line + 1
        return key


_SYNTAX = (
    ("cannot start any token", "a tab or a reserved character", "indent with spaces, quote text"),
    ("nested too deeply", f"nested deeper than {MAX_DEPTH} levels", "flatten it"),
    ("too many values", "the aliases expand to too many values", "write the values out"),
    ("contains itself", "an alias contains itself", "write the value out"),
    ("undefined alias", "this alias names no anchor", "quote text that begins with *"),
    ("another document", "there is more than one document", "remove the `---` between them"),
    ("mapping values are not allowed", "a `:` where none can stand", "quote text that holds `: `"),
)


def _syntax(error: yaml.YAMLError, text: str) -> tuple[str, str, int | None]:
    """What is wrong with the text, in our words: the parser's own would quote secrets."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ("there is a character that YAML forbids", "remove control characters", None)
    line = error.problem_mark.line + 1
    said = f"{error.context or ''} {error.problem or ''}"
    lines = text.splitlines()
    near = "\n".join(lines[max(0, line - 2) : line])
    if re.search(r"[{,\[].*\$\{", near):
        remedy = 'inside { } and [ ] put references in quotes: "${NAME}"'
        return ("this is not valid YAML", remedy, line)
    for sign, message, remedy in _SYNTAX:
        if sign in said:
            return (message, remedy, line)
    return ("this is not valid YAML", "check indentation, quotes and brackets near here", line)
