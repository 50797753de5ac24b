"""Does a page that was open before an upgrade say so, and is it never broken?"""

from __future__ import annotations

import re
from typing import Any

import pytest
from gateway_process import GatewayProcess, Serve
from playwright.sync_api import BrowserContext, Page, Route, expect
from seen import Watched, press_until

NOTICE = "A new version is here"


def upgraded(page: Page, gateway: GatewayProcess) -> None:
    """From now on the server has another page, and none of the parts of this one."""
    page.route(re.compile(r"/assets/(agents|models|settings)-[^/]*\.js$"), _gone)
    page.route(f"{gateway.url}/", _another)


def _gone(route: Route) -> None:
    route.fulfill(status=404, content_type="application/json", body="{}")


def _another(route: Route) -> None:
    answer = route.fetch()
    changed = re.sub(r"(/assets/first-)[\w-]+(?=\.js)", r"\1Another", answer.text())
    assert changed != answer.text()
    route.fulfill(response=answer, body=changed)


def test_a_part_that_is_gone_says_that_a_new_version_is_here(
    watched: Watched, busy_gateway: GatewayProcess
) -> None:
    page = watched.open("overview")
    upgraded(page, busy_gateway)
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("status").filter(has_text=NOTICE)).to_be_visible()
    expect(page.get_by_text("This part is of the version before")).to_be_visible()
    assert watched.violations() == []
    page.unroute_all()
    press_until(page, "Tab", "Load again")
    page.keyboard.press("Enter")
    page.locator(".grid-rows [role=row]").first.wait_for()
    expect(page.get_by_text(NOTICE)).to_have_count(0)
    assert page.evaluate("location.hash") == "#/agents", "loading again leads somewhere else"
    watched.said = [words for words in watched.said if "404" not in words and "fetch" not in words]


def test_a_page_that_goes_on_says_so_once_the_new_server_is_there(
    context: BrowserContext, serve: Serve, config: dict[str, Any]
) -> None:
    gateway = serve(config)
    watched = Watched(context, gateway.url)
    page = watched.open("overview?every=1")
    expect(page.locator(".connection")).to_have_text("Live")
    gateway.kill()
    expect(page.locator(".connection")).to_contain_text("Reconnecting")
    upgraded(page, gateway)
    gateway.start()
    expect(page.locator(".connection")).to_have_text("Live")
    expect(page.get_by_role("status").filter(has_text=NOTICE)).to_be_visible()
    expect(page.locator("[data-card=requests]")).to_be_visible()


def test_a_restart_of_the_same_version_says_nothing(
    context: BrowserContext, serve: Serve, config: dict[str, Any]
) -> None:
    gateway = serve(config)
    watched = Watched(context, gateway.url)
    page = watched.open("overview?every=1")
    expect(page.locator(".connection")).to_have_text("Live")
    gateway.kill()
    expect(page.locator(".connection")).to_contain_text("Reconnecting")
    with page.expect_response(f"{gateway.url}/"):
        gateway.start()
    expect(page.locator(".connection")).to_have_text("Live")
    expect(page.get_by_text(NOTICE)).to_have_count(0)


@pytest.mark.parametrize("place", ["agents"])
def test_a_part_that_cannot_be_read_for_a_moment_is_tried_again(
    watched: Watched, place: str
) -> None:
    page = watched.open("overview")
    page.route(re.compile(rf"/assets/{place}-[^/]*\.js$"), lambda route: route.abort())
    page.keyboard.press("g")
    page.keyboard.press("a")
    retry = page.locator("main").get_by_role("button", name="Try again")
    retry.wait_for()
    expect(page.get_by_text(NOTICE)).to_have_count(0)
    page.unroute_all()
    retry.click()
    page.locator(".grid-rows [role=row]").first.wait_for()
    watched.said = []
