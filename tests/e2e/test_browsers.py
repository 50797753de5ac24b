"""Does the gateway serve its dashboard beside everything else, to those who may see it?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse

from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve
from simulated_upstream import SimulatedUpstream

ADMIN, VIEWER = "pm-admin-8f1c7b2e5d9a4036", "pm-viewer-8f1c7b2e5d9a4036"
KEYS = [
    {"name": "boss", "key": ADMIN, "role": "admin"},
    {"name": "guest", "key": VIEWER, "role": "viewer"},
]


def test_the_page_is_at_the_root_and_misses_are_still_errors(gateway: GatewayProcess) -> None:
    page = gateway.get("/")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert gateway.get("/assets/../pyproject.toml").error["code"] == "not_found"
    assert gateway.get("/index.html").error["code"] == "not_found"
    assert gateway.call("HEAD", "/").body == b""


def test_a_viewer_signs_in_sees_everything_and_changes_nothing(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, keys=KEYS))
    path = f"{CONTROL}/session"
    assert gateway.get(path).document["signed_in"] is False
    assert gateway.get(f"{CONTROL}/overview").status == 401
    signed_in = gateway.call("POST", path, headers={"authorization": f"Bearer {VIEWER}"})
    assert signed_in.document["role"] == "viewer"
    cookie = {"cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    assert gateway.get(f"{CONTROL}/overview", cookie).status == 200
    ours = {**cookie, "sec-fetch-site": "same-origin"}
    level = gateway.call("PUT", f"{CONTROL}/log-level", {"level": "debug"}, ours)
    assert (level.status, level.error["code"]) == (403, "role_not_sufficient")
    assert gateway.chat(cookie).status == 401, "a session spends nobody's money"
    assert gateway.get("/metrics", cookie).status == 401
    gateway.call("DELETE", path, headers=cookie)
    assert gateway.get(f"{CONTROL}/overview", cookie).status == 401


def test_an_admins_session_changes_things_from_our_own_page_only(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, keys=KEYS))
    sent = {"authorization": f"Bearer {ADMIN}"}
    signed_in = gateway.call("POST", f"{CONTROL}/session", headers=sent)
    cookie = {"cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    change = ("PUT", f"{CONTROL}/log-level", {"level": "debug"})
    lured = gateway.call(*change, {**cookie, "origin": "http://evil.example"})
    assert (lured.status, lured.error["code"]) == (403, "foreign_origin")
    assert gateway.call(*change, {**cookie, "origin": gateway.url}).status == 200


def test_a_stop_does_not_wait_for_pages_that_listen(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    connection = HTTPConnection(gateway.host, gateway.port, timeout=10)
    connection.request("GET", f"{CONTROL}/events")
    response = connection.getresponse()
    response.readline()
    begun = time.monotonic()
    assert gateway.terminate() == 0
    assert time.monotonic() - begun < 4.0, "the grace of 5 s was waited for"
    response.read()  # it ends whole, not cut
    connection.close()


@contextmanager
def listening(gateway: GatewayProcess, headers: dict[str, str]) -> Iterator[HTTPResponse]:
    """A page that has heard how things are, and listens on."""
    connection = HTTPConnection(gateway.host, gateway.port, timeout=10)
    connection.request("GET", f"{CONTROL}/events?every=1", headers=headers)
    with closing(connection), connection.getresponse() as response:
        heard(response)
        yield response


def heard(response: HTTPResponse) -> None:
    """Wait for the next event."""
    while line := response.readline():
        if line.startswith(b"data: "):
            return
    raise AssertionError("it ended")


def test_who_signs_out_or_loses_the_key_hears_no_more(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, keys=KEYS))
    shown = {"authorization": f"Bearer {VIEWER}"}
    signed_in = gateway.call("POST", f"{CONTROL}/session", headers=shown)
    cookie = {"cookie": signed_in.headers["set-cookie"].partition(";")[0]}
    with listening(gateway, cookie) as by_cookie, listening(gateway, shown) as by_key:
        gateway.call("DELETE", f"{CONTROL}/session", headers=cookie)
        by_cookie.read()  # it ends, and whole
        heard(by_key)
        gateway.configure(fleet(upstream.url, keys=KEYS[:1]))
        gateway.reload()
        by_key.read()
    assert gateway.get(f"{CONTROL}/overview", shown).status == 401
