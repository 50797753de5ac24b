"""Do the arguments and structured answers satisfy the schema that was given?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.providers.simulated.schema import instance

TYPES: Mapping[str, Any] = {
    "string": str, "boolean": bool, "null": type(None), "array": list, "object": dict,
}  # fmt: skip


def has_type(name: str, value: Any) -> bool:
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def satisfies(schema: Any, value: Any, root: Any) -> bool:
    """An independent reading of the part of JSON Schema that the strategy below produces."""
    if "$ref" in schema:
        return satisfies(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "const" in schema:
        return bool(value == schema["const"])
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(satisfies(branch, value, root) for branch in schema["anyOf"])
    if "allOf" in schema:
        return all(satisfies(part, value, root) for part in schema["allOf"])
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(has_type(name, value) for name in names) and within(schema, value, root)


def within(schema: Any, value: Any, root: Any) -> bool:
    if isinstance(value, str):
        return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9))
    if isinstance(value, list):
        items = schema.get("items", {"type": "object"})
        sound = all(satisfies(items, each, root) for each in value)
        return sound and len(value) >= schema.get("minItems", 0)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        complete = all(name in value for name in schema.get("required", ()))
        return complete and all(satisfies(properties[k], v, root) for k, v in value.items())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return in_bounds(schema, value)
    return True


def in_bounds(schema: Any, value: float) -> bool:
    return bool(
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and value > schema.get("exclusiveMinimum", value - 1)
        and value < schema.get("exclusiveMaximum", value + 1)
        and value % schema.get("multipleOf", 1 if isinstance(value, int) else value or 1) == 0
    )


@st.composite
def bounded(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    lowest = draw(st.none() | st.integers(-1000, 1000))
    if lowest is not None:
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = lowest
    if draw(st.booleans()):
        highest = (0 if lowest is None else lowest) + draw(st.integers(2, 500))
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = highest
    return schema


@st.composite
def strings(draw: st.DrawFn) -> dict[str, Any]:
    least = draw(st.integers(0, 300))
    schema: dict[str, Any] = {"type": "string", "minLength": least}
    if draw(st.booleans()):
        schema["maxLength"] = least + draw(st.integers(0, 20))
    return schema


PLAIN = st.one_of(
    strings(),
    bounded("integer"),
    bounded("number"),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": ["string", "null"]},
            {"type": ["null", "integer"]},
            {"enum": ["a", "b"]},
            {"const": {"fixed": 1}},
            {"type": "integer", "multipleOf": 7},
            {"type": "integer", "multipleOf": 5, "minimum": 12},
            {"$ref": "#/$defs/tree"},
            {"$ref": "#/$defs/chain"},
        ]
    ),
)
NAMES = st.sampled_from(["city", "when", "count", "note", "deep"])


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, inner, max_size=4))
    required = (
        draw(st.lists(st.sampled_from(sorted(properties)), unique=True)) if properties else []
    )
    return {"type": "object", "properties": properties, "required": required}


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "array", "items": draw(inner), "minItems": draw(st.integers(0, 3))}


SCHEMAS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        objects(inner),
        arrays(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
    ),
    max_leaves=12,
)
DEFS = {
    "tree": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
        },
        "required": ["name", "children"],
    },
    "chain": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/chain"}, {"type": "null"}]}},
        "required": ["next"],
    },
}


@given(SCHEMAS, st.text(max_size=20))
def test_an_instance_satisfies_its_schema(schema: dict[str, Any], words: str) -> None:
    root = {**schema, "$defs": DEFS}
    value = instance(root, words)
    assert satisfies(schema, value, root), value


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string", "format": "date"}, "2026-01-15"),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}]}, [1, "b"]),
        (
            {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 2, "uniqueItems": True},
            [1, 2],
        ),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True},
            ["words 1", "words 2"],
        ),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
            [1, 2, 3],
        ),
        (
            {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
            [True],
        ),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 0}, []),
        ({"properties": {"a": {"const": 1}}}, {"a": 1}),
        ({"items": {"const": 1}}, [1]),
        (
            {"type": "object", "additionalProperties": {"const": 1}, "minProperties": 1},
            {"key_0": 1},
        ),
        ({"type": ["null"]}, None),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "maximum": -2.5}, -2.5),
        ({"type": "number", "minimum": 1, "maximum": 2}, 1.5),
        ({"type": "integer", "minimum": 2, "exclusiveMinimum": 4, "maximum": 9}, 5),
        ({"type": "integer", "maximum": -1, "exclusiveMaximum": -4}, -5),
        ({"type": "number", "multipleOf": 3}, 3),
        ({"type": "string", "maxLength": 3}, "wor"),
        ({"$ref": "#/nowhere/at/all"}, "words"),
        (True, "words"),
        (
            {"allOf": [{"type": "object", "required": ["a"]}, {"required": ["b"]}],
             "properties": {"a": {"const": 1}, "b": {"const": 2}}},
            {"a": 1, "b": 2},
        ),
        (
            {"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"const": 2}}}],
             "$defs": {"base": {"type": "object", "properties": {"a": {"const": 1}},
                                "required": ["a"]}}},
            {"a": 1},
        ),
        (
            {"type": "object", "properties": {"kind": {"const": "x"}}, "required": ["kind"],
             "oneOf": [{"properties": {"size": {"const": 4}}, "required": ["size"]}]},
            {"kind": "x", "size": 4},
        ),
    ],
)  # fmt: skip
def test_the_words_of_json_schema_are_understood(schema: Any, wanted: Any) -> None:
    assert instance(schema, "words") == wanted


def test_a_schema_that_demands_itself_for_ever_still_comes_to_an_end() -> None:
    endless = {
        "type": "object",
        "properties": {"again": {"$ref": "#"}},
        "required": ["again"],
    }
    assert isinstance(instance(endless, "words"), dict)
