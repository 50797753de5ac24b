"""Can one browser be signed in to two gateways on one machine?"""

from __future__ import annotations

from gateway_process import Serve
from playwright.sync_api import BrowserContext, expect
from seen import Watched
from test_operating import ADMIN, KEYS


def test_signing_in_to_one_leaves_the_other_as_it_was(
    context: BrowserContext, serve: Serve, config: dict[str, object]
) -> None:
    pages = [Watched(context, serve({**config, "keys": KEYS}).url) for _ in range(2)]
    for watched in pages:
        watched.page.goto(watched.url)
        watched.page.get_by_label("Key").fill(ADMIN)
        watched.page.get_by_role("button", name="Sign in").click()
        expect(watched.page.locator(".connection")).to_have_text("Live")
    for watched in pages:
        watched.page.reload()
        expect(watched.page.locator(".connection")).to_have_text("Live")
    pages[0].page.get_by_role("button", name="Sign out").click()
    pages[0].page.get_by_role("heading", name="Sign in").wait_for()
    pages[1].page.reload()
    expect(pages[1].page.locator(".connection")).to_have_text("Live")
