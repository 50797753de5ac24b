"""How are secrets kept out of a log record?

Every text of a record is made plain and searched before it is queued: the message with its
arguments, what was passed as `extra`, the traceback. Known secrets are found as they are and as
they look in a representation or in JSON; unknown ones by the shapes that keys commonly have.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import re
from collections.abc import Callable, Iterable, Mapping

from pointsman.app.secrets import MASK
from pointsman.core.secret_shapes import SECRET_SHAPE

MAX_CHARS = 16_384
MAX_DEPTH = 4

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "asctime",
    "color_message",
    "message",
    "taskName",
}

_tracebacks = logging.Formatter()


def extras_of(record: logging.LogRecord) -> dict[str, object]:
    """What was passed as `extra`, in the order in which it was passed."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class Scrubber:
    """Takes the secrets that `secrets` yields, and whatever looks like one, out of records."""

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        self._secrets = secrets
        self._known: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None

    def text(self, text: str) -> str:
        """The text without secrets, cut at `MAX_CHARS`."""
        pattern = self._current_pattern()
        if pattern is not None:
            text = pattern.sub(MASK, text)
        text = SECRET_SHAPE.sub(rf"\g<start>\g<house>{MASK}", text)
        return text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + "…"

    def scrubbed(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy of the record that holds plain values only, none of them secret."""
        clean = copy.copy(record)
        clean.msg = clean.message = self.text(record.getMessage())
        clean.args = None
        clean.exc_text = self._traceback(record)
        clean.exc_info = None
        clean.stack_info = self.text(record.stack_info) if record.stack_info else None
        for key, value in extras_of(record).items():
            del clean.__dict__[key]
            clean.__dict__[self.text(key)] = self._plain(value, MAX_DEPTH)
        return clean

    def _traceback(self, record: logging.LogRecord) -> str | None:
        if record.exc_info and record.exc_info[0] is not None:
            return self.text(_tracebacks.formatException(record.exc_info))
        return self.text(record.exc_text) if record.exc_text else None

    def _plain(self, value: object, depth: int) -> object:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth and isinstance(value, Mapping):
            return {
                self.text(str(key)): self._plain(item, depth - 1) for key, item in value.items()
            }
        if depth and isinstance(value, list | tuple | set | frozenset):
            return [self._plain(item, depth - 1) for item in value]
        return self.text(str(value))

    def _current_pattern(self) -> re.Pattern[str] | None:
        known = frozenset(secret for secret in self._secrets() if secret)
        if known != self._known:
            self._known = known
            spellings = {spelling for secret in known for spelling in _spellings(secret)}
            longest_first = sorted(spellings, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first))) if known else None
        return self._pattern


def _spellings(secret: str) -> set[str]:
    """The secret, and how it looks inside a representation or inside JSON."""
    return {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
