"""Who can be told of alerts, and of which, as the configuration says it?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, time, tzinfo
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from pointsman.app.secrets import Secret
from pointsman.app.section import CHANNEL_PATTERN, CLOCK_PATTERN, HeaderName, Section, Words
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_routes import Hours, Route
from pointsman.core.alert_silences import matcher
from pointsman.engine.sending import ChannelPolicy

ChannelName = Annotated[str, StringConstraints(pattern=CHANNEL_PATTERN, max_length=64)]
ClockTime = Annotated[str, StringConstraints(pattern=CLOCK_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=512)]
SeverityName = Literal["info", "warning", "error", "critical"]
TypeName = Literal[
    "HIGH_LATENCY",
    "LOW_SUCCESS_RATE",
    "MODEL_FAILURE",
    "RAPID_FAILURES",
    "NO_MODELS_AVAILABLE",
    "THRESHOLD_BREACH",
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ChannelType = Literal["webhook", "slack", "teams", "pagerduty", "email", "alertmanager", "apprise"]

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USUAL = ChannelPolicy()


class ChannelEntry(Section):
    """Somewhere to be told; which keys it takes depends on its type."""

    type: ChannelType = Field(description="What is at the other end.")
    url: Secret | None = Field(
        None,
        description="Address to post to (`webhook`, `slack` without a bot, `teams`; for "
        "`pagerduty` another than the usual one). Secret as a whole: `${NAME}` or `file:/path`.",
    )
    urls: list[Secret] = Field(
        default_factory=list,
        description="Addresses of the Alertmanagers of one cluster (`alertmanager`), or of "
        "services in Apprise's form (`apprise`).",
    )
    signing_keys: list[Secret] = Field(
        default_factory=list,
        description="Keys that sign (`webhook`), as `whsec_…`. Several while one replaces another: "
        "all of them sign.",
    )
    headers: dict[HeaderName, Secret] = Field(
        default_factory=dict,
        description="Further headers of requests (`webhook`, `alertmanager`).",
    )
    max_alerts: Annotated[int, Field(ge=1, le=5_000)] = Field(
        5_000, description="Most alerts told one by one in a message (`webhook`)."
    )
    token: Secret | None = Field(None, description="Token of a bot, `xoxb-…` (`slack`).")
    channel: Words | None = Field(
        None, description="Where the bot posts: an id or #name (`slack`)."
    )
    routing_key: Secret | None = Field(
        None, description="Integration key of a service, Events API v2 (`pagerduty`)."
    )
    host: Text | None = Field(None, description="SMTP server (`email`).")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        None, description="Its port (`email`). Left out: 587, with `security: tls` 465."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How mail is encrypted on its way (`email`)."
    )
    user: Text | None = Field(None, description="Login at the SMTP server (`email`).")
    password: Secret | None = Field(None, description="Password of that login (`email`).")
    sender: Text | None = Field(None, description="Address that mail comes from (`email`).")
    to: list[Text] = Field(default_factory=list, description="Who gets the mail (`email`).")
    allow_private: bool | None = Field(
        None,
        description="Whether its address may be one that is not on the public internet. Left out: "
        "only for `alertmanager` and `email`.",
    )
    per_minute: Annotated[float, Field(gt=0, le=6_000)] = Field(
        USUAL.per_minute, description="Most messages per minute; what is more is told together."
    )
    burst: Annotated[int, Field(ge=1, le=1_000)] = Field(
        USUAL.burst, description="So many of them may go at once after a rest."
    )
    timeout_s: Annotated[float, Field(gt=0, le=120)] = Field(
        USUAL.timeout_s, description="Longest time that sending one message may take."
    )
    give_up_after_s: Annotated[float, Field(gt=0, le=2_592_000)] = Field(
        USUAL.give_up_after_s,
        description="How long delivery is tried. After that a notification is dead: it is kept and "
        "can be resent.",
    )
    fallback: ChannelName | None = Field(
        None,
        description="The channel that is told when this one fails. Left out: any other there is.",
    )


class HoursEntry(Section):
    """Hours of the week."""

    days: list[Day] = Field(default_factory=list, description="On which days; empty: all.")
    begin: ClockTime = Field("00:00", description="From when on, as `08:00`.")
    end: ClockTime = Field("00:00", description="Until when; not after `begin`: on the next day.")
    zone: Text = Field("UTC", description="Whose time that is, as `Europe/Berlin`.")


class RouteEntry(Section):
    """Which alerts go where; the first route that takes an alert decides."""

    channels: Annotated[list[ChannelName], Field(min_length=1)] = Field(
        description="The channels that are told."
    )
    severities: list[SeverityName] = Field(
        default_factory=list, description="Only alerts of these severities; empty: all."
    )
    types: list[TypeName] = Field(
        default_factory=list, description="Only alerts of these types; empty: all."
    )
    labels: list[Text] = Field(
        default_factory=list,
        description='Only alerts whose labels are so, as `model="acme/large"` or `agent=~"ci-.*"`.',
    )
    hours: list[HoursEntry] = Field(
        default_factory=list, description="Only in any of these hours; empty: always."
    )
    goes_on: bool = Field(
        False, description="Whether the routes after this one are asked too when it takes an alert."
    )


class Telling(NamedTuple):
    """Who is told of what. `channels` are entries that have been checked."""

    channels: Mapping[str, ChannelEntry] = MappingProxyType({})
    routes: tuple[Route, ...] = ()


NOBODY_TOLD = Telling()


def telling_of(channels: Mapping[str, ChannelEntry], routes: Iterable[RouteEntry]) -> Telling:
    """What these entries mean, which have been checked; without routes all are told of all."""
    made = tuple(route_of(each) for each in routes)
    if not made and channels:
        made = (Route(tuple(channels)),)
    return Telling(MappingProxyType(dict(channels)), made)


def route_of(entry: RouteEntry) -> Route:
    """Raises `ValueError` for a label that is no matcher, or a zone that nobody knows."""
    return Route(
        tuple(dict.fromkeys(entry.channels)),
        frozenset(Severity[each.upper()] for each in entry.severities),
        frozenset(AlertType(each) for each in entry.types),
        tuple(matcher(each) for each in entry.labels),
        tuple(hours_of(each) for each in entry.hours),
        entry.goes_on,
    )


def hours_of(entry: HoursEntry) -> Hours:
    """Raises `ValueError` for a zone that nobody knows."""
    return Hours(
        frozenset(DAYS.index(day) for day in entry.days),
        time.fromisoformat(entry.begin),
        time.fromisoformat(entry.end),
        zone_of(entry.zone),
    )


def zone_of(name: str) -> tzinfo:
    """The time zone of this name. Raises `ValueError` when nobody knows it."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


def secrets_of(channels: Mapping[str, ChannelEntry]) -> Iterable[Secret]:
    """All that must not be shown."""
    for channel in channels.values():
        yield from _secrets_in(channel.model_dump())


def _secrets_in(value: Any) -> Iterable[Secret]:
    if isinstance(value, Secret):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _secrets_in(each)
