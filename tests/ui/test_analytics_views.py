"""Can it be seen at which hours it is busy, and what was unlike other days?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from gateway_process import GatewayProcess
from playwright.sync_api import BrowserContext, expect
from seen import THEMES, Watched, press_until

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.fleet import Usage

DAYS = 6
MODELS = ("sim/swift-mini", "sim/forge-coder")


def request(at: datetime, place: int, model_id: str) -> tuple[Decision, Outcome]:
    name = f"dec_{int(at.timestamp() * 1000):011x}{place:016x}"
    chosen = (Candidate(model_id, 0.5, ()),)
    decision = Decision(
        name, "r", at, "coder", Task("coding"), Strategy.COST, chosen, (), 1.0, "cfg"
    )
    cost, used = Decimal("0.001"), Usage(100, 10, 50)
    return decision, Outcome(name, 1, model_id, "coder", at, None, False, 0.5, None, used, cost)


@pytest.fixture(scope="module")
def gateway(
    config: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """One that has served for some days: two requests an hour, once a burst of thirty."""
    folder = tmp_path_factory.mktemp("days")
    started = GatewayProcess(folder, config)
    started.data_dir.mkdir()
    store = SqliteStore(started.data_dir / "pointsman.db")
    now = datetime.now(UTC).replace(minute=5, second=0, microsecond=0)
    records: list[Decision | Outcome] = []
    for hour in range(1, 24 * DAYS):
        for place in range(30 if hour == 40 else 2):
            at = now - timedelta(hours=hour, seconds=place)
            records += request(at, place, MODELS[place % 2])
    store.append(records)
    while store.aggregates.roll(datetime.now(UTC)):
        pass
    store.close()
    with started:
        yield started


@pytest.fixture
def page_of_days(context: BrowserContext, gateway: GatewayProcess) -> Iterator[Watched]:
    watched = Watched(context, gateway.url)
    yield watched
    watched.is_quiet()


def test_hours_are_shown_by_the_clock_here_and_kept_in_the_address(page_of_days: Watched) -> None:
    page = page_of_days.open("analytics?span=7d")
    page.get_by_role("option", name="Hours of the day").click()
    table = page.get_by_role("group", name="Hours of the day")
    expect(table.get_by_role("row")).to_have_count(3)
    cells = table.get_by_role("row", name="Swift Mini").get_by_role("cell").all_inner_texts()
    assert len(cells) == 24
    # Chromium takes the zone of this process, and so does this.
    busy = (datetime.now() - timedelta(hours=40)).hour  # noqa: DTZ005
    assert max(range(24), key=lambda hour: float(cells[hour])) == busy
    assert "view=heatmap" in page.evaluate("location.hash")
    assert page_of_days.violations() == []


def test_what_was_unusual_is_found_and_what_is_ahead_is_drawn(page_of_days: Watched) -> None:
    page = page_of_days.open("analytics?span=7d&by=all&view=outlook")
    page.get_by_text("Compared with the same hours of other days").wait_for()
    rows = page.get_by_role("group", name="What was unusual").get_by_role("row")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("30")
    expect(page.get_by_role("button", name="If it goes on so")).to_be_visible()
    expect(page.locator(".plot canvas")).to_have_count(1)
    page.get_by_role("button", name="Show as table").click()
    newest = page.locator(".figures tbody tr").first.inner_text()
    assert "–" in newest, "nothing was measured ahead"
    assert page_of_days.violations() == []
    page_of_days.open("analytics?span=1h&by=all&view=outlook&metric=latency_p95")
    expect(page.get_by_text("it is not known yet what is usual").first).to_be_visible()


def test_two_models_are_compared_by_keyboard_alone(page_of_days: Watched) -> None:
    page = page_of_days.open("overview")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.get_by_role("combobox", name="Of whom").wait_for()
    for label, name in (("Of whom", "Swift Mini"), ("Compared with", "Forge Coder")):
        press_until(page, "Tab", label)
        page.keyboard.type(name)
        page.keyboard.press("Tab")
    legend = page.locator(".legend-entry")
    expect(legend).to_have_count(2)
    assert sorted(legend.all_inner_texts()) == ["Forge Coder", "Swift Mini"]
    address = page.evaluate("location.hash")
    assert "versus=" in address
    page_of_days.open(address.removeprefix("#/"))
    expect(legend).to_have_count(2)


@pytest.mark.parametrize("theme", THEMES)
def test_both_views_can_be_used_by_everybody(page_of_days: Watched, theme: str) -> None:
    page_of_days.looks(theme, "ar")
    for view in ("heatmap", "outlook"):
        page = page_of_days.open(f"analytics?span=7d&view={view}")
        page.locator(".heat, .plot canvas").first.wait_for()
        assert page_of_days.violations() == [], view


def test_a_week_back_the_overview_shows_what_the_store_has_counted(
    page_of_days: Watched, gateway: GatewayProcess
) -> None:
    told = gateway.control("/overview?range=7d")["now"]["requests"]
    assert told == 2 * (24 * DAYS - 1) + 28
    page = page_of_days.open("overview?range=7d")
    expect(page.locator("[data-card=requests] .card-more")).to_contain_text(f"{told} in range")
    custom = page_of_days.open("overview?range=7d&model=sim%2Fswift-mini")
    half = gateway.control("/overview?range=7d&model_id=sim/swift-mini")["now"]["requests"]
    assert half == told // 2
    expect(custom.locator("[data-card=requests] .card-more")).to_contain_text(f"{half} in range")


@pytest.mark.parametrize(
    ("place", "narrow"),
    [
        ("analytics?by=all&metric=requests&span=7d", {}),
        ("analytics?by=model&name=sim%2Fswift-mini&span=7d", {"model": "sim/swift-mini"}),
        ("analytics?by=strategy&name=cost&span=7d", {"decisions.q": "cost"}),
        ("analytics?by=all&metric=requests&span=7d&view=outlook", {}),
    ],
)
def test_a_burst_of_days_ago_leads_to_its_decisions(
    page_of_days: Watched, gateway: GatewayProcess, place: str, narrow: dict[str, str]
) -> None:
    page = page_of_days.open(place)
    press_until(page, "Tab", "Requests. Arrow keys")
    slider = page.get_by_role("slider", name="Requests")
    page.keyboard.press("Home")
    if narrow:
        page.keyboard.press("ArrowDown")
    most = 15 if "model" in narrow else 30
    for _ in range(200):
        if f" {most}," in f"{slider.get_attribute('aria-valuetext')},":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Decisions · pointsman")
    rows = page.locator(".grid")
    expect(rows).to_have_attribute("aria-rowcount", str(most + 1))
    asked = parse_qs(page.evaluate("location.hash").partition("?")[2])
    assert {name: asked[name] for name in narrow} == {name: [narrow[name]] for name in narrow}
    told = gateway.control(
        f"/decisions?limit=200&since={asked['since'][0]}&until={asked['until'][0]}"
    )
    assert told["count"] == 30
    page.locator(".grid-rows [role=row]").first.click()
    page.get_by_role("heading", name="Why: every candidate").wait_for()


def test_a_failure_that_is_counted_leads_to_what_has_failed(page_of_days: Watched) -> None:
    page = page_of_days.open("analytics?by=all&metric=faults&span=7d")
    press_until(page, "Tab", "Failures of models. Arrow keys")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Result")).to_have_value("false")


def test_what_is_ahead_leads_nowhere(page_of_days: Watched) -> None:
    page = page_of_days.open("analytics?by=all&span=7d&view=outlook")
    press_until(page, "Tab", "Requests. Arrow keys")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page).to_have_title("Analytics · pointsman")
