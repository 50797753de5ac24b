"""Do the commands that write files and print findings say and do what a person needs?"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from pointsman.app.cli import main
from pointsman.app.config import parse

LITELLM = """\
model_list:
  - model_name: fast
    litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
litellm_settings: {set_verbose: true}
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def litellm_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(LITELLM, "utf-8")
    return path


def test_without_a_command_the_first_steps_are_shown(capsys: Captured) -> None:
    assert main([]) == 2
    assert "pointsman serve" in capsys.readouterr().out


def test_the_first_configuration_is_written_once_and_again_only_by_force(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "fleet.yaml"
    assert main(["init", str(path)]) == 0
    assert path.with_name("pointsman.schema.json").exists()
    path.write_text("server: {}\n", "utf-8")
    assert main(["init", str(path)]) == 2
    assert "the file exists" in capsys.readouterr().err
    assert path.read_text("utf-8") == "server: {}\n"
    assert main(["init", str(path), "--force"]) == 0
    parse(path.read_text("utf-8"), {"OPENAI_API_KEY": "sk-something-long-enough"}, path=path)


def test_the_first_configuration_can_go_to_standard_output(capsys: Captured) -> None:
    assert main(["init", "-"]) == 0
    assert capsys.readouterr().out.startswith("# yaml-language-server: $schema=")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: Captured) -> None:
    assert main(["init", str(tmp_path / "nowhere" / "fleet.yaml")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_an_import_can_be_written_to_a_file_and_its_notes_shown(
    litellm_file: Path, capsys: Captured
) -> None:
    output = litellm_file.with_name("fleet.yaml")
    assert main(["import", "litellm", str(litellm_file), "-o", str(output)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "litellm_settings.set_verbose" in captured.err
    configuration = parse(output.read_text("utf-8"), {"OPENAI_API_KEY": "sk-something-long"})
    assert configuration.fleet.models.keys() == {"openai/gpt-4o-mini"}
    assert main(["import", "litellm", str(litellm_file), "-o", str(output)]) == 2
    assert "the file exists" in capsys.readouterr().err


def test_an_import_as_json_holds_configuration_and_notes(
    litellm_file: Path, capsys: Captured
) -> None:
    assert main(["import", "litellm", str(litellm_file), "--json"]) == 0
    imported = json.loads(capsys.readouterr().out)
    assert "openai/gpt-4o-mini" in imported["configuration"]
    assert {"path", "message", "remedy"} <= imported["notes"][0].keys()


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8 text")]
)
def test_an_import_of_what_cannot_be_read_names_the_file(
    tmp_path: Path, capsys: Captured, content: bytes | None, words: str
) -> None:
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    assert main(["import", "litellm", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_mistakes_can_be_had_as_json(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("server: {port: none}\nmodles: {}\n", "utf-8")
    assert main(["check", str(path), "--json"]) == 2
    findings = json.loads(capsys.readouterr().out)
    assert findings["sound"] is False
    assert [(p["path"], p["line"]) for p in findings["problems"]] == [
        ("server.port", 1),
        ("modles", 2),
    ]


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (["init", "nowhere/fleet.yaml"], "nowhere/fleet.yaml"),
        (["import", "litellm", "nowhere.yaml"], "nowhere.yaml"),
        (["keys", "new", "two\nlines"], "name"),
        (["check", "nowhere.yaml"], "(file)"),
    ],
    ids=" ".join,
)
def test_what_goes_wrong_can_be_had_as_json_too(
    command: list[str], place: str, capsys: Captured
) -> None:
    assert main([*command, "--json"]) == 2
    captured = capsys.readouterr()
    (problem,) = json.loads(captured.out)["problems"]
    assert captured.err == ""
    assert problem["path"] == place
    assert problem["message"]
    assert problem["remedy"]


def test_a_first_configuration_says_as_json_what_it_wrote(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "fleet.yaml"
    assert main(["init", str(path), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert written == [str(path), str(tmp_path / "pointsman.schema.json")]
    assert all(Path(name).exists() for name in written)
    assert main(["init", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["configuration"] == path.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--port", "many"], "'many' is not a port: give a whole number from 0"),
        (["serve", "--port", "70000"], "'70000' is not a port"),
        (["simulate", "--time-scale", "abc"], "'abc' is not a number from 0 up, such as 0.1"),
        (["simulate", "--time-scale", "-1"], "'-1' is not a number from 0 up"),
        (["simulate", "--time-scale", "inf"], "'inf' is not a number from 0 up"),
        (["simulate", "--seed", "x"], "'x' is not a whole number"),
        (["simulate", "--fail", "atlas-large=cutt"], "'cutt' is no fault: give MODEL= and one of"),
        (["simulate", "--fail", "atlas-large=cut;before=1"], "a fault takes after, bytes"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_value_is_told_what_would_be_right(
    arguments: list[str], words: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert words in said
    assert "invalid" not in said


@pytest.mark.parametrize("command", ["serve", "check", "init", "import", "keys", "simulate"])
def test_every_command_shows_how_it_is_used(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert re.search(r"^examples?:$", said, re.MULTILINE)
    assert f"  pointsman {command}" in said


def test_a_key_is_shown_with_the_entry_that_admits_it(capsys: Captured) -> None:
    assert main(["keys", "new", "ci", "--agent", "coder", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["entry"]["sha256"] == hashlib.sha256(made["key"].encode()).hexdigest()
    assert made["entry"]["agents"] == ["coder"]


def test_a_key_needs_a_name_that_can_stand_in_a_log(capsys: Captured) -> None:
    assert main(["keys", "new", "two\nlines"]) == 2
    assert "is not a name" in capsys.readouterr().err


def test_the_schema_is_json(capsys: Captured) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "pointsman configuration"
