"""How many alerts fit into a message of limited size?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pointsman.core.notification import AlertNotice, Notification

Payload = TypeVar("Payload")


def as_json(payload: Any) -> bytes:
    """The payload as JSON in UTF-8."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def fitted(
    notification: Notification,
    build: Callable[[Sequence[AlertNotice], int], Payload],
    *,
    most: int,
    max_bytes: int,
) -> Payload:
    """The message that tells as many alerts as fit, at most `most`, and how many more there are.

    `build` makes it of the alerts told one by one and the number of the others; its size must not
    fall when it is given more. At least one alert is told, so an upper bound for a single one is
    the builder's business.
    """
    alerts, total = notification.alerts, notification.total

    def built(count: int) -> Payload:
        return build(alerts[:count], total - count)

    low, high = 1, min(most, len(alerts))
    best = built(high)
    if len(as_json(best)) <= max_bytes:
        return best
    best = built(low)
    while high - low > 1:
        middle = (low + high) // 2
        candidate = built(middle)
        if len(as_json(candidate)) <= max_bytes:
            low, best = middle, candidate
        else:
            high = middle
    return best


def short(text: str, most: int) -> str:
    """The text, cut with an ellipsis where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
