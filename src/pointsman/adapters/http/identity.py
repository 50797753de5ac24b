"""Which request is this, and what do its headers say of who sends it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from random import Random
from time import time_ns

from pointsman.adapters.http.asking import Sender
from pointsman.adapters.http.auth import Key
from pointsman.adapters.http.chat_json import MAX_TYPE_CHARS
from pointsman.adapters.http.wire import (
    deadline_s,
    max_cost_usd,
    no_cost,
    no_deadline,
    no_tradeoff,
    tradeoff,
)
from pointsman.core.decision import Strategy
from pointsman.core.errors import RequestError
from pointsman.core.naming import STRATEGY_NAMES
from pointsman.core.trace import trace_of

REQUEST_ID_HEADER = b"x-request-id"
AGENT_HEADER = b"x-pointsman-agent"
BORROWED_AGENT_HEADERS = (
    b"x-litellm-agent-id",
    b"x-claude-code-agent-id",
    b"x-switchyard-agent-id",
)
"""Headers of other ecosystems that name an agent. Their values are not ours to judge: an unknown
name there is the default agent, while in our own header it is a mistake worth telling."""

SESSION_HEADER = b"x-pointsman-session"
SESSION_HEADERS = (
    b"x-session-id",
    b"x-conversation-id",
    SESSION_HEADER,
    b"x-claude-code-session-id",
    b"x-litellm-session-id",
    b"x-switchyard-session-id",
)
DEADLINE_HEADER = b"x-pointsman-deadline-ms"
STRATEGY_HEADER = b"x-pointsman-strategy"
TRADEOFF_HEADER = b"x-pointsman-tradeoff"
TASK_TYPE_HEADER = b"x-pointsman-task-type"
MAX_COST_HEADER = b"x-pointsman-max-cost-usd"
WISH_HEADERS = (
    DEADLINE_HEADER,
    STRATEGY_HEADER,
    TRADEOFF_HEADER,
    TASK_TYPE_HEADER,
    MAX_COST_HEADER,
)
"""What the body's `pointsman` object says too, for callers who cannot change the body."""

OUR_PREFIX = b"x-pointsman-"
OUR_HEADERS = (AGENT_HEADER, SESSION_HEADER, *WISH_HEADERS)
"""All of ours that a request may have."""

TRACE_HEADER = b"traceparent"

_TELLING = frozenset(
    {AGENT_HEADER, TRACE_HEADER, *WISH_HEADERS, *BORROWED_AGENT_HEADERS, *SESSION_HEADERS}
)
_SOUND = re.compile(rb"[\x21-\x7e]{1,128}").fullmatch
_SHOWN_CHARS = 40


def request_id_of(headers: Mapping[bytes, bytes], random: Random) -> str:
    """The caller's own request id where it is short printable ASCII, else a new one.

    It is sent back and written to logs, so nothing else may pass. New ones begin with the time,
    like a decision's: what comes in order is written to an index at a fraction of the cost.
    """
    given = headers.get(REQUEST_ID_HEADER)
    if given and _SOUND(given):
        return given.decode("ascii")
    return f"req_{time_ns() // 1_000_000:011x}{random.getrandbits(52):013x}"


def sender_of(key: Key, headers: Mapping[bytes, bytes]) -> Sender:
    """Who sends the request. Raises `RequestError` for a wish that is none, and for a header of
    ours that we do not know: whoever misspells one would wait for what never happens.
    """
    # A look at all at once first: one at each takes ten times as long.
    if OUR_PREFIX in b"".join(headers):
        _require_known(headers)
    if _TELLING.isdisjoint(headers):
        return Sender(key)
    borrowed = (_text(headers, name) for name in BORROWED_AGENT_HEADERS)
    sessions = (_text(headers, name) for name in SESSION_HEADERS)
    return Sender(
        key,
        agent=_text(headers, AGENT_HEADER) or None,
        agent_place=AGENT_HEADER.decode(),
        hints=tuple(name for name in borrowed if name),
        session=next(filter(None, sessions), None),
        deadline_s=_wished(headers, DEADLINE_HEADER, deadline_s, no_deadline),
        strategy=_strategy_of(headers),
        tradeoff=_wished(headers, TRADEOFF_HEADER, tradeoff, no_tradeoff),
        task_type=_task_type_of(headers),
        traceparent=_traceparent_of(headers),
        max_cost_usd=_wished(headers, MAX_COST_HEADER, max_cost_usd, no_cost),
    )


def _require_known(headers: Iterable[bytes]) -> None:
    for name in headers:
        if name.startswith(OUR_PREFIX) and name not in OUR_HEADERS:
            raise _unknown(name)


def _unknown(header: bytes) -> RequestError:
    given, known = header.decode("latin-1"), [name.decode() for name in OUR_HEADERS]
    near = get_close_matches(given[:_SHOWN_CHARS], known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    words = f"{_shown(given)} is no header of ours.{hint} These are: {', '.join(known)}."
    return RequestError(words, param=given[:_SHOWN_CHARS], code="unknown_header")


def _traceparent_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The caller's trace, in the form that we send: whatever else stands there stays here."""
    trace = trace_of(_text(headers, TRACE_HEADER))
    return None if trace is None else trace.header


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    """The value as text: UTF-8 is what clients send today, Latin-1 what HTTP once was."""
    value = headers.get(name, b"")
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def _number(given: str) -> float:
    """A number as other programs write it: Python's own takes `1_0` and `١٠`, too."""
    if not given.isascii() or "_" in given:
        raise ValueError(given)
    return float(given)


def _wished(
    headers: Mapping[bytes, bytes],
    header: bytes,
    read: Callable[[float, str], float | None],
    refused: Callable[[str, str], RequestError],
) -> float | None:
    """The number that a header wishes for, as `read` takes it; None where there is none."""
    if header not in headers:
        return None
    given, place = _text(headers, header), header.decode()
    try:
        return read(_number(given), place)
    except (ValueError, RequestError):
        raise refused(_shown(given), place) from None


def _strategy_of(headers: Mapping[bytes, bytes]) -> Strategy | None:
    if STRATEGY_HEADER not in headers:
        return None
    given, place = _text(headers, STRATEGY_HEADER), STRATEGY_HEADER.decode()
    if given not in STRATEGY_NAMES:
        words = f"{place!r} is one of {', '.join(STRATEGY_NAMES)}, not {_shown(given)}."
        raise RequestError(words, param=place, code="invalid_value")
    return STRATEGY_NAMES[given]


def _task_type_of(headers: Mapping[bytes, bytes]) -> str | None:
    given, place = _text(headers, TASK_TYPE_HEADER), TASK_TYPE_HEADER.decode()
    if len(given) > MAX_TYPE_CHARS:
        words = f"{place!r} is a name of up to {MAX_TYPE_CHARS} characters, not {_shown(given)}."
        raise RequestError(words, param=place, code="invalid_value")
    return given or None


def _shown(given: str) -> str:
    return repr(given if len(given) <= _SHOWN_CHARS else given[: _SHOWN_CHARS - 1] + "…")
