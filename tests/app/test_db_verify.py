"""Does `pointsman db verify` find what a database promises, and leave nothing behind?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from pointsman.adapters.stores.conformance.checks import CHECKS
from pointsman.adapters.stores.conformance.verify import Verification
from pointsman.app.cli import main

STANDIN = Path(__file__).parent.parent / "standin"
Captured = pytest.CaptureFixture[str]


SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'"


def schemas(database: str) -> list[str]:
    async def ask() -> list[str]:
        session = await asyncpg.connect(database)
        try:
            return [row[0] for row in await session.fetch(SCHEMAS)]
        finally:
            await session.close()

    return asyncio.run(ask())


def test_postgres_keeps_its_promises(database: str, capsys: Captured) -> None:
    before = schemas(database)
    assert main(["db", "verify", database]) == 0
    said = capsys.readouterr().out
    assert said.count("ok ") == len(CHECKS)
    assert "all hold" in said
    assert "pointsman@" not in said
    assert schemas(database) == before


def test_sqlite_keeps_its_promises(tmp_path: Path, capsys: Captured) -> None:
    assert main(["db", "verify", f"sqlite:{tmp_path}", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [each["holds"] for each in record["findings"]] == [True] * len(CHECKS)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told_with_what_to_do(
    tmp_path: Path, capsys: Captured
) -> None:
    assert main(["db", "verify", f"sqlite:{tmp_path}/missing"]) == 2
    said = capsys.readouterr().err
    assert f"there is no folder '{tmp_path}/missing'; make it" in said
    assert "Errno" not in said


def test_what_surrounds_the_statements_for_hana_keeps_its_promises(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the stand-in for SAP's driver, see there: of HANA this says nothing."""
    monkeypatch.syspath_prepend(STANDIN)
    monkeypatch.setenv("STANDIN_HANA", str(tmp_path))
    assert main(["db", "verify", "hana://me:pass-of-mine@standin:39017/", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert [each["holds"] for each in findings] == [True] * len(CHECKS)
    assert [path.name for path in tmp_path.iterdir()] == ["HXE.db"]


def test_without_a_url_it_is_the_database_of_the_configuration(
    tmp_path: Path, database: str, capsys: Captured
) -> None:
    config = tmp_path / "fleet.yaml"
    config.write_text(f"store: {{url: '{database}'}}\n", "utf-8")
    assert main(["db", "verify", str(config)]) == 0
    assert "postgresql://127.0.0.1" in capsys.readouterr().out


def test_a_broken_promise_is_named_and_the_others_are_examined(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Verification.findings

    def tampered(self: Verification) -> object:
        self._scratch.ask("DROP VIEW V_TOP_AGENT_MODEL_PAIRS")
        return real(self)

    monkeypatch.setattr(Verification, "findings", tampered)
    assert main(["db", "verify", f"sqlite:{tmp_path}"]) == 1
    said = capsys.readouterr().out
    assert "BROKEN" in said
    assert "no such table: V_TOP_AGENT_MODEL_PAIRS" in said
    assert said.count("ok ") == len(CHECKS) - 2, "nor can the revisions go down"


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("mysql://host/name", 2, "begins with mysql:"),
        ("postgresql://me:pass-of-mine@127.0.0.1:9/name", 1, "127.0.0.1:9/name"),
    ],
)
def test_what_cannot_be_examined_is_told_without_a_password(
    url: str, status: int, words: str, capsys: Captured
) -> None:
    assert main(["db", "verify", url]) == status
    said = capsys.readouterr().err
    assert words in said
    assert "mine" not in said
