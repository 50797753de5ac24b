"""Does a configuration name the database it means, and keep its password to itself?"""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pointsman.adapters.stores.conformance.records import decision, outcome
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.config import parse
from pointsman.app.keeping import MEGABYTE, StoreSettings
from pointsman.app.storing import DATABASE, recorded
from pointsman.core.errors import ConfigError
from small_disk import fill, small_disk

URL = "postgresql://me:p%40ss-word-of-mine@db.example:6432/fleet?sslmode=verify-full"


def test_an_address_is_named_without_user_and_password() -> None:
    address = address_of(URL)
    assert str(address) == "postgresql://db.example:6432/fleet"
    assert "word" not in repr(address)
    assert address_of("postgres:///fleet?host=/run/pg").place == "postgresql:///run/pg:5432/fleet"
    several = address_of("postgresql:///fleet?host=one,two&port=5432,5433")
    assert several.place == "postgresql://one,two:5432,5433/fleet"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me:pass-of-mine@host/name", "begins with mysql:"),
        ("host/name", "begins with no scheme"),
        ("postgresql://me:pass-of-mine@host", "names no database"),
        ("postgresql://me:pass-of-mine@host/one/two", "names no database"),
        ("postgresql://me:pass-of-mine@host:many/name", "cannot be read"),
        ("postgresql://me:pass-of#mine@host/name", "# in the password as"),
        ("postgresql://me:of-mine@host/na#me", "write it as %23"),
        ("postgresql://me:pass-of-mine@host/name?sslmod=require", "the option sslmod"),
        ("postgresql://me:pass-of-mine@host/name?connect_timeout=5", "the option connect_timeout"),
        ("postgresql://me:pass-of-mine@host/name?sslmode=verify", "its sslmode is verify, not"),
        ("postgresql://me:pass-of-mine@host/name?target_session_attrs=rw", "attrs is rw, not"),
        ("postgresql://me:pass-of-mine@db..host/name", "its host cannot be one: db..host"),
        (f"postgresql://me:pass-of-mine@{'h' * 64}/name", "its host cannot be one"),
        ("hana://me:pass-of-mine@host", "needs a host and the SQL port"),
        ("hana+hdbcli://me:pass-of-mine@host:39017/HXE", "named by ?databaseName="),
        ("postgresql://me:pass-of-mine@/name?host=h&port=many", "its port is many"),
        ("postgresql://me:pass-of-mine@/name?host=h&port=65536", "its port is 65536"),
    ],
)
def test_what_is_no_address_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(json.dumps({"store": {"url": url}}), {})
    problem = refused.value.problems[0]
    assert problem.path == "store.url"
    assert words in problem.message
    assert "mine" not in str(refused.value)


def test_the_url_comes_from_the_environment_and_is_shown_to_nobody() -> None:
    configuration = parse("store: {url: '${PG}'}", {"PG": URL})
    assert configuration.store.url is not None
    assert configuration.store.url.reveal() == URL
    assert configuration.redacted["store"]["url"] == "***"
    assert configuration.secrets >= {URL, "p%40ss-word-of-mine", "p@ss-word-of-mine"}
    assert "word-of-mine" not in repr(configuration)


@pytest.mark.parametrize(
    ("driver", "url", "remedy"),
    [("asyncpg", URL, "postgres"), ("hdbcli", "hana://me:pass-of-mine@host:39017/", "hana")],
)
def test_without_the_extra_it_says_how_to_get_it(
    driver: str, url: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == driver else found(name, package)

    monkeypatch.setattr("pointsman.app.checks.find_spec", without)
    with pytest.raises(ConfigError, match=rf"pip install 'pointsman\[{remedy}\]'") as refused:
        parse(json.dumps({"store": {"url": url}}), {})
    assert [problem.path for problem in refused.value.problems] == ["store.url"]
    assert "mine" not in str(refused.value)


def test_nobody_gets_the_proprietary_driver_who_did_not_ask_for_it(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert any("hdbcli" in each for each in extras.pop("hana"))
    others = [project["project"]["dependencies"], *extras.values()]
    others += project["dependency-groups"].values()
    named = [str(each) for needs in others for each in needs]
    assert not [each for each in named if "hana" in each or "hdbcli" in each]


def test_an_agent_can_be_forgotten_also_when_the_disk_is_full(tmp_path: Path) -> None:
    settings = StoreSettings(reserve_bytes=4 * MEGABYTE)
    with small_disk(tmp_path, megabytes=24) as disk:
        gateway = SqliteStore(disk / DATABASE, reserve=settings.reserve_bytes)
        kept = [decision(n) for n in range(500)]
        gateway.append([each for one in kept for each in (one, outcome(one))])
        gateway.close()
        fill(disk)
        store = recorded(settings, disk, reading=False)
        assert store is not None
        assert store.forget_agent(kept[0].agent_id) == 500
        store.close()
