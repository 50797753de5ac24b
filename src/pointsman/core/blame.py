"""Who is to blame for a failed attempt?

One ordered table. What was observed (`Evidence`) is held against each `Row`; the first that fits
decides. Rows run from the particular to the general: what broke on the way, then the machine
codes of providers, then their prose, then bare statuses. Prose comes before statuses because the
same status means different things at different houses.
"""

from __future__ import annotations

from pointsman.core.clues import context_limit, unsupported_parameter
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.evidence import Evidence, Row, Transport
from pointsman.core.spellings import CODES
from pointsman.core.wordings import WORDS

__all__ = [
    "ROWS",
    "Evidence",
    "Row",
    "Transport",
    "classify",
    "context_limit",
    "unsupported_parameter",
    "verdict",
]


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


_TRANSPORT = (
    Row("cancelled", Kind.CANCELLED, "The caller left; nobody failed.", Transport.CANCELLED),
    Row("deadline", Kind.DEADLINE, "The caller's own time was up.", Transport.DEADLINE),
    Row("dns", Kind.NAME_UNRESOLVED, "The address has no host behind it.", Transport.DNS),
    Row("connect", Kind.CONNECT_FAILED, "Nobody listens there, or not yet.", Transport.CONNECT),
    Row(
        "connect_timeout",
        Kind.CONNECT_TIMEOUT,
        "A host that drops packets.",
        Transport.CONNECT_TIMEOUT,
    ),
    Row("tls", Kind.TLS_FAILED, "A certificate does not heal by itself.", Transport.TLS),
    Row("reset", Kind.RESET, "The connection broke; another may hold.", Transport.RESET),
    Row(
        "first_token",
        Kind.FIRST_TOKEN_TIMEOUT,
        "Accepted, and never began.",
        Transport.FIRST_TOKEN_TIMEOUT,
    ),
    Row("stall", Kind.STALLED, "Began and fell silent.", Transport.STALL),
    Row("total_timeout", Kind.TOTAL_TIMEOUT, "Spoke on for too long.", Transport.TOTAL_TIMEOUT),
    Row("truncated", Kind.TRUNCATED, "Ended before it was complete.", Transport.TRUNCATED),
    Row("empty", Kind.EMPTY, "A complete answer that says nothing helps nobody.", Transport.EMPTY),
    Row("malformed", Kind.MALFORMED, "Not in the dialect it claims to speak.", Transport.MALFORMED),
)

_STATUSES = (
    Row(
        "moved",
        Kind.WRONG_ADDRESS,
        "A redirect; following it could give the key away.",
        statuses=frozenset(range(300, 400)),
    ),
    Row(
        "refused",
        Kind.INVALID_REQUEST,
        "Nothing hints that another model would take it.",
        statuses=_on(400),
    ),
    Row("key", Kind.KEY_REJECTED, "Our key, not the caller's.", statuses=_on(401)),
    Row(
        "budget_in_flight",
        Kind.RATE_LIMITED,
        "OpenRouter's 402 with Retry-After: money is reserved by calls under way.",
        statuses=_on(402),
        retry_after=True,
    ),
    Row("payment", Kind.BILLING, "Somebody has to pay.", statuses=_on(402)),
    Row("forbidden", Kind.KEY_FORBIDDEN, "A key without this right.", statuses=_on(403)),
    Row("no_path", Kind.WRONG_ADDRESS, "Nothing lives at this path.", statuses=_on(404, 405)),
    Row(
        "not_json_api",
        Kind.WRONG_ADDRESS,
        "What lives there does not take JSON.",
        statuses=_on(406, 415),
    ),
    Row("slow", Kind.GATEWAY_TIMEOUT, "The upstream gave up on its own.", statuses=_on(408)),
    Row("conflict", Kind.OVERLOADED, "A lock that a moment frees.", statuses=_on(409)),
    Row("gone", Kind.MODEL_GONE, "Gone for good, says HTTP.", statuses=_on(410)),
    Row(
        "too_large",
        Kind.REQUEST_TOO_LARGE,
        "Too many bytes; windows are counted in tokens.",
        statuses=_on(413),
    ),
    Row(
        "senseless",
        Kind.UNPROCESSABLE,
        "Understood, and not possible for anyone.",
        statuses=_on(422),
    ),
    Row("early", Kind.OVERLOADED, "It asks to come again a moment later.", statuses=_on(425)),
    Row("legal", Kind.CONTENT_FILTER, "The law forbids this content there.", statuses=_on(451)),
    Row("flex_full", Kind.OVERLOADED, "Groq's own status for a full flex tier.", statuses=_on(498)),
    Row("broke", Kind.SERVER_ERROR, "The server says that it failed.", statuses=_on(500)),
    Row("no_method", Kind.WRONG_ADDRESS, "It does not do this at all.", statuses=_on(501)),
    Row(
        "behind", Kind.BAD_GATEWAY, "Broken behind a proxy.", statuses=_on(502, 520, 525, 526, 530)
    ),
    Row("down", Kind.UNAVAILABLE, "Down, or not up yet.", statuses=_on(503, 521, 523)),
    Row("too_slow", Kind.GATEWAY_TIMEOUT, "Too slow for a proxy.", statuses=_on(504, 522, 524)),
    Row("full", Kind.OVERLOADED, "Anthropic's status for full.", statuses=_on(529)),
    Row(
        "odd_5xx",
        Kind.SERVER_ERROR,
        "A server error we have no name for.",
        statuses=frozenset(range(500, 600)),
    ),
    Row("in_stream", Kind.STREAM_ERROR, "Failed after it began.", Transport.ERROR_IN_STREAM),
    Row("odd", Kind.UNEXPECTED_STATUS, "Nothing known fits; another model may do."),
)

ROWS: tuple[Row, ...] = (*_TRANSPORT, *CODES, *WORDS, *_STATUSES)


def verdict(evidence: Evidence) -> Row:
    """The first row that fits; the last one always does."""
    return next(row for row in ROWS if row.fits(evidence))


def classify(evidence: Evidence) -> Kind:
    """The kind of failure that the evidence shows."""
    return verdict(evidence).kind
