"""Does `pointsman db` say where the database is, and bring it where it is told?"""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

from pointsman.adapters.stores.hana.rendering import without_driver
from pointsman.adapters.stores.holding import Held
from pointsman.adapters.stores.incoming import incoming
from pointsman.adapters.stores.rows import json_text
from pointsman.adapters.stores.schema import HEAD
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.adapters.stores.spool.file import SpoolFile
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.cli import main
from pointsman.core.decision import Decision, Strategy, Task
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import AuditQuery
from pointsman.engine.ports import DecisionQuery
from small_disk import small_disk

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Captured = pytest.CaptureFixture[str]
Db = Callable[..., int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pointsman.db"


@pytest.fixture
def db(tmp_path: Path, path: Path) -> Db:
    config = tmp_path / "fleet.yaml"
    config.write_text(f"server: {{data_dir: {path.parent}}}\n", "utf-8")
    return lambda action, *options: main(["db", action, str(config), *options])


@pytest.fixture
def made(path: Path) -> Path:
    SqliteStore(path).close()
    return path


def tables(path: Path) -> int:
    with closing(sqlite3.connect(path)) as opened:
        count = opened.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'")
        return int(count.fetchone()[0])


def test_before_the_first_start_nothing_is_there_and_nothing_wrong(
    db: Db, capsys: Captured
) -> None:
    assert db("status") == 0
    assert "not there yet" in capsys.readouterr().out
    assert db("upgrade") == 2
    assert "the gateway makes it when it first starts" in capsys.readouterr().err


def test_down_and_up_again(db: Db, made: Path, capsys: Captured) -> None:
    assert db("status") == 0
    assert f"revision {HEAD}, the newest is {HEAD}" in capsys.readouterr().out
    whole = tables(made)
    assert db("downgrade", "--to", "3", "--yes") == 0
    assert f"revision {HEAD} -> 3" in capsys.readouterr().out
    assert tables(made) < whole
    assert db("status") == 1
    assert "4  What is kept of which agent stands on which model" in capsys.readouterr().out
    assert db("status", "--json") == 1
    status = json.loads(capsys.readouterr().out)
    assert (status["revision"], status["newest"]) == (3, HEAD)
    assert [each["number"] for each in status["pending"]] == list(range(4, HEAD + 1))
    assert db("upgrade", "--json") == 0
    assert json.loads(capsys.readouterr().out)["before"] == 3
    assert tables(made) == whole


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("downgrade",), "say with --to N"),
        (("downgrade", "--to", "1"), "add --yes"),
        (("upgrade", "--to", "1"), "use downgrade"),
        (("upgrade", "--to", "99"), "there are revisions 0"),
        (("backup",), "say with --file"),
        (("forget",), "say with --agent"),
        (("forget", "--agent", "coder"), "add --yes"),
        (("sql", "--from", "99"), "there are revisions 0"),
    ],
)
def test_wrong_use_is_told_with_the_remedy(
    db: Db, made: Path, capsys: Captured, words: tuple[str, ...], remedy: str
) -> None:
    before = made.read_bytes()
    assert db(*words) == 2
    assert remedy in capsys.readouterr().err
    assert made.read_bytes() == before


def test_up_is_not_down(db: Db, made: Path, capsys: Captured) -> None:
    assert db("downgrade", "--to", "2", "--yes") == 0
    assert db("downgrade", "--to", "4", "--yes") == 2
    assert "use upgrade" in capsys.readouterr().err


def test_a_backup_is_a_whole_copy_for_its_owner_alone(
    db: Db, made: Path, tmp_path: Path, capsys: Captured
) -> None:
    copy = tmp_path / "copy.db"
    store = SqliteStore(made)
    assert db("backup", "--file", str(copy)) == 0
    store.close()
    assert f"revision {HEAD}" in capsys.readouterr().out
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert tables(copy) == tables(made)
    SqliteStore(copy).close()
    assert db("backup", "--file", str(copy), "--json") == 1
    assert "File exists" in capsys.readouterr().err


def test_a_backup_that_fails_leaves_no_part_of_one(
    db: Db, made: Path, tmp_path: Path, capsys: Captured
) -> None:
    whole = made.read_bytes()
    made.write_bytes(whole[:8_192] + b"\xff" * (len(whole) - 8_192))
    copy = tmp_path / "copy.db"
    assert db("backup", "--file", str(copy)) == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert not copy.exists()


def test_what_is_kept_of_an_agent_is_deleted_and_that_is_noted(
    db: Db, made: Path, capsys: Captured
) -> None:
    store = SqliteStore(made)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for number, agent in enumerate(["coder", "other", "coder"]):
        made_by = (f"dec_{number}", "r", now, agent, Task(), Strategy.COST)
        store.append([Decision(*made_by, (), (), 1.0, "cfg")])
    store.close()
    assert db("forget", "--agent", "coder", "--yes") == 0
    assert "2 decisions of coder" in capsys.readouterr().out
    assert db("forget", "--agent", "coder", "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"agent_id": "coder", "decisions": 0}
    again = SqliteStore(made)
    assert len(again.decisions(DecisionQuery())) == 1
    assert [act.subject for act in again.audit.acts(AuditQuery())] == ["coder", "coder"]
    again.close()


def test_a_database_without_tables_is_said_to_be_ours_and_where_to_go_from_there(
    db: Db, made: Path, capsys: Captured
) -> None:
    assert db("downgrade", "--to", "0", "--yes") == 0
    with pytest.raises(StoreError, match=r"taken back to revision 0.*pointsman db upgrade"):
        SqliteStore(made)
    with pytest.raises(StoreError, match=r"taken back to revision 0.*pointsman db upgrade"):
        SqliteStore(made, reading=True)
    capsys.readouterr()
    assert db("status") == 1
    assert "revision 0, the newest is" in capsys.readouterr().out
    assert db("upgrade") == 0
    SqliteStore(made).close()


@pytest.mark.parametrize("revision", ["0", "3"])
def test_to_forget_somebody_changes_no_schema(
    db: Db, made: Path, capsys: Captured, revision: str
) -> None:
    assert db("downgrade", "--to", revision, "--yes") == 0
    assert db("forget", "--agent", "coder", "--yes") == 2
    told = capsys.readouterr().err
    assert f"is at revision {revision}, this pointsman works with {HEAD}" in told
    assert "pointsman db upgrade" in told
    assert db("status") == 1


@pytest.fixture
def put_away(tmp_path: Path, made: Path) -> Iterator[Path]:
    """The folder of a database on a medium that takes nothing."""
    store = SqliteStore(made)
    store.append([Decision("dec_1", "r", NOON, "coder", Task(), Strategy.COST, (), (), 1.0, "v")])
    store.close()
    with small_disk(tmp_path, 8) as disk:
        shutil.copy(made, disk)
        made.unlink()
        yield disk
        _mount("rw", disk)


def _mount(how: str, disk: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def test_what_only_reads_works_where_nothing_may_be_written(
    tmp_path: Path, put_away: Path, capsys: Captured
) -> None:
    config = tmp_path / "put-away.yaml"
    config.write_text(f"server: {{data_dir: {put_away}}}\n", "utf-8")
    _mount("ro", put_away)
    assert main(["db", "status", str(config)]) == 0
    copy = tmp_path / "copy.db"
    assert main(["db", "backup", str(config), "--file", str(copy)]) == 0
    with closing(SqliteStore(copy)) as store:
        assert len(store.decisions(DecisionQuery())) == 1
    out = tmp_path / "decisions"
    assert main(["export", "decisions", str(config), "--out", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 1
    capsys.readouterr()
    assert main(["db", "upgrade", str(config)]) == 1
    assert "Read-only file system" in capsys.readouterr().err


def test_what_cannot_be_read_without_writing_says_what_can_be_done(
    tmp_path: Path, put_away: Path, capsys: Captured
) -> None:
    config = tmp_path / "put-away.yaml"
    config.write_text(f"server: {{data_dir: {put_away}}}\n", "utf-8")
    store = SqliteStore(put_away / "pointsman.db")
    shutil.copytree(put_away, tmp_path / "killed")
    store.close()
    shutil.copy(tmp_path / "killed" / "pointsman.db", put_away)
    shutil.copy(tmp_path / "killed" / "pointsman.db-wal", put_away)
    (put_away / "pointsman.db-wal").write_bytes(b"some of it" * 100)
    _mount("ro", put_away)
    for words in (["db", "status"], ["db", "backup"], ["export", "decisions"]):
        options = ["--file", str(tmp_path / "copy.db")] if words[1] == "backup" else []
        assert main([*words, str(config), *options]) != 0
        told = capsys.readouterr().err
        assert "the newest of it is still in pointsman.db-wal" in told
        assert "copy both files to a folder" in told
    assert not (tmp_path / "copy.db").exists()


def test_where_nothing_is_kept_nothing_is_forgotten(db: Db, capsys: Captured) -> None:
    assert db("forget", "--agent", "coder", "--yes") == 2
    assert "nothing was ever kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pragma", "words"), [("application_id = 7", "another program"), ("user_version = 99", "newer")]
)
def test_a_file_that_is_not_ours_is_left_alone(
    db: Db, made: Path, capsys: Captured, pragma: str, words: str
) -> None:
    with closing(sqlite3.connect(made)) as opened:
        opened.execute(f"PRAGMA {pragma}")
        opened.commit()
    for action in ("status", "upgrade"):
        assert db(action) == 2
        assert words in capsys.readouterr().err


def test_a_file_that_is_no_database_fails_with_the_reason(
    db: Db, path: Path, capsys: Captured
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely" * 100)
    assert db("status") == 1
    assert "not a database" in capsys.readouterr().err


def test_the_statements_of_a_step_are_printed_for_a_dialect(db: Db, capsys: Captured) -> None:
    assert db("sql", "--dialect", "postgresql", "--from", "2", "--to", "3") == 0
    assert "ALTER TABLE ROUTING_DECISIONS ADD COLUMN BAND DOUBLE" in capsys.readouterr().out
    assert db("sql", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["dialect"] == "sqlite"
    assert "CREATE TABLE ALERTS" in said["sql"]


HANA_SQL = [str(Path(sys.executable).with_name("pointsman")), "db", "sql", "--dialect", "hana"]


def test_the_statements_for_hana_are_written_without_its_driver(tmp_path: Path) -> None:
    """In a process of its own: what is imported stays so."""
    assert find_spec("hdbcli") is None
    done = subprocess.run(HANA_SQL, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "CREATE TABLE SCHEMA_VERSION (\n    version_num NVARCHAR" in done.stdout


def test_a_driver_that_stands_in_while_writing_is_gone_afterwards() -> None:
    with without_driver():
        assert issubclass(import_module("hdbcli.dbapi").Error, Exception)
    with pytest.raises(ModuleNotFoundError):
        import_module("hdbcli.dbapi")


def test_without_the_dialect_of_hana_it_is_said_what_to_install(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_name: str) -> None:
        raise sa.exc.NoSuchModuleError("Can't load plugin: sqlalchemy.dialects:hana")

    monkeypatch.setattr(sa.dialects.registry, "load", nothing)
    assert main(["db", "sql", "--dialect", "hana"]) == 2
    assert "--no-deps 'sqlalchemy-hana" in capsys.readouterr().err


def test_mistakes_in_the_configuration_come_first(tmp_path: Path, capsys: Captured) -> None:
    config = tmp_path / "fleet.yaml"
    config.write_text("server: {data_dirr: x}\n", "utf-8")
    assert main(["db", "status", str(config)]) == 2
    assert "data_dirr" in capsys.readouterr().err


@pytest.fixture
def distant(tmp_path: Path, database: str) -> Db:
    config = tmp_path / "shared.yaml"
    config.write_text(f"store: {{url: '{database}'}}\n", "utf-8")
    return lambda action, *options: main(["db", action, str(config), *options])


def test_a_database_on_a_server_is_brought_up_to_date_on_request(
    distant: Db, database: str, capsys: Captured
) -> None:
    assert distant("status", "--json") == 1
    before = json.loads(capsys.readouterr().out)
    assert (before["revision"], before["exists"], len(before["pending"])) == (0, True, HEAD)
    assert "pointsman@" not in before["database"]
    assert distant("upgrade") == 0
    assert f"revision 0 -> {HEAD}" in capsys.readouterr().out
    assert distant("status") == 0
    assert distant("downgrade", "--to", "2", "--yes") == 0
    assert distant("upgrade", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["before"] == 2
    assert distant("backup", "--file", "copy.db") == 2
    assert "pg_dump" in capsys.readouterr().err


def test_a_server_that_is_away_is_said_to_be(distant: Db, tmp_path: Path, capsys: Captured) -> None:
    config = tmp_path / "away.yaml"
    config.write_text("store: {url: 'postgresql://me:secret-word@127.0.0.1:9/name'}\n", "utf-8")
    assert main(["db", "upgrade", str(config)]) == 1
    said = capsys.readouterr().err
    assert "postgresql://127.0.0.1:9/name cannot be reached" in said
    assert "secret-word" not in said


def test_nothing_is_forgotten_while_some_of_it_still_waits_for_the_database(
    tmp_path: Path, upgraded_database: str, capsys: Captured
) -> None:
    config = tmp_path / "spooled.yaml"
    folder = tmp_path / "spooled"
    config.write_text(
        f"store: {{url: '{upgraded_database}'}}\nserver: {{data_dir: '{folder}'}}\n", "utf-8"
    )
    forget = ["db", "forget", str(config), "--agent", "coder", "--yes"]
    assert main(forget) == 0
    made_by = ("dec_1", "r", datetime(2026, 3, 1, tzinfo=UTC), "coder", Task(), Strategy.COST)
    rows = incoming([Decision(*made_by, (), (), 1.0, "cfg")], CandidateSets(json_text))
    spool = SpoolFile(folder / "spool.db", 10**9)
    spool.append(rows, 0)
    assert main(forget) == 2
    assert "1 records in" in capsys.readouterr().err
    portion = spool.oldest(1)
    assert portion is not None
    spool.passed_on(portion)
    spool.close()
    assert main(forget) == 0


@pytest.mark.parametrize(
    "words",
    [("upgrade",), ("downgrade", "--to", "3", "--yes"), ("forget", "--agent", "coder", "--yes")],
)
def test_what_a_gateway_uses_is_not_changed_behind_its_back(
    db: Db, made: Path, capsys: Captured, words: tuple[str, ...]
) -> None:
    before = made.read_bytes()
    with closing(Held(made.parent)):
        assert db(*words) == 1
        assert "in use by process" in (told := capsys.readouterr().err)
        assert "stop that one first" in told
        assert made.read_bytes() == before
        assert db("status") == 0
        assert db("backup", "--file", str(made.parent / "copy.db")) == 0
    assert db(*words) == 0
