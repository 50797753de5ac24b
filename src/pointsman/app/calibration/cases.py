"""Which prompts are asked for calibration, and when is an answer to one good?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from pointsman.app.prompt_lines import (
    Line,
    Mistake,
    max_tokens_in,
    messages_in,
    read_lines,
    request_in,
    text_in,
)
from pointsman.core.marking import is_match, json_document

FIELDS = frozenset(
    {"prompt", "messages", "agent", "task_type", "max_tokens", "request"}
    | {"answer", "json_schema", "judge", "reference"}
)
WAYS = ("answer", "json_schema", "judge")
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
    return read_lines(path, FIELDS, _case)


def _case(number: int, given: Line) -> Case:
    return Case(
        line=number,
        digest=sha256(json.dumps(given, sort_keys=True).encode()).hexdigest(),
        messages=messages_in(given),
        good=_check(given),
        agent=text_in(given, "agent") or None,
        task_type=text_in(given, "task_type") or None,
        max_tokens=max_tokens_in(given),
        request=request_in(given),
        criteria=given["judge"] if isinstance(given.get("judge"), str) else "",
        reference=text_in(given, "reference"),
    )


def _check(given: Mapping[str, Any]) -> Check | None:
    ways = [way for way in WAYS if way in given]
    if len(ways) != 1:
        words = "says in no way what a good answer is" if not ways else f"has {' and '.join(ways)}"
        raise Mistake("answer", words, f"give exactly one of {', '.join(WAYS)}")
    if ways == ["answer"]:
        return _matching(given["answer"])
    if ways == ["json_schema"]:
        return _fitting(given["json_schema"])
    if not isinstance(given["judge"], str) and given["judge"] is not True:
        remedy = "give true, or what a good answer must do"
        raise Mistake("judge", "is neither a text nor true", remedy, given["judge"])
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
        raise Mistake("answer", "is nothing to compare with", remedy, answer)
    return lambda text: is_match(text, expected)


def _fitting(schema: object) -> Check:
    if not isinstance(schema, dict | bool):
        raise Mistake("json_schema", "is no JSON Schema", "give an object", schema)
    try:
        library, referencing = import_module("jsonschema"), import_module("referencing")
    except ImportError:
        words = "needs a library that is not installed"
        remedy = "pip install 'pointsman[calibrate]'"
        raise Mistake("json_schema", words, remedy) from None
    kind = library.validators.validator_for(schema, default=library.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except RecursionError:
        raise _without_end() from None
    except library.SchemaError as error:
        remedy = "see json-schema.org"
        raise Mistake("json_schema", f"is no JSON Schema: {error.message}", remedy) from None
    # An empty registry: what a schema refers to is in it, nothing is fetched.
    validator = kind(schema, registry=referencing.Registry())
    for reference in set(_references(schema)):
        try:
            validator.evolve(schema={"$ref": reference}).is_valid(None)
        except RecursionError:
            raise _without_end() from None
        except referencing.exceptions.Unresolvable:
            words = "refers to what is not in it"
            raise Mistake("json_schema", words, "put it under $defs", reference) from None
    return lambda text: _fits(validator, text)


def _without_end() -> Mistake:
    words = "refers to itself without end, or is nested too deeply"
    return Mistake("json_schema", words, "let each reference lead further into the document")


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


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(_texts_in(content)) if isinstance(content, list) else ""


def _texts_in(parts: Sequence[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, dict):
            yield part["text"] if isinstance(part.get("text"), str) else f"({part.get('type')})"
