"""What does a page look like to somebody who cannot see it, and does it keep to itself?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect

AXE = Path(__file__).resolve().parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

AGENTS = ("coder", "mathematician", "researcher", "translator", "support", "summarizer")
THEMES = ("sap_horizon", "sap_horizon_dark", "sap_horizon_hcb", "sap_horizon_hcw")


class Watched:
    """A page of the dashboard, with everything that it should not have said or asked for."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked_elsewhere: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._note)
        self.page.set_default_timeout(20_000)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.asked_elsewhere.append(request.url)

    def open(self, place: str = "overview") -> Page:
        """Go to `#/place`, and wait for it to be there."""
        self.page.goto(f"{self.url}/#/{place}")
        self.page.locator("main").wait_for()
        expect(self.page.locator(".loading")).to_have_count(0)
        return self.page

    def looks(self, theme: str, language: str = "en") -> None:
        """From the next `open` on."""
        chosen = {"pointsman.theme": theme, "pointsman.language": language}
        self.page.add_init_script(
            f"for (const [k, v] of Object.entries({json.dumps(chosen)})) localStorage.setItem(k, v)"
        )

    def violations(self) -> list[str]:
        """What axe finds, in a line each."""
        # The policy of the page allows no script of others, so it is handed over as an expression.
        self.page.evaluate(AXE.read_text("utf-8") + ";true")
        found: dict[str, Any] = self.page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
        )
        return [
            f"{each['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
            for each in found["violations"]
            for node in each["nodes"][:3]
        ]

    def contrasts(self) -> list[tuple[float, float, str]]:
        """Of each text that axe could measure: its contrast, what it should have, and where it is.

        Fails where a text could not be measured.
        """
        self.page.evaluate(AXE.read_text("utf-8") + ";true")
        found: dict[str, Any] = self.page.evaluate(
            "() => axe.run(document, {runOnly: ['color-contrast']})"
        )
        unknown = [
            f"{node['html'][:120]}: {node['any'][0]['message']}"
            for each in found["incomplete"]
            for node in each["nodes"]
        ]
        assert not unknown
        return [
            (
                data["contrastRatio"],
                float(data["expectedContrastRatio"].split(":")[0]),
                node["html"],
            )
            for each in (*found["passes"], *found["violations"])
            for node in each["nodes"]
            for data in [node["any"][0]["data"]]
            if data and data.get("contrastRatio")
        ]

    def is_quiet(self) -> None:
        """Nothing was complained about, and nothing asked of anybody else."""
        assert not self.asked_elsewhere, self.asked_elsewhere
        assert not self.said, self.said


def press_until(page: Page, key: str, name: str) -> None:
    """Press a key until what has the focus goes by that name."""
    for _ in range(80):
        page.keyboard.press(key)
        said = page.evaluate(
            "(() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) "
            "e = e.shadowRoot.activeElement; if (!e || e === document.body) return ''; "
            "const h = e.getRootNode().host ?? e; "
            "return [e.getAttribute('aria-label'), h.textContent, e.id].join(' ') })()"
        )
        if name in said:
            return
    raise AssertionError(f"{key} never reached {name!r}")
