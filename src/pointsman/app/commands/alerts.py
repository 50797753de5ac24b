"""What is told of alerts, and does it arrive?"""

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
from pointsman.core.errors import ConfigError

DESCRIPTION = f"""\
See through which channels alerts are told and what became of each message, and try a channel out.

{WHERE} Sending takes the role admin."""

EPILOG = """\
exit status: 0 done, 1 a test did not arrive, 2 refused

examples:
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
    "channels": _Part("who can be told, and how that goes", lambda _parser: None, show_channels),
    "test": _Part("send a test through a channel", add_test_arguments, try_channel),
    "outbox": _Part("what is being told, was, or could not be", add_outbox_arguments, show_outbox),
    "resend": _Part("send one again under the same id", add_resend_arguments, resend),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True, title="parts")
    for name, part in PARTS.items():
        below = parts.add_parser(name, help=part.summary)
        below.add_argument("--url", help="where the gateway is (default: http://127.0.0.1:8080)")
        below.add_argument("--json", action="store_true", help="print the gateway's answer")
        part.add_arguments(below)
    parts.add_parser("key", help="make a key that signs webhooks")


def run(args: argparse.Namespace) -> int:
    if args.part == "key":
        return new_key()
    try:
        return PARTS[args.part].run(Gateway(args.url), args)
    except ConfigError as error:
        return refused(error, as_json=args.json, success=False)
