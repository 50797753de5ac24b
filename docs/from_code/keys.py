"""Which keys may stand in a configuration, of which type, and what do they mean?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from from_code.table import code, table
from pointsman.app.section import FORMS
from pointsman.app.settings import schema

Node = dict[str, Any]

PLACEHOLDERS = {
    "providers": "<provider>",
    "models": "<provider/model>",
    "aliases": "<name>",
    "channels": "<channel>",
    "agents": "<agent>",
    "headers": "<header>",
    "capabilities": "<capability>",
    "query": "<parameter>",
    "failures": "<fault>",
    "provider_shares": "<provider>",
    "rules": "<rule>",
    "only": "<scope>",
    "labels": "<label>",
}
"""What an operator's own names are called in a path."""


class Key(NamedTuple):
    path: str
    type: str
    default: str
    meaning: str


def configuration_keys() -> str:
    document = schema()
    definitions: dict[str, Node] = document["$defs"]
    parts = []
    for name, node in document["properties"].items():
        found = list(_keys(name, node, definitions))
        lines = [(code(k.path), k.type, k.default, k.meaning) for k in found]
        shown = table(("key", "type", "default", "meaning"), lines)
        parts.append(f"### {name}\n\n{node['description']}\n\n{shown}")
    return "\n\n".join(parts)


def _keys(path: str, node: Node, definitions: dict[str, Node]) -> Iterator[Key]:
    """The keys below `path`, or itself where it is a mapping of an operator's own names."""
    for choice in _choices(node, definitions):
        values = _named_values(choice)
        if values is not None:
            inner = f"{path}.{PLACEHOLDERS[path.rpartition('.')[2]]}"
            if _is_leaf(values, definitions):
                yield Key(inner, _type(values, definitions), "", "")
            yield from _keys(inner, values, definitions)
        if choice.get("type") == "array" and not _is_leaf(choice["items"], definitions):
            yield from _keys(f"{path}[]", choice["items"], definitions)
        for name, inner_node in choice.get("properties", {}).items():
            below = f"{path}.{name}"
            default = _default(name, inner_node, choice)
            type_ = _type(inner_node, definitions)
            yield Key(below, type_, default, inner_node.get("description", ""))
            yield from _keys(below, inner_node, definitions)


def _named_values(node: Node) -> Node | None:
    """What stands under the names of a mapping whose names are an operator's own."""
    by_pattern = node.get("patternProperties")
    if by_pattern:
        found: Node = next(iter(by_pattern.values()))
        return found
    values = node.get("additionalProperties")
    return values if isinstance(values, dict) else None


def _choices(node: Node, definitions: dict[str, Node]) -> list[Node]:
    """What may stand here, references followed; null means left out and is no choice."""
    if "$ref" in node:
        return _choices(definitions[node["$ref"].rpartition("/")[2]], definitions)
    several = node.get("anyOf") or node.get("oneOf")
    if several:
        found = [choice for each in several for choice in _choices(each, definitions)]
        return [choice for choice in found if choice.get("type") != "null"]
    return [node]


def _is_leaf(node: Node, definitions: dict[str, Node]) -> bool:
    return not any("properties" in choice for choice in _choices(node, definitions))


def _default(name: str, node: Node, parent: Node) -> str:
    if name in parent.get("required", ()):
        return "required"
    default = node.get("default")
    return "" if default is None else code(json.dumps(default))


def _type(node: Node, definitions: dict[str, Node]) -> str:
    return " or ".join(_one_type(choice, definitions) for choice in _choices(node, definitions))


def _one_type(node: Node, definitions: dict[str, Node]) -> str:
    if "enum" in node or "const" in node:
        values = node.get("enum") or [node["const"]]
        return " · ".join(code(value) for value in values)
    kind = node.get("type")
    if kind == "array":
        return f"list of {_type(node['items'], definitions)}"
    if kind == "object":
        return "mapping"
    if kind in ("integer", "number"):
        return f"{'whole number' if kind == 'integer' else 'number'}{_bounds(node)}"
    if kind == "boolean":
        return "true or false"
    pattern = node.get("pattern")
    return FORMS.get(pattern, "text") if pattern else "text"


def _bounds(node: Node) -> str:
    least, above, most = (node.get(k) for k in ("minimum", "exclusiveMinimum", "maximum"))
    words = []
    if least is not None:
        words.append(f"from {least:g}" if least < 1e6 else f"from {least:,}")
    if above is not None:
        words.append(f"above {above:g}")
    if most is not None:
        words.append(f"up to {most:,}" if isinstance(most, int) else f"up to {most:,.0f}")
    return f", {' '.join(words)}" if words else ""
