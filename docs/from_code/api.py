"""Which calls does the control API have, and which names the Python API?"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum, StrEnum
from typing import Any, cast

import pointsman
from from_code.table import code, table
from pointsman.adapters.http.control.document import openapi_document
from pointsman.adapters.http.control.routes import application
from pointsman.adapters.http.control.source import ControlSource

Node = dict[str, Any]


def control_calls() -> str:
    """From the OpenAPI document that the server itself sends."""
    app = application(cast("ControlSource", None), "")
    document: Node = openapi_document(app)
    lines = [
        (code(f"{method.upper()} {path}"), call["description"], _parameters(call), _answer(call))
        for path, calls in document["paths"].items()
        for method, call in calls.items()
    ]
    head = ("call", "gives", "query parameters", "body of the answer")
    bodies = document["components"]["schemas"]
    shown = [
        f"### {name}\n\n{_fields(node)}" for name, node in sorted(bodies.items()) if _is_body(node)
    ]
    return "\n\n".join([table(head, sorted(lines)), *shown])


def _is_body(node: Node) -> bool:
    return bool(node.get("properties"))


def _parameters(call: Node) -> str:
    found = [p for p in call.get("parameters", ()) if p["in"] == "query"]
    return ", ".join(code(p["name"]) for p in found)


def _answer(call: Node) -> str:
    for status, answer in call["responses"].items():
        if status.startswith("2"):
            content = answer["content"]
            if len(content) > 1:
                return ", ".join(map(code, content))
            (media,) = content.values()
            return code(_type(media["schema"]))
    raise ValueError("a call without an answer")


def _fields(node: Node) -> str:
    lines = [(code(name), _type(field)) for name, field in node["properties"].items()]
    intro = node.get("description", "")
    shown = table(("field", "type"), lines)
    return f"{intro}\n\n{shown}" if intro else shown


def _type(node: Node) -> str:
    if "$ref" in node:
        return str(node["$ref"].rpartition("/")[2])
    if "oneOf" in node or "anyOf" in node:
        return " or ".join(_type(each) for each in node.get("oneOf") or node["anyOf"])
    kind = node.get("type")
    if isinstance(kind, list):
        return " or ".join(kind)
    if "enum" in node:
        return ", ".join(str(value) for value in node["enum"])
    if kind == "array":
        return f"list of {_type(node['items'])}"
    return str(kind or "any")


def python_names() -> str:
    return "\n\n".join(_name(name) for name in pointsman.__all__)


def _name(name: str) -> str:
    thing = getattr(pointsman, name)
    head = f"## pointsman.{name}"
    if isinstance(thing, str):
        return f"{head}\n\nThe version, as text."
    doc = inspect.cleandoc(thing.__doc__ or "")
    if doc.startswith(f"{name}("):
        doc = ""  # a named tuple's own, which says no more than its fields
    if inspect.isclass(thing):
        return "\n\n".join(filter(None, [head, doc, *_members(thing)]))
    return f"{head}\n\n{_shown(_signature(name, thing), doc)}"


def _members(thing: type) -> Iterator[str]:
    if issubclass(thing, StrEnum):
        yield f"One of {', '.join(code(member.value) for member in thing)}."
        return
    if issubclass(thing, Enum):
        yield "Its members are the rows of [failures](failures.md#kinds-of-failure)."
        return
    if issubclass(thing, tuple) or is_dataclass(thing):
        annotations = inspect.get_annotations(thing)
        yield table(
            ("field", "type"), [(code(n), code(_annotation(a))) for n, a in annotations.items()]
        )
    for name, member in vars(thing).items():
        if name.startswith("_") or not member.__doc__:
            continue
        if isinstance(member, property) and member.fget:
            answer = _annotation(inspect.get_annotations(member.fget)["return"])
            yield _shown(f"{name}: {answer}", member.__doc__)
        if inspect.isfunction(member):
            yield _shown(_signature(name, member), member.__doc__)


def _shown(signature: str, doc: str) -> str:
    return f"```python signature\n{signature}\n```\n\n{inspect.cleandoc(doc)}"


def _annotation(given: Any) -> str:
    return str(getattr(given, "__forward_arg__", given))


def _signature(name: str, function: Any) -> str:
    target = inspect.unwrap(function)
    start = "async " if inspect.iscoroutinefunction(target) else ""
    manager = inspect.isasyncgenfunction(target)
    text = re.sub(r"'([^']+)'", r"\1", str(inspect.signature(target)))
    if manager:
        start, text = "async with ", text.replace("AsyncIterator[", "").removesuffix("]")
    return f"{start}{name}{text}"
