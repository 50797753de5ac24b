"""How is a program told of alerts?

The body is that of Prometheus Alertmanager's webhooks, version 4, which many programs read. The
signature follows Standard Webhooks (standardwebhooks.com): the receiver knows by `webhook-id`
which notifications it has had, and by `webhook-signature` that they came from here.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pointsman.adapters.notifiers.fitting import as_json, fitted
from pointsman.adapters.notifiers.posting import Poster
from pointsman.core.notification import AlertNotice, NoticeState, Notification

MOST_ALERTS = 5_000
MAX_BYTES = 1_000_000
MIN_KEY_BYTES = 24
KEY_PREFIX = "whsec_"

NOT_ENDED = "0001-01-01T00:00:00Z"


class Webhook:
    """A receiver of webhooks. `keys` sign, all of them: the new one and those it replaces."""

    one_by_one = False

    def __init__(
        self,
        poster: Poster,
        now: Callable[[], datetime],
        *,
        keys: Sequence[bytes] = (),
        headers: Mapping[str, str] | None = None,
        most_alerts: int = MOST_ALERTS,
    ) -> None:
        self._poster = poster
        self._now = now
        self._keys = tuple(keys)
        self._headers = dict(headers or {})
        self._most = most_alerts

    def preview(self, notification: Notification) -> str:
        return as_json(payload(notification, self._most)).decode()

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        body = as_json(payload(notification, self._most))
        signed = signature_headers(notification.id, self._now(), body, self._keys)
        await self._poster.post(body, {**self._headers, **signed})
        return ""


def payload(notification: Notification, most: int = MOST_ALERTS) -> dict[str, Any]:
    """The body, of at most `most` alerts and MAX_BYTES; the others are in `truncatedAlerts`."""

    def build(alerts: Sequence[AlertNotice], others: int) -> dict[str, Any]:
        told = [alert_body(alert) for alert in alerts]
        return {
            "version": "4",
            "groupKey": notification.group_key,
            "truncatedAlerts": others,
            "status": _status(notification.state),
            "receiver": notification.channel,
            "groupLabels": dict(notification.group_labels),
            "commonLabels": _common(told, "labels"),
            "commonAnnotations": _common(told, "annotations"),
            "externalURL": next(iter(_dashboards(alerts)), ""),
            "alerts": told,
        }

    return fitted(notification, build, most=most, max_bytes=MAX_BYTES)


def alert_body(alert: AlertNotice) -> dict[str, Any]:
    """One alert as Alertmanager describes it to receivers."""
    return {
        "status": _status(alert.state),
        "labels": alert.all_labels,
        "annotations": said_of(alert),
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": rfc3339(alert.ends_at) if alert.ends_at else NOT_ENDED,
        "generatorURL": alert.links.get("dashboard", ""),
        "fingerprint": alert.fingerprint,
    }


def said_of(alert: AlertNotice) -> dict[str, str]:
    """What is said of an alert beyond its labels, evidence included; all of it text."""
    proof = alert.evidence
    told = {
        **alert.annotations,
        **{f"{name}_url": address for name, address in alert.links.items()},
        "summary": alert.summary,
        "alert_id": alert.alert_id,
        "metric": proof.metric,
        "value": f"{proof.value:g}",
        "bound": f"{proof.bound:g}",
        "threshold": f"{proof.threshold:g}",
        "n": str(proof.n),
        "window_s": f"{proof.window_s:g}",
    }
    if alert.acknowledged_by:
        told["acknowledged_by"] = alert.acknowledged_by
    if alert.flapping:
        told["flapping"] = "true"
    return told


def signature_headers(
    message_id: str, at: datetime, body: bytes, keys: Sequence[bytes]
) -> dict[str, str]:
    """The headers of Standard Webhooks; without keys the message is named and not signed."""
    stamp = str(int(at.timestamp()))
    headers = {"webhook-id": message_id, "webhook-timestamp": stamp}
    content = f"{message_id}.{stamp}.".encode() + body
    signed = [b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys]
    if signed:
        headers["webhook-signature"] = " ".join(f"v1,{each}" for each in signed)
    return headers


def signing_key(text: str) -> bytes:
    """The key that `whsec_<base64>` stands for. Raises `ValueError`, without the text."""
    try:
        key = b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (BadBase64, ValueError):
        raise ValueError("a signing key is base64, with or without `whsec_` before it") from None
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"a signing key has at least {MIN_KEY_BYTES} bytes, this one {len(key)}")
    return key


def rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _status(state: NoticeState) -> str:
    """Alertmanager knows two."""
    return "resolved" if state is NoticeState.RESOLVED else "firing"


def _common(alerts: Sequence[Mapping[str, Any]], part: str) -> dict[str, str]:
    """What all of them say alike."""
    first, *others = (alert[part] for alert in alerts)
    return {k: v for k, v in first.items() if all(each.get(k) == v for each in others)}


def _dashboards(alerts: Sequence[AlertNotice]) -> list[str]:
    return [alert.links["dashboard"] for alert in alerts if "dashboard" in alert.links]
