"""Which prompts stand in a file of JSON lines, and what is wrong with those that cannot be used?

Every mistake is reported with its line, not just the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pointsman.core.errors import ConfigError, Problem

OURS = frozenset({"model", "messages", "stream", "pointsman", "n"})
"""Fields of a request that the line's own fields stand for, or that would need another reading."""

MAX_LINE_CHARS = 1_000_000

Line = Mapping[str, Any]
T = TypeVar("T")


class Mistake(Exception):
    """What is wrong with a line: the field, the words, the remedy and the value found."""

    def __init__(self, field: str, message: str, remedy: str, value: object = "") -> None:
        self.problem = (field, message, remedy, value)
        super().__init__(message)


def read_lines(path: Path, fields: frozenset[str], read: Callable[[int, Line], T]) -> tuple[T, ...]:
    """What `read` makes of each line (its number, its object); blank lines are skipped.

    `fields` are those that a line may have. `read` may raise `Mistake`. Raises `ConfigError` with
    every mistake, also when the file cannot be read or holds nothing.
    """
    source = str(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "give a readable file of JSON lines in UTF-8"
        raise ConfigError([Problem("(file)", str(error), remedy)], source) from None
    found: list[T] = []
    problems: list[Problem] = []
    # Not `splitlines`, which also breaks where JSON may not: at U+2028 within a text, for one.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(read(number, _object(line, fields)))
        except Mistake as mistake:
            field, message, remedy, value = mistake.problem
            shown = "" if value == "" else json.dumps(value)[:80]
            problems.append(Problem(field, message, remedy, shown, number))
    if not found and not problems:
        problems.append(Problem("(file)", "holds no prompts", "write one JSON object per line"))
    if problems:
        raise ConfigError(problems, source)
    return tuple(found)


def _object(line: str, fields: frozenset[str]) -> Line:
    if len(line) > MAX_LINE_CHARS:
        words = f"is longer than {MAX_LINE_CHARS} characters"
        raise Mistake("(line)", words, "shorten the prompt")
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        remedy = "write one JSON object per line"
        raise Mistake("(line)", f"is not JSON: {error}", remedy, line) from None
    if not isinstance(given, dict):
        raise Mistake("(line)", "is not a JSON object", 'write {"prompt": …}', given)
    unknown = sorted(given.keys() - fields)
    if unknown:
        words, remedy = "is not known here", f"one of {', '.join(sorted(fields))}"
        raise Mistake(unknown[0], words, remedy, given[unknown[0]])
    return given


def messages_in(given: Line) -> Sequence[Mapping[str, Any]]:
    """The conversation of a line: its `messages`, or its `prompt` as the only one."""
    remedy = 'give either "prompt": a text, or "messages": a list as in a chat request'
    if ("prompt" in given) == ("messages" in given):
        words = "both are given" if "prompt" in given else "neither prompt nor messages is given"
        raise Mistake("prompt", words, remedy)
    if "prompt" in given:
        prompt = text_in(given, "prompt")
        if not prompt.strip():
            raise Mistake("prompt", "is empty", remedy)
        return ({"role": "user", "content": prompt},)
    messages = given["messages"]
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise Mistake("messages", "is no list of messages with role and content", remedy, messages)
    return tuple(messages)


def _is_message(message: object) -> bool:
    return isinstance(message, dict) and isinstance(message.get("role"), str)


def text_in(given: Line, field: str) -> str:
    """A text of a line, empty where it has none."""
    value = given.get(field, "")
    if not isinstance(value, str):
        raise Mistake(field, "is not a text", "put it in quotes", value)
    return value


def max_tokens_in(given: Line) -> int | None:
    """How long an answer may be, in tokens."""
    value = given.get("max_tokens")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise Mistake("max_tokens", "is no number of tokens", "give a whole number from 1", value)
    return value


def request_in(given: Line) -> Mapping[str, Any] | None:
    """Further fields of the chat request."""
    value = given.get("request")
    if value is None:
        return None
    remedy = "give an object of further fields of the chat request, such as temperature"
    if not isinstance(value, dict):
        raise Mistake("request", "is no object", remedy, value)
    ours = sorted(OURS & value.keys())
    if ours:
        raise Mistake(f"request.{ours[0]}", "is not for the file to say", remedy, value[ours[0]])
    return value
