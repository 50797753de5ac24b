"""Is every page whole, for whoever looks at it, in whichever way, and does it keep to itself?"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path

import pytest
from gateway_process import GatewayProcess, wait_until
from playwright.sync_api import Browser, Route, expect
from seen import THEMES, Watched

PAGES = ("overview", "agents", "models", "decisions", "alerts", "analytics", "settings")


def one_decision(gateway: GatewayProcess) -> str:
    found = gateway.control("/decisions?success=true&agent_id=coder")["decisions"]
    return str(found[0]["decision_id"])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_everybody_can_use_every_page(
    watched: Watched, busy_gateway: GatewayProcess, theme: str, language: str
) -> None:
    watched.looks(theme, language)
    model = busy_gateway.control("/models")["models"][0]["model_id"].replace("/", "%2F")
    details = (f"decisions/{one_decision(busy_gateway)}", f"models/{model}", "agents/coder")
    for place in (*PAGES, *details):
        page = watched.open(place)
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        assert watched.violations() == [], place


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_everybody_can_use_the_dialogs_too(watched: Watched, theme: str, language: str) -> None:
    watched.looks(theme, language)
    page = watched.open("agents")
    dialog = page.get_by_role("dialog")
    page.locator("main ui5-button[design=Emphasized]").click()
    dialog.locator(".dialog-body ui5-button").click()
    dialog.locator("table").wait_for()
    assert watched.violations() == [], "the plan"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.locator("body").press("?")
    dialog.wait_for()
    assert watched.violations() == [], "the keys"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    watched.open("agents/coder").locator("main ol ui5-button").first.click()
    dialog.wait_for()
    assert watched.violations() == [], "by hand"
    page.keyboard.press("Escape")
    for view in ("flow", "matrix"):
        watched.open(f"agents?view={view}")
        assert watched.violations() == [], view
    watched.open("models/sim%2Fforge-mini").locator(".headline ui5-button").first.click()
    dialog.wait_for()
    expect(page.locator(".loading")).to_have_count(0)
    assert watched.violations() == [], "out of service"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_no_page_is_wider_than_a_phone(
    browser: Browser, busy_gateway: GatewayProcess, language: str
) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        watched = Watched(context, busy_gateway.url)
        watched.looks("sap_horizon", language)
        details = (f"decisions/{one_decision(busy_gateway)}", "models/sim%2Fforge-mini")
        views = ("agents?view=flow", "agents?view=matrix", "agents/coder", "alerts?view=delivery")
        for place in (*PAGES, *details, *views):
            page = watched.open(place)
            assert page.evaluate("document.documentElement.scrollWidth") == 390, place
            current = page.locator("nav [aria-current=page]").bounding_box()
            assert current is not None
            assert 0 <= current["x"] <= 390 - current["width"], (place, "where one is")
        watched.is_quiet()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_filters_stand_in_one_row_on_a_small_screen(
    browser: Browser, busy_gateway: GatewayProcess, language: str
) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 720}) as context:
        watched = Watched(context, busy_gateway.url)
        watched.looks("sap_horizon", language)
        for place in ("overview", "agents?agent=coder&kind=inference", "models?provider=sim"):
            page = watched.open(place)
            bar = page.locator(".filters").first.bounding_box()
            assert bar is not None
            assert bar["height"] < 40, place
        watched.is_quiet()


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_can_be_read_on_what_is_behind_it(watched: Watched, theme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for large texts."""
    watched.looks(theme)
    for place in PAGES:
        watched.open(place)
        measured = watched.contrasts()
        assert len(measured) > 10, place
        for ratio, wanted, where in measured:
            assert ratio >= wanted, (place, ratio, where)


def test_the_overview_costs_few_requests_whatever_it_shows(watched: Watched) -> None:
    page = watched.open("overview")
    expect(page.locator("[data-card=requests] .card-value")).to_contain_text("/s")
    expect(page.locator(".connection")).to_have_text("Live")
    asked = [url for url in watched.asked if "/api/" in url]
    assert len(asked) <= 3, asked


@pytest.mark.parametrize("place", ["agents", "models", "decisions"])
def test_what_stands_above_a_column_begins_and_ends_where_it_does(
    watched: Watched, place: str
) -> None:
    page = watched.open(place)
    page.locator(".grid-rows [role=row]").first.wait_for()
    heads, cells = page.evaluate(
        "['[role=columnheader]', '.grid-rows [role=row]:first-child [role=gridcell]'].map(found =>"
        " [...document.querySelectorAll(found)].map(cell => { const box = document.createRange();"
        " box.selectNodeContents(cell); const all = cell.getBoundingClientRect();"
        " const end = cell.classList.contains('end') ? box.getBoundingClientRect().right : 0;"
        " return [all.left, all.right, end].map(Math.round) }))"
    )
    assert heads == cells


def test_an_address_brings_a_view_back(watched: Watched) -> None:
    page = watched.open("models")
    page.get_by_role("combobox", name="Provider").select_option("sim")
    page.get_by_label("Search: Models").fill("atlas")
    page.get_by_role("columnheader", name="p95").get_by_role("button").click()
    rows = page.locator(".grid-rows [role=row]")
    expect(rows).to_have_count(2)
    names = rows.locator("[role=gridcell]:first-child").all_inner_texts()
    address = page.evaluate("location.hash")
    assert "provider=sim" in address
    page.goto("about:blank")
    watched.open(address.removeprefix("#/"))
    expect(page.get_by_label("Search: Models")).to_have_value("atlas")
    assert rows.locator("[role=gridcell]:first-child").all_inner_texts() == names
    header = page.get_by_role("columnheader", name="p95")
    assert header.get_attribute("aria-sort") == "descending"


VIEWS = {
    "overview?agent=coder&every=30&kind=inference&range=1h": {
        "Agent": "coder",
        "Kind": "inference",
    },
    "agents?agents.by=-p95_ms&agents.q=desk": {"Search: Agents": "desk"},
    "models?models.q=mini&provider=sim&paused=1": {"Search: Models": "mini", "Provider": "sim"},
    "decisions?agent=coder&success=true": {"Agent": "coder", "Result": "true"},
    "alerts?rules.q=latency&view=rules": {"Search: Rules": "latency"},
    "analytics?by=agent&compare=1&metric=latency_p95&span=7d": {
        "Metric": "latency_p95",
        "Time range": "7d",
    },
}


@pytest.mark.parametrize("address", VIEWS)
def test_every_view_stands_in_its_address(watched: Watched, address: str) -> None:
    page = watched.open(address)
    for label, value in VIEWS[address].items():
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    assert page.evaluate("location.hash") == f"#/{address}"
    heads = page.locator("[aria-sort=descending], [aria-sort=ascending], [aria-pressed=true]")
    before = (heads.all_inner_texts(), page.locator(".grid-rows [role=row]").count())
    page.reload()
    page.locator("main").wait_for()
    expect(page.locator(".loading")).to_have_count(0)
    for label, value in VIEWS[address].items():
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    assert (heads.all_inner_texts(), page.locator(".grid-rows [role=row]").count()) == before


def test_what_is_exported_is_what_the_api_gives_under_the_same_filter(
    watched: Watched, busy_gateway: GatewayProcess, tmp_path: Path
) -> None:
    page = watched.open("decisions?agent=coder&success=true")
    expected = busy_gateway.control("/decisions?limit=200&agent_id=coder&success=true")["decisions"]
    ids = [each["decision_id"] for each in expected]
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    saved.value.save_as(tmp_path / "them.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "them.csv").read_text("utf-8"))))
    assert [line["decision_id"] for line in lines] == ids
    assert [float(line["cost_usd"]) for line in lines] == [each["cost_usd"] for each in expected]
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").click()
    saved.value.save_as(tmp_path / "them.json")
    objects = json.loads((tmp_path / "them.json").read_text("utf-8"))
    assert [each["decision_id"] for each in objects] == ids


def test_a_decision_that_is_not_there_says_so_with_the_request_and_a_way_on(
    watched: Watched,
) -> None:
    page = watched.open("decisions/dec_000000000000000000000000000")
    alert = page.locator("main [role=alert]")
    expect(alert).to_contain_text("No decision is called")
    expect(alert).to_contain_text("req_")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    watched.said = [words for words in watched.said if "404" not in words]


COLOURFUL = """
() => [...document.querySelectorAll(".plot canvas")].some((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 200 && Math.max(data[at], data[at + 1], data[at + 2])
        - Math.min(data[at], data[at + 1], data[at + 2]) > 60) return true;
  return false;
})
"""


def test_charts_are_in_colour_though_the_theme_comes_late(watched: Watched) -> None:
    page = watched.page
    page.route(re.compile("parameters-bundle"), _later)
    watched.open("overview?range=1h")
    wait_until(lambda: page.evaluate(COLOURFUL), what="a chart in colour")
    # That canvases are read, which is the test's doing, Chromium has advice about.
    watched.said = [words for words in watched.said if "willReadFrequently" not in words]


def _later(route: Route) -> None:
    time.sleep(1)
    route.continue_()
