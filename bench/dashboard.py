"""What does the dashboard cost whoever looks at it, against what is promised?

    python -m bench.dashboard             bytes, time to the first figures, a minute under updates
    python -m bench.dashboard --minutes 5 the heap from the first minute to the fifth

A real gateway with the simulated fleet, the distribution's Chromium without a window, on two of the
machine's cores, nothing of the network but this machine. The page is opened several times, each
time with nothing kept from before; the first time the gateway has shown it to nobody yet. Then the
page is told ten times a second how the fleet does, in 29 series with every value another: the
gateway itself never tells more than once. Times depend on the machine and on what else it does, so
its load is printed: a promise that is not kept on a busy one is measured again on a quiet one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import uniform
from threading import Event, Thread
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
ROWS = 10_000
TRACED = ["disabled-by-default-devtools.timeline"]
"""What a trace must hold for `longest_task_ms`."""
UPDATES_PER_S = 10
TIMES_OPENED = 7
CORES = 2
COURSES = 20
"""Of models; with three of latency and the latency of six models that makes 29 series."""
AGENTS = ("coder", "mathematician", "researcher", "translator", "support", "summarizer")

WATCHING = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longTasks.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
window.seen = {};
const wanted = { first: "[data-card=requests] .card-value .num", ready: ".plot canvas" };
new MutationObserver(() => {
  for (const [name, selector] of Object.entries(wanted))
    if (!(name in window.seen) && document.querySelector(selector))
      window.seen[name] = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
SCROLLING = """
async (ms) => {
  const grid = document.querySelector("[role=grid]");
  const frames = [];
  let before = performance.now();
  const until = before + ms;
  while (before < until) {
    grid.scrollTop += 400;
    if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 1) grid.scrollTop = 0;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - before);
    before = now;
  }
  return frames.slice(2).sort((a, b) => a - b);
}
"""


class Row(NamedTuple):
    """One promise and what was found. `kept` None: it is a figure, and no promise."""

    what: str
    promised: str
    found: str
    kept: bool | None


@contextmanager
def gateway(folder: Path, *config: str, agents: Sequence[str] = AGENTS) -> Iterator[str]:
    """A gateway with the simulated fleet, under load until it ends; its address.

    `config` names the file of another fleet; each of `agents` asks again when it is answered.
    """
    command = [shutil.which("pointsman") or "pointsman", "serve", *config, "--port", "0"]
    environ = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    serving = subprocess.Popen(
        [*command, "--data-dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert serving.stdout is not None
    url = next(line.split()[-1] for line in serving.stdout if "listening on" in line)
    done = Event()
    callers = [Thread(target=_ask, args=(url, agent, done), daemon=True) for agent in agents]
    for caller in callers:
        caller.start()
    try:
        yield url
    finally:
        done.set()
        serving.terminate()
        serving.wait(20)


def _ask(url: str, agent: str, done: Event) -> None:
    """One request after the other."""
    body = {"model": "auto", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"content-type": "application/json", "x-pointsman-agent": agent}
    while not done.is_set():
        try:
            asked = Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
            urlopen(asked, timeout=30).read()
        except OSError:
            done.wait(0.1)


class _Eager(BaseHTTPRequestHandler):
    """Passes on what the gateway answers, but tells `UPDATES_PER_S` times as often how it does."""

    gateway = ""

    def do_GET(self) -> None:
        if "/events" in self.path:
            self._tell()
            return
        with urlopen(Request(self.gateway + self.path, headers={"accept": "*/*"})) as answer:
            body = answer.read()
        self.send_response(200)
        for name in ("content-type", "content-security-policy", "cache-control"):
            if answer.headers[name]:
                self.send_header(name, answer.headers[name])
        self.end_headers()
        self.wfile.write(body)

    def _tell(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        with suppress(OSError):
            for told in self._overviews():
                self.wfile.write(b"event: overview\ndata: %b\n\n" % _varied(told))
                time.sleep(1 / UPDATES_PER_S)

    def _overviews(self) -> Iterator[bytes]:
        """What the gateway says, asked for once a second."""
        while True:
            with urlopen(f"{self.gateway}/api/v1/model-router/overview") as answer:
                told = answer.read()
            yield from [told] * UPDATES_PER_S

    def log_message(self, *_: object) -> None:
        pass


def _varied(told: bytes) -> bytes:
    """The same with another value in every point, so that nothing drawn may stay as it is."""
    body = json.loads(told)
    for point in (body["now"], *body["points"]):
        for name in ("p50_ms", "p95_ms", "p99_ms", "requests_per_s"):
            point[name] = (point[name] or 1.0) * uniform(0.8, 1.2)
    known = body["courses"]
    body["courses"] = [
        {**known[n % len(known)], "model_id": f"{n}"} for n in range(COURSES) if known
    ]
    for course in body["courses"]:
        for name in ("requests_per_s", "p95_ms"):
            course[name] = [(value or 1.0) * uniform(0.8, 1.2) for value in course[name]]
    return json.dumps(body).encode()


@contextmanager
def eager(url: str) -> Iterator[str]:
    """The gateway at `url` behind one that tells ten times a second; the address of that."""
    handler = type("Eager", (_Eager,), {"gateway": url})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def opened(browser: Browser) -> tuple[Page, CDPSession]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCHING)
    return page, context.new_cdp_session(page)


class Opened(NamedTuple):
    """One time that the first page was opened; bytes as they came, times since the click."""

    script_kb: float
    requests: int
    elsewhere: int
    first_ms: float
    ready_ms: float


def coming_up(browser: Browser, url: str) -> Iterator[Row]:
    """What the first page takes until it has something to say, with nothing kept from before."""
    times = [_once(browser, url) for _ in range(TIMES_OPENED)]
    one = times[-1]
    yield Row(
        "JavaScript of the first page", "≤ 140 KB", f"{one.script_kb:.0f} KB", one.script_kb <= 140
    )
    yield Row("requests of the first page", "≤ 20", str(one.requests), one.requests <= 20)
    yield Row("requests elsewhere", "0", str(one.elsewhere), not one.elsewhere)
    yield _how_long("first figures", 600, [each.first_ms for each in times])
    yield _how_long("courses drawn", 1000, [each.ready_ms for each in times])


def _how_long(what: str, promised_ms: float, found_ms: list[float]) -> Row:
    median = statistics.median(found_ms)
    words = f"{median:.0f} ms ({min(found_ms):.0f} to {max(found_ms):.0f}; first {found_ms[0]:.0f})"
    return Row(what, f"≤ {promised_ms:.0f} ms", words, median <= promised_ms)


def _once(browser: Browser, url: str) -> Opened:
    page, session = opened(browser)
    session.send("Network.enable")
    sizes: dict[str, float] = {}
    kinds: dict[str, str] = {}
    session.on("Network.responseReceived", lambda e: kinds.update({e["requestId"]: e["type"]}))
    session.on(
        "Network.loadingFinished",
        lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}),
    )
    elsewhere: list[str] = []
    page.on("request", lambda r: None if r.url.startswith(url) else elsewhere.append(r.url))
    page.goto(f"{url}/#/overview", wait_until="commit")
    page.wait_for_selector(".plot canvas")
    page.wait_for_timeout(1_000)
    seen: dict[str, float] = page.evaluate("window.seen")
    scripts = sum(size for each, size in sizes.items() if kinds.get(each) == "Script") / 1024
    page.context.close()
    return Opened(scripts, len(kinds), len(elsewhere), seen["first"], seen["ready"])


def under_updates(browser: Browser, url: str, minutes: float) -> Iterator[Row]:
    """The page as it is told ten times a second what changed."""
    page, session = opened(browser)
    page.goto(f"{url}/#/overview")
    page.wait_for_selector(".plot canvas")
    session.send("Performance.enable")
    session.send("HeapProfiler.enable")
    page.evaluate("window.longTasks.length = 0")
    busy, heaps = _metric(session, "TaskDuration"), [_heap(session)]
    begun = time.monotonic()
    while time.monotonic() - begun < 60 * minutes:
        page.wait_for_timeout(15_000)
        heaps.append(_heap(session))
    lasted = time.monotonic() - begun
    share = (_metric(session, "TaskDuration") - busy) / lasted
    long_tasks: list[float] = page.evaluate("window.longTasks")
    over = f"{len(long_tasks)}, the longest {max(long_tasks, default=0):.0f} ms"
    browser.start_tracing(page=page, categories=TRACED)
    page.wait_for_timeout(30_000)
    longest_ms = longest_task_ms(browser.stop_tracing())
    series = page.locator(".chart .legend-entry").count()
    how = f"{UPDATES_PER_S} updates/s, {series} series"
    took = f"{longest_ms:.0f} ms"
    yield Row(f"processor time of the longest task, {how}", "≤ 50 ms", took, longest_ms <= 50)
    yield Row("tasks over 50 ms by the clock, others' turns included", "", over, None)
    yield Row(f"main thread, {how}", "≤ 15 %", f"{100 * share:.0f} %", share <= 0.15)
    growth = heaps[-1] / heaps[min(4, len(heaps) - 1)] - 1
    promised = "≤ 10 %" if minutes >= 5 else f"(≤ 10 % in 5 minutes; these are {minutes:g})"
    yield Row("heap after the first minute", promised, f"{100 * growth:+.1f} %", growth <= 0.10)
    yield Row("heap at the end", "", f"{heaps[-1] / 2**20:.1f} MB", None)
    page.context.close()


def longest_task_ms(trace: bytes) -> float:
    """Of a page's main thread, in processor time: what others did to the clock does not count."""
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    mains = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks = [each for each in events if each["name"] == "RunTask"]
    took_us = (each.get("tdur", 0) for each in tasks if (each["pid"], each["tid"]) in mains)
    return float(max(took_us)) / 1000


def _heap(session: CDPSession) -> float:
    session.send("HeapProfiler.collectGarbage")
    return _metric(session, "JSHeapUsedSize")


def _metric(session: CDPSession, name: str) -> float:
    found: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in found if each["name"] == name))


def scrolling(browser: Browser, url: str) -> Iterator[Row]:
    """Ten thousand decisions, as the server would page them, walked through by the wheel."""
    page, _ = opened(browser)
    with urlopen(f"{url}/api/v1/model-router/decisions?limit=1") as answer:
        one = json.load(answer)["decisions"][0]
    many = [{**one, "decision_id": f"dec_{n:027d}"} for n in range(ROWS)]
    body = json.dumps({"decisions": many, "count": ROWS, "next_cursor": None})
    page.route(
        "**/decisions?*", lambda route: route.fulfill(body=body, content_type="application/json")
    )
    page.goto(f"{url}/#/decisions")
    page.wait_for_selector("[role=grid]")
    frames: list[float] = page.evaluate(SCROLLING, 5_000)
    p95 = frames[int(0.95 * len(frames))]
    drawn = page.locator(".grid-rows [role=row]").count()
    yield Row(f"frame while {ROWS:,} rows scroll, p95", "≤ 34 ms", f"{p95:.0f} ms", p95 <= 34)
    yield Row("rows in the document", "", str(drawn), None)
    page.context.close()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long under updates")
    minutes = parser.parse_args(arguments).minutes
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if path is None:
        print("no Chromium is installed", file=sys.stderr)
        return 1
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, gateway(Path(folder)) as url:
        time.sleep(15)  # so that there is a course to draw
        os.sched_setaffinity(
            0, sorted(os.sched_getaffinity(0))[-CORES:]
        )  # whose browser inherits it
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=flags)
            rows += coming_up(browser, url)
            with eager(url) as often:
                rows += under_updates(browser, often, minutes)
            rows += scrolling(browser, url)
            browser.close()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| what | promised | found | |\n|---|---|---|---|")
    for row in rows:
        sign = "" if row.kept is None else "kept" if row.kept else "NOT KEPT"
        print(f"| {row.what} | {row.promised} | {row.found} | {sign} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
