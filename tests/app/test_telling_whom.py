"""Does what the configuration says of channels and routes become channels and routes?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from random import Random
from zoneinfo import ZoneInfo

import pytest

from memory_outbox import MemoryOutbox
from notices import notification
from pointsman.adapters.notifiers.alertmanager import Alertmanager
from pointsman.adapters.notifiers.long_tail import Apprise
from pointsman.adapters.notifiers.mail import Mail
from pointsman.adapters.notifiers.pagerduty import PagerDuty
from pointsman.adapters.notifiers.slack import SlackBot, SlackHook
from pointsman.adapters.notifiers.teams import Teams
from pointsman.adapters.notifiers.webhook import Webhook
from pointsman.app.channels import channels_of, tell_through
from pointsman.app.clock import SystemClock
from pointsman.app.config import parse
from pointsman.app.configuration import Configuration
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_routes import Hours, Route
from pointsman.core.alert_silences import matcher
from pointsman.core.errors import ConfigError
from pointsman.engine.notify import Deliverer

# A module that Apprise imports where there is one.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

ALL = """
alerts:
  channels:
    hook:
      type: webhook
      url: https://hooks.example/canary
      signing_keys: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]
      headers: {authorization: Bearer canary-canary}
      max_alerts: 7
    chat: {type: slack, url: "https://hooks.slack.example/services/canary"}
    bot: {type: slack, token: xoxb-canary, channel: C1}
    team: {type: teams, url: "https://flow.example/canary?sig=canary"}
    page: {type: pagerduty, routing_key: canary-key, fallback: post}
    post:
      type: email
      host: smtp.example
      sender: router@a.example
      to: [oncall@a.example]
      user: kim
      password: ${PASSWORD}
    cluster: {type: alertmanager, urls: ["http://am-1:9093", "http://am-2:9093"]}
    other: {type: apprise, urls: ["json://canary.example/"]}
"""


def configured(text: str) -> Configuration:
    return parse(text, {"PASSWORD": "canary-password"})


def test_every_type_of_channel_becomes_one() -> None:
    telling = configured(ALL).telling
    made = channels_of(telling.channels, lambda: datetime.now(UTC))
    assert {name: type(channel.notifier) for name, channel in made.items()} == {
        "hook": Webhook,
        "chat": SlackHook,
        "bot": SlackBot,
        "team": Teams,
        "page": PagerDuty,
        "post": Mail,
        "cluster": Alertmanager,
        "other": Apprise,
    }
    assert made["page"].policy.fallback == "post"
    assert telling.routes == (Route(tuple(telling.channels)),)
    for channel in made.values():
        shown = channel.notifier.preview(notification()) + repr(channel)
        assert "canary" not in shown


def test_nothing_secret_is_shown_and_everything_secret_is_scrubbed() -> None:
    configuration = configured(ALL)
    assert "canary" not in str(configuration.redacted)
    assert configuration.redacted["alerts"]["channels"]["hook"]["url"] == "***"
    assert "canary" not in repr(configuration.telling)
    assert {"canary-password", "xoxb-canary", "canary-key", "Bearer canary-canary"} <= (
        configuration.secrets
    )


def test_another_secret_is_another_version() -> None:
    first, again = configured(ALL), configured(ALL)
    assert first.version == again.version
    assert parse(ALL, {"PASSWORD": "another-password"}).version != first.version


def test_routes_say_which_alerts_go_where_and_when() -> None:
    text = """
alerts:
  channels:
    day: {type: teams, url: "https://a.example/x"}
    night: {type: teams, url: "https://a.example/y"}
  routes:
    - channels: [day, day]
      severities: [error, critical]
      types: [MODEL_FAILURE]
      labels: ['provider="acme"']
      hours: [{days: [mon, fri], begin: "08:00", end: "18:30", zone: Europe/Berlin}, {}]
      goes_on: true
    - channels: [night]
"""
    day, night = configured(text).telling.routes
    berlin = Hours(frozenset({0, 4}), time(8), time(18, 30), ZoneInfo("Europe/Berlin"))
    assert day == Route(
        ("day",),
        frozenset({Severity.ERROR, Severity.CRITICAL}),
        frozenset({AlertType.MODEL_FAILURE}),
        (matcher('provider="acme"'),),
        (berlin, Hours()),
        goes_on=True,
    )
    assert night == Route(("night",))


def test_without_channels_nobody_is_told() -> None:
    telling = configured("").telling
    assert not telling.channels
    assert not telling.routes


def test_apprise_is_named_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointsman.app.channel_checks.find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r"pointsman\[apprise\]"):
        configured(ALL)


async def test_an_unchanged_channel_is_kept_when_the_configuration_changes() -> None:
    before, clock = configured(ALL).telling, SystemClock()
    deliverer = Deliverer(MemoryOutbox(), clock, Random(1), channels_of(before.channels, clock.now))
    hook, page = deliverer.senders["hook"], deliverer.senders["page"]
    changed = ALL.replace("canary-key", "another-key")
    tell_through(deliverer, before, configured(changed).telling, clock)
    assert deliverer.senders["hook"] is hook
    assert deliverer.senders["page"] is not page
    await asyncio.sleep(0)
