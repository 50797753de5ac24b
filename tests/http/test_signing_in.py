"""Who has signed in with a browser, and what can nobody do with that?"""

from __future__ import annotations

import json
import logging
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from wires import RecordedLine

from pointsman.adapters.http import sessions as module
from pointsman.adapters.http.auth import Key, KeyRing, Role
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.heads import RequestHead
from pointsman.adapters.http.session_file import FILE_NAME, NAME_FILE, SessionFile
from pointsman.adapters.http.sessions import LASTS_S, SESSION, Clocks, Sessions
from pointsman.core.errors import AccessDenied


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    document: Any

    @property
    def cookie(self) -> str:
        return self.headers["set-cookie"].partition(";")[0]


class Gate:
    """Sessions with keys that can be changed, and a clock that is told the time."""

    def __init__(self, *roles: Role) -> None:
        digests = {role: sha256(role.value.encode()).digest() for role in roles}
        self.ring = KeyRing(Key(f"the {role}", digest, role) for role, digest in digests.items())
        self.now = 0.0
        self.file: SessionFile | None = None
        self.restarted()

    def restarted(self) -> None:
        """Another process, with what the file holds if there is one."""
        clocks = Clocks(lambda: self.now, lambda: self.now)
        self.sessions = Sessions(lambda: self.ring, clocks, version="1.2.3", file=self.file)

    def exchange(
        self, method: str, headers: dict[str, str], client: str = "10.0.0.1"
    ) -> tuple[Exchange, RecordedLine]:
        line = RecordedLine()
        line.client = (client, 5)
        fields = [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]
        head = RequestHead(method, SESSION.encode(), SESSION, "1.1", fields)
        return Exchange(line, head, keep_alive=True), line

    async def ask(self, method: str, client: str = "10.0.0.1", **headers: str) -> Got:
        exchange, line = self.exchange(method, headers, client)
        await self.sessions.answer(exchange)
        top, _, body = line.sent.partition(b"\r\n\r\n")
        status, *lines = top.decode().split("\r\n")
        found = dict(re.split(": ", each, maxsplit=1) for each in lines)
        return Got(int(status.split()[1]), found, json.loads(body))

    async def sign_in(self, role: Role, **headers: str) -> Got:
        return await self.ask("POST", authorization=f"Bearer {role.value}", **headers)

    def holder(self, method: str = "GET", **headers: str) -> Key:
        return self.sessions.holder(self.exchange(method, headers)[0])


@pytest.fixture
def gate() -> Gate:
    return Gate(*Role)


async def test_a_key_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(
    gate: Gate,
) -> None:
    signed_in = await gate.sign_in(Role.VIEWER)
    assert signed_in.status == 200
    assert signed_in.document["role"] == "viewer"
    assert signed_in.document["name"] == "the viewer"
    attributes = signed_in.headers["set-cookie"].split("; ")[1:]
    assert attributes == [
        "Path=/api/v1/model-router", f"Max-Age={LASTS_S}", "HttpOnly", "SameSite=Strict",
    ]  # fmt: skip
    assert "viewer" not in signed_in.cookie
    assert signed_in.headers["cache-control"] == "no-store"
    assert gate.holder(cookie=signed_in.cookie).role is Role.VIEWER
    assert (await gate.ask("GET", cookie=f"a=b; {signed_in.cookie}")).document["signed_in"]


async def test_where_the_browser_has_come_by_tls_the_cookie_is_kept_to_it(gate: Gate) -> None:
    signed_in = await gate.sign_in(Role.ADMIN, origin="https://router.example")
    assert signed_in.headers["set-cookie"].endswith("; Secure")


async def test_a_caller_and_a_stranger_cannot_sign_in(gate: Gate) -> None:
    with pytest.raises(AccessDenied, match="takes viewer or admin"):
        await gate.sign_in(Role.CALLER)
    with pytest.raises(AccessDenied, match="not known"):
        await gate.ask("POST", authorization="Bearer guessed")
    with pytest.raises(AccessDenied, match="No API key"):
        await gate.ask("POST")
    assert not (await gate.ask("GET")).document["signed_in"]
    with pytest.raises(AccessDenied, match="No API key"):
        gate.holder()


async def test_two_gateways_on_one_machine_do_not_sign_each_other_out(tmp_path: Path) -> None:
    gates = [Gate(*Role), Gate(*Role)]
    cookies = []
    for gate, folder in zip(gates, ("one", "two"), strict=True):
        gate.file = SessionFile(tmp_path / folder)
        gate.restarted()
        cookies.append((await gate.sign_in(Role.ADMIN)).cookie)
    assert len({each.partition("=")[0] for each in cookies}) == 2
    both = "; ".join(cookies)  # as a browser sends them to every port of a host
    for gate in gates:
        assert gate.holder(cookie=both).role is Role.ADMIN
        gate.restarted()
        assert gate.holder(cookie=both).role is Role.ADMIN, "its name is another after a restart"
    out = await gates[0].ask("DELETE", cookie=both)
    assert out.headers["set-cookie"].startswith(cookies[0].partition("=")[0])
    assert gates[1].holder(cookie=both).role is Role.ADMIN


async def test_by_tls_the_cookie_cannot_be_set_by_another_host(gate: Gate) -> None:
    signed_in = await gate.sign_in(Role.ADMIN, origin="https://router.example")
    name, *attributes = signed_in.headers["set-cookie"].split("; ")
    assert name.startswith("__Host-pointsman_session_")
    assert set(attributes) >= {"Path=/", "Secure", "HttpOnly", "SameSite=Strict"}
    assert not any(each.startswith("Domain") for each in attributes)
    assert gate.holder(cookie=signed_in.cookie).role is Role.ADMIN
    planted = f"{signed_in.cookie.removeprefix('__Host-').partition('=')[0]}=planted"
    assert gate.holder(cookie=f"{planted}; {signed_in.cookie}").role is Role.ADMIN


@pytest.mark.parametrize("kept", ["", "no name", "../../etc"])
async def test_a_name_that_cannot_be_read_is_another(
    gate: Gate, tmp_path: Path, kept: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME_FILE).write_text(kept)
    gate.file = SessionFile(tmp_path)
    gate.restarted()
    cookie = (await gate.sign_in(Role.ADMIN)).cookie
    assert re.fullmatch(r"pointsman_session_[0-9a-f]{8}=[\w-]{43}", cookie)
    (tmp_path / NAME_FILE).unlink()
    (tmp_path / NAME_FILE).mkdir()
    with caplog.at_level(logging.WARNING):
        gate.restarted()
    assert "will have to again" in caplog.text


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site", "origin": "https://here:80", "host": "here:80"}, False),
        ({"origin": "https://here:80", "host": "here:80"}, True),
        ({"origin": "https://there", "host": "here:80"}, False),
        ({"origin": "http://[", "host": "here:80"}, False),
        ({"host": "here:80"}, False),
    ],
)
async def test_only_our_own_page_changes_things_by_a_session(
    gate: Gate, headers: dict[str, str], may: bool
) -> None:
    cookie = (await gate.sign_in(Role.ADMIN)).cookie
    assert gate.holder("GET", cookie=cookie, **headers).role is Role.ADMIN
    if may:
        assert gate.holder("POST", cookie=cookie, **headers).role is Role.ADMIN
    else:
        with pytest.raises(AccessDenied, match="own page"):
            gate.holder("POST", cookie=cookie, **headers)
    shown = gate.holder("POST", authorization="Bearer admin", cookie=cookie, **headers)
    assert shown.role is Role.ADMIN  # who shows a key is no browser that was lured here


async def test_a_session_ends_by_itself_by_signing_out_and_with_its_key(gate: Gate) -> None:
    cookies = [(await gate.sign_in(Role.ADMIN)).cookie for _ in range(2)]
    out = await gate.ask("DELETE", cookie=cookies[0])
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert not out.document["signed_in"]
    with pytest.raises(AccessDenied):
        gate.holder(cookie=cookies[0])
    assert gate.holder(cookie=cookies[1]).role is Role.ADMIN
    ring, gate.ring = gate.ring, Gate(Role.VIEWER).ring
    with pytest.raises(AccessDenied):
        gate.holder(cookie=cookies[1])
    gate.ring = ring
    gate.now += LASTS_S
    with pytest.raises(AccessDenied):
        gate.holder(cookie=cookies[1])


async def test_without_keys_everybody_here_is_an_admin_and_it_says_so() -> None:
    gate = Gate()
    expected = {
        "keys_configured": False, "signed_in": True, "name": None, "role": "admin",
        "version": "1.2.3",
    }  # fmt: skip
    assert (await gate.ask("GET")).document == expected
    signed_in = await gate.ask("POST")
    assert "set-cookie" not in signed_in.headers
    assert gate.holder("POST").role is Role.ADMIN


async def test_sessions_take_bounded_memory(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SESSIONS", 2)
    cookies = [(await gate.sign_in(Role.ADMIN)).cookie for _ in range(3)]
    with pytest.raises(AccessDenied):
        gate.holder(cookie=cookies[0])
    assert gate.holder(cookie=cookies[2]).role is Role.ADMIN


async def test_other_methods_are_refused(gate: Gate) -> None:
    refused = await gate.ask("PUT")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, POST, DELETE")


async def test_who_has_signed_in_is_still_so_after_a_restart_and_who_has_left_is_not(
    gate: Gate, tmp_path: Path
) -> None:
    gate.file = SessionFile(tmp_path / "data")
    gate.restarted()
    stays, leaves = await gate.sign_in(Role.VIEWER), await gate.sign_in(Role.ADMIN)
    await gate.ask("DELETE", cookie=leaves.cookie)
    gate.restarted()
    assert gate.holder(cookie=stays.cookie).role is Role.VIEWER
    with pytest.raises(AccessDenied):
        gate.holder(cookie=leaves.cookie)
    gate.now += LASTS_S
    gate.restarted()
    with pytest.raises(AccessDenied):
        gate.holder(cookie=stays.cookie)


async def test_what_is_kept_gives_nobody_a_way_in(gate: Gate, tmp_path: Path) -> None:
    gate.file = SessionFile(tmp_path)
    gate.restarted()
    signed_in = await gate.sign_in(Role.ADMIN)
    path = tmp_path / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    token = signed_in.cookie.partition("=")[2]
    assert token not in path.read_text()
    assert "admin" not in path.read_text()
    (kept,) = json.loads(path.read_text())
    with pytest.raises(AccessDenied):
        gate.holder(cookie=f"{signed_in.cookie.partition('=')[0]}={kept}")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"x": 5}'])
async def test_a_file_that_cannot_be_read_costs_no_more_than_a_sign_in(
    gate: Gate, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    gate.file = SessionFile(tmp_path)
    with caplog.at_level(logging.WARNING):
        gate.restarted()
    assert "cannot be read" in caplog.text
    assert (await gate.sign_in(Role.ADMIN)).status == 200
    gate.restarted()
    assert len(gate.sessions._sessions) == 1


async def test_where_nothing_can_be_written_one_signs_in_all_the_same(
    gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    gate.file = SessionFile(tmp_path / "data")
    gate.restarted()
    with caplog.at_level(logging.WARNING):
        signed_in = await gate.sign_in(Role.ADMIN)
    assert gate.holder(cookie=signed_in.cookie).role is Role.ADMIN
    assert "cannot be kept over a restart" in caplog.text


async def test_who_has_left_is_not_let_in_after_a_restart_where_that_cannot_be_written(
    gate: Gate, tmp_path: Path
) -> None:
    gate.file = SessionFile(tmp_path)
    gate.restarted()
    leaves, stays = await gate.sign_in(Role.ADMIN), await gate.sign_in(Role.VIEWER)
    (tmp_path / f"{FILE_NAME}.new").mkdir()  # so that nothing new can be written
    assert (await gate.sign_in(Role.VIEWER)).status == 200
    gate.restarted()
    assert gate.holder(cookie=leaves.cookie).role is Role.ADMIN
    assert (await gate.ask("DELETE", cookie=leaves.cookie)).status == 200
    assert gate.holder(cookie=stays.cookie).role is Role.VIEWER
    for _ in range(2):
        with pytest.raises(AccessDenied):
            gate.holder(cookie=leaves.cookie)
        gate.restarted()


async def test_where_a_sign_out_cannot_be_kept_at_all_the_log_names_the_file(
    gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate.file = SessionFile(tmp_path / "data")
    gate.restarted()
    leaves = await gate.sign_in(Role.ADMIN)
    (tmp_path / "data" / FILE_NAME).unlink()
    (tmp_path / "data" / FILE_NAME).mkdir()
    with caplog.at_level(logging.ERROR):
        assert (await gate.ask("DELETE", cookie=leaves.cookie)).status == 200
    assert "signed in again after a restart" in caplog.text
    assert str(tmp_path / "data" / FILE_NAME) in caplog.text
    with pytest.raises(AccessDenied):
        gate.holder(cookie=leaves.cookie)
