"""What do the tests of the dashboard need: its built files, a browser, a gateway to look at?"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from gateway_process import CONTROL, GatewayProcess, chat_body, wait_until
from seen import AGENTS, Watched

from pointsman.app.defaults import standin

BUILD = Path(__file__).resolve().parents[2] / "ui" / "build.py"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def left_out(reason: str) -> NoReturn:
    """Skip, or fail where every test is wanted."""
    if os.environ.get("POINTSMAN_EVERY_TEST"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def building() -> dict[str, Any]:
    """The names of `ui/build.py`; left out where there is no Node.js."""
    names = runpy.run_path(str(BUILD))
    try:
        names["_npm"]()
    except names["CannotBuild"] as reason:
        left_out(str(reason))
    return names


# Of a module: while it is open an event loop runs here, and tests of others want one of their own.
@pytest.fixture(scope="module")
def browser(building: dict[str, Any]) -> Iterator[Browser]:
    """The distribution's Chromium; it resolves no name but this machine's."""
    building["build"]()
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        left_out("no Chromium is installed; .ci/packages does that on Debian")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    expect.set_options(timeout=20_000)  # the machine may be busy with other tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def config() -> dict[str, Any]:
    """The built-in simulated fleet."""
    found: dict[str, Any] = yaml.safe_load(standin({}).text)
    return {**found, "server": {"log_format": "json", "shutdown_grace_s": 5}}


@pytest.fixture(scope="session")
def busy_gateway(
    config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway that has answered every agent, and failed one request."""
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), config) as gateway:
        # Whatever goes wrong in a thread is raised here, and not in the midst of some test.
        with ThreadPoolExecutor(len(AGENTS)) as pool:
            list(pool.map(lambda agent: ask(gateway, agent), AGENTS * 3))
        gateway.chat({"x-pointsman-agent": "coder"}, max_tokens=10**8)
        wait_until(lambda: len(gateway.control("/decisions?success=true")["decisions"]) >= 12)
        yield gateway


def ask(gateway: GatewayProcess, agent: str) -> None:
    body = json.dumps(chat_body(max_tokens=16)).encode()
    gateway.call("POST", "/v1/chat/completions", body, {"x-pointsman-agent": agent})


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        yield context


@pytest.fixture
def watched(context: BrowserContext, busy_gateway: GatewayProcess) -> Iterator[Watched]:
    """A page on the busy gateway, nobody assigned; afterwards it must have kept to itself."""
    page = Watched(context, busy_gateway.url)
    yield page
    while left := busy_gateway.control("/assignments?page_size=500")["assignments"]:
        for each in left:
            busy_gateway.call("DELETE", f"{CONTROL}/assignments/{each['assignment_id']}")
    page.is_quiet()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    """Start gateways of one's own; each ends with the test."""
    started: list[GatewayProcess] = []

    def start(config: dict[str, Any]) -> GatewayProcess:
        folder = tmp_path / f"gateway-{len(started) + 1}"
        folder.mkdir()
        started.append(GatewayProcess(folder, config))
        return started[-1].start()

    yield start
    for gateway in started:
        gateway.stop()
