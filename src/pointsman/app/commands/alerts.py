"""What is wrong now, who takes care of it, what is told of it, and does that arrive?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pointsman.app.commands.asking import WHERE, Gateway
from pointsman.app.commands.delivery import (
    add_outbox_arguments,
    add_resend_arguments,
    add_test_arguments,
    new_key,
    resend,
    show_channels,
    show_outbox,
    try_channel,
)
from pointsman.app.commands.refusing import refused
from pointsman.app.commands.watching import (
    acknowledge,
    add_ack_arguments,
    add_history_arguments,
    add_list_arguments,
    add_rules_arguments,
    add_silence_arguments,
    show_alerts,
    show_history,
    show_rules,
    silence,
)
from pointsman.core.errors import ConfigError

DESCRIPTION = f"""\
Tell what a running gateway finds wrong, take care of it, silence it, look at the rules; see through
which channels alerts are told and what became of each message, and try a channel out.

{WHERE} Changing and sending take the role admin."""

EPILOG = """\
exit status: 0 done, 1 a test did not arrive, 2 refused

examples:
  pointsman alerts                                   what is wrong now
  pointsman alerts ack ID --comment "on it"          take care of one
  pointsman alerts silence model=acme/large --hours 2 --comment "moving it"
  pointsman alerts rules slow --try slow.yaml        what a rule would have done last week
  pointsman alerts channels
  pointsman alerts test pager --dry-run     what would be sent
  pointsman alerts test pager               send it
  pointsman alerts outbox --state dead      what could not be delivered
  pointsman alerts resend ntf-17"""

Add = Callable[[argparse.ArgumentParser], None]
Run = Callable[[Gateway, argparse.Namespace], int]


class _Part(NamedTuple):
    """What comes after `alerts`."""

    summary: str
    add_arguments: Add
    run: Run


PARTS: Mapping[str, _Part] = {
    "list": _Part("what is wrong now (the default)", add_list_arguments, show_alerts),
    "history": _Part("what happened to alerts", add_history_arguments, show_history),
    "ack": _Part("take care of an alert", add_ack_arguments, acknowledge),
    "silence": _Part("do not tell of some for a while", add_silence_arguments, silence),
    "rules": _Part("the rules, and what one would have done", add_rules_arguments, show_rules),
    "channels": _Part("who can be told, and how that goes", lambda _parser: None, show_channels),
    "test": _Part("send a test through a channel", add_test_arguments, try_channel),
    "outbox": _Part("what is being told, was, or could not be", add_outbox_arguments, show_outbox),
    "resend": _Part("send one again under the same id", add_resend_arguments, resend),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    _add_common(parser)
    add_list_arguments(parser)
    parser.set_defaults(url=None, json=False, all=False)
    parts = parser.add_subparsers(dest="part", metavar="PART", title="parts")
    for name, part in PARTS.items():
        below = parts.add_parser(name, help=part.summary)
        _add_common(below)
        part.add_arguments(below)
    parts.add_parser("key", help="make a key that signs webhooks")


def _add_common(parser: argparse.ArgumentParser) -> None:
    """What may stand before the part or after it."""
    url = "where the gateway is (default: http://127.0.0.1:8080)"
    parser.add_argument("--url", help=url, default=argparse.SUPPRESS)
    as_json = "print the gateway's answer"
    parser.add_argument("--json", action="store_true", help=as_json, default=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    if args.part == "key":
        return new_key()
    try:
        return PARTS[args.part or "list"].run(Gateway(args.url), args)
    except ConfigError as error:
        return refused(error, as_json=args.json, success=False)
