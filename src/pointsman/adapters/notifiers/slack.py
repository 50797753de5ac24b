"""How are people in Slack told of alerts?

With an incoming webhook every notification is a message. With a bot's token it is told in one
place: what follows on a group is a reply to the first message, shown in the channel too, and when
all is over the first message itself says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pointsman.adapters.notifiers.fitting import as_json, fitted, short
from pointsman.adapters.notifiers.posting import Poster
from pointsman.adapters.notifiers.wording import (
    evidence_words,
    instant,
    more_words,
    state_words,
    title,
)
from pointsman.core.alert import Severity
from pointsman.core.errors import NotifyError
from pointsman.core.notification import AlertNotice, NoticeState, Notification

API = "https://slack.com/api"
MOST_ALERTS = 20
MAX_BYTES = 12_000
"""Slack takes some 13,200 characters in all blocks of a message, whatever each may hold."""

_SIGNS = {
    Severity.INFO: ":large_blue_circle:",
    Severity.WARNING: ":large_yellow_circle:",
    Severity.ERROR: ":large_orange_circle:",
    Severity.CRITICAL: ":red_circle:",
}
_OVER = ":white_check_mark:"

# What these say stays true until somebody changes a setting; what is not named here may pass.
_MISCONFIGURED = frozenset(
    {
        "account_inactive",
        "channel_not_found",
        "ekm_access_denied",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "restricted_action",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_REFUSED = frozenset(
    {
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_json",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "too_many_attachments",
    }
)
_NOT_TO_CHANGE = frozenset(
    ["cant_update_message", "edit_window_closed", "message_not_found", "update_failed"]
)


class SlackHook:
    """An incoming webhook of Slack."""

    one_by_one = False

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def preview(self, notification: Notification) -> str:
        return as_json(message(notification)).decode()

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        await self._poster.post(as_json(message(notification)), {})
        return ""


class SlackBot:
    """A bot in a channel of Slack; needs the scope `chat:write`.

    A receipt is the channel's id and the timestamp of the first message on a group.
    """

    one_by_one = False

    def __init__(self, poster: Poster, token: str, channel: str) -> None:
        self._poster = poster
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=utf-8",
        }
        self._channel = channel

    def preview(self, notification: Notification) -> str:
        return as_json({"channel": self._channel, **message(notification)}).decode()

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        told = message(notification)
        place, _, stamp = earlier.partition(" ")
        if not stamp or notification.first:
            return await self._post({"channel": self._channel, **told})
        if notification.state is NoticeState.RESOLVED:
            try:
                await self._call("/chat.update", {"channel": place, "ts": stamp, **told})
            except _Unchangeable:
                return await self._post({"channel": self._channel, **told})
            return earlier
        reply = {"channel": place, "thread_ts": stamp, "reply_broadcast": True, **told}
        await self._post(reply)
        return earlier

    async def _post(self, body: dict[str, Any]) -> str:
        answer = await self._call("/chat.postMessage", body)
        place, stamp = answer.get("channel"), answer.get("ts")
        return f"{place} {stamp}" if place and stamp else ""

    async def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Slack says 200 also where it did nothing; what counts is `ok`."""
        reply = await self._poster.post(as_json(body), self._headers, below=method)
        try:
            answer = json.loads(reply.body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise NotifyError("the receiver answered 200 with something else than Slack does")
        if answer.get("ok") is True:
            return answer
        raise _objection(self._poster.said(str(answer.get("error")).encode()))


class _Unchangeable(NotifyError):
    """The first message is gone or can no longer be changed."""


def _objection(code: str) -> NotifyError:
    kind = _Unchangeable if code in _NOT_TO_CHANGE else NotifyError
    return kind(
        f"Slack answered {code}",
        retryable=code not in _REFUSED,
        misconfigured=code in _MISCONFIGURED,
    )


def message(notification: Notification) -> dict[str, Any]:
    """The message as Block Kit, with a text for where blocks are not shown."""
    heading = title(notification)

    def build(alerts: Sequence[AlertNotice], others: int) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": heading, "emoji": False}}
        ]
        blocks += [{"type": "section", "text": _markdown(_lines(alert))} for alert in alerts]
        if others:
            blocks.append({"type": "context", "elements": [_markdown(more_words(others))]})
        return {"text": escaped(heading), "blocks": blocks}

    return fitted(notification, build, most=MOST_ALERTS, max_bytes=MAX_BYTES)


def _lines(alert: AlertNotice) -> str:
    over = alert.state is NoticeState.RESOLVED
    sign = _OVER if over else _SIGNS[alert.severity]
    since = f"{alert.severity.name}, {state_words(alert)}, since {instant(alert.starts_at)}"
    lines = [
        f"{sign} *{escaped(short(alert.summary, 500))}*",
        escaped(since + (f" until {instant(alert.ends_at)}" if alert.ends_at else "")),
        escaped(short(evidence_words(alert.evidence), 300)),
    ]
    described = alert.annotations.get("description")
    if described:
        lines.append(escaped(short(described, 600)))
    links = [f"<{_address(url)}|{escaped(short(name, 40))}>" for name, url in alert.links.items()]
    return "\n".join([*lines, " · ".join(links[:4])]).rstrip()


def _markdown(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": short(text, 3000)}


def escaped(text: str) -> str:
    """The text as text: no mention, link or emphasis of Slack's can come from a name in it."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return safe.replace("*", "∗").replace("`", "ˋ")


def _address(url: str) -> str:
    return short(url.replace("|", "%7C").replace(">", "%3E").replace("<", "%3C"), 500)
