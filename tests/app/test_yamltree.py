"""Does the tree say what the text says, and never more than the text is worth?"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.app.yamltree import (
    MAX_CHARS,
    MAX_INTEGER,
    Path,
    ScalarError,
    Tree,
    read_tree,
    spelled,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Cf"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text("abc<_-", min_size=1).filter(lambda key: key != "<<"), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_a_json_document_means_what_it_means_elsewhere(value: object) -> None:
    assert read_tree(json.dumps(value, ensure_ascii=False)).value == value


@given(st.text(alphabet="{}[]:,-? \n\t'\"&*!|>%@`#<~$0a", max_size=60))
def test_no_text_makes_reading_raise(text: str) -> None:
    tree = read_tree(text)
    assert tree.value is None or not any(problem.line == 0 for problem in tree.problems)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("007", 7),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("!!float 7", 7.0),
        ("<<", "<<"),
    ],
)
def test_a_plain_scalar_follows_yaml_1_2(text: str, value: object) -> None:
    assert read_tree(f"a: {text}").value == {"a": value}


def test_a_part_knows_its_line_and_a_missing_part_that_of_its_surroundings() -> None:
    tree = read_tree("a:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert tree.line(("a", "b")) == 2
    assert tree.line(("a", "c")) == 3
    assert tree.line(("a", "c", 1)) == 5
    assert tree.line(("a", "c", 7, "z")) == 3
    assert tree.line(("q",)) == 1
    assert Tree(None, {}, {}, ()).line(("a",)) is None


def test_a_path_is_spelled_so_that_it_can_be_read_back() -> None:
    assert spelled(("agents", "coder", "requires", 1)) == "agents.coder.requires[1]"
    assert spelled(("models", "a/b-1.5", "price")) == 'models["a/b-1.5"].price'
    assert spelled(()) == "(document)"


def test_scalars_are_expanded_before_they_are_read_and_keys_never() -> None:
    seen: list[Path] = []

    def expand(path: Path, text: str) -> object:
        seen.append(path)
        return {"$n": "7", "$o": frozenset({1})}.get(text, text)

    tree = read_tree("$n: $n\nq: '$n'\nlist: [$o]\n", expand)
    assert tree.value == {"$n": 7, "q": "7", "list": [frozenset({1})]}
    assert seen == [("$n",), ("q",), ("list", 0)]
    assert tree.raw[("$n",)] == "$n"


def test_a_scalar_that_cannot_be_expanded_leaves_the_rest_in_place() -> None:
    def expand(_path: Path, text: str) -> object:
        if text == "bad":
            raise ScalarError("no good", "mend it")
        return text

    tree = read_tree("a: bad\nb: [x, bad, y]\n", expand)
    assert tree.value == {"b": ["x", None, "y"]}
    assert [(p.path, p.line) for p in tree.problems] == [("a", 1), ("b[1]", 2)]
    assert read_tree("bad", expand).value is None


def bomb(levels: int, *, merges: bool) -> str:
    lines = ["a0: &a0 {x: 1}" if merges else "a0: &a0 [x, x]"]
    for i in range(1, levels):
        many = ", ".join([f"*a{i - 1}"] * 10)
        lines.append(f"a{i}: &a{i} {{<<: [{many}]}}" if merges else f"a{i}: &a{i} [{many}]")
    return "\n".join(lines)


@pytest.mark.parametrize("merges", [False, True])
def test_aliases_of_aliases_are_cut_off(merges: bool) -> None:
    (problem,) = read_tree(bomb(9, merges=merges)).problems
    assert problem.message == "the aliases expand to too many values"


def test_a_long_chain_of_merges_is_cut_off() -> None:
    lines = ["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: *a{i - 1}}}" for i in range(1, 500))]
    (problem,) = read_tree("\n".join(lines)).problems
    assert problem.message == "nested deeper than 32 levels"


def test_deep_nesting_is_cut_off() -> None:
    (problem,) = read_tree("[" * 5000).problems
    assert problem.message == "nested deeper than 32 levels"


def test_a_file_of_unreasonable_size_is_not_even_parsed() -> None:
    (problem,) = read_tree("#" * (MAX_CHARS + 1)).problems
    assert "larger than" in problem.message


@pytest.mark.parametrize("text", ["a: \x01", "a: \0", "a: \ud800"])
def test_characters_that_yaml_forbids_are_named_as_such(text: str) -> None:
    (problem,) = read_tree(text).problems
    assert problem.message == "there is a character that YAML forbids"
