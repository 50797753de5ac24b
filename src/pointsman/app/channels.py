"""How does a configured channel become one that can be sent through?

A channel's code is loaded when there is a channel of its type; most gateways have one or two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from typing import Any

from pointsman.app.telling_whom import ChannelEntry, Telling
from pointsman.engine.delivery_ports import Notifier
from pointsman.engine.notify import Deliverer
from pointsman.engine.ports import Clock
from pointsman.engine.sending import Channel, ChannelPolicy

Now = Callable[[], datetime]

_AT_HOME = frozenset({"alertmanager", "email"})
"""Types whose receivers are mostly next door."""

SUBMISSION_PORT, SECURE_PORT = 587, 465


def channels_of(
    entries: Mapping[str, ChannelEntry],
    now: Now,
    before: Mapping[str, ChannelEntry] | None = None,
    running: Mapping[str, Channel] | None = None,
) -> dict[str, Channel]:
    """A channel for each entry; one whose entry is as `before` is kept running."""
    kept = {
        name: channel
        for name, channel in (running or {}).items()
        if before and name in entries and before.get(name) == entries[name]
    }
    return {
        name: kept.get(name) or Channel(notifier_of(entry, now), policy_of(entry), entry.type)
        for name, entry in entries.items()
    }


def tell_through(deliverer: Deliverer, before: Telling, now: Telling, clock: Clock) -> None:
    """Deliver as the configuration says now; unchanged channels go on as they are."""
    running = {name: sender.channel for name, sender in deliverer.senders.items()}
    deliverer.reconfigure(channels_of(now.channels, clock.now, before.channels, running))


def policy_of(entry: ChannelEntry) -> ChannelPolicy:
    return ChannelPolicy(
        per_minute=entry.per_minute,
        burst=entry.burst,
        timeout_s=entry.timeout_s,
        give_up_after_s=entry.give_up_after_s,
        fallback=entry.fallback,
    )


def notifier_of(entry: ChannelEntry, now: Now) -> Notifier:
    """The notifier of an entry that has been checked."""
    return _MAKERS[entry.type](entry, now)


def _module(name: str) -> Any:
    return import_module(f"pointsman.adapters.notifiers.{name}")


def _poster(entry: ChannelEntry, now: Now, url: str) -> Any:
    allowed = entry.allow_private
    secrets = [entry.token, entry.routing_key, *entry.headers.values(), *entry.signing_keys]
    return _module("posting").Poster(
        url,
        now,
        allow_private=entry.type in _AT_HOME if allowed is None else allowed,
        secrets=[secret.reveal() for secret in secrets if secret],
    )


def _url(entry: ChannelEntry, usual: str = "") -> str:
    return entry.url.reveal() if entry.url else usual


def _headers(entry: ChannelEntry) -> dict[str, str]:
    return {name: value.reveal() for name, value in entry.headers.items()}


def _webhook(entry: ChannelEntry, now: Now) -> Notifier:
    webhook = _module("webhook")
    made: Notifier = webhook.Webhook(
        _poster(entry, now, _url(entry)),
        now,
        keys=[webhook.signing_key(key.reveal()) for key in entry.signing_keys],
        headers=_headers(entry),
        most_alerts=entry.max_alerts,
    )
    return made


def _slack(entry: ChannelEntry, now: Now) -> Notifier:
    slack = _module("slack")
    made: Notifier
    if entry.token is None:
        made = slack.SlackHook(_poster(entry, now, _url(entry)))
    else:
        poster = _poster(entry, now, slack.API)
        made = slack.SlackBot(poster, entry.token.reveal(), entry.channel)
    return made


def _teams(entry: ChannelEntry, now: Now) -> Notifier:
    made: Notifier = _module("teams").Teams(_poster(entry, now, _url(entry)))
    return made


def _pagerduty(entry: ChannelEntry, now: Now) -> Notifier:
    pagerduty = _module("pagerduty")
    key = entry.routing_key.reveal() if entry.routing_key else ""
    made: Notifier = pagerduty.PagerDuty(_poster(entry, now, _url(entry, pagerduty.API)), key)
    return made


def _email(entry: ChannelEntry, now: Now) -> Notifier:
    mail = _module("mail")
    usual = SECURE_PORT if entry.security == "tls" else SUBMISSION_PORT
    server = mail.Server(
        entry.host,
        entry.port or usual,
        security=entry.security,
        user=entry.user or "",
        password=entry.password.reveal() if entry.password else "",
        timeout_s=entry.timeout_s,
    )
    made: Notifier = mail.Mail(server, entry.sender, entry.to, now)
    return made


def _alertmanager(entry: ChannelEntry, now: Now) -> Notifier:
    posters = [_poster(entry, now, url.reveal()) for url in entry.urls]
    made: Notifier = _module("alertmanager").Alertmanager(posters, now, _headers(entry))
    return made


def _apprise(entry: ChannelEntry, _now: Now) -> Notifier:
    made: Notifier = _module("long_tail").Apprise([url.reveal() for url in entry.urls])
    return made


_MAKERS: Mapping[str, Callable[[ChannelEntry, Now], Notifier]] = {
    "webhook": _webhook,
    "slack": _slack,
    "teams": _teams,
    "pagerduty": _pagerduty,
    "email": _email,
    "alertmanager": _alertmanager,
    "apprise": _apprise,
}
