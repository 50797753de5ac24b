"""Can one go back through all decisions that are kept, and take one away?"""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from gateway_process import GatewayProcess
from playwright.sync_api import BrowserContext, expect
from seen import Watched, press_until
from test_analytics_views import MODELS, request

from pointsman.adapters.stores.sqlite import SqliteStore

ALL = 450


@pytest.fixture(scope="module")
def gateway(
    config: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    started = GatewayProcess(tmp_path_factory.mktemp("kept"), config)
    started.data_dir.mkdir()
    store = SqliteStore(started.data_dir / "pointsman.db")
    begun = datetime.now(UTC) - timedelta(days=2)
    for place in range(ALL):
        at = begun + timedelta(minutes=place)
        store.append(request(at, place, MODELS[place % 2]))
    store.close()
    with started:
        yield started


@pytest.fixture
def kept(context: BrowserContext, gateway: GatewayProcess) -> Iterator[Watched]:
    watched = Watched(context, gateway.url)
    yield watched
    watched.is_quiet()


def test_pages_follow_each_other_to_the_oldest_and_none_comes_twice(kept: Watched) -> None:
    page = kept.open("decisions")
    rows = page.locator(".grid")
    expect(rows).to_have_attribute("aria-rowcount", "201")
    page.get_by_role("button", name="Load more").click()
    expect(rows).to_have_attribute("aria-rowcount", "401")
    page.locator(".grid-rows [role=row]").first.focus()
    page.keyboard.press("End")
    expect(rows).to_have_attribute("aria-rowcount", str(ALL + 1))
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)


@pytest.mark.parametrize("form", ["CSV", "JSON"])
def test_files_hold_all_that_is_asked_for_however_little_is_loaded(
    kept: Watched, gateway: GatewayProcess, form: str
) -> None:
    page = kept.open("decisions?success=true&model=sim%2Fswift-mini")
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", "201")
    ids: list[str] = []
    path = "/decisions?limit=200&success=true&model_id=sim/swift-mini"
    cursor: str | None = ""
    while cursor is not None:
        told = gateway.control(path + (f"&cursor={cursor}" if cursor else ""))
        ids += [each["decision_id"] for each in told["decisions"]]
        cursor = told["next_cursor"]
    assert len(ids) == ALL // 2
    with page.expect_download() as saved:
        page.get_by_role("button", name=form).click()
    text = saved.value.path().read_text("utf-8")
    rows = json.loads(text) if form == "JSON" else list(csv.DictReader(io.StringIO(text)))
    assert [each["decision_id"] for each in rows] == ids


def test_filters_reach_back_as_far(kept: Watched) -> None:
    page = kept.open("decisions?model=sim%2Fswift-mini")
    page.get_by_role("button", name="Load more").click()
    expect(page.locator(".grid")).to_have_attribute("aria-rowcount", str(ALL // 2 + 1))


def test_one_is_copied_as_a_command_that_gives_it_again(
    kept: Watched, gateway: GatewayProcess
) -> None:
    kept.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = gateway.control("/decisions?limit=1")["decisions"][0]["decision_id"]
    page = kept.open(f"decisions/{found}")
    press_until(page, "Tab", "Copy as curl")
    page.keyboard.press("Enter")
    page.get_by_text("Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run([*shlex.split(text), "--silent"], capture_output=True, check=True)
    assert found.encode() in done.stdout
