"""Is the page of agents right and whole for thousands of them?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from gateway_process import CONTROL, GatewayProcess
from playwright.sync_api import BrowserContext, expect
from seen import Watched

LAST = "agent-last"
SIZES = (2_000, pytest.param(10_000, marks=pytest.mark.prove))


@pytest.fixture(scope="module", params=SIZES)
def many(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


@pytest.fixture(scope="module")
def gateway(
    many: int, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    agents = {
        f"agent-{number:05d}": {
            "name": f"Number {number}",
            "kind": ("inference", "tool")[number % 2],
        }
        for number in range(many - 1)
    }
    agents[LAST] = {"name": "The last", "kind": "tool"}
    fleet = {**config, "agents": agents}
    with GatewayProcess(tmp_path_factory.mktemp("large"), fleet) as gateway:
        body = {"strategy": "greedy"}
        done = gateway.call("POST", f"{CONTROL}/auto-assign-all", body)
        assert done.status == 200
        gateway.chat({"x-pointsman-agent": LAST}, max_tokens=8)
        yield gateway


@pytest.fixture
def fleet(context: BrowserContext, gateway: GatewayProcess) -> Iterator[Watched]:
    watched = Watched(context, gateway.url)
    yield watched
    watched.is_quiet()


def test_each_is_shown_with_where_it_stands_in_three_requests(
    fleet: Watched, gateway: GatewayProcess, many: int
) -> None:
    page = fleet.open("agents")
    told = gateway.control("/agents?range=5m")["agents"]
    assert len(told) >= many
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", str(len(told) + 1))
    for_page = [
        url for url in fleet.asked if any(part in url for part in ("/agents?", "/assign", "/flows"))
    ]
    assert len(for_page) <= 3, for_page
    page.get_by_label("Search: Agents").fill(LAST)
    row = page.locator(".grid-rows [role=row]")
    expect(row).to_have_count(1)
    (stands,) = (each["stands_on"] for each in told if each["agent_id"] == LAST)
    expect(row).to_contain_text(stands["model_name"])


def test_the_files_are_what_the_api_tells_under_the_same_filter(
    fleet: Watched, gateway: GatewayProcess, many: int
) -> None:
    page = fleet.open("agents?kind=tool&paused=1")
    told = gateway.control("/agents?range=5m&kind=tool")["agents"]
    assert len(told) == many // 2
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", str(len(told) + 1))
    with page.expect_download() as saved:
        page.get_by_role("button", name="JSON").click()
    given = json.loads(saved.value.path().read_text("utf-8"))
    assert [without_time(each) for each in given] == [without_time(each) for each in told]
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8"))))
    assert [(row["agent_id"], row["name"], row["stands_on.model_id"]) for row in rows] == [
        (each["agent_id"], each["name"], each["stands_on"]["model_id"]) for each in told
    ]


def without_time(agent: dict[str, Any]) -> dict[str, Any]:
    """What it has done may have been counted in between."""
    return {**agent, "did": None}


def test_views_and_filters_are_those_of_all_of_them(fleet: Watched) -> None:
    page = fleet.open("agents?range=1h&view=flow")
    expect(page.locator(".flow")).to_contain_text("The last")
    page = fleet.open("agents?range=1h&view=matrix")
    row = page.get_by_role("row", name="The last")
    expect(row.get_by_role("img", name="stands here")).to_have_count(1)
    page = fleet.open(f"agents?agent={LAST}")
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", "2")
    expect(page.get_by_role("combobox", name="Agent")).to_have_value(LAST)
