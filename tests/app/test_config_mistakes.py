"""Does every mistake in a configuration come with its place, its words and a remedy?

Each file in `fixtures/bad` begins with the problems that it must produce, all of them and no
others: `# problem: path | part of the message | part of the remedy`. The word `canary` stands where
a secret could, and must not come back in any error.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pointsman.app.config import load, parse
from pointsman.app.mistakes import _words, nearest
from pointsman.core.errors import ConfigError, Problem

BAD = sorted((Path(__file__).parent / "fixtures" / "bad").glob("*.yaml"))


def expected(text: str) -> list[tuple[str, ...]]:
    lines = (line for line in text.splitlines() if line.startswith("# problem: "))
    return [
        tuple(part.strip() for part in line.removeprefix("# problem: ").split(" | "))
        for line in lines
    ]


def problems_of(text: str, environ: dict[str, str] | None = None) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ or {})
    return caught.value.problems


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_mistake_in_a_file_is_reported_at_once_and_nothing_else(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    found = list(caught.value.problems)
    for place, message, remedy in expected(path.read_text("utf-8")):
        match = [p for p in found if p.path == place and message in p.message]
        assert match, f"no problem at {place} says {message!r}; left are: {found}"
        assert remedy in match[0].remedy
        found.remove(match[0])
    assert not found
    assert caught.value.source.startswith(str(path))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_an_error_names_lines_in_order_and_never_shows_a_secret(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    lines = [problem.line or 0 for problem in caught.value.problems]
    assert lines == sorted(lines)
    assert "canary" not in str(caught.value).replace("canary.yaml", "")


def test_the_line_is_that_of_the_faulty_key() -> None:
    (problem,) = problems_of("server:\n  host: localhost\n\n  port: many\n")
    assert (problem.path, problem.line, problem.value) == ("server.port", 4, "many")


def test_what_is_missing_is_placed_at_the_section_that_lacks_it() -> None:
    (problem,) = problems_of("providers:\n  a:\n    base_url: http://x\n")
    assert (problem.path, problem.line) == ("providers.a.type", 2)


def test_a_long_value_is_cut() -> None:
    (problem,) = problems_of(f"server: {{log_level: {'x' * 500}}}\n")
    assert problem.value.endswith("…")
    assert len(problem.value) == 60


def test_an_expanded_value_is_shown_as_the_reference_that_stands_in_the_file() -> None:
    (problem,) = problems_of("server: {port: '${PORT}'}\n", {"PORT": "private"})
    assert problem.value == "${PORT}"


def test_a_file_that_is_not_there_is_a_config_error_that_says_how_to_make_one() -> None:
    with pytest.raises(ConfigError, match=r"No such file.*pointsman init"):
        load(Path("/nowhere/pointsman.yaml"), {})


def test_a_path_that_cannot_be_one_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="this is no path"):
        load(Path("a\0b"), {})


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


@pytest.mark.parametrize("content", [b"server: {host: \xff}", "server: {}".encode("utf-16")])
def test_a_file_in_another_encoding_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pointsman.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"not UTF-8.*save it as UTF-8"):
        load(path, {})


def test_text_that_unicode_forbids_is_a_problem_like_any_other() -> None:
    (problem,) = problems_of("server: {log_level: info, host: '${H}'}\n", {"H": "\udcff"})
    assert problem.path == "server.host"
    assert "Unicode" in problem.message


def test_characters_that_do_not_show_are_refused_in_ids() -> None:
    text = (
        "providers: {sim: {type: simulated}}\n"
        'models: {"sim/a\\u200bb": {}}\n'
        'agents: {"co\\u200bder": {}}\n'
        'aliases: {"my\\u200bmodel": auto}\n'
    )
    problems = problems_of(text)
    assert len(problems) == 3
    assert all("characters that do not show" in problem.message for problem in problems)


def test_a_problem_in_the_environment_has_no_line_because_there_is_no_file() -> None:
    (problem,) = problems_of("", {"OPENAI_API_KEY": "one\ntwo"})
    assert (problem.path, problem.line) == ("providers.openai.api_key", None)


def test_a_gateway_does_not_become_its_own_upstream_by_way_of_the_environment() -> None:
    environ = {"OPENAI_API_KEY": "k" * 20, "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1"}
    (problem,) = problems_of("", environ)
    assert "gateway itself" in problem.message


def test_the_nearest_name_is_proposed_and_many_names_are_cut_short() -> None:
    assert nearest("Opnai", ["groq", "OpenAI"]) == "did you mean `OpenAI`?"
    assert nearest("zzz", []) == "none are declared"
    assert nearest("zzz", [f"name{i}" for i in range(20)]).endswith("name11 and 8 more")


def test_a_kind_of_mistake_that_a_later_pydantic_invents_still_gets_words() -> None:
    message, remedy = _words("invented_type", ("server",), {})
    assert message == "this cannot be used here"
    assert remedy


def test_a_proxy_of_the_environment_that_is_none_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (
        "providers:\n  far: {type: openai_compatible, base_url: 'http://far/v1', trust_env: %s}\n"
    )
    monkeypatch.setenv("http_proxy", "socks5://user:canary@proxy:1080")
    (problem,) = problems_of(text % "true")
    assert problem.path == "providers.far.trust_env"
    assert "http://host:port" in problem.remedy
    assert "canary" not in str(problem)
    parse(text % "false", {})
    monkeypatch.setenv("no_proxy", "far")
    parse(text % "true", {})
