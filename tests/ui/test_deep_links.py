"""Does an address show what it showed to whoever copied it, in few requests?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from gateway_process import CONTROL, GatewayProcess, wait_until
from playwright.sync_api import Page, expect
from seen import Watched

MOST_REQUESTS = 3
MODEL = "sim/swift-mini"

PAGES = (
    "overview",
    "overview?range=24h",
    "overview?paused=1",
    "agents",
    "agents?view=flow",
    "agents?view=matrix&range=1h",
    "agents/coder",
    "agents/coder?paused=1",
    "models",
    f"models/{quote(MODEL, safe='')}",
    f"models/{quote(MODEL, safe='')}?range=7d&paused=1",
    "decisions",
    "decisions/{decision}",
    "alerts",
    "alerts?paused=1",
    "alerts?view=history",
    "alerts?view=silences",
    "alerts?view=delivery",
    "alerts?view=rules",
    "analytics",
    "analytics?view=heatmap",
    "analytics?view=outlook",
    "settings",
)


def asked_for_data(watched: Watched) -> list[str]:
    """What was asked of the control API, without the one stream."""
    paths = [url.removeprefix(watched.url) for url in watched.asked]
    return [
        path
        for path in paths
        if path.startswith(CONTROL) and not path.startswith(f"{CONTROL}/events")
    ]


@pytest.mark.parametrize("place", PAGES)
def test_a_page_needs_three_requests_at_most(
    watched: Watched, busy_gateway: GatewayProcess, place: str
) -> None:
    decision = busy_gateway.control("/decisions?limit=1")["decisions"][0]["decision_id"]
    page = watched.open(place.format(decision=decision))
    wanted = "Paused" if "paused" in place else "Live"
    expect(page.locator(".connection")).to_contain_text(wanted)
    expect(page.locator(".loading")).to_have_count(0)
    asked = asked_for_data(watched)
    assert len(asked) <= MOST_REQUESTS, asked


def test_all_decisions_are_those_of_the_range_that_is_shown(watched: Watched) -> None:
    for place, length in (("overview", "5m"), ("overview?range=24h", "24h")):
        page = watched.open(place)
        with page.expect_request(lambda request: "/decisions?" in request.url) as asked:
            page.get_by_role("link", name="All decisions").click()
        since = datetime.fromisoformat(parse_qs(urlsplit(asked.value.url).query)["since"][0])
        ago = {"5m": timedelta(minutes=5), "24h": timedelta(hours=24)}[length]
        assert abs(datetime.now(UTC) - ago - since) < timedelta(seconds=30)
        expect(page.get_by_role("combobox", name="Time range")).to_have_value(length)
        assert f"range={length}" in page.evaluate("location.hash")


def test_decisions_of_a_range_of_ones_own_are_those_of_it(watched: Watched) -> None:
    place = "decisions?range=custom&start=2020-01-01T00:00:00Z&end=2020-01-02T00:00:00Z"
    page = watched.open(place)
    expect(page.get_by_text("Nothing here matches the search.")).to_be_visible()
    expect(page.get_by_role("combobox", name="Time range")).to_have_value("custom")
    expect(page.get_by_label("From", exact=True)).to_have_value("2020-01-01T00:00")
    page.get_by_role("combobox", name="Time range").select_option("1h")
    expect(page.locator(".grid")).to_be_visible()
    address = page.evaluate("location.hash")
    assert "range=1h" in address
    assert "start" not in address


def test_decisions_are_narrowed_by_kind_and_by_provider(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    kinds = {each["agent_id"]: each["kind"] for each in busy_gateway.control("/agents")["agents"]}
    made = busy_gateway.control("/decisions?limit=200")["decisions"]
    for kind in set(kinds.values()):
        narrowed = busy_gateway.control(f"/decisions?limit=200&kind={kind}")["decisions"]
        wanted = [each["decision_id"] for each in made if kinds[each["agent_id"]] == kind]
        assert [each["decision_id"] for each in narrowed] == wanted
    assert busy_gateway.control("/decisions?provider=nobody")["decisions"] == []
    assert len(busy_gateway.control("/decisions?provider=sim&limit=200")["decisions"]) == len(
        [each for each in made if each["model_id"]]
    )
    page = watched.open("decisions?kind=inference&provider=sim")
    expect(page.get_by_role("combobox", name="Kind")).to_have_value("inference")
    expect(page.get_by_role("combobox", name="Provider")).to_have_value("sim")
    page = watched.open("decisions?provider=nobody")
    expect(page.get_by_text("Nothing here matches the search.")).to_be_visible()


def test_analytics_are_of_the_range_of_the_address(watched: Watched) -> None:
    page = watched.open("analytics?range=7d")
    expect(page.get_by_role("combobox", name="Time range")).to_have_value("7d")
    assert any("/timeseries?" in url and "range=10080m" in url for url in watched.asked)
    place = "analytics?range=custom&start=2026-01-01T00:00:00Z&end=2026-01-03T00:00:00Z"
    with page.expect_response(lambda answer: "/timeseries?" in answer.url) as answered:
        watched.open(place)
    times = answered.value.json()["times"]
    assert times[0].startswith("2026-01-01T00:00")
    assert times[-1].startswith("2026-01-02T23:")
    expect(page.get_by_label("From", exact=True)).to_be_visible()
    page.get_by_role("combobox", name="Time range").select_option("30d")
    assert "span=30d" in page.evaluate("location.hash")
    page.get_by_role("combobox", name="Time range").select_option("1h")
    address = page.evaluate("location.hash")
    assert "range=1h" in address
    assert "span" not in address
    assert "start" not in address


def shown(page: Page) -> list[float]:
    """From when until when the first chart is drawn."""
    told = page.locator(".plot .uplot").first.get_attribute("data-shows")
    assert told
    return [float(at) for at in told.split("~")]


def test_what_a_chart_was_dragged_to_and_what_was_hidden_stands_in_the_address(
    watched: Watched,
) -> None:
    page = watched.open("overview?range=1h")
    plot = page.locator(".plot .u-over").first
    box = plot.bounding_box()
    assert box is not None
    whole = shown(page)
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Show the whole range").first.wait_for()
    page.get_by_role("button", name="p50", exact=True).click()
    page.get_by_role("button", name="Show as table: Attempts by model").click()
    address = page.evaluate("location.hash")
    near = shown(page)
    assert near != whole
    assert page.evaluate("location.hash").startswith("#/overview")
    page.goto("about:blank")
    watched.open(address.removeprefix("#/"))
    page.get_by_role("button", name="Show the whole range").first.wait_for()
    assert shown(page) == pytest.approx(near, abs=60)
    expect(page.get_by_role("button", name="p50", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    expect(page.get_by_role("button", name="Show as chart: Attempts by model")).to_be_visible()
    assert watched.violations() == []
    page.get_by_role("button", name="Show the whole range").first.click()
    expect(page.get_by_role("button", name="Show the whole range")).to_have_count(0)
    assert "zoom" not in page.evaluate("location.hash")
    wait_until(
        lambda: shown(page)[1] - shown(page)[0] > 2 * (near[1] - near[0]), what="the whole range"
    )
