"""Are agents and models that came through the API kept, read, and told apart from the file's?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pointsman.app.additions import (
    FILE_NAME,
    NOTHING_ADDED,
    Additions,
    added_beside,
    keep_additions,
    read_additions,
)
from pointsman.app.config import load, parse
from pointsman.app.configuration import Configuration
from pointsman.core.errors import ConfigError, StoreError

FILE = """
providers: {sim: {type: simulated}}
models: {sim/forge-coder: {}}
agents: {coder: {requires: [coding], deny: [sim/forge-coder, sim/late]}}
keys: [{name: ci, key: ci-key-0123456789abcdef, agents: [coder, late]}]
"""
LATE = Additions(agents={"late": {"requires": ["general"]}}, models={"sim/late": {"price": "free"}})


def with_(additions: Additions, text: str = FILE) -> Configuration:
    return parse(text, {}, added=lambda _: additions)


def mistakes_of(additions: Additions, text: str = FILE) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        with_(additions, text)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert read_additions(tmp_path) == NOTHING_ADDED
    folder = tmp_path / "made" / "when needed"
    keep_additions(folder, LATE)
    found = read_additions(folder)
    assert found == LATE._replace(source=str(folder / FILE_NAME))
    keep_additions(folder, found.with_one("agents", "late", None))
    assert read_additions(folder).agents == {}
    assert read_additions(folder).models == LATE.models
    assert [file.name for file in folder.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": {}}', '{"agents": []}', "\udcff"])
def test_a_file_that_holds_something_else_is_named_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match="move it away") as caught:
        read_additions(tmp_path)
    assert str(tmp_path / FILE_NAME) in str(caught.value)


def test_a_folder_that_cannot_be_written_is_an_error_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match=FILE_NAME):
        keep_additions(tmp_path / "taken", LATE)


def test_the_file_and_the_additions_make_one_fleet(tmp_path: Path) -> None:
    configuration = with_(LATE)
    assert set(configuration.fleet.models) == {"sim/forge-coder", "sim/late"}
    assert {"coder", "late"} <= set(configuration.fleet.agents)
    assert configuration.written == {
        "agents": {"coder"},
        "models": {"sim/forge-coder"},
    }
    assert configuration.version != with_(LATE.with_one("agents", "late", {})).version
    keep_additions(tmp_path / "data", LATE)
    file = tmp_path / "fleet.yaml"
    file.write_text(f"{FILE}\nserver: {{data_dir: data}}\n")
    assert load(file, {}, added_beside(None, None)).version == configuration.version
    elsewhere = added_beside(tmp_path / "nothing here", None)
    with pytest.raises(ConfigError, match="late"):
        load(file, {}, elsewhere)


def test_where_both_declare_an_agent_the_file_has_the_last_word_and_says_so() -> None:
    twice = LATE.with_one("agents", "coder", {"requires": ["vision"]})
    configuration = with_(twice)
    assert configuration.fleet.agents["coder"].requires == ("coding",)
    said = [words for words in configuration.warnings if "added through the API" in words]
    assert len(said) == 1
    assert "agents.coder" in said[0]


def test_text_in_additions_is_taken_as_it_stands() -> None:
    sly = LATE.with_one("agents", "sly", {"name": "${SECRET}"})
    configuration = parse(FILE, {"SECRET": "swordfish"}, added=lambda _: sly)
    assert configuration.fleet.agents["sly"].name == "${SECRET}"


def test_mistakes_in_additions_say_where_these_are_kept_and_name_no_line(tmp_path: Path) -> None:
    keep_additions(tmp_path, LATE.with_one("agents", "late", {"requires": "coding", "colour": 1}))
    told = mistakes_of(read_additions(tmp_path))
    assert len(told) == 2
    for words in told:
        assert words.startswith("agents.late.")
        assert str(tmp_path / FILE_NAME) in words
        assert "(line" not in words
    assert FILE_NAME not in str(mistakes_of(LATE.with_one("agents", "late", {"colour": 1})))


def test_a_mistake_shows_the_value_however_deep_it_stands() -> None:
    priced = {"price": {"input_usd_per_mtok": -1, "output_usd_per_mtok": 2}}
    (told,) = mistakes_of(LATE.with_one("models", "sim/late", priced))
    assert "price.input_usd_per_mtok" in told
    assert "(found -1)" in told
    (told,) = mistakes_of(LATE.with_one("agents", "late", {"allow": ["sim/gone"]}))
    assert "allow[0]" in told
    assert "(found sim/gone)" in told


def test_mistakes_of_the_file_are_found_beside_sound_additions() -> None:
    (told,) = mistakes_of(LATE, FILE.replace("agents: {coder", "agents: [coder]\nx: {coder"))[:1]
    assert told.startswith("agents (line 4): this must be a mapping")
    assert mistakes_of(LATE, "- a list\n")[0].startswith("(document)")


def test_a_document_that_is_no_mapping_is_a_mistake() -> None:
    kept = json.loads('{"late": 7}')
    assert "must be a mapping" in mistakes_of(Additions(agents=kept))[0]


def test_half_of_a_character_is_refused_and_does_not_hang_whoever_reads_it(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"agents": {"a\\ud800": {}}}')
    with pytest.raises(ConfigError, match="surrogates not allowed"):
        read_additions(tmp_path)
    for text in ('agents: {"a\\uD800": {kind: inference}}', 'agents: {a: {name: "\\uDC00"}}'):
        (told,) = mistakes_of(NOTHING_ADDED, text)
        assert "half of a character" in told


@pytest.mark.parametrize(
    ("agent_id", "reason"),
    [
        (".", "means a folder"),
        ("..", "means a folder"),
        ("__other__", "statistics call by this id all who are too many"),
    ],
)
def test_ids_that_mean_something_else_are_refused(agent_id: str, reason: str) -> None:
    (told,) = mistakes_of(LATE.with_one("agents", agent_id, {}))
    assert reason in told
    assert "rename it" in told


def test_only_the_owner_may_read_what_is_kept(tmp_path: Path) -> None:
    keep_additions(tmp_path, LATE)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
