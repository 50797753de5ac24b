"""Are the figures right, and no link broken, where there are more agents than are told apart?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, chat_body, wait_until
from playwright.sync_api import BrowserContext, expect
from seen import Watched

AGENTS = 1_050
MODELS = ("up/first", "up/second")
"""More agents than are told apart in a step, and on these models more pairs than that, too."""
OTHER = "__other__"
CALLERS = 6


class Upstream(BaseHTTPRequestHandler):
    """Says little, at once."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "Yes."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def gateway(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    agents = {f"agent-{number:04d}": {"kind": "tool"} for number in range(AGENTS)}
    config = fleet(upstream, only=("first", "second"), agents=agents)
    with GatewayProcess(tmp_path_factory.mktemp("crowd"), config) as gateway:
        pairs = [(agent, model) for agent in agents for model in MODELS]
        with ThreadPoolExecutor(CALLERS) as pool:
            shares = [pairs[number::CALLERS] for number in range(CALLERS)]
            for done in [pool.submit(ask, gateway, share) for share in shares]:
                done.result()
        wait_until(
            lambda: gateway.control("/overview?range=1h")["now"]["requests"] == len(pairs),
            what="all of them being counted",
        )
        yield gateway


def ask(gateway: GatewayProcess, pairs: list[tuple[str, str]]) -> None:
    connection = HTTPConnection(gateway.host, gateway.port, timeout=20)
    for agent, model in pairs:
        body = json.dumps(chat_body(model=model))
        connection.request("POST", "/v1/chat/completions", body, {"x-pointsman-agent": agent})
        answer = connection.getresponse()
        assert answer.read()
        assert answer.status == 200
    connection.close()


def test_every_model_is_told_whole_and_agents_beyond_share_a_place_on_each(
    gateway: GatewayProcess,
) -> None:
    each_asked = dict.fromkeys(MODELS, AGENTS)
    models = gateway.control("/models?range=1h")["models"]
    assert {each["model_id"]: each["did"]["attempts"] for each in models} == each_asked
    standing = gateway.control("/overview?range=1h")["models"]
    assert {each["id"]: each["attempts"] for each in standing} == each_asked
    for model in MODELS:
        alone = gateway.control(f"/overview?range=1h&model_id={model}")["now"]
        assert alone["requests"] == AGENTS
    flows = gateway.control("/flows?range=1h")["flows"]
    on_models = dict.fromkeys(MODELS, 0)
    for each in flows:
        on_models[each["model_id"]] += each["attempts"]
    assert on_models == each_asked
    assert {each["model_id"] for each in flows if each["agent_id"] == OTHER} == set(MODELS)
    agents = [each["did"] for each in gateway.control("/agents?range=1h")["agents"]]
    assert [did["attempts"] for did in agents if did].count(len(MODELS)) >= 900


def test_those_beyond_are_named_and_lead_nowhere(
    context: BrowserContext, gateway: GatewayProcess
) -> None:
    watched = Watched(context, gateway.url)
    for place in ("agents?range=1h&view=matrix", "agents?range=1h&view=flow", "overview?range=1h"):
        page = watched.open(place)
        page.get_by_role("link").first.wait_for()
        assert page.locator(f"main a[href*={OTHER}]").count() == 0
        expect(page.get_by_text(OTHER)).to_have_count(0)
    page = watched.open("agents?range=1h&view=matrix")
    row = page.get_by_role("row", name="others")
    expect(row).to_have_count(1)
    expect(row.get_by_role("link")).to_have_count(0)
    watched.is_quiet()
