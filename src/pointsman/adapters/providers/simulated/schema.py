"""Which small JSON value satisfies a JSON schema?

Covers what tool parameters and structured outputs are written in: types, enumerations, constants,
required and nested properties, arrays, bounds, formats, `anyOf`, `oneOf`, `allOf` and `$ref` within
the document. `pattern` is not solved: such a string may not match.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]

MOST_DEPTH = 32

_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "3f2b8c1e-5d4a-4c3b-9a2f-1e0d9c8b7a65",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def instance(schema: Any, words: str) -> Any:
    """A value that satisfies `schema`; free strings are made of `words`."""
    return _Builder(schema, words).build(schema, ())


class _Builder:
    """Walks one schema document; `open_refs` are the references under way, to end recursion."""

    def __init__(self, root: Any, words: str) -> None:
        self._root = root
        self._words = words or "sample"
        self._by_type: Mapping[str, Callable[[Schema, tuple[str, ...]], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _schema, _refs: True,
            "null": lambda _schema, _refs: None,
        }

    def build(self, schema: Any, open_refs: tuple[str, ...]) -> Any:
        if not isinstance(schema, Mapping) or len(open_refs) > MOST_DEPTH:
            return {} if isinstance(schema, Mapping) else self._words
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        if "$ref" in schema:
            return self._referred(schema, open_refs)
        if "allOf" in schema:
            return self.build(self._merged(schema), open_refs)
        for union in ("anyOf", "oneOf"):
            if schema.get(union):
                return self._one_of(schema, union, open_refs)
        return self._by_type.get(_type_of(schema), self._string)(schema, open_refs)

    def _referred(self, schema: Schema, open_refs: tuple[str, ...]) -> Any:
        reference = schema["$ref"]
        return self.build(self._resolve(reference), (*open_refs, reference))

    def _resolve(self, reference: str) -> Any:
        found: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        return found

    def _merged(self, schema: Schema) -> Schema:
        """The schema with the parts of its `allOf` laid into it, one level deep."""
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            plain = self._resolve(part["$ref"]) if "$ref" in part else part
            for key, value in plain.items():
                merged[key] = _both(merged.get(key), value)
        return merged

    def _one_of(self, schema: Schema, union: str, open_refs: tuple[str, ...]) -> Any:
        """The first branch that does not lead back to where we are."""
        branches = schema[union]
        fresh = [b for b in branches if not self._reenters(b, open_refs)]
        rest = {key: value for key, value in schema.items() if key != union}
        chosen = (fresh or branches)[0]
        if isinstance(chosen, Mapping) and rest.get("properties") and "$ref" not in chosen:
            chosen = {**rest, **{key: _both(rest.get(key), value) for key, value in chosen.items()}}
        return self.build(chosen, open_refs)

    def _reenters(self, branch: Any, open_refs: tuple[str, ...]) -> bool:
        return isinstance(branch, Mapping) and branch.get("$ref") in open_refs

    def _object(self, schema: Schema, open_refs: tuple[str, ...]) -> dict[str, Any]:
        properties: Schema = schema.get("properties") or {}
        wanted = list(schema.get("required") or ())
        if not wanted:
            wanted = [
                name for name, part in properties.items() if not self._reenters(part, open_refs)
            ][:1]
        least = schema.get("minProperties", 0)
        wanted += [name for name in properties if name not in wanted][: max(0, least - len(wanted))]
        extra = schema.get("additionalProperties", {})
        wanted += [f"key_{number}" for number in range(max(0, least - len(wanted)))]
        return {name: self.build(properties.get(name, extra), open_refs) for name in wanted}

    def _array(self, schema: Schema, open_refs: tuple[str, ...]) -> list[Any]:
        if "prefixItems" in schema:
            return [self.build(part, open_refs) for part in schema["prefixItems"]]
        items = schema.get("items", {})
        count = schema.get("minItems", 0)
        if not count and not open_refs and schema.get("maxItems", 1):
            count = 1
        made = [self.build(items, open_refs) for _ in range(count)]
        return _distinct(made, items) if schema.get("uniqueItems") else made

    def _string(self, schema: Schema, _refs: tuple[str, ...]) -> str:
        text = _FORMATS.get(schema.get("format", ""), self._words)
        least = schema.get("minLength", 0)
        if len(text) < least:
            text += "x" * (least - len(text))
        return text[: schema.get("maxLength", 200 + least)]

    def _integer(self, schema: Schema, _refs: tuple[str, ...]) -> int:
        step = schema.get("multipleOf", 1)
        lowest, highest = _bounds(schema)
        if lowest is None:
            if highest is None or highest >= step:
                return int(step)
            return int(math.floor(highest / step) * step)
        return int(math.ceil(lowest / step) * step)

    def _number(self, schema: Schema, _refs: tuple[str, ...]) -> float:
        if "multipleOf" in schema:
            return self._integer(schema, ())
        lowest, highest = _bounds(schema, whole=False)
        if lowest is None:
            return 1.5 if highest is None or highest >= 1.5 else float(highest)
        return float(lowest) if highest is None else (lowest + highest) / 2


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _bounds(schema: Schema, *, whole: bool = True) -> tuple[float | None, float | None]:
    """Lowest and highest allowed value, both within; an excluded bound is moved inwards."""
    inwards = 1 if whole else 1e-6
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None:
        lowest = above + inwards if lowest is None else max(lowest, above + inwards)
    if below is not None:
        highest = below - inwards if highest is None else min(highest, below - inwards)
    return lowest, highest


def _both(left: Any, right: Any) -> Any:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return {**left, **right}
    if isinstance(left, list) and isinstance(right, list):
        return [*left, *(value for value in right if value not in left)]
    return right


def _distinct(values: list[Any], items: Any) -> list[Any]:
    """The values made different from each other, as far as their type allows."""
    if isinstance(items, Mapping) and items.get("enum"):
        return list(items["enum"][: len(values)])
    if all(isinstance(value, str) for value in values):
        return [f"{value[:180]} {number}" for number, value in enumerate(values, 1)]
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return [value + number for number, value in enumerate(values)]
    return values[:1]
