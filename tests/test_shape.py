"""Does the source keep the shape that keeps it readable?

Every rule is a function from one parsed file to the faults in it. A failure names the place and
what to do about it; the rules themselves stand in `RULES`.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "bench", "deploy", "fuzz", "simulations", "examples")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_NESTING = 3
MAX_PARAMETERS = 6

VAGUE_NAMES = frozenset(
    {"common", "handler", "handlers", "helper", "helpers", "manager", "misc", "util", "utils"}
)
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
BLOCKS_WITH_STAR = (*BLOCKS, ast.TryStar)
BROAD = frozenset({"Exception", "BaseException"})
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
NOQA = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)[^\s]*(\s*:?\s*[A-Z]+[0-9]+,?)*")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(NamedTuple):
    """One file, parsed. `comments` maps a line number to the comment on it."""

    path: Path
    text: str
    tree: ast.Module
    comments: Mapping[int, str]


class Fault(NamedTuple):
    line: int
    remedy: str


Rule = Callable[[Source], Iterator[Fault]]


def parsed(text: str, path: Path) -> Source:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}
    return Source(path, text, ast.parse(text), comments)


@cache
def sources() -> tuple[Source, ...]:
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return tuple(parsed(path.read_text("utf-8"), path.relative_to(ROOT)) for path in paths)


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def file_is_short(source: Source) -> Iterator[Fault]:
    count = source.text.count("\n")
    if count > MAX_FILE_LINES:
        yield Fault(
            count,
            f"{count} lines, at most {MAX_FILE_LINES}: split it where a second question begins",
        )


def functions_are_short(source: Source) -> Iterator[Fault]:
    for node in functions(source.tree):
        count = (node.end_lineno or node.lineno) - node.lineno + 1
        if count > MAX_FUNCTION_LINES:
            yield Fault(
                node.lineno,
                f"{node.name} has {count} lines, at most {MAX_FUNCTION_LINES}: "
                "give a part of it a name of its own",
            )


def depth(node: ast.AST) -> int:
    """How many blocks deep the statements below `node` go; an `elif` is as deep as its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        opens = isinstance(child, BLOCKS_WITH_STAR) and not chained
        deepest = max(deepest, depth(child) + opens)
    return deepest


def nesting_is_shallow(source: Source) -> Iterator[Fault]:
    for node in functions(source.tree):
        if (deep := depth(node)) > MAX_NESTING:
            yield Fault(
                node.lineno,
                f"{node.name} nests {deep} deep, at most {MAX_NESTING}: "
                "return early, or name the inner block",
            )


def parameters_are_few(source: Source) -> Iterator[Fault]:
    for node in functions(source.tree):
        # What a test takes are fixtures and cases; nobody calls it with six things in order.
        if node.name.startswith("test_"):
            continue
        given = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
        count = len(given) - (given[:1] in (["self"], ["cls"]))
        if count > MAX_PARAMETERS:
            yield Fault(
                node.lineno,
                f"{node.name} takes {count} parameters, at most {MAX_PARAMETERS}: "
                "group what belongs together in a value, or make the options keyword-only",
            )


def module_opens_with_a_docstring(source: Source) -> Iterator[Fault]:
    if source.tree.body and not ast.get_docstring(source.tree):
        yield Fault(1, "no docstring: open the file with the question that it answers")


def module_is_named_after_its_knowledge(source: Source) -> Iterator[Fault]:
    for part in (*source.path.parts[:-1], source.path.stem):
        if part in VAGUE_NAMES:
            yield Fault(1, f"{part!r} says nothing: name it after what it knows")


def caught(handler: ast.ExceptHandler) -> frozenset[str]:
    """The names an `except` catches; a bare one catches BaseException."""
    if handler.type is None:
        return frozenset({"BaseException"})
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return frozenset(ast.unparse(kind).rpartition(".")[2] for kind in kinds)


def is_explained(source: Source, line: int) -> bool:
    """Is there a reason, not merely a directive to a tool, on this line or the one above?"""
    near = (NOQA.sub("", source.comments.get(number, "")) for number in (line, line - 1))
    return any(len(re.findall(r"\w+", words)) >= 3 for words in near)


def broad_except_is_explained(source: Source) -> Iterator[Fault]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler) or not caught(node) & BROAD:
            continue
        # Tidying up and raising again hides nothing.
        if ast.unparse(node.body[-1]) == "raise":
            continue
        if not is_explained(source, node.lineno):
            yield Fault(
                node.lineno, "catches everything: name the error, or say why here in a comment"
            )


def nothing_is_left_undone(source: Source) -> Iterator[Fault]:
    for line, comment in source.comments.items():
        if UNFINISHED.search(comment):
            yield Fault(line, "do it now, or open an issue and delete the note")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield Fault(node.lineno, "write it, or leave it out; a protocol needs no raising stub")


def names_imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    start = f"{node.module}." if isinstance(node, ast.ImportFrom) and node.module else ""
    return [start + alias.name for alias in node.names]


def mocks_are_absent(source: Source) -> Iterator[Fault]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if any(f"{name}.".startswith(("unittest.mock.", "mock.")) for name in names_imported(node)):
            yield Fault(node.lineno, "no mocks: write a fake that behaves, or use the real thing")


RULES: tuple[Rule, ...] = (
    file_is_short,
    functions_are_short,
    nesting_is_shallow,
    parameters_are_few,
    module_opens_with_a_docstring,
    module_is_named_after_its_knowledge,
    broad_except_is_explained,
    nothing_is_left_undone,
    mocks_are_absent,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule: Rule) -> None:
    faults = [f"{s.path}:{fault.line}: {fault.remedy}" for s in sources() for fault in rule(s)]
    assert not faults, "\n" + "\n".join(faults)


def module_name(path: Path) -> str:
    parts = path.relative_to("src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def statements_run_on_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module that run when it is imported, `if TYPE_CHECKING` left out."""
    for statement in body:
        if isinstance(statement, Function):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from statements_run_on_import(statement.orelse)
            continue
        yield statement
        for name in ("body", "orelse", "handlers", "finalbody"):
            yield from statements_run_on_import(getattr(statement, name, []))


def imported(statement: ast.stmt, modules: frozenset[str]) -> Iterator[str]:
    """Which of `modules` a statement imports; `from package import module` means the module."""
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names if alias.name in modules)
    if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        for alias in statement.names:
            deeper = f"{statement.module}.{alias.name}"
            yield deeper if deeper in modules else statement.module


def imports_among(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    known = frozenset(trees)
    return {
        name: {
            target
            for statement in statements_run_on_import(tree.body)
            for target in imported(statement, known)
            if target in known
        }
        for name, tree in trees.items()
    }


def cycle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, or [] when the graph has no cycle."""
    left = {name: set(targets) for name, targets in graph.items()}
    while leaves := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in leaves:
            del left[name]
    if not left:
        return []
    walked = [min(left)]
    while True:
        following = min(left[walked[-1]] & left.keys())
        if following in walked:
            return [*walked[walked.index(following) :], following]
        walked.append(following)


def test_no_module_imports_itself_by_a_detour() -> None:
    trees = {
        module_name(source.path): source.tree
        for source in sources()
        if source.path.parts[0] == "src"
    }
    cycle = cycle_in(imports_among(trees))
    assert not cycle, f"{' -> '.join(cycle)}: move what both need to the module below them"


NESTED = "def f():\n if a:\n  for b in c:\n   with d:\n    while e:\n     pass\n"
CHAINED = "def f():\n if a:\n  x\n elif b:\n  x\n elif c:\n  x\n elif d:\n  x\n else:\n  x\n"
CAUGHT = "try:\n    f()\nexcept Exception:"

BAD = [
    (file_is_short, "x = 1\n" * (MAX_FILE_LINES + 1)),
    (functions_are_short, "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
    (nesting_is_shallow, NESTED),
    (parameters_are_few, "def f(a, b, c, d, e, g, h): ..."),
    (module_opens_with_a_docstring, "x = 1\n"),
    (broad_except_is_explained, f"{CAUGHT}\n    pass\n"),
    (broad_except_is_explained, f"{CAUGHT}  # noqa: BLE001\n    pass\n"),
    (broad_except_is_explained, "try:\n    f()\nexcept (ValueError, BaseException):\n    pass\n"),
    (broad_except_is_explained, "try:\n    f()\nexcept:\n    pass\n"),
    (nothing_is_left_undone, "x = 1  # TODO: later\n"),
    (nothing_is_left_undone, "raise NotImplementedError\n"),
    (mocks_are_absent, "from unittest.mock import patch\n"),
    (mocks_are_absent, "from unittest import mock\n"),
]

GOOD = [
    (nesting_is_shallow, CHAINED),
    (parameters_are_few, "class A:\n def f(self, a, b, c, d, e, g, *, h, i): ..."),
    (
        broad_except_is_explained,
        f"{CAUGHT}  # noqa: BLE001 - a plug-in may raise anything\n    x\n",
    ),
    (
        broad_except_is_explained,
        "try:\n    f()\n# one bad rule must not stop the tick\nexcept Exception:\n    x\n",
    ),
    (module_opens_with_a_docstring, ""),
]


def rule_name(value: object) -> str | None:
    return getattr(value, "__name__", "source")


@pytest.mark.parametrize(("rule", "text"), BAD, ids=rule_name)
def test_a_rule_sees_what_it_is_for(rule: Rule, text: str) -> None:
    assert list(rule(parsed(text, Path("src/sample.py"))))


@pytest.mark.parametrize(("rule", "text"), GOOD, ids=rule_name)
def test_a_rule_lets_pass_what_is_sound(rule: Rule, text: str) -> None:
    assert not list(rule(parsed(text, Path("src/sample.py"))))


def test_a_vague_module_name_is_seen() -> None:
    assert list(module_is_named_after_its_knowledge(parsed("", Path("src/a/utils.py"))))


def test_a_cycle_is_named_in_order_and_a_deferred_import_makes_none() -> None:
    trees = {
        "p.a": ast.parse("from p import b\n"),
        "p.b": ast.parse("import p.c\n"),
        "p.c": ast.parse("def f():\n    import p.a\n"),
    }
    assert cycle_in(imports_among(trees)) == []
    trees["p.c"] = ast.parse("from p.a import x\n")
    assert cycle_in(imports_among(trees)) == ["p.a", "p.b", "p.c", "p.a"]
