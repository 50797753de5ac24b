"""Does an open page keep up with a fleet that is busy, without getting in its own way?"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from bench.dashboard import TRACED, longest_task_ms
from gateway_process import CONTROL, GatewayProcess, Serve, chat_body
from playwright.sync_api import Browser, BrowserContext, Page, expect
from seen import AGENTS, Watched

CADENCE_S = 5
SPENDS = {
    "scope": ["global"],
    "when": [{"metric": "spend_usd_per_h", "ladder": {"critical": 1e-7}}],
}
WATCHING = """
window.alertSeen = 0;
new MutationObserver(() => {
  if (!window.alertSeen && document.querySelector(".alert-count")) window.alertSeen = Date.now();
}).observe(document, { childList: true, subtree: true });
"""
DRAWN = "[...document.querySelectorAll('canvas')].map((each) => each.toDataURL())"


@contextmanager
def asking(gateway: GatewayProcess, requests: int, per_s: float) -> Iterator[threading.Event]:
    """So many requests at an even pace, whether the ones before are answered or not."""
    done = threading.Event()

    def ask(agent: str, mine: int, every_s: float) -> None:
        body = json.dumps(chat_body(max_tokens=8)).encode()
        for _ in range(mine):
            gateway.call("POST", "/v1/chat/completions", body, {"x-pointsman-agent": agent})
            if done.wait(every_s):
                return

    callers = 24
    share = math.ceil(requests / callers)
    with ThreadPoolExecutor(callers) as pool:
        asked = [
            pool.submit(ask, AGENTS[n % len(AGENTS)], share, callers / per_s)
            for n in range(callers)
        ]
        try:
            yield done
        except BaseException:
            done.set()  # else they would ask on of a gateway that has ended
            raise
    for each in asked:
        each.result()


def in_range(page: Page) -> int:
    """How many requests the overview says there were."""
    words = page.locator("[data-card=requests] .card-more").inner_text()
    return int(words.strip("\u2066\u2069").split()[0].replace(",", ""))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("requests", "seconds", "alone"),
    [(120, 8, False), pytest.param(1_000, 60, True, marks=pytest.mark.prove)],
    ids=["short", "whole"],
)
def test_charts_move_and_alerts_appear_while_a_thousand_requests_are_served(
    serve: Serve,
    config: dict[str, Any],
    browser: Browser,
    context: BrowserContext,
    requests: int,
    seconds: float,
    alone: bool,
) -> None:
    gateway = serve({**config, "alerts": {"interval_s": 1, "rules": {"spends": SPENDS}}})
    gateway.call("GET", f"{CONTROL}/alerts/active")  # what is built when it is first asked for
    watched = Watched(context, gateway.url)
    watched.page.add_init_script(WATCHING)
    page = watched.open(f"overview?every={CADENCE_S}")
    expect(page.locator(".connection")).to_have_text("Live")
    with asking(gateway, requests, requests / seconds):
        page.locator(".plot canvas").first.wait_for()
        page.locator(".alert-count").wait_for()
        browser.start_tracing(page=page, categories=TRACED)
        pictures: list[list[str]] = [page.evaluate(DRAWN)]
        before = in_range(page)
        for _ in range(int(seconds / CADENCE_S)):
            page.wait_for_timeout(1_000 * CADENCE_S + 500)
            pictures.append(page.evaluate(DRAWN))
        assert in_range(page) > before
        longest_ms = longest_task_ms(browser.stop_tracing())
    for charts in zip(*pictures, strict=True):
        assert len(set(charts)) == len(pictures), "a chart stood still"
    assert longest_ms <= 50
    (alert,) = [
        each
        for each in gateway.control("/alerts/active")["alerts"]
        if each["rule"] == "spends" and each["state"] == "firing"
    ]
    fired_ms = 1_000 * datetime.fromisoformat(alert["starts_at"]).timestamp()
    appeared_ms = page.evaluate("window.alertSeen")
    assert appeared_ms - fired_ms <= 1_000 * CADENCE_S + (500 if alone else 3_000)
    expect(page.locator("[data-card=requests] .card-more")).to_contain_text(
        f"{math.ceil(requests / 24) * 24:,} in range", timeout=30_000
    )
    watched.is_quiet()
