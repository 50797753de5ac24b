"""Does each channel have what its type takes, and does each route lead to one that there is?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple

from pointsman.adapters.notifiers.posting import address_fault
from pointsman.adapters.notifiers.webhook import signing_key
from pointsman.app.mistakes import Findings, nearest
from pointsman.app.telling_whom import ChannelEntry, RouteEntry, zone_of
from pointsman.app.yamltree import Path
from pointsman.core.alert_silences import matcher

_ALL = frozenset(
    {"type", "allow_private", "per_minute", "burst", "timeout_s", "give_up_after_s", "fallback"}
)
ADDRESS_REMEDY = "write one such as https://alerts.example/hook"


class _Kind(NamedTuple):
    """Which keys a type needs, and which it may have besides those that all may have."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()


KINDS: Mapping[str, _Kind] = {
    "webhook": _Kind(("url",), ("signing_keys", "headers", "max_alerts")),
    "slack": _Kind((), ("url", "token", "channel")),
    "teams": _Kind(("url",)),
    "pagerduty": _Kind(("routing_key",), ("url",)),
    "email": _Kind(("host", "sender", "to"), ("port", "security", "user", "password")),
    "alertmanager": _Kind(("urls",), ("headers",)),
    "apprise": _Kind(("urls",)),
}


Channels = Mapping[str, ChannelEntry]


def check_channels(channels: Channels, routes: Sequence[RouteEntry], findings: Findings) -> None:
    """Report everything that does not fit in `alerts.channels` and `alerts.routes`."""
    for name, channel in channels.items():
        path = ("alerts", "channels", name)
        _check_keys(channel, path, findings)
        _check_addresses(channel, path, findings)
        _check_particulars(channel, path, findings)
        _check_fallback(name, channel, channels, findings)
    for number, route in enumerate(routes):
        _check_route(route, ("alerts", "routes", number), channels, findings)


def _check_keys(channel: ChannelEntry, path: Path, findings: Findings) -> None:
    kind = KINDS[channel.type]
    for name in kind.needs:
        if not getattr(channel, name):
            words = f"a channel of type {channel.type} needs `{name}`"
            findings.add_unless_known((*path, name), words, f"add `{name}:`")
    for name in channel.model_fields_set - _ALL - {*kind.needs, *kind.may}:
        words = f"a channel of type {channel.type} has no `{name}`"
        findings.add((*path, name), words, "remove it, or choose another type", shown=False)
    if channel.type == "slack":
        _check_slack(channel, path, findings)


def _check_slack(channel: ChannelEntry, path: Path, findings: Findings) -> None:
    if (channel.url is None) == (channel.token is None):
        words = "a channel of type slack has either `url` or `token`"
        remedy = "give the address of an incoming webhook, or a bot's token with `channel`"
        findings.add_unless_known(path, words, remedy)
    if channel.token is not None and not channel.channel:
        words = "a bot has to know where to post"
        findings.add_unless_known((*path, "channel"), words, "add `channel:`, as C0123456789")


def _check_addresses(channel: ChannelEntry, path: Path, findings: Findings) -> None:
    """An address is secret as a whole, so what is wrong is told and what stands there is not."""
    if channel.url is not None and (fault := address_fault(channel.url.reveal())):
        findings.add((*path, "url"), fault, ADDRESS_REMEDY, shown=False)
    if channel.type != "alertmanager":
        return
    for number, url in enumerate(channel.urls):
        if fault := address_fault(url.reveal()):
            findings.add((*path, "urls", number), fault, ADDRESS_REMEDY, shown=False)


def _check_particulars(channel: ChannelEntry, path: Path, findings: Findings) -> None:
    for number, key in enumerate(channel.signing_keys):
        try:
            signing_key(key.reveal())
        except ValueError as error:
            remedy = "`pointsman alerts key` makes one"
            findings.add((*path, "signing_keys", number), str(error), remedy, shown=False)
    for name in ("sender", "to"):
        given = getattr(channel, name) or []
        for address in [given] if isinstance(given, str) else given:
            if "@" not in address or not address.isprintable():
                findings.add((*path, name), "this is no mail address", "write one, as a@b.example")
    if channel.user and channel.password is None:
        findings.add((*path, "user"), "a login needs a password", "add `password:`")
    if channel.user and channel.security == "none":
        words = "a password is not sent without encryption"
        findings.add((*path, "security"), words, "choose starttls or tls, or remove `user`")
    if channel.type == "apprise" and find_spec("apprise") is None:
        words = "this takes Apprise, which is not installed"
        findings.add((*path, "type"), words, "pip install 'pointsman[apprise]'")


def _check_fallback(
    name: str, channel: ChannelEntry, channels: Channels, findings: Findings
) -> None:
    path = ("alerts", "channels", name, "fallback")
    if channel.fallback == name:
        findings.add(path, "a channel cannot stand in for itself", "name another, or remove it")
    elif channel.fallback is not None and channel.fallback not in channels:
        findings.add(path, "no channel has this name", nearest(channel.fallback, channels))


def _check_route(route: RouteEntry, path: Path, channels: Channels, findings: Findings) -> None:
    for number, name in enumerate(route.channels):
        known = findings.knows_within(("alerts", "channels", name))
        if name not in channels and not known:
            remedy = nearest(name, channels)
            findings.add((*path, "channels", number), "no channel has this name", remedy)
    for number, text in enumerate(route.labels):
        try:
            matcher(text)
        except ValueError as error:
            findings.add((*path, "labels", number), str(error), 'write label="value"', shown=False)
    for number, hours in enumerate(route.hours):
        try:
            zone_of(hours.zone)
        except ValueError as error:
            remedy = "write one of the tz database, as Europe/Berlin or UTC"
            findings.add((*path, "hours", number, "zone"), str(error), remedy, shown=False)
