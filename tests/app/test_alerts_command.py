"""How may `pointsman alerts` be asked?"""

from __future__ import annotations

import argparse
from typing import Any, cast

import pytest

from pointsman.app.commands.alerts import add_arguments
from pointsman.app.commands.asking import Gateway
from pointsman.app.commands.watching import show_rules
from pointsman.core.errors import ConfigError

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


class Asked:
    """A gateway that writes down what it is asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        self.calls.append((method, path, more))
        return {"message": "done"}


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (("x",), ("GET", "/alerts/rules/x", {})),
        (("x", "--try"), ("POST", "/alerts/rules/x/dry-run", {"body": {}, "days": "7"})),
        (("x", "--days", "30"), ("POST", "/alerts/rules/x/dry-run", {"body": {}, "days": "30"})),
        ((), ("GET", "/alerts/rules", {})),
    ],
)
def test_days_alone_ask_what_the_rule_in_force_would_have_done(
    arguments: tuple[str, ...], call: tuple[str, str, dict[str, Any]]
) -> None:
    gateway = Asked()
    assert show_rules(cast("Gateway", gateway), asked("rules", "--json", *arguments)) == 0
    assert gateway.calls == [call]


@pytest.mark.parametrize("arguments", [("--days", "3"), ("--on",), ("--try",)])
def test_what_is_asked_of_a_rule_names_it(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="name the rule that is meant"):
        show_rules(cast("Gateway", Asked()), asked("rules", *arguments))
