"""Scenario 5: does the dashboard answer whoever looks at it while the gateway is busy?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pointsman.app.loadtest.arrivals import OpenLoop
from pointsman.app.loadtest.run import Bounds
from pointsman.app.loadtest.validation.checks import Check, NotRun, at_least, at_most, holds
from pointsman.app.loadtest.validation.chromium import Page
from pointsman.app.loadtest.validation.stand import Stand, stand, wait_for
from pointsman.app.loadtest.validation.thousand import DECISIONS, SECONDS, put_on

WATCHED_S = 20.0
SHORT_S = 6.0
FIRST_FIGURES_MS = 3_000
ANOTHER_PAGE_MS = 2_000
LONGEST_FRAME_MS = 1_000
MOST_BUSY = 0.5
UP_WITHIN_S = 20.0
BUILD = "a wheel carries it, in a checkout `make dashboard` builds it"
PAGES = ("decisions", "models", "alerts", "overview")

WATCHING = """
window.longestFrame = 0;
(() => {
  let before = performance.now();
  const next = (now) => {
    window.longestFrame = Math.max(window.longestFrame, now - before);
    before = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
  const shown = () => document.querySelector("[data-card=requests] .card-value .num");
  new MutationObserver(() => {
    if (!window.firstFigures && shown()) window.firstFigures = performance.now();
  }).observe(document, { childList: true, subtree: true });
  window.failures = [];
  addEventListener("error", (event) => window.failures.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => window.failures.push(String(event.reason)));
})();
"""
SHOWN = "document.querySelector('[data-card=requests] .card-more')?.innerText ?? ''"
GO = """
new Promise((done) => {
  const began = performance.now();
  const before = document.querySelector("main h1")?.textContent;
  location.hash = "#/%s";
  const look = () => {
    const heading = document.querySelector("main h1")?.textContent;
    const there = heading && heading !== before && !document.querySelector(".loading");
    const late = performance.now() - began > 15000;
    if (there || late) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


def run(executable: str, *, short: bool = False) -> Sequence[Check]:
    with stand(time_scale=0.2, alerts={"interval_s": 1}) as place:
        _is_built(place)
        with _busy(place, SHORT_S if short else WATCHED_S), Page(executable) as page:
            return _looked_at(page, place, SHORT_S if short else WATCHED_S)


def _is_built(place: Stand) -> None:
    """Raises `NotRun`. The first look also makes the gateway read the files."""
    if b"/assets/" not in place.page("/"):
        raise NotRun(f"this gateway has no dashboard: {BUILD}")


def _looked_at(page: Page, place: Stand, seconds: float) -> Sequence[Check]:
    page.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCHING)
    page.open(f"{place.url}/#/overview?every=1")
    first_ms = wait_for(lambda: page.value("window.firstFigures ?? 0"), UP_WITHIN_S) or None
    page.value("window.longestFrame = 0")
    busy_s, began = _busy_s(page), time.monotonic()
    figures = list(_figures(page, seconds / 2))
    changes = max([page.value(GO % name) for name in PAGES])
    share = (_busy_s(page) - busy_s) / (time.monotonic() - began)
    failures: list[Any] = page.value("window.failures")
    return [
        at_most("first figures on the page", FIRST_FIGURES_MS, first_ms, "ms"),
        at_least("figures move: different ones seen", 3, len(set(figures)), "of them"),
        at_most("another page is there, the slowest", ANOTHER_PAGE_MS, changes, "ms"),
        at_most(
            "longest time between two frames",
            LONGEST_FRAME_MS,
            page.value("window.longestFrame"),
            "ms",
        ),
        at_most("the page's main thread works", MOST_BUSY, share, "of the time"),
        holds("errors in the page", "none", "; ".join(map(str, failures)) or "none", not failures),
    ]


def _busy_s(page: Page) -> float:
    """Processor time of the page's main thread so far, in seconds."""
    found: list[dict[str, Any]] = page.ask("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in found if each["name"] == "TaskDuration"))


def _figures(page: Page, seconds: float) -> Iterator[str]:
    """What the page says of requests, looked at twice a second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield page.value(SHOWN)
        time.sleep(0.5)


@contextmanager
def _busy(place: Stand, seconds: float) -> Iterator[None]:
    """Requests at the rate of scenario 2 for as long as the page may need, from another thread."""
    load = OpenLoop(DECISIONS / SECONDS, poisson=False)
    work: Callable[[], object] = lambda: put_on(place, load, Bounds(seconds + 4))  # noqa: E731
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()
