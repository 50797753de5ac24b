"""Does a configuration name the database it means, and keep its password to itself?"""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from pointsman.adapters.stores.postgres.address import address_of
from pointsman.app.config import parse
from pointsman.core.errors import ConfigError

URL = "postgresql://me:p%40ss-word-of-mine@db.example:6432/fleet?sslmode=verify-full"


def test_an_address_is_named_without_user_and_password() -> None:
    address = address_of(URL)
    assert str(address) == "postgresql://db.example:6432/fleet"
    assert "word" not in repr(address)
    assert address_of("postgres:///fleet?host=/run/pg").place == "postgresql:///run/pg:5432/fleet"


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


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "asyncpg" else found(name, package)

    monkeypatch.setattr("pointsman.app.checks.find_spec", without)
    with pytest.raises(ConfigError, match=r"pointsman\[postgres\]"):
        parse(json.dumps({"store": {"url": URL}}), {})
