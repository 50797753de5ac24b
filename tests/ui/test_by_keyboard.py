"""Can everything be done without a mouse, and do the keys do what the help says?"""

from __future__ import annotations

from typing import Any

import pytest
from gateway_process import GatewayProcess, Serve, wait_until
from playwright.sync_api import Page, expect
from seen import Watched, press_until

KEYS = {
    "o": "overview",
    "a": "agents",
    "m": "models",
    "d": "decisions",
    "l": "alerts",
    "n": "analytics",
    "s": "settings",
}
SPENDS = {
    "scope": ["global"],
    "when": [{"metric": "spend_usd_per_h", "ladder": {"critical": 1e-7}}],
}


def go(page: Page, key: str) -> None:
    page.keyboard.press("g")
    page.keyboard.press(key)


def walk_to_the_rows(page: Page) -> None:
    """By Tab, until a row of the grid has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.index ?? ''"):
            return
    raise AssertionError("Tab never reached a row")


def test_each_key_does_what_the_help_says(watched: Watched) -> None:
    page = watched.open("overview")
    for key, name in KEYS.items():
        go(page, key)
        expect(page.locator("nav [aria-current=page]")).to_have_attribute(
            "href", f"#/{name}", timeout=20_000
        )
        expect(page).to_have_title(f"{name.capitalize()} · pointsman")
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard")
    expect(help_.get_by_text("g", exact=True)).to_have_count(len(KEYS))
    page.keyboard.press("Escape")
    expect(help_).to_have_count(0)
    go(page, "d")
    page.locator(".grid-rows [role=row]").first.wait_for()
    page.keyboard.press("/")
    expect(page.get_by_label("Search: Decisions")).to_be_focused()
    page.keyboard.type("g a p ?")  # what is typed into a field is a text
    expect(page).to_have_title("Decisions · pointsman")
    page.keyboard.press("Tab")
    page.keyboard.press("p")
    expect(page.locator(".connection")).to_contain_text("Paused")
    page.keyboard.press("p")
    expect(page.locator(".connection")).to_have_text("Live")


def test_an_agent_is_put_on_a_model_and_released(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("overview")
    go(page, "a")
    page.locator(".grid-rows [role=row]").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("Coder")
    expect(page.locator(".grid-rows [role=row]")).to_have_count(1)
    walk_to_the_rows(page)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Coder").wait_for()
    page.get_by_role("button", name="Put here: Forge Mini").wait_for()
    press_until(page, "Tab", "Put here: Forge Mini")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    press_until(page, "Tab", "why")
    page.keyboard.type("by hand, without a hand on the mouse")
    press_until(page, "Tab", "Put it there")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Stands on Forge Mini").wait_for()
    (stands,) = busy_gateway.control("/agents/coder/assignment")["in_force"]
    assert (stands["model_id"], stands["assignment_method"]) == ("sim/forge-mini", "MANUAL")
    assert stands["notes"] == "by hand, without a hand on the mouse"
    press_until(page, "Tab", "Release")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Release")).to_have_count(0)


@pytest.mark.parametrize("by_mouse", [True, False], ids=["by mouse", "by keyboard"])
def test_from_a_figure_that_fell_to_why_one_request_failed(
    watched: Watched, by_mouse: bool
) -> None:
    page = watched.open("overview")
    card = page.locator("[data-card=success]")
    expect(card).to_contain_text("%")
    if by_mouse:
        card.click()
    else:
        press_until(page, "Tab", "Success rate")
        page.keyboard.press("Enter")
    expect(page).to_have_title("Decisions · pointsman")
    expect(page.get_by_role("combobox", name="Result")).to_have_value("false")
    rows = page.locator(".grid-rows [role=row]")
    rows.first.wait_for()
    if by_mouse:
        rows.first.click()
    else:
        walk_to_the_rows(page)
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="What happened").wait_for()
    expect(page.locator(".headline")).not_to_contain_text("answered")


def test_what_if_is_asked_and_answered(watched: Watched) -> None:
    page = watched.open("overview")
    go(page, "s")
    page.get_by_label("Chat request (JSON)").wait_for()
    press_until(page, "Tab", "the key's own agent")
    page.keyboard.type("Cod")
    expect(page.get_by_role("combobox", name="Agent")).to_have_value("coder")
    press_until(page, "Tab", "Who would serve it?")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Why: every candidate").wait_for()


def test_an_alert_is_taken(serve: Serve, config: dict[str, Any], context: Any) -> None:
    gateway = serve({**config, "alerts": {"interval_s": 1, "rules": {"spends": SPENDS}}})
    assert gateway.chat(max_tokens=16).status == 200
    watched = Watched(context, gateway.url)
    page = watched.open("overview")
    page.get_by_role("link", name="Open alerts: 1").wait_for()
    go(page, "l")
    page.get_by_role("button", name="Acknowledge: spends").wait_for()
    press_until(page, "Tab", "Acknowledge: spends")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    press_until(page, "Tab", "comment")
    page.keyboard.type("seen")
    press_until(page, "Tab", "Take it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Open")).to_contain_text("taken by")
    taken = wait_until(
        lambda: gateway.control("/alerts/active")["alerts"][0]["acknowledged"], what="who took it"
    )
    assert taken["comment"] == "seen"
    watched.is_quiet()
