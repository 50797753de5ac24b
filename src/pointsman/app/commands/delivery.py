"""How do people see and try out what tells them of alerts?"""

from __future__ import annotations

import argparse
import json
import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pointsman.adapters.notifiers.webhook import KEY_PREFIX
from pointsman.app.commands.arguments import whole_number
from pointsman.app.commands.asking import Document, Gateway
from pointsman.core.outbox import RowState

KEY_BYTES = 32


def new_key() -> int:
    """Print a new key for `signing_keys`."""
    print(KEY_PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    return 0


def show_channels(gateway: Gateway, args: argparse.Namespace) -> int:
    answer = gateway.ask("GET", "/alerts/channels")
    if args.json:
        return _as_json(answer)
    rows = [
        (
            channel["name"],
            channel["type"],
            "failing" if channel["failures"] else "ok",
            channel["delivered"],
            channel["waiting"],
            channel["dead"],
        )
        for channel in answer["channels"]
    ]
    head = ("channel", "type", "state", "delivered", "waiting", "dead")
    print(_table(head, rows) if rows else "no channels: see `alerts.channels` in the configuration")
    return 0


def add_test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("channel", help="the name of a channel")
    parser.add_argument("--dry-run", action="store_true", help="print the payload, send nothing")
    parser.add_argument("--resolved", action="store_true", help="send what ends the test before")


def try_channel(gateway: Gateway, args: argparse.Namespace) -> int:
    answer = gateway.ask(
        "POST",
        f"/alerts/channels/{quote(args.channel, safe='')}/test",
        dry_run="true" if args.dry_run else None,
        resolved="true" if args.resolved else None,
    )
    if args.json:
        _as_json(answer)
    elif args.dry_run:
        print(answer["payload"])
    elif answer["success"]:
        print(f"{args.channel} took the test.")
    else:
        print(f"{args.channel} did not take the test: {answer['error']}")
    return 0 if answer["success"] else 1


def add_outbox_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--channel", help="only those for this channel")
    parser.add_argument("--state", choices=[state.value for state in RowState], help="only these")
    parser.add_argument("--limit", type=whole_number, default=20, help="how many at most")


def show_outbox(gateway: Gateway, args: argparse.Namespace) -> int:
    answer = gateway.ask(
        "GET", "/alerts/outbox", channel=args.channel, state=args.state, limit=args.limit
    )
    if args.json:
        return _as_json(answer)
    rows = [
        (
            row["notification_id"],
            row["created_at"][:19].replace("T", " "),
            row["channel"],
            row["state"],
            row["attempts"],
            row["error"] or row["summary"],
        )
        for row in answer["notifications"]
    ]
    head = ("notification", "since (UTC)", "channel", "state", "tries", "error, or what it says")
    print(_table(head, rows) if rows else "nothing")
    return 0


def add_resend_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notification", help="its id, as `pointsman alerts outbox` prints it")


def resend(gateway: Gateway, args: argparse.Namespace) -> int:
    answer = gateway.ask("POST", f"/alerts/outbox/{quote(args.notification, safe='')}/resend")
    if args.json:
        return _as_json(answer)
    print(answer["message"])
    return 0


def _as_json(answer: Document) -> int:
    print(json.dumps(answer, indent=2))
    return 0


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [[str(value) for value in row] for row in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    padded = (
        "  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)
