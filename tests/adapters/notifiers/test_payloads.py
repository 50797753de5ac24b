"""Is what each channel sends what it was, and within what the receiver takes, however much it is?

`golden/` holds what was sent for one alert and for fifty. After a wished change, run this file with
POINTSMAN_WRITE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from notices import STARTED, notice, notification
from pointsman.adapters.notifiers import (
    alertmanager,
    mail,
    pagerduty,
    slack,
    teams,
    webhook,
)
from pointsman.adapters.notifiers.fitting import as_json
from pointsman.adapters.notifiers.long_tail import Apprise
from pointsman.adapters.notifiers.wording import (
    evidence_words,
    figure,
    more_words,
    plain_text,
    span,
    state_words,
    title,
)
from pointsman.core.alert import Evidence, Severity
from pointsman.core.notification import MAX_SUMMARY_CHARS, AlertNotice, NoticeState, Notification

GOLDEN = Path(__file__).with_name("golden")
NOW = STARTED + timedelta(minutes=1)
RESOLVED = NoticeState.RESOLVED


def mail_text(told: Notification) -> str:
    return mail.message(told, "pointsman@example.org", ["oncall@example.org"], NOW).as_string()


def long_alert() -> AlertNotice:
    """As long as can be, in everything that has a length."""
    long = "x*&<" * 5_000
    return notice(
        summary="\N{PILE OF POO}" * MAX_SUMMARY_CHARS,
        rule="r" * 300,
        labels={f"label{i}": "&" * 200 for i in range(20)},
        annotations={"description": long},
        links={f"link{i}": f"https://a.example/{'y' * 300}" for i in range(9)},
        acknowledged_by="k" * 500,
    )


CHANNELS: dict[str, Callable[[Notification], Any]] = {
    "webhook": webhook.payload,
    "slack": slack.message,
    "teams": teams.message,
    "pagerduty": lambda told: pagerduty.event(told, "key", "pointsman"),
    "alertmanager": lambda told: list(alertmanager.batches(told.alerts, NOW)),
    "mail": mail_text,
}
LIMITS = {
    "webhook": webhook.MAX_BYTES,
    "slack": slack.MAX_BYTES,
    "teams": teams.MAX_BYTES,
    "pagerduty": pagerduty.MAX_BYTES,
    "mail": 200_000,
}


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_sent_is_what_was_agreed(channel: str, count: int) -> None:
    sent = CHANNELS[channel](notification(count))
    text = sent if isinstance(sent, str) else json.dumps(sent, indent=1, ensure_ascii=False) + "\n"
    suffix = "txt" if isinstance(sent, str) else "json"
    path = GOLDEN / f"{channel}_{count}.{suffix}"
    if os.environ.get("POINTSMAN_WRITE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("channel", LIMITS)
def test_ten_thousand_alerts_are_told_within_the_limit_and_none_is_passed_over(
    channel: str,
) -> None:
    sent = CHANNELS[channel](notification(10_000, left_out=5))
    text = sent if isinstance(sent, str) else as_json(sent).decode()
    assert len(text.encode()) <= LIMITS[channel]
    told = sum(f"acme/model-{i} succeed" in text for i in range(10_000))
    assert told >= 10
    if channel == "webhook":
        assert sent["truncatedAlerts"] == 10_005 - told
    else:
        assert more_words(10_005 - told) in text.replace("=\n", "")


def test_alertmanager_is_told_of_every_alert_in_requests_of_five_hundred() -> None:
    sent = list(alertmanager.batches(notification(10_000).alerts, NOW))
    assert [len(each) for each in sent] == [500] * 20


@pytest.mark.parametrize("channel", LIMITS)
def test_one_alert_as_long_as_can_be_is_within_the_limit(channel: str) -> None:
    alert = long_alert()
    sent = CHANNELS[channel](notification(alerts=(alert,)))
    text = sent if isinstance(sent, str) else as_json(sent).decode()
    assert len(text.encode()) <= LIMITS[channel]


@pytest.mark.parametrize("channel", LIMITS)
def test_ten_thousand_alerts_as_long_as_can_be_are_within_the_limit(channel: str) -> None:
    long = long_alert()
    told = notification(alerts=tuple(replace(long, alert_id=f"al-{n}") for n in range(10_000)))
    sent = CHANNELS[channel](told)
    text = sent if isinstance(sent, str) else as_json(sent).decode()
    assert len(text.encode()) <= {**LIMITS, "mail": 2_000_000}[channel]
    if channel == "mail":
        text = str(message_from_string(text, policy=default).get_content())
    assert "more alert" in text or (channel == "webhook" and sent["truncatedAlerts"])


SERVICES = {
    "custom": ["json://127.0.0.1:1/path"],
    "chat": ["tgram://123456789:abcdefg_hijklmnop/12315544/", "json://127.0.0.1:1/path"],
    "board": ["discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"],
    "text message": ["bulksms://user:password@12065550100"],
}


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("count", [1, 50, 10_000])
@pytest.mark.parametrize("length", ["usual", "long"])
@pytest.mark.parametrize("service", SERVICES)
def test_what_apprise_is_given_is_no_more_than_the_shortest_of_its_services_takes(
    service: str, length: str, count: int
) -> None:
    channel = Apprise(SERVICES[service])
    alerts = [notice(n) if length == "usual" else long_alert() for n in range(count)]
    told = notification(alerts=tuple(alerts))
    text, head = channel.preview(told), channel.title(told)
    assert len(head) + 2 + len(text) <= min(each.body_maxlen for each in channel.services)
    shown = sum(f"acme/model-{n} succeed" in text for n in range(count))
    if count > 1 and length == "usual":
        assert more_words(count - max(1, shown)) in text
    assert head.startswith("CRITICAL: ")


@pytest.mark.parametrize("channel", ["slack", "teams", "mail"])
def test_people_see_that_it_is_over(channel: str) -> None:
    over = notification(alerts=(notice(state=RESOLVED),))
    text = json.dumps(CHANNELS[channel](over)).replace("=\\n", "")
    assert "RESOLVED: Only 62" in text
    assert "2026-05-04 03:11:01 UTC" in text


def test_slack_shows_no_mention_or_link_that_comes_from_a_name() -> None:
    sneaky = notice(summary="<!channel> *now* <https://evil.example|click> & `go`")
    text = json.dumps(slack.message(notification(alerts=(sneaky,))))
    blocks = slack.message(notification(alerts=(sneaky,)))["blocks"]
    assert "<!channel>" not in blocks[1]["text"]["text"]
    assert "&lt;!channel&gt;" in text


def test_teams_shows_no_link_that_comes_from_a_name_and_offers_only_addresses() -> None:
    sneaky = notice(summary="[click](https://evil.example)", links={"x": "javascript:alert(1)"})
    card = teams.message(notification(alerts=(sneaky,)))["attachments"][0]["content"]
    assert card["version"] == "1.4"
    assert card["body"][1]["text"] == "\\[click\\](https://evil.example)"
    assert card["actions"] == []


def test_a_group_is_one_incident_at_pagerduty_from_trigger_to_resolve() -> None:
    events = [
        pagerduty.event(notification(id=f"n{i}", alerts=(notice(state=state),)), "key", "here")
        for i, state in enumerate(NoticeState)
    ]
    assert [each["event_action"] for each in events] == ["trigger", "acknowledge", "resolve"]
    assert len({each["dedup_key"] for each in events}) == 1
    assert "payload" not in events[2]


def test_a_mail_that_follows_answers_the_first() -> None:
    first = message_from_string(mail_text(notification()))
    root = first["Message-ID"]
    assert root == "<ntf-0001@example.org>"
    later = mail.message(
        notification(id="ntf-2", first=False),
        "Router <r@b.example>",
        ["a@b.example"],
        NOW,
        root=root,
    )
    assert (later["In-Reply-To"], later["References"]) == (root, root)
    assert later["Message-ID"] == "<ntf-2@b.example>"


def test_alertmanager_holds_what_fires_for_a_while_and_ends_what_is_over() -> None:
    fires = alertmanager.alert_body(notice(), NOW)
    over = alertmanager.alert_body(notice(state=RESOLVED), NOW)
    assert fires["endsAt"] == "2026-05-04T03:08:01.000Z"
    assert over["endsAt"] == "2026-05-04T03:11:01.000Z"
    assert fires["labels"] == over["labels"]


def test_a_title_says_how_grave_it_is_and_about_what() -> None:
    assert title(notification()) == "CRITICAL: Only 62 % of requests to acme/model-0 succeed"
    assert title(notification(50)) == "CRITICAL: 50 alerts (provider=acme)"
    assert title(notification(2, group_labels={})) == "CRITICAL: 2 alerts"
    acked = notice(state=NoticeState.ACKNOWLEDGED, acknowledged_by="kim", flapping=True)
    assert title(notification(alerts=(acked,))).startswith("ACKNOWLEDGED: ")
    assert state_words(acked) == "acknowledged by kim, flapping"
    assert len(title(notification(alerts=(notice(summary="x" * 500),)))) == 140


def test_a_webhook_says_who_has_taken_an_alert_and_that_it_flaps() -> None:
    acked = notice(state=NoticeState.ACKNOWLEDGED, acknowledged_by="kim", flapping=True)
    told = webhook.alert_body(acked)
    assert told["status"] == "firing"
    assert (told["annotations"]["acknowledged_by"], told["annotations"]["flapping"]) == (
        "kim",
        "true",
    )


def test_evidence_is_told_in_the_units_people_use() -> None:
    assert figure(0.617, "ratio") == "61.7 %"
    assert figure(1234.5, "usd") == "$1,234.50"
    assert figure(1.5, "s") == "1.5 s"
    assert figure(12.0, "") == "12"
    assert [span(s) for s in (30, 60, 300, 3600, 5400)] == [
        "30 s",
        "1 min",
        "5 min",
        "1 h",
        "90 min",
    ]
    same = Evidence("queue", 12.0, 12.0, 10.0, 0, 0.0)
    assert evidence_words(same) == "queue 12, threshold 10"
    assert more_words(1).startswith("and 1 more alert;")


def test_text_counts_what_it_does_not_tell() -> None:
    assert more_words(2) in plain_text(notification(3), 1)
    assert "more alert" not in plain_text(notification(1), 1)


def seen_of(told: Notification) -> dict[str, tuple[bool, str]]:
    """By channel, whether it is told to be over, and the words that say how grave it is."""
    card = teams.message(told)["attachments"][0]["content"]["body"][0]
    post = webhook.payload(told)
    page = pagerduty.event(told, "key", "pointsman")
    subject = str(message_from_string(mail_text(told), policy=default)["Subject"])
    slack_head = slack.message(told)["blocks"][0]["text"]["text"]
    apprise = Apprise(["json://127.0.0.1:1/path"]).title(told)
    severity = page["payload"]["severity"].upper() if "payload" in page else ""
    return {
        "webhook": (post["status"] == "resolved", ""),
        "pagerduty": (page["event_action"] == "resolve", severity),
        "teams": (card["color"] == "good", card["text"].partition(":")[0]),
        "slack": (slack_head.startswith("RESOLVED"), slack_head.partition(":")[0]),
        "mail": (subject.startswith("RESOLVED"), subject.partition(":")[0]),
        "apprise": (apprise.startswith("RESOLVED"), apprise.partition(":")[0]),
    }


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("state", NoticeState)
@pytest.mark.parametrize("count", [1, 20_000])
def test_all_channels_agree_on_what_is_left_out(count: int, state: NoticeState) -> None:
    alerts = tuple(notice(n, state=RESOLVED, severity=Severity.INFO) for n in range(count))
    told = notification(
        alerts=alerts, left_out=5, left_out_state=state, left_out_severity=Severity.ERROR
    )
    word = {"firing": "ERROR", "acknowledged": "ACKNOWLEDGED", "resolved": "RESOLVED"}[state.value]
    for channel, (is_over, words) in seen_of(told).items():
        assert is_over is (state is RESOLVED), channel
        assert words in ("", word), channel
