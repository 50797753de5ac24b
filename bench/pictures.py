"""What does the dashboard look like: every page, in every look and every state?

    python -m bench.pictures FOLDER                 all of them, and an index.html to look through
    python -m bench.pictures FOLDER --only dark     one look, one page, or "states"
    python -m bench.pictures --docs                 the two that README and docs show

A real gateway with the simulated fleet, of which one model fails, under load; alerts fire because
they must. States that a healthy gateway does not show are brought about where the browser asks: no
answer (loading), a failure (error), a connection that is cut (stale).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import urlopen

import yaml
from playwright.sync_api import Browser, Page, Route, sync_playwright

from bench.dashboard import FLAGS, gateway
from pointsman.app.defaults import standin

DOCS = Path(__file__).resolve().parents[1] / "docs" / "explanation"
API = "/api/v1/model-router"
_BUT_WHO_IS_HERE = re.compile(re.escape(API) + "/(?!session)")
WARMING_S = 45.0
KEYS = [{"name": "boss", "key": "pm-admin-8f1c7b2e5d9a4036", "role": "admin"}]


class Look(NamedTuple):
    """In which theme and language, on a screen of which size."""

    name: str
    theme: str = "sap_horizon"
    language: str = "en"
    width: int = 1440
    height: int = 900


LOOKS = (
    Look("light"),
    Look("dark", "sap_horizon_dark"),
    Look("black", "sap_horizon_hcb"),
    Look("white", "sap_horizon_hcw"),
    Look("rtl", language="ar"),
    Look("narrow", width=390, height=844),
    Look("narrow-rtl", "sap_horizon_dark", "ar", 390, 844),
    Look("narrow-light-rtl", language="ar", width=390, height=844),
    Look("narrow-white", "sap_horizon_hcw", width=390, height=844),
)


class Shot(NamedTuple):
    """One picture: where, and what is done there before it is taken."""

    name: str
    place: str
    act: Callable[[Page], None] | None = None
    """By roles and selectors, not by words: it is done in every language."""


def _clicked(*selectors: str) -> Callable[[Page], None]:
    """One after the other; what the last brings about has come when nothing loads any more."""

    def act(page: Page) -> None:
        for selector in selectors:
            page.locator(selector).first.click()
            page.wait_for_timeout(400)
        page.locator(".loading").first.wait_for(state="detached")

    return act


def _help(page: Page) -> None:
    page.locator("body").press("?")
    page.locator("dialog").wait_for()


def _point(page: Page) -> None:
    """Some steps along the first chart, by keyboard."""
    page.locator(".plot").first.focus()
    for key in ("End", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    page.locator(".tip").wait_for()


def _upgraded(page: Page) -> None:
    """As the page is once its server has another one."""
    page.route(re.compile(r"/assets/settings-"), lambda route: route.abort())
    page.route(re.compile(r"//[^/]*/$"), lambda route: route.fulfill(body=_ANOTHER))
    page.locator("nav a").last.click()
    page.locator(".notice").wait_for()


_ANOTHER = '<script type="module" src="/assets/another.js"></script>'


def shots(url: str) -> Iterator[Shot]:
    """Every page and dialog of a fleet that has something to show."""
    made = _asked(url, "/decisions?limit=50")["decisions"]
    alerts = _asked(url, "/alerts/active")["alerts"]
    model = _asked(url, "/models")["models"][0]["model_id"]
    yield Shot("overview", "overview")
    yield Shot("point", "overview", _point)
    yield Shot("upgraded", "overview", _upgraded)
    yield Shot("range", "overview?range=custom&start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z")
    yield Shot("agents", "agents")
    yield Shot("agent", "agents/coder")
    for view in ("flow", "matrix"):
        yield Shot(f"agents-{view}", f"agents?view={view}")
    yield Shot("models", "models")
    yield Shot("model", f"models/{quote(model, safe='')}")
    yield Shot("decisions", "decisions")
    since, until = made[-1]["timestamp"], made[0]["timestamp"]
    yield Shot("decisions-step", f"decisions?since={since}&until={until}&success=true")
    yield Shot("decisions-nothing", "decisions?decisions.q=nothing+of+the+kind")
    yield Shot("decision", f"decisions/{made[0]['decision_id']}")
    for view in ("open", "history", "silences", "delivery", "rules"):
        yield Shot(f"alerts-{view}", f"alerts?view={view}")
    if alerts:
        yield Shot("alert", f"alerts/{alerts[0]['alert_id']}")
        yield Shot("dialog-ack", "alerts", _clicked("main ui5-button[icon=accept]"))
        yield Shot("dialog-silence", "alerts", _clicked("main table ui5-button[icon=bell]"))
    for view in ("course", "heatmap", "outlook"):
        yield Shot(f"analytics-{view}", f"analytics?view={view}")
    yield Shot("settings", "settings")
    yield Shot("dialog-keys", "overview", _help)
    plan = ("main ui5-button[design=Emphasized]", "dialog .dialog-body ui5-button")
    yield Shot("dialog-plan", "agents", _clicked(*plan))
    drained = _clicked(".headline ui5-button")
    yield Shot("dialog-drain", f"models/{quote(model, safe='')}", drained)
    yield Shot("dialog-override", "agents/coder", _clicked("main ol ui5-button"))


PAGES = ("overview", "agents", "models", "decisions", "alerts", "analytics", "settings")


def take(browser: Browser, url: str, look: Look, wanted: Sequence[Shot], folder: Path) -> None:
    """All of `wanted` in one look, each as far as it scrolls."""
    for shot in wanted:
        page = opened(browser, look)
        page.goto(f"{url}/#/{shot.place}")
        settled(page)
        if shot.act:
            shot.act(page)
            settled(page)
        saved(
            page, folder / f"{shot.name}-{look.name}.png", whole=not shot.name.startswith("dialog")
        )


def take_states(browser: Browser, url: str, look: Look, folder: Path) -> None:
    """Every page while it waits for its first answer, when it gets an error, when it is cut off."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for place in PAGES:
        for state, treat in (("loading", hold), ("error", _fail)):
            page = opened(browser, look)
            page.route(_BUT_WHO_IS_HERE, treat)
            page.goto(f"{url}/#/{place}")
            page.locator("main").wait_for()
            page.wait_for_timeout(700)
            saved(page, folder / f"{place}-{state}-{look.name}.png", answer=held)


def take_stale(browser: Browser, look: Look, folder: Path) -> None:
    """Every page after its gateway has gone."""
    pages: dict[str, Page] = {}
    with tempfile.TemporaryDirectory() as data, gateway(Path(data)) as url:
        time.sleep(5)
        for place in PAGES:
            pages[place] = opened(browser, look)
            pages[place].goto(f"{url}/#/{place}?every=1")
            settled(pages[place])
    time.sleep(7)
    for place, page in pages.items():
        saved(page, folder / f"{place}-stale-{look.name}.png")


def _fail(route: Route) -> None:
    error = {"message": "The store is not answering: disk I/O error.", "code": "store_unavailable"}
    route.fulfill(
        status=503,
        headers={"x-request-id": "req_01hfz8x9t3k5"},
        content_type="application/json",
        body=json.dumps({"error": {**error, "type": "server_error", "param": None}}),
    )


def take_empty(browser: Browser, look: Look, folder: Path) -> None:
    """A gateway that was asked nothing yet, and one that wants a key."""
    take_untouched(browser, look, folder, "empty", PAGES, simulated())
    take_untouched(browser, look, folder, "sign-in", PAGES[:1], {**simulated(), "keys": KEYS})


def take_untouched(
    browser: Browser, look: Look, folder: Path, name: str, places: Sequence[str], fleet: Any
) -> None:
    with tempfile.TemporaryDirectory() as data:
        file = Path(data, "fleet.yaml")
        file.write_text(yaml.safe_dump(fleet), "utf-8")
        with gateway(Path(data), str(file), agents=()) as url:
            for place in places:
                page = opened(browser, look)
                page.goto(f"{url}/#/{place}")
                settled(page)
                saved(page, folder / f"{place}-{name}-{look.name}.png")


def opened(browser: Browser, look: Look) -> Page:
    size = {"width": look.width, "height": look.height}
    page = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type]  # a TypedDict
    chosen = {"pointsman.theme": look.theme, "pointsman.language": look.language}
    page.add_init_script(
        f"for (const [k, v] of Object.entries({json.dumps(chosen)})) localStorage.setItem(k, v)"
    )
    return page


def settled(page: Page) -> None:
    page.locator("main").wait_for()
    page.wait_for_timeout(900)
    page.locator(".loading").first.wait_for(state="detached")
    page.evaluate("document.fonts.ready.then(() => true)")


def saved(page: Page, path: Path, *, whole: bool = True, answer: list[Route] | None = None) -> None:
    """Take it; then `answer` what the page still waits for."""
    page.screenshot(path=path, full_page=whole)
    while answer:
        answer.pop().abort()
    page.context.close()


def simulated() -> dict[str, Any]:
    """The built-in simulated fleet."""
    found: dict[str, Any] = yaml.safe_load(standin({}).text)
    return found


def troubled() -> dict[str, Any]:
    """The same on a bad day: one model fails, money is spent, and nobody takes the notices."""
    fleet = simulated()
    fleet["models"]["sim/forge-mini"] = {"simulate": {"failures": {"server_error": 0.6}}}
    spends = {
        "scope": ["global"],
        "when": [{"metric": "spend_usd_per_h", "ladder": {"warning": 1.0}}],
    }
    hook = {"type": "webhook", "url": "http://127.0.0.1:9/", "allow_private": True}
    alerts = {"interval_s": 1, "rules": {"spends": spends}, "channels": {"hook": hook}}
    return {**fleet, "alerts": alerts}


def _asked(url: str, path: str) -> dict[str, Any]:
    with urlopen(f"{url}{API}{path}") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def for_docs(browser: Browser, url: str) -> None:
    """The two that people see before they have installed anything: small, and never whole."""
    shown = {each.name: each for each in shots(url)}
    for name, file in (("overview", "dashboard.png"), ("decision", "dashboard-why.png")):
        page = opened(browser, Look("docs", width=1400, height=940))
        page.goto(f"{url}/#/{shown[name].place}")
        settled(page)
        saved(page, DOCS / file, whole=False)


def index(folder: Path) -> None:
    """All pictures on one page, to look through."""
    figures = [
        f'<figure><figcaption>{path.stem}</figcaption><a href="{path.name}"><img src="{path.name}" '
        f'loading="lazy"></a></figure>'
        for path in sorted(folder.glob("*.png"))
    ]
    style = "body{display:flex;flex-wrap:wrap;gap:1rem;font:14px sans-serif}img{width:420px}"
    text = f"<!doctype html><title>pictures</title><style>{style}</style>{''.join(figures)}"
    (folder / "index.html").write_text(text, "utf-8")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="where the pictures go")
    parser.add_argument("--only", default="", help="a look, or a part of a picture's name")
    parser.add_argument("--docs", action="store_true", help="write those of the documentation")
    wanted = parser.parse_args(arguments)
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if path is None or (wanted.folder is None and not wanted.docs):
        print("it takes Chromium, and a folder or --docs", file=sys.stderr)
        return 1
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        file = Path(data, "fleet.yaml")
        file.write_text(yaml.safe_dump(troubled()), "utf-8")
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        with gateway(Path(data), str(file)) as url:
            time.sleep(WARMING_S)
            if wanted.docs:
                for_docs(browser, url)
            if wanted.folder:
                all_of_them(browser, url, wanted.folder, wanted.only)
        browser.close()
    return 0


def all_of_them(browser: Browser, url: str, folder: Path, only: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    every = list(shots(url))
    for look in LOOKS:
        chosen = [shot for shot in every if only in (look.name, *shot.name.split("-"), "")]
        take(browser, url, look, chosen, folder)
        if only in ("states", "") and look.name in ("light", "narrow-rtl"):
            take_states(browser, url, look, folder)
            take_stale(browser, look, folder)
            take_empty(browser, look, folder)
    index(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
