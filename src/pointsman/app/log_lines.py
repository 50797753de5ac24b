"""What does one log record look like, for a person or for a program?"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from pointsman.app.scrubbing import extras_of

_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:;/+@%*()[]{}<>!?#$&|~^"
)


def timestamp(record: logging.LogRecord) -> str:
    """When the record was made: RFC 3339 in UTC, to the millisecond."""
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class LineFormatter(JsonFormatter):
    """One JSON object per line: ts, level, logger, message, what was passed as extra, exception."""

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],  # noqa: ARG002 - the signature is the base's
    ) -> None:
        head = {
            "ts": timestamp(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.message,
        }
        log_data |= head | extras_of(record) | head
        if record.exc_text:
            log_data["exception"] = record.exc_text
        if record.stack_info:
            log_data["stack"] = record.stack_info


class ConsoleFormatter(logging.Formatter):
    """One readable line; a traceback follows with every line of it set in."""

    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {escaped(key)}={_value(v)}" for key, v in extras_of(record).items())
        line = (
            f"{timestamp(record)} {record.levelname:<7} {escaped(record.name)}"
            f" {escaped(record.getMessage())}{extras}"
        )
        return "\n".join([line, *_set_in(record.exc_text), *_set_in(record.stack_info)])


def escaped(text: str) -> str:
    """The text on one line, with nothing in it that a terminal obeys."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return char.encode("unicode_escape").decode("ascii")


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    if text and _PLAIN.issuperset(text):
        return text
    return (
        escaped(json.dumps(text, ensure_ascii=False)) if isinstance(value, str) else escaped(text)
    )


def _set_in(text: str | None) -> list[str]:
    return [f"    | {escaped(line)}" for line in text.split("\n")] if text else []
