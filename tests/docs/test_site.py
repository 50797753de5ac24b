"""Is the site that `make docs` builds whole, by itself, and refused where a page is wrong?"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag

import pytest
from playwright.sync_api import Page, Request, sync_playwright
from written import ROOT

BUILD = ROOT / "docs" / "site" / "build.py"
LOADED = re.compile(r"<(?:link|script|img|iframe|source)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")
FOLLOWED = re.compile(r"<a\b[^>]*?\bhref=\"([^\"]+)\"")
NAMED = re.compile(r"\bid=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"[a-z]+:")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIME_LIMIT_S = 110


def built(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BUILD), str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIME_LIMIT_S,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once for all processes of this run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "index.html").exists():
            done = built(folder)
            assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return folder


def pages(site: Path) -> Iterator[tuple[Path, str]]:
    return ((page, page.read_text("utf-8")) for page in sorted(site.rglob("*.html")))


def test_it_loads_nothing_from_elsewhere_and_nothing_by_an_absolute_path(site: Path) -> None:
    loaded = {(page.name, found) for page, text in pages(site) for found in LOADED.findall(text)}
    assert loaded
    wrong = [each for each in loaded if ELSEWHERE.match(each[1]) or each[1].startswith("/")]
    assert [each for each in wrong if not each[1].startswith("data:")] == []
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\(\s*['\"]?https?:)[^;]*", styles) == []


def test_every_link_within_it_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    names = {page.resolve(): set(NAMED.findall(text)) for page, text in pages(site)}
    lost = []
    for page, text in pages(site):
        for link in FOLLOWED.findall(text):
            if ELSEWHERE.match(link):
                continue
            path, anchor = urldefrag(unquote(link))
            aim = (page.parent / path).resolve() if path else page.resolve()
            if not aim.exists() or (anchor and anchor not in names.get(aim, {anchor})):
                lost.append((str(page.relative_to(site)), link))
    assert lost == []


def test_it_begins_with_the_readme(site: Path) -> None:
    assert (site / "index.html").read_text("utf-8") == (site / "README.html").read_text("utf-8")


def test_a_page_that_is_wrong_is_named_and_nothing_is_built(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "docs", source / "docs", ignore=shutil.ignore_patterns("*.png"))
    (source / "README.md").write_text("# A\n\n[B](docs/tutorial.md#nowhere) ![](no.png)\n")
    (source / "docs" / "unlisted.md").write_text("# [page](nowhere.md)\n")
    (source / "docs" / "tutorial.md").write_text("# A\n\n### C\n\n```nolanguage\n```\n")
    done = built(tmp_path / "site", str(source))
    assert done.returncode != 0
    assert not (tmp_path / "site" / "index.html").exists()
    for fault in (
        r"README\.md:3.*local id not found.*nowhere",
        r"README\.md.*no\.png",
        r"unlisted\.md.*isn't included in any toctree",
        r"unlisted\.md:1.*nowhere\.md",
        r"tutorial\.md:3.*header level",
        r"tutorial\.md:5.*nolanguage",
    ):
        assert re.search(fault, done.stderr, re.IGNORECASE), f"{fault}\n{done.stderr}"


class Listening:
    """What a page asks for, and complains of."""

    def __init__(self, page: Page) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", self.failed)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def failed(self, request: Request) -> None:
        """What is still on its way when the page is left was not missing."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(request.url)


@pytest.fixture
def page() -> Iterator[Page]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("POINTSMAN_EVERY_TEST"):
            pytest.fail("no Chromium is installed; .ci/packages does that on Debian")
        pytest.skip("no Chromium is installed; .ci/packages does that on Debian")
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser.new_page()
        browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_said: object) -> None:
        """A request is nothing to tell."""


@pytest.fixture
def below_a_path(site: Path, tmp_path: Path) -> Iterator[str]:
    """The site as a server has it that keeps it below a path of its own."""
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "where").symlink_to(site)
    handler = partial(_Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/where"
        server.shutdown()


@pytest.mark.parametrize("kept", ["as files", "below a path"])
def test_it_is_searched_and_read_in_the_dark_wherever_it_is_kept(
    kept: str, site: Path, page: Page, request: pytest.FixtureRequest
) -> None:
    place = site.as_uri() if kept == "as files" else request.getfixturevalue("below_a_path")
    heard = Listening(page)
    page.emulate_media(color_scheme="light")
    page.goto(f"{place}/index.html")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.get_by_role("link", name="Migrate from LiteLLM").first.click()
    page.wait_for_url("**/migrate-from-litellm.html")
    assert heard.complaints == []
    page.goto(f"{place}/search.html?q=litellm")
    page.get_by_role("main").get_by_role("link", name="Migrate from LiteLLM").wait_for()
    if kept != "as files":  # there a page may not read others, to quote what was found
        assert heard.complaints == []
    assert [url for url in heard.asked if not url.startswith((place, "data:"))] == []
