"""Which prompts are asked for calibration, and when is an answer to one good?

Reads JSON lines. Every mistake is reported with its line, not just the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from pointsman.core.errors import ConfigError, Problem
from pointsman.core.marking import is_match, json_document

FIELDS = frozenset(
    {"prompt", "messages", "agent", "task_type", "max_tokens", "request"}
    | {"answer", "json_schema", "judge", "reference"}
)
WAYS = ("answer", "json_schema", "judge")
OURS = frozenset({"model", "messages", "stream", "pointsman", "n"})
"""Fields of a request that the line's own fields stand for, or that would need another reading."""

MAX_LINE_CHARS = 1_000_000
NAME_DIGITS = 24

Check = Callable[[str], bool]
"""Whether an answer is good, by its text."""


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt and what a good answer is.

    `good` is None when a judge has to say; `criteria` and `reference` are for it. `request` are
    further fields of the request. `digest` is equal for equal lines.
    """

    line: int
    digest: str
    messages: Sequence[Mapping[str, Any]]
    good: Check | None
    agent: str | None = None
    task_type: str | None = None
    max_tokens: int | None = None
    request: Mapping[str, Any] | None = None
    criteria: str = ""
    reference: str = ""

    @property
    def question(self) -> str:
        """The conversation as a judge reads it."""
        if len(self.messages) == 1:
            return _text_of(self.messages[0])
        return "\n\n".join(f"{each['role']}: {_text_of(each)}" for each in self.messages)

    def request_id(self, model_id: str) -> str:
        """The name of the request that asks this model: the same whenever it is asked."""
        name = sha256(f"{self.digest}\n{model_id}".encode()).hexdigest()[:NAME_DIGITS]
        return f"calibrate-{name}"


def read_cases(path: Path) -> tuple[Case, ...]:
    """The prompts in a file of JSON lines; blank lines are skipped.

    Raises `ConfigError` with every mistake, also when the file cannot be read or holds nothing.
    """
    source = str(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "give a readable file of JSON lines in UTF-8"
        raise ConfigError([Problem("(file)", str(error), remedy)], source) from None
    # Not `splitlines`, which also breaks where JSON may not: at U+2028 within a text, for one.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    found = [_case(number, line) for number, line in lines]
    cases = [each for each in found if isinstance(each, Case)]
    problems = [each for each in found if isinstance(each, Problem)]
    if not cases and not problems:
        problems.append(Problem("(file)", "holds no prompts", "write one JSON object per line"))
    if problems:
        raise ConfigError(problems, source)
    return tuple(cases)


class _Mistake(Exception):
    """What is wrong with a line: the field, the words, the remedy and the value found."""

    def __init__(self, field: str, message: str, remedy: str, value: object = "") -> None:
        self.problem = (field, message, remedy, value)
        super().__init__(message)


def _case(number: int, line: str) -> Case | Problem:
    try:
        given = _object(line)
        return Case(
            line=number,
            digest=sha256(json.dumps(given, sort_keys=True).encode()).hexdigest(),
            messages=_messages(given),
            good=_check(given),
            agent=_text(given, "agent") or None,
            task_type=_text(given, "task_type") or None,
            max_tokens=_max_tokens(given),
            request=_request(given),
            criteria=given["judge"] if isinstance(given.get("judge"), str) else "",
            reference=_text(given, "reference"),
        )
    except _Mistake as mistake:
        field, message, remedy, value = mistake.problem
        shown = "" if value == "" else json.dumps(value)[:80]
        return Problem(field, message, remedy, shown, number)


def _object(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_CHARS:
        words = f"is longer than {MAX_LINE_CHARS} characters"
        raise _Mistake("(line)", words, "shorten the prompt")
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        remedy = "write one JSON object per line"
        raise _Mistake("(line)", f"is not JSON: {error}", remedy, line) from None
    if not isinstance(given, dict):
        raise _Mistake("(line)", "is not a JSON object", 'write {"prompt": …, "answer": …}', given)
    unknown = sorted(given.keys() - FIELDS)
    if unknown:
        words, remedy = "is not known here", f"one of {', '.join(sorted(FIELDS))}"
        raise _Mistake(unknown[0], words, remedy, given[unknown[0]])
    return given


def _messages(given: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    remedy = 'give either "prompt": a text, or "messages": a list as in a chat request'
    if ("prompt" in given) == ("messages" in given):
        words = "both are given" if "prompt" in given else "neither prompt nor messages is given"
        raise _Mistake("prompt", words, remedy)
    if "prompt" in given:
        prompt = _text(given, "prompt")
        if not prompt.strip():
            raise _Mistake("prompt", "is empty", remedy)
        return ({"role": "user", "content": prompt},)
    messages = given["messages"]
    if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
        raise _Mistake("messages", "is no list of messages with role and content", remedy, messages)
    return tuple(messages)


def _is_message(message: object) -> bool:
    return isinstance(message, dict) and isinstance(message.get("role"), str)


def _check(given: Mapping[str, Any]) -> Check | None:
    ways = [way for way in WAYS if way in given]
    if len(ways) != 1:
        words = "says in no way what a good answer is" if not ways else f"has {' and '.join(ways)}"
        raise _Mistake("answer", words, f"give exactly one of {', '.join(WAYS)}")
    if ways == ["answer"]:
        return _matching(given["answer"])
    if ways == ["json_schema"]:
        return _fitting(given["json_schema"])
    if not isinstance(given["judge"], str) and given["judge"] is not True:
        remedy = "give true, or what a good answer must do"
        raise _Mistake("judge", "is neither a text nor true", remedy, given["judge"])
    return None


def _matching(answer: object) -> Check:
    given = answer if isinstance(answer, list) else [answer]
    expected = [
        str(each)
        for each in given
        if isinstance(each, str | int | float) and not isinstance(each, bool)
    ]
    if len(expected) != len(given) or not all(each.strip() for each in expected) or not expected:
        remedy = "give a text, a number, or a list of these of which any will do"
        raise _Mistake("answer", "is nothing to compare with", remedy, answer)
    return lambda text: is_match(text, expected)


def _fitting(schema: object) -> Check:
    if not isinstance(schema, dict | bool):
        raise _Mistake("json_schema", "is no JSON Schema", "give an object", schema)
    try:
        library, referencing = import_module("jsonschema"), import_module("referencing")
    except ImportError:
        words = "needs a library that is not installed"
        remedy = "pip install 'pointsman[calibrate]'"
        raise _Mistake("json_schema", words, remedy) from None
    kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except RecursionError:
        raise _without_end() from None
    except library.SchemaError as error:
        remedy = "see json-schema.org"
        raise _Mistake("json_schema", f"is no JSON Schema: {error.message}", remedy) from None
    # An empty registry: what a schema refers to is in it, nothing is fetched.
    validator = kind(schema, registry=referencing.Registry())
    for reference in set(_references(schema)):
        try:
            validator.evolve(schema={"$ref": reference}).is_valid(None)
        except RecursionError:
            raise _without_end() from None
        except referencing.exceptions.Unresolvable:
            words = "refers to what is not in it"
            raise _Mistake("json_schema", words, "put it under $defs", reference) from None
    return lambda text: _fits(validator, text)


def _without_end() -> _Mistake:
    words = "refers to itself without end, or is nested too deeply"
    return _Mistake("json_schema", words, "let each reference lead further into the document")


def _references(schema: object) -> Iterator[str]:
    """What a schema refers to, anywhere in it."""
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)
    elif isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for each in schema.values():
            yield from _references(each)


def _fits(validator: Any, text: str) -> bool:
    try:
        return bool(validator.is_valid(json_document(text)))
    except (ValueError, RecursionError):
        return False


def _text(given: Mapping[str, Any], field: str) -> str:
    value = given.get(field, "")
    if not isinstance(value, str):
        raise _Mistake(field, "is not a text", "put it in quotes", value)
    return value


def _max_tokens(given: Mapping[str, Any]) -> int | None:
    value = given.get("max_tokens")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise _Mistake("max_tokens", "is no number of tokens", "give a whole number from 1", value)
    return value


def _request(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    value = given.get("request")
    if value is None:
        return None
    remedy = "give an object of further fields of the chat request, such as temperature"
    if not isinstance(value, dict):
        raise _Mistake("request", "is no object", remedy, value)
    ours = sorted(OURS & value.keys())
    if ours:
        raise _Mistake(f"request.{ours[0]}", "is not for the file to say", remedy, value[ours[0]])
    return value


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(_texts_in(content)) if isinstance(content, list) else ""


def _texts_in(parts: Sequence[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, dict):
            yield part["text"] if isinstance(part.get("text"), str) else f"({part.get('type')})"
