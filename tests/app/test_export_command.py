"""Does `pointsman export` write what is kept, in every form?"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.cli import main
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Captured = pytest.CaptureFixture[str]
Export = Callable[..., int]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    config = tmp_path / "fleet.yaml"
    config.write_text(f"server: {{data_dir: {tmp_path / 'data'}}}\n", "utf-8")
    return lambda what, *options: main(["export", what, str(config), *options])


@pytest.fixture
def kept(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data" / "pointsman.db")
    for number in range(30):
        at = NOON + timedelta(hours=number)
        name = f"dec_{int(at.timestamp() * 1000):011x}{number:016x}"
        chosen = (Candidate("p/one", 0.5, ()),)
        agent = "builder" if number % 2 else "other"
        store.append(
            [
                Decision(name, "r", at, agent, Task(), Strategy.COST, chosen, (), 1.0, "cfg"),
                Outcome(name, 1, "p/one", agent, at, None, False, 1.5),
            ]
        )
    store.close()


@pytest.mark.usefixtures("kept")
def test_lines_go_to_standard_output_or_to_a_file(
    export: Export, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert export("outcomes", "--agent", "builder", "--since", "2026-03-02") == 0
    found = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert len(found) == 9
    assert {line["agent_id"] for line in found} == {"builder"}
    out = tmp_path / "decisions.csv"
    until = ("--until", "2026-03-01T14:00:00+00:00")
    assert export("decisions", "--format", "csv", "--out", str(out), *until) == 0
    with out.open(newline="") as stream:
        assert [row["latency_ms"] for row in csv.DictReader(stream)] == ["1500.0"] * 2


@pytest.mark.usefixtures("kept")
def test_parquet_has_types(export: Export, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "outcomes.parquet"
    assert export("outcomes", "--format", "parquet", "--out", str(out)) == 0
    table = parquet.read_table(out)
    assert table.num_rows == 30
    assert str(table.schema.field("latency_ms").type) == "double"
    assert set(table["success"].to_pylist()) == {True}


@pytest.mark.usefixtures("kept")
def test_parquet_does_not_go_to_a_terminal(export: Export, capsys: Captured) -> None:
    assert export("outcomes", "--format", "parquet") == 1
    assert "say with --out" in capsys.readouterr().err


@pytest.mark.usefixtures("kept")
def test_without_its_extra_parquet_names_it(
    export: Export, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert export("outcomes", "--format", "parquet", "--out", str(tmp_path / "o")) == 1
    assert "pip install 'pointsman[analysis]'" in capsys.readouterr().err


def test_what_was_never_kept_is_said_to_be_missing(export: Export, capsys: Captured) -> None:
    assert export("decisions") == 2
    assert "nothing was ever kept" in capsys.readouterr().err


def test_a_time_that_is_none_is_refused(export: Export, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        export("decisions", "--since", "yesterday")
    assert "is no time" in capsys.readouterr().err


def test_mistakes_in_the_configuration_come_first(tmp_path: Path, capsys: Captured) -> None:
    config = tmp_path / "fleet.yaml"
    config.write_text("server: {data_dirr: x}\n", "utf-8")
    assert main(["export", "decisions", str(config)]) == 2
    assert "data_dirr" in capsys.readouterr().err


@pytest.mark.usefixtures("kept")
def test_a_file_that_is_there_stays_until_the_new_one_is_whole(
    export: Export, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "decisions"
    out.write_text("of yesterday")
    out.chmod(0o640)

    def break_down(_self: SqliteStore, _query: DecisionQuery) -> NoReturn:
        raise StoreError("the disk broke down")

    with monkeypatch.context() as broken:
        broken.setattr(SqliteStore, "decisions", break_down)
        assert export("decisions", "--out", str(out)) == 1
    assert "the disk broke down" in capsys.readouterr().err
    assert out.read_text() == "of yesterday"
    link = tmp_path / "link"
    link.symlink_to(out)
    assert export("decisions", "--out", str(link)) == 0
    assert len(out.read_text().splitlines()) == 30
    assert out.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == [
        "decisions",
        "fleet.yaml",
        "link",
    ]


@pytest.mark.usefixtures("kept")
def test_a_device_is_written_to_and_not_replaced(export: Export) -> None:
    assert export("decisions", "--out", os.devnull) == 0
    assert Path(os.devnull).is_char_device()


@pytest.mark.usefixtures("kept")
def test_who_exports_beside_a_gateway_changes_nothing(export: Export, tmp_path: Path) -> None:
    def files() -> dict[str, bytes]:
        return {each.name: each.read_bytes() for each in (tmp_path / "data").iterdir()}

    before = files()
    assert export("decisions", "--out", os.devnull) == 0
    assert files() == before


@pytest.mark.usefixtures("kept")
def test_a_file_of_an_earlier_version_is_not_brought_up_to_date_by_reading(
    export: Export, tmp_path: Path, capsys: Captured
) -> None:
    config = str(tmp_path / "fleet.yaml")
    assert main(["db", "downgrade", config, "--to", "3", "--yes"]) == 0
    assert export("decisions") == 1
    assert "pointsman db upgrade" in capsys.readouterr().err
    assert main(["db", "status", config]) == 1, "it is where it was"
    assert main(["db", "upgrade", config]) == 0
    assert export("decisions", "--out", os.devnull) == 0
