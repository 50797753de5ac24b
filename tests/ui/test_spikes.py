"""Does a point of any chart lead to the decisions of its step, and on to why one was made?"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from gateway_process import GatewayProcess
from playwright.sync_api import Page, expect
from seen import Watched, press_until
from test_by_keyboard import walk_to_the_rows

KNOWN = r"p95 [0-9]"


def query_of(page: Page) -> dict[str, str]:
    text = page.evaluate("location.hash").partition("?")[2]
    return {name: values[0] for name, values in parse_qs(text).items()}


def clicked(page: Page, chart: str) -> None:
    """Click on the newest point of a chart of which a figure is known."""
    box = page.get_by_role("slider", name=chart).locator(".u-over")
    box.scroll_into_view_if_needed()
    wide = int((box.bounding_box() or {"width": 0})["width"])
    for x in range(wide - 2, 0, -8):
        box.hover(position={"x": x, "y": 60})
        if any(c.isdigit() for c in "".join(page.locator(".tip .num").all_inner_texts())):
            box.click(position={"x": x, "y": 60})
            return
    raise AssertionError(f"{chart} has no point")


def walked(page: Page, chart: str) -> None:
    """The same by keyboard."""
    press_until(page, "Tab", f"{chart}. Arrow keys")
    slider = page.get_by_role("slider", name=chart)
    for _ in range(60):
        if re.search(KNOWN, slider.get_attribute("aria-valuetext") or ""):
            page.keyboard.press("Enter")
            return
        page.keyboard.press("ArrowLeft")
    raise AssertionError(f"{chart} has no point")


@pytest.mark.parametrize("by_mouse", [True, False], ids=["by mouse", "by keyboard"])
def test_from_a_spike_to_the_explanation_of_one_decision(
    watched: Watched, busy_gateway: GatewayProcess, by_mouse: bool
) -> None:
    page = watched.open("overview?range=1h")
    (clicked if by_mouse else walked)(page, "Latency")
    expect(page).to_have_title("Decisions · pointsman")
    asked = query_of(page)
    rows = page.locator(".grid-rows [role=row]")
    rows.first.wait_for()
    since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
    assert timedelta(minutes=1) <= until - since <= timedelta(minutes=5)
    told = busy_gateway.control(
        f"/decisions?limit=200&since={asked['since']}&until={asked['until']}"
    )
    ids = [each["decision_id"] for each in told["decisions"]]
    assert ids
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", str(len(ids) + 1))
    for each in told["decisions"]:
        assert since <= datetime.fromisoformat(each["timestamp"]) < until
    if by_mouse:
        rows.first.click()
    else:
        walk_to_the_rows(page)
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="Why: every candidate").wait_for()
    address = page.evaluate("location.hash")
    assert ids[0] in address
    page.goto("about:blank")
    watched.open(address.removeprefix("#/"))
    page.get_by_role("heading", name="Why: every candidate").wait_for()
    page.get_by_role("main").get_by_role("link", name="Decisions", exact=True).click()
    rows.first.wait_for()
    assert query_of(page)["since"] == asked["since"], "the way back forgets the step"
    expect(page.get_by_label("From", exact=True)).not_to_have_value("")
    page.get_by_role("button", name="Any time").click()
    assert "since" not in query_of(page)


@pytest.mark.parametrize(
    ("place", "chart", "narrow"),
    [
        ("models/sim%2Fforge-mini?range=1h", "Latency", {"model": "sim/forge-mini"}),
        ("agents/coder?range=1h", "Latency", {"agent": "coder"}),
    ],
)
def test_every_chart_leads_to_the_decisions_of_a_step(
    watched: Watched, place: str, chart: str, narrow: dict[str, str]
) -> None:
    page = watched.open(place)
    slider = page.get_by_role("slider", name=chart)
    slider.wait_for()
    press_until(page, "Tab", f"{chart}. Arrow keys")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Decisions · pointsman")
    asked = query_of(page)
    assert asked["since"] < asked["until"] <= datetime.now(UTC).isoformat()
    assert {name: asked.get(name) for name in narrow} == narrow


def test_one_line_of_many_is_chosen_with_the_arrows(watched: Watched) -> None:
    page = watched.open("overview?range=1h")
    page.get_by_role("button", name="Show as table: Attempts by model").focus()
    press_until(page, "Tab", "Attempts by model. Arrow keys")
    page.keyboard.press("ArrowDown")
    words = page.get_by_role("slider", name="Attempts by model").get_attribute("aria-valuetext")
    assert words is not None
    assert words.count(",") == 0, "more than one model is told"
    page.keyboard.press("Enter")
    expect(page).to_have_title("Decisions · pointsman")
    assert query_of(page)["model"].startswith("sim/")


def test_a_table_of_a_chart_leads_there_too(watched: Watched) -> None:
    page = watched.open("overview?range=1h")
    page.get_by_role("button", name="Show as table: Latency").click()
    page.locator(".figures tbody tr").nth(1).get_by_role("link").click()
    expect(page).to_have_title("Decisions · pointsman")
    assert query_of(page).keys() >= {"since", "until"}


def test_dragging_zooms_and_leads_nowhere(watched: Watched) -> None:
    page = watched.open("overview?range=1h")
    box = page.get_by_role("slider", name="Latency").locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 52, steps=5)
    page.mouse.up()
    page.wait_for_timeout(300)
    expect(page).to_have_title("Overview · pointsman")


def test_a_range_and_words_narrow_the_list_and_its_files_alike(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("decisions?since=2020-01-01T00:00:00.000Z&success=true")
    page.get_by_label("Search: Decisions").fill("Coder answered")
    told = busy_gateway.control(
        "/decisions?limit=200&since=2020-01-01T00:00:00Z&success=true&q=coder"
    )
    ids = [each["decision_id"] for each in told["decisions"]]
    assert ids
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", str(len(ids) + 1))
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8"))))
    assert [each["decision_id"] for each in rows] == ids
    page.get_by_label("To", exact=True).fill("2020-01-02T00:00:00")
    page.get_by_label("To", exact=True).press("Tab")
    expect(page.get_by_text("Nothing here matches")).to_be_visible()
