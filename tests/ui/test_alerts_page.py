"""Can who is on duty see what is wrong, take it, silence it, and see who is told?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gateway_process import GatewayProcess, Serve, wait_until
from playwright.sync_api import Browser, BrowserContext, expect
from seen import THEMES, Watched

ADMIN, VIEWER = "pm-admin-8f1c7b2e5d9a4036", "pm-viewer-8f1c7b2e5d9a4036"
KEYS = [
    {"name": "boss", "key": ADMIN, "role": "admin"},
    {"name": "guest", "key": VIEWER, "role": "viewer"},
]
SPENDS = {
    "scope": ["global"],
    "when": [{"metric": "spend_usd_per_h", "ladder": {"critical": 1e-7}}],
}
ALERTS = {"interval_s": 1, "rules": {"spends": SPENDS}}
NOBODY_THERE = {"type": "webhook", "url": "http://127.0.0.1:9/", "allow_private": True}
VIEWS = ("open", "history", "silences", "delivery", "rules")


def fires(gateway: GatewayProcess, headers: dict[str, str] | None = None) -> str:
    """Spend something, and wait until that is an alert; its id."""
    assert gateway.chat(headers, max_tokens=16).status == 200
    look = headers and {"authorization": headers["authorization"]}

    def found() -> list[dict[str, Any]]:
        return [
            each
            for each in gateway.control("/alerts/active", look)["alerts"]
            if each["rule"] == "spends" and each["state"] == "firing"
        ]

    return str(wait_until(found, within_s=20, what="the alert")[0]["alert_id"])


@pytest.fixture
def gateway(serve: Serve, config: dict[str, Any]) -> GatewayProcess:
    return serve({**config, "alerts": {**ALERTS, "channels": {"hook": NOBODY_THERE}}})


@pytest.fixture
def watched(context: BrowserContext, gateway: GatewayProcess) -> Iterator[Watched]:
    page = Watched(context, gateway.url)
    yield page
    page.is_quiet()


def test_an_alert_is_seen_from_everywhere_taken_and_given_back(
    watched: Watched, gateway: GatewayProcess
) -> None:
    name = fires(gateway)
    page = watched.open("overview")
    expect(page.get_by_role("region", name="Alerts")).to_contain_text("spends")
    page.get_by_role("link", name="Open alerts: 1").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("l")
    table = page.get_by_role("group", name="Open")
    expect(table.get_by_role("row", name="spends")).to_contain_text("critical")
    table.get_by_role("button", name="Acknowledge: spends").click()
    page.get_by_label("Comment").fill("the bill is being looked at")
    page.get_by_role("combobox", name="For how long").select_option("24")
    assert watched.violations() == []
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(table).to_contain_text("taken by")
    taken = gateway.control(f"/alerts/{name}")["alert"]["acknowledged"]
    assert taken["comment"] == "the bill is being looked at"
    table.get_by_role("link", name="spends").click()
    page.get_by_role("heading", name="Why it fired").wait_for()
    expect(page.get_by_role("group", name="History")).to_contain_text("the bill is being")
    assert watched.violations() == []
    page.get_by_role("button", name="Give back: spends").click()
    expect(page.get_by_role("button", name="Acknowledge: spends")).to_be_visible()
    assert gateway.control(f"/alerts/{name}")["alert"]["acknowledged"] is None


def test_alerts_like_one_are_silenced_and_told_of_again(
    watched: Watched, gateway: GatewayProcess
) -> None:
    fires(gateway)
    page = watched.open("alerts")
    page.get_by_role("button", name="Silence: spends").click()
    page.get_by_label("Comment").fill("known")
    assert watched.violations() == []
    page.get_by_role("button", name="Silence them").click()
    expect(page.get_by_role("group", name="Open")).to_contain_text("silenced")
    (silence,) = gateway.control("/alerts/silences")["silences"]
    assert {"name": "alertname", "operator": "=", "value": "spends"} in silence["matchers"]
    watched.open("alerts?view=silences")
    page.get_by_role("button", name="End now").click()
    expect(page.get_by_role("group", name="Silences")).to_contain_text("ended")
    expect(page.get_by_role("button", name="End now")).to_have_count(0)


def test_a_channel_is_tried_and_says_why_it_fails(watched: Watched) -> None:
    page = watched.open("alerts?view=delivery")
    page.get_by_role("button", name="Show the test: hook").click()
    expect(page.locator(".tried")).to_contain_text("nothing was")
    page.get_by_role("button", name="Send test: hook").click()
    expect(page.locator(".tried")).to_contain_text("hook did not take the test")
    assert watched.violations() == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_everybody_can_use_every_view_and_dialog(
    watched: Watched, gateway: GatewayProcess, theme: str, language: str
) -> None:
    watched.looks(theme, language)
    name = fires(gateway)
    for view in VIEWS:
        watched.open(f"alerts?view={view}")
        assert watched.violations() == [], view
    page = watched.open(f"alerts/{name}")
    assert watched.violations() == [], "one alert"
    for icon in ("accept", "bell"):
        page.locator(f".headline ui5-button[icon={icon}]").click()
        page.get_by_role("dialog").wait_for()
        assert watched.violations() == [], icon
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_viewer_sees_alerts_and_changes_none(
    browser: Browser, serve: Serve, config: dict[str, Any]
) -> None:
    gateway = serve({**config, "keys": KEYS, "alerts": ALERTS})
    fires(gateway, {"authorization": f"Bearer {ADMIN}"})
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        watched = Watched(context, gateway.url)
        page = watched.page
        page.goto(f"{gateway.url}/#/alerts")
        page.get_by_label("Key").fill(VIEWER)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("group", name="Open")).to_contain_text("spends")
        for verb in ("Acknowledge", "Silence"):
            button = page.locator("table ui5-button", has_text=verb)
            expect(button).to_have_attribute("disabled", "")
        assert watched.violations() == []
        watched.is_quiet()
