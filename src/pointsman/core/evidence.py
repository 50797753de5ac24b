"""What was observed of an attempt that failed, and what does a rule about it look like?

Callers write part of what upstreams say: a refusal quotes the value that it refuses. So prose is
read like a stranger's letter: what stands in quotes is not the upstream's own, and a rule that
could hurt others than the caller holds only for a sentence at the very start of the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from pointsman.core.errors import FailureKind


class Transport(StrEnum):
    """What went wrong other than by a status: on the way, in time, or in the answer's form."""

    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    RESET = "reset"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105 - a deadline, not a secret
    STALL = "stall"
    TOTAL_TIMEOUT = "total_timeout"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    MALFORMED = "malformed"
    ERROR_IN_STREAM = "error_in_stream"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"


class Evidence(NamedTuple):
    """What was observed. `status`, `code`, `type`, `message`, `param`: the upstream's own words.

    An error inside a successful answer has `transport` ERROR_IN_STREAM and, where its code is a
    number, that number as `status`. `retry_after_s` in seconds, None when not asked for.
    """

    status: int | None = None
    code: str = ""
    type: str = ""
    message: str = ""
    transport: Transport | None = None
    retry_after_s: float | None = None
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A rule: every given condition must hold; within a condition, one of its values.

    `codes` are compared with the error's code and its type. `params` are the fields that the error
    may be about, where it names one. `sentences` must begin the message (see `opened`); `words`
    may stand anywhere outside of quotes, and serve where nobody gains by saying them.
    """

    name: str
    kind: FailureKind
    why: str
    transport: Transport | None = None
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    params: frozenset[str] = frozenset()
    sentences: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    retry_after: bool = False

    def fits(self, evidence: Evidence) -> bool:
        """Whether every condition of this row holds."""
        if self.transport is not None and evidence.transport is not self.transport:
            return False
        if self.statuses and evidence.status not in self.statuses:
            return False
        if self.codes and self.codes.isdisjoint((evidence.code.lower(), evidence.type.lower())):
            return False
        if self.params and evidence.param and top_level(evidence.param) not in self.params:
            return False
        if self.retry_after and evidence.retry_after_s is None:
            return False
        return not (self.sentences or self.words) or self._says(evidence.message)

    def _says(self, message: str) -> bool:
        said = wording(message)
        if opened(self.sentences, said):
            return True
        return any(word in said.lower() for word in self.words)


_READ_CHARS = 1000
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")
# An apostrophe inside a word opens and closes nothing. What is never closed is quoted to its end.
_QUOTED = re.compile(r"(?<!\w)(['\"`]).*?(?:\1(?!\w)|\Z)")
_NAME = re.compile(r"[A-Za-z_]{1,40}")


def wording(message: str) -> str:
    """The start of `message` on one line, without what it quotes.

    A quotation becomes `''`; one that is a mere name stays, as `'name'`, because a refusal may be
    about a field.
    """
    text = " ".join(message[:_READ_CHARS].translate(_STRAIGHT).split())
    return _QUOTED.sub(_name_or_nothing, text)


def _name_or_nothing(quotation: re.Match[str]) -> str:
    inside = quotation[0][1:-1]
    closed = quotation[0].endswith(quotation[1])
    return f"'{inside}'" if closed and _NAME.fullmatch(inside) else "''"


def top_level(param: str) -> str:
    """The request field that a path such as `messages[3].content` leads into."""
    return re.split(r"[.\[]", param, maxsplit=1)[0]


# What gateways and SDKs put before the words of the house behind them, often more than once.
_WRAPPER = re.compile(
    r"(?:provider returned|input validation) error:? |error code: \d{3} - "
    r"|(?:litellm\.)?[a-z]{0,60}(?:error|exception):? (?:- )?",
    re.IGNORECASE,
)
_MOST_WRAPPERS = 3
_HOLES = {
    "{n}": r"[\d,_]+",
    "{window}": r"([\d,_]+)",
    "{name}": r"\S{1,160}",
    "{field}": r"'?([A-Za-z_]{1,40})(?![\w\[]|\.\w)'?",
    "{end}": r"\.?\Z",
}
_PART = re.compile(r"\{(?:n|window|name|field|end)\}|'(\w+)'|''")


def opened(sentences: tuple[str, ...], said: str) -> re.Match[str] | None:
    """How the first of `sentences` that can opens `said` (a `wording`), whatever its case.

    `{n}` stands for a number and `{window}` for one to learn, `{name}` for one word, `{field}` for
    the name of a field, `''` for any quotation, `{end}` for the end of the message; quotes around a
    `'word'` may be missing. What a gateway put before the sentence may stand there.
    """
    starts = _starts(said)
    found = (_pattern(sentence).match(said, start) for sentence in sentences for start in starts)
    return next((match for match in found if match), None)


def _starts(said: str) -> list[int]:
    """Where a house's own words may begin: behind all that was put before them, or some of it."""
    starts = [0]
    while len(starts) <= _MOST_WRAPPERS and (wrapper := _WRAPPER.match(said, starts[-1])):
        starts.append(wrapper.end())
    return starts[::-1]


# Compiled when first asked for: all of them at once would be the dearest part of a start, and no
# failure asks for more than those of its own status.
@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    pattern, end = "", 0
    for part in _PART.finditer(sentence):
        pattern += re.escape(sentence[end : part.start()]) + _of_part(part)
        end = part.end()
    boundary = r"(?!\w)" if sentence[-1].isalnum() else ""
    return re.compile(pattern + re.escape(sentence[end:]) + boundary, re.IGNORECASE)


def _of_part(part: re.Match[str]) -> str:
    if part[1]:
        return f"'?{part[1]}'?"
    return _HOLES.get(part[0], r"'[A-Za-z_]{0,40}'")
