"""Does every range show what is known of it, against what is good enough?"""

from __future__ import annotations

from gateway_process import GatewayProcess, Serve, wait_until
from playwright.sync_api import BrowserContext, expect
from seen import Watched, press_until


def requests(gateway: GatewayProcess, query: str) -> int:
    return int(gateway.control(f"/overview?{query}")["now"]["requests"])


def counted(gateway: GatewayProcess) -> int:
    """What is told of the last day, once its last minute is counted up."""
    all_of_them = requests(gateway, "range=1h")
    wait_until(
        lambda: requests(gateway, "range=24h") >= all_of_them, within_s=75, what="the last minute"
    )
    return requests(gateway, "range=24h")


def test_a_day_and_a_range_of_ones_own_are_chosen_and_kept_in_the_address(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    counted(busy_gateway)
    page = watched.open("overview")
    page.get_by_role("option", name="24 hours").click()
    more = page.locator("[data-card=requests] .card-more")
    expect(more).to_contain_text(f"{requests(busy_gateway, 'range=24h')} in range")
    expect(page.locator("[data-card=success] .card-target")).to_contain_text("≥ 95")
    assert watched.violations() == []
    page.get_by_role("option", name="Custom").click()
    page.get_by_label("From", exact=True).fill("2020-01-01T00:00")
    expect(page.get_by_text("The end has to be at least 5 minutes")).to_be_visible()
    page.get_by_label("To", exact=True).fill("2020-01-01T06:00")
    page.get_by_label("To", exact=True).blur()
    expect(page.get_by_text("No request has ended in this range.")).to_be_visible()
    address = page.evaluate("location.hash")
    assert "range=custom" in address
    assert watched.violations() == []
    page.goto("about:blank")
    watched.open(address.removeprefix("#/"))
    expect(page.get_by_label("From", exact=True)).to_have_value("2020-01-01T00:00")
    page.get_by_role("option", name="5 min").click()
    assert "start" not in page.evaluate("location.hash")


def test_what_is_kept_by_agent_or_by_model_is_not_asked_for_by_both(watched: Watched) -> None:
    page = watched.open("overview?range=7d&agent=coder&provider=sim")
    expect(page.get_by_text("only the agents are filtered here")).to_be_visible()
    expect(page.locator(".connection")).to_have_text("Live")
    page.get_by_role("combobox", name="Provider").select_option("")
    expect(page.get_by_text("only the agents are filtered here")).to_have_count(0)


def test_a_range_is_chosen_by_keyboard_alone(watched: Watched) -> None:
    page = watched.open("overview")
    press_until(page, "Tab", "5 min")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    wait_until(lambda: "range=24h" in page.evaluate("location.hash"), what="the day")


def test_budgets_are_targets_and_alerts_mark_the_charts(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    slow = {"scope": ["global"], "when": [{"metric": "wait_s", "ladder": {"error": 0.001}}]}
    alerts = {
        "interval_s": 1,
        "budgets": [{"usd": 24, "per": "day"}],
        "rules": {"slow": {**slow, "type": "HIGH_LATENCY"}},
    }
    gateway = serve({**config, "alerts": alerts})
    for _ in range(30):
        gateway.chat(max_tokens=4)
    wait_until(lambda: gateway.control("/overview")["marks"], what="an alert", within_s=30)
    watched = Watched(context, gateway.url)
    page = watched.open("overview")
    expect(page.locator("[data-card=cost] .card-target")).to_contain_text("≤ $1")
    mark = page.locator(".marks a").first
    expect(mark).to_contain_text("everything")
    assert watched.violations() == []
    mark.click()
    wait_until(lambda: page.evaluate("location.hash").startswith("#/alerts/"), what="the alert")
    page.locator("main h1").wait_for()
    watched.is_quiet()
