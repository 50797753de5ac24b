"""Has a receiver taken a notification, is it tried again, and when?

One table over every HTTP status holds for all channels. A redirect is not followed, because it
would carry the notification and its signature to somewhere that nobody configured; but it is
tried again, because what answers so is often a receiver's door while it is being mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from pointsman.core.errors import NotifyError

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
"""The most that passes between two tries of our own accord."""

LONGEST_ASKED_S = 900.0
"""The most that a receiver may ask for; no row of the outbox ever waits longer for its turn."""

LEAST_JITTER = 0.5
"""A wait is drawn between this share of it and all of it."""


class Verdict(StrEnum):
    """What an answer means for the notification that was sent."""

    DELIVERED = "delivered"
    LATER = "later"
    MISCONFIGURED = "misconfigured"
    REFUSED = "refused"


_SINGLE: Mapping[int, Verdict] = {
    # Whoever holds the settings has to act; until then it is tried on, nothing is thrown away.
    **dict.fromkeys((401, 402, 403, 404, 407), Verdict.MISCONFIGURED),
    # It may pass.
    **dict.fromkeys((408, 409, 421, 423, 424, 425, 429), Verdict.LATER),
    # The same bytes will never be taken.
    **dict.fromkeys((501, 505, 506, 510), Verdict.REFUSED),
}
_CLASSES: Mapping[int, Verdict] = {
    1: Verdict.LATER,
    2: Verdict.DELIVERED,
    3: Verdict.MISCONFIGURED,
    4: Verdict.REFUSED,
    5: Verdict.LATER,
}


def verdict(status: int) -> Verdict:
    """What a final HTTP status in [100, 599] means; one beyond that is nonsense that may pass."""
    return _SINGLE.get(status) or _CLASSES.get(status // 100, Verdict.LATER)


def objection(
    status: int, words: str = "", retry_after_s: float | None = None
) -> NotifyError | None:
    """The error that an HTTP status stands for, None for one that says it was taken.

    `words` are what the receiver said, without secrets.
    """
    judged = verdict(status)
    if judged is Verdict.DELIVERED:
        return None
    said = f"the receiver answered {status}" + (f": {words}" if words else "")
    return NotifyError(
        said,
        retryable=judged is not Verdict.REFUSED,
        misconfigured=judged is Verdict.MISCONFIGURED,
        retry_after_s=retry_after_s,
    )


def asked_wait_s(retry_after: str, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds in [0, LONGEST_ASKED_S]; None for nonsense.

    Seconds or a date (RFC 9110, 10.2.3).
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_ASKED_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_ASKED_S)


def wait_s(failures: int, asked_s: float | None, chance: float) -> float:
    """How long to wait after so many failures in a row, of which the last is among them.

    Doubles from FIRST_WAIT_S up to LONGEST_WAIT_S, then `chance` in [0, 1) draws between half of it
    and all. What the receiver asked for is the least, with up to a tenth on top, so that not
    everybody who was told the same comes back at once.
    """
    steps = min(max(failures, 1) - 1, 16)
    longest = min(FIRST_WAIT_S * 2.0**steps, LONGEST_WAIT_S)
    ours = longest * (LEAST_JITTER + (1.0 - LEAST_JITTER) * chance)
    if asked_s is None:
        return ours
    return min(max(ours, asked_s * (1.0 + 0.1 * chance)), LONGEST_ASKED_S)
