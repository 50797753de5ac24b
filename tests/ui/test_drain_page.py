"""Can a model be taken out of service, and put back, by whoever has seen whom it concerns?"""

from __future__ import annotations

from gateway_process import GatewayProcess, Serve
from playwright.sync_api import BrowserContext, expect
from seen import Watched, press_until
from test_operating import KEYS, VIEWER

MODEL = "sim/swift-mini"
PLACE = "models/sim%2Fswift-mini"


def drained(gateway: GatewayProcess) -> dict[str, str]:
    return {each["model_id"]: each["reason"] for each in gateway.control("/drains")["drains"]}


def test_a_model_is_drained_after_looking_whom_it_concerns_and_put_back(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    told = busy_gateway.call(
        "POST", "/api/v1/model-router/drains?dry_run=true", {"model_id": MODEL}
    ).document["blast"]
    page = watched.open(PLACE)
    page.get_by_role("button", name="Drain…").click()
    moves = page.get_by_role("group", name="Where everybody goes")
    expect(moves.get_by_role("row")).to_have_count(1 + told["total_moves"])
    for move in told["moves"]:
        expect(moves.get_by_role("row", name=move["agent_name"])).to_be_visible()
    assert watched.violations() == []
    page.get_by_label("Why (kept").fill("a new card")
    force = page.get_by_role("checkbox")
    if told["left_out"]:
        expect(page.locator("ui5-button", has_text="Drain it")).to_have_attribute("disabled", "")
        force.check()
    assert drained(busy_gateway) == {}, "looking changes nothing"
    page.get_by_role("button", name="Drain it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".notice", has_text="a new card")).to_be_visible()
    assert drained(busy_gateway) == {MODEL: "a new card"}
    assert watched.violations() == []
    answer = busy_gateway.chat({"x-pointsman-agent": "support"}, max_tokens=8)
    assert answer.headers["x-pointsman-model"] != MODEL
    page.get_by_role("button", name="Put back into service").click()
    page.get_by_role("button", name="Drain…").wait_for()
    assert drained(busy_gateway) == {}


def test_the_same_by_keyboard_alone(watched: Watched, busy_gateway: GatewayProcess) -> None:
    page = watched.open("overview")
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.locator(".grid-rows [role=row]").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("swift")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.index") == "0":
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Swift Mini", level=1).wait_for()
    press_until(page, "Tab", "Drain…")
    page.keyboard.press("Enter")
    page.get_by_text("Where everybody goes").wait_for()
    if page.get_by_role("checkbox").count():
        page.get_by_role("checkbox").focus()
        page.keyboard.press("Space")
    press_until(page, "Tab", "drain-why")
    page.keyboard.type("looked at")
    press_until(page, "Tab", "Drain it")
    page.keyboard.press("Enter")
    page.get_by_text("Out of service since").wait_for()
    assert drained(busy_gateway) == {MODEL: "looked at"}
    back = page.locator("ui5-button", has_text="Put back into service")
    expect(back).to_be_focused()  # where the way out was
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Drain…").wait_for()
    assert drained(busy_gateway) == {}


def test_a_drained_model_is_seen_to_be_and_is_so_after_a_sudden_death(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    gateway = serve(config)
    body = {"model_id": MODEL, "force": True}
    assert gateway.call("POST", "/api/v1/model-router/drains", body).status == 200
    gateway.kill()
    gateway.start()
    assert set(drained(gateway)) == {MODEL}
    watched = Watched(context, gateway.url)
    watched.looks("sap_horizon_dark", "ar")
    page = watched.open("models?models.q=swift")
    expect(page.locator(".grid-rows [role=row]").first).to_contain_text("خارج الخدمة")
    assert watched.violations() == []
    watched.is_quiet()


def test_a_viewer_sees_what_it_would_do_and_cannot_do_it(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    gateway = serve({**config, "keys": KEYS})
    watched = Watched(context, gateway.url)
    watched.page.goto(gateway.url)
    watched.page.get_by_label("Key").fill(VIEWER)
    watched.page.get_by_role("button", name="Sign in").click()
    expect(watched.page.locator(".connection")).to_have_text("Live")
    page = watched.open(PLACE)
    page.get_by_role("button", name="Drain…").click()
    page.get_by_role("heading", name="Who takes over").wait_for()
    expect(page.locator("ui5-button", has_text="Drain it")).to_have_attribute("disabled", "")
    expect(page.get_by_text("Only an admin can change this.")).to_be_visible()
    watched.is_quiet()
