"""How may `pointsman alerts` be asked?"""

from __future__ import annotations

import argparse

import pytest

from pointsman.app.commands.alerts import add_arguments

ELSEWHERE = "http://127.0.0.1:9"


def asked(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", ELSEWHERE, "--json", "--all"),
        ("--url", ELSEWHERE, "--json", "list", "--all"),
        ("list", "--url", ELSEWHERE, "--json", "--all"),
    ],
)
def test_where_and_how_may_be_said_before_the_part_or_after_it(arguments: tuple[str, ...]) -> None:
    args = asked(*arguments)
    assert (args.url, args.json, args.all) == (ELSEWHERE, True, True)


def test_what_is_not_said_is_the_usual() -> None:
    for args in (asked(), asked("list")):
        assert (args.url, args.json, args.all) == (None, False, False)
    assert asked("channels").url is None
