"""Is a file of prompts read whole, with every mistake named at its line?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pointsman.app.calibration.cases import Case, read_cases
from pointsman.app.prompt_lines import MAX_LINE_CHARS
from pointsman.core.errors import ConfigError


def read(folder: Path, *cases: Any) -> tuple[Case, ...]:
    path = folder / "cases.jsonl"
    lines = [case if isinstance(case, str) else json.dumps(case) for case in cases]
    path.write_text("\n".join(lines), "utf-8")
    return read_cases(path)


def is_good(case: Case, text: str) -> bool:
    assert case.good is not None
    return case.good(text)


def test_a_line_says_what_is_asked_and_what_is_good(tmp_path: Path) -> None:
    text, document, judged = read(
        tmp_path,
        {"prompt": "6 * 7?", "answer": 42, "agent": "calc", "task_type": "math"},
        {
            "messages": [{"role": "system", "content": "Be JSON."}, {"role": "user"}],
            "json_schema": {"type": "object", "required": ["a"]},
            "request": {"temperature": 0},
            "max_tokens": 50,
        },
        {"prompt": "Why?", "judge": "It is kind.", "reference": "Because."},
    )
    assert is_good(text, "The answer is 42.")
    assert (text.line, text.agent, text.task_type) == (1, "calc", "math")
    assert is_good(document, '{"a": 1}')
    assert not is_good(document, '{"b": 1}')
    assert not is_good(document, "a")
    assert (document.max_tokens, document.request) == (50, {"temperature": 0})
    assert document.question == "system: Be JSON.\n\nuser: "
    assert judged.good is None
    assert (judged.criteria, judged.reference) == ("It is kind.", "Because.")


def test_a_judge_reads_the_parts_of_a_message(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url"}, "odd"]
    (case,) = read(
        tmp_path, "", {"messages": [{"role": "user", "content": parts}], "judge": True}, ""
    )
    assert case.line == 2
    assert case.question == "What is this?\n(image_url)"
    assert case.criteria == ""


def test_a_question_has_a_name_of_its_own_for_each_model(tmp_path: Path) -> None:
    one, other = read(tmp_path, {"prompt": "a", "answer": "b"}, {"prompt": "a", "answer": "c"})
    names = {case.request_id(model) for case in (one, other) for model in ("p/x", "p/y")}
    assert len(names) == 4
    (again,) = read(tmp_path, {"answer": "b", "prompt": "a"})
    assert again.request_id("p/x") == one.request_id("p/x")


def test_a_schema_may_refer_to_its_own_parts(tmp_path: Path) -> None:
    tree = {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "allOf": [{"$ref": "#/$defs/node"}],
    }
    (case,) = read(tmp_path, {"prompt": "?", "json_schema": tree})
    assert is_good(case, '{"next": {"next": {}}}')
    assert not is_good(case, '{"next": {"next": 1}}')


MISTAKES: list[tuple[Any, str, str]] = [
    ("{", "(line)", "is not JSON"),
    ("[1]", "(line)", "not a JSON object"),
    ({"prompt": "?", "answer": "!", "modle": "x"}, "modle", "not known"),
    ({"answer": "!"}, "prompt", "neither prompt nor messages"),
    ({"prompt": "?", "messages": [], "answer": "!"}, "prompt", "both are given"),
    ({"prompt": " ", "answer": "!"}, "prompt", "empty"),
    ({"prompt": 5, "answer": "!"}, "prompt", "not a text"),
    ({"messages": [], "answer": "!"}, "messages", "no list"),
    ({"messages": [{"content": "?"}], "answer": "!"}, "messages", "no list"),
    ({"prompt": "?"}, "answer", "in no way"),
    ({"prompt": "?", "answer": "!", "judge": True}, "answer", "has answer and judge"),
    ({"prompt": "?", "judge": False}, "judge", "neither"),
    ({"prompt": "?", "answer": []}, "answer", "nothing to compare"),
    ({"prompt": "?", "answer": [True]}, "answer", "nothing to compare"),
    ({"prompt": "?", "answer": " "}, "answer", "nothing to compare"),
    ({"prompt": "?", "json_schema": 5}, "json_schema", "no JSON Schema"),
    ({"prompt": "?", "json_schema": {"type": "thing"}}, "json_schema", "no JSON Schema"),
    ({"prompt": "?", "json_schema": {"$ref": "#/$defs/a"}}, "json_schema", "not in it"),
    ({"prompt": "?", "json_schema": {"$ref": "http://x/y"}}, "json_schema", "not in it"),
    ({"prompt": "?", "answer": "!", "max_tokens": 0}, "max_tokens", "no number"),
    ({"prompt": "?", "answer": "!", "max_tokens": True}, "max_tokens", "no number"),
    ({"prompt": "?", "answer": "!", "request": 5}, "request", "no object"),
    (
        {"prompt": "?", "answer": "!", "request": {"model": "x"}},
        "request.model",
        "not for the file",
    ),
    ("[" * 100_000, "(line)", "is not JSON"),
    ("x" * (MAX_LINE_CHARS + 1), "(line)", "longer"),
]


@pytest.mark.parametrize(("case", "place", "words"), MISTAKES)
def test_a_mistake_is_named(tmp_path: Path, case: Any, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, {"prompt": "?", "answer": "!"}, case)
    (problem,) = refused.value.problems
    assert (problem.path, problem.line) == (place, 2)
    assert words in problem.message
    assert problem.remedy


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, {}, {"prompt": "?"}, {"prompt": "?", "answer": 1})
    assert [problem.line for problem in refused.value.problems] == [1, 2]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff"])
def test_a_file_without_prompts_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        read_cases(path)
    with pytest.raises(ConfigError):
        read_cases(tmp_path / "none.jsonl")


def test_without_its_library_a_schema_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, {"prompt": "?", "json_schema": {}})
    assert "pointsman[calibrate]" in refused.value.problems[0].remedy


def test_a_line_ends_where_lines_of_json_end_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    prompts = ["one\u2028two\u0085three", "four"]
    lines = [json.dumps({"prompt": p, "answer": "x"}, ensure_ascii=False) for p in prompts]
    path.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    assert [(case.line, case.question) for case in read_cases(path)] == [
        (1, prompts[0]),
        (2, prompts[1]),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        json.loads('{"not": ' * 150 + "{}" + "}" * 150),
    ],
    ids=["loop", "deep"],
)
def test_a_schema_that_has_no_end_is_named(tmp_path: Path, schema: object) -> None:
    with pytest.raises(ConfigError, match="without end"):
        read(tmp_path, {"prompt": "a", "json_schema": schema})


def test_an_answer_nested_deeper_than_can_be_checked_is_wrong(tmp_path: Path) -> None:
    tree = {"type": "array", "items": {"$ref": "#"}}
    (case,) = read(tmp_path, {"prompt": "a", "json_schema": tree})
    assert is_good(case, "[[]]")
    assert not is_good(case, "[" * 900 + "]" * 900)
