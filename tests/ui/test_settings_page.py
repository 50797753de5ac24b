"""Can it be seen where every value comes from, and what other weights would have done?"""

from __future__ import annotations

import pytest
from gateway_process import CONTROL, GatewayProcess, Serve
from playwright.sync_api import BrowserContext, expect
from seen import Watched, press_until


def preview(gateway: GatewayProcess, **weights: float) -> dict[str, int]:
    answer = gateway.call("POST", f"{CONTROL}/weights/preview", {**weights, "limit": 100})
    assert answer.status == 200, answer
    return {name: answer.document[name] for name in ("decided", "changed", "left_out")}


def test_the_effect_of_other_weights_is_that_of_deciding_anew_and_nothing_is_asked(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    before = busy_gateway.control("/stats")["attempts"]["total_requests"]
    told = preview(busy_gateway, quality=0.0, latency=0.0, cost=1.0)
    assert told["changed"] > 0, "the cheapest are others"
    page = watched.open("settings")
    for name, points in (("Quality", "0"), ("Latency", "0"), ("Cost", "100")):
        page.get_by_role("slider", name=name).fill(points)
    page.get_by_role("button", name="Show the effect").click()
    words = f"{told['changed']} of {told['decided']} requests would go to another model."
    expect(page.get_by_text(words)).to_be_visible()
    expect(page.get_by_role("group", name="Expected, mean").get_by_role("row")).to_have_count(4)
    assert watched.violations() == []
    assert "w.cost=100" in page.evaluate("location.hash")
    assert busy_gateway.control("/stats")["attempts"]["total_requests"] == before


def test_weights_as_they_are_change_nothing_of_an_agent_that_has_them(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("settings?w.agent=nobody")
    page.get_by_role("button", name="Show the effect").click()
    expect(page.get_by_text("No request can be decided anew")).to_be_visible()
    status = busy_gateway.call(
        "POST", f"{CONTROL}/weights/preview", {"quality": 0.9, "latency": 0.9, "cost": 0.0}
    )
    assert status.status == 400
    assert status.error["param"] == "quality"


def test_the_same_by_keyboard_alone(watched: Watched) -> None:
    page = watched.open("overview")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.get_by_role("slider", name="Cost").wait_for()
    page.get_by_role("slider", name="Cost").focus()
    page.keyboard.press("End")
    press_until(page, "Tab", "Show the effect")
    page.keyboard.press("Enter")
    page.get_by_text("requests would go to another model").wait_for()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_value_says_where_it_comes_from(
    context: BrowserContext, serve: Serve, config: dict[str, object], language: str
) -> None:
    routing = {"band": 0.07, "exploration": 0.01}
    gateway = serve({**config, "routing": routing})
    watched = Watched(context, gateway.url)
    watched.looks("sap_horizon_dark", language)
    page = watched.open("settings")
    page.locator("summary", has_text="routing").first.click()
    band = page.locator(".tree li", has=page.locator(".tree-name", has_text="band")).last
    line = gateway.config_path.read_text("utf-8").splitlines().index('    "band": 0.07,') + 1
    expect(band).to_contain_text(str(line))
    strategy = page.locator(".tree li", has=page.locator(".tree-name", has_text="strategy")).last
    expect(strategy).to_contain_text("default" if language == "en" else "افتراضي")
    page.locator("summary", has=page.get_by_text("server", exact=True)).click()
    data_dir = page.locator(".tree li", has=page.locator(".tree-name", has_text="data_dir"))
    expect(data_dir.last).to_contain_text("command line" if language == "en" else "سطر الأوامر")
    assert watched.violations() == []
    watched.is_quiet()


def test_keys_and_how_long_things_are_kept_are_told(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    key = {"name": "boss", "key": "pm-admin-8f1c7b2e5d9a4036", "role": "admin"}
    gateway = serve({**config, "keys": [key], "store": {"keep_audit_days": 123}})
    watched = Watched(context, gateway.url)
    watched.page.goto(gateway.url)
    watched.page.get_by_label("Key").fill(str(key["key"]))
    watched.page.get_by_role("button", name="Sign in").click()
    expect(watched.page.locator(".connection")).to_have_text("Live")
    page = watched.open("settings")
    row = page.get_by_role("group", name="Keys").get_by_role("row", name="boss")
    expect(row).to_contain_text("admin")
    kept = page.get_by_role("group", name="Kept").get_by_role("row", name="Who changed what")
    expect(kept).to_contain_text("123")
    assert "pm-admin" not in page.content()
    watched.is_quiet()
