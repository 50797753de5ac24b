"""How are people in Microsoft Teams told of alerts?

By the address of a Workflow ("When a Teams webhook request is received"), as an Adaptive Card. It
is of version 1.4: later ones are taken with a 202 and never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pointsman.adapters.notifiers.fitting import as_json, fitted, short
from pointsman.adapters.notifiers.posting import Poster
from pointsman.adapters.notifiers.wording import facts, more_words, title
from pointsman.core.alert import Severity
from pointsman.core.notification import AlertNotice, NoticeState, Notification

MOST_ALERTS = 15
MAX_BYTES = 20_000
"""Teams takes 28 KB, counted after a workflow has turned the card into a message of its own."""

_COLOURS = {
    Severity.INFO: "accent",
    Severity.WARNING: "warning",
    Severity.ERROR: "attention",
    Severity.CRITICAL: "attention",
}


class Teams:
    """A channel or chat of Teams that has a workflow."""

    one_by_one = False

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def preview(self, notification: Notification) -> str:
        return as_json(message(notification)).decode()

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        await self._poster.post(as_json(message(notification)), {})
        return ""


def message(notification: Notification) -> dict[str, Any]:
    """The message with one card."""

    def build(alerts: Sequence[AlertNotice], others: int) -> dict[str, Any]:
        body = [_heading(notification)]
        for alert in alerts:
            body += _section(alert)
        if others:
            body.append({"type": "TextBlock", "text": more_words(others), "wrap": True})
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "msteams": {"width": "Full"},
            "body": body,
            "actions": _actions(alerts[0]),
        }
        attachment = {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": None,
            "content": card,
        }
        return {"type": "message", "attachments": [attachment]}

    return fitted(notification, build, most=MOST_ALERTS, max_bytes=MAX_BYTES)


def _heading(notification: Notification) -> dict[str, Any]:
    over = notification.state is NoticeState.RESOLVED
    return {
        "type": "TextBlock",
        "text": _plain(title(notification)),
        "size": "large",
        "weight": "bolder",
        "color": "good" if over else _COLOURS[notification.severity],
        "wrap": True,
    }


def _section(alert: AlertNotice) -> list[dict[str, Any]]:
    told = [{"title": name, "value": _plain(short(value, 300))} for name, value in facts(alert)]
    described = alert.annotations.get("description")
    parts: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": _plain(short(alert.summary, 500)),
            "weight": "bolder",
            "wrap": True,
            "separator": True,
        },
        {"type": "FactSet", "facts": told},
    ]
    if described:
        parts.append({"type": "TextBlock", "text": _plain(short(described, 600)), "wrap": True})
    return parts


def _actions(alert: AlertNotice) -> list[dict[str, str]]:
    """Buttons for the first alert; Teams shows six at most."""
    return [
        {"type": "Action.OpenUrl", "title": short(name.capitalize(), 40), "url": short(url, 1000)}
        for name, url in list(alert.links.items())[:4]
        if url.startswith(("https://", "http://"))
    ]


def _plain(text: str) -> str:
    """Text in which nothing is a link or emphasis of Markdown."""
    for sign in "\\[]*`":
        text = text.replace(sign, f"\\{sign}")
    return text
