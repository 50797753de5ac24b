"""What does a browser get: the right file, in the right encoding, once, and nothing else?"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from wires import RecordedLine

from pointsman.adapters.http.dashboard import Dashboard
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.heads import RequestHead

SCRIPT = b"console.log(1)" * 50


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>it</title>", "utf-8")
    (tmp_path / "sources.sha256").write_text("abc", "utf-8")
    (tmp_path / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets" / "app-1a2b.js.br").write_bytes(b"as if by brotli")
    (tmp_path / "assets" / "72-3c4d.woff2").write_bytes(b"font")
    (tmp_path / "assets" / "notes.secret").write_bytes(b"not for browsers")
    return tmp_path


async def got(dashboard: Dashboard, path: str, method: str = "GET", **headers: str) -> Got:
    line = RecordedLine()
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    head = RequestHead(method, path.encode(), path, "1.1", fields)
    await dashboard.answer(Exchange(line, head, keep_alive=True))
    top, _, body = line.sent.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    found = dict(re.split(": ", each, maxsplit=1) for each in lines)
    assert line.ended, "the exchange is not over"
    return Got(int(status.split()[1]), found, body)


async def test_the_page_is_asked_for_again_and_may_do_little(folder: Path) -> None:
    page = await got(Dashboard(folder), "/")
    assert (page.status, page.body) == (200, b"<!doctype html><title>it</title>")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", b"as if by brotli"),
        ("gzip, br;q=0", "gzip", SCRIPT),
        ("deflate", None, SCRIPT),
        ("", None, SCRIPT),
    ],
)
async def test_a_file_is_sent_as_small_as_the_browser_can_read_it(
    folder: Path, accepted: str, encoding: str | None, body: bytes
) -> None:
    found = await got(Dashboard(folder), "/assets/app-1a2b.js", accept_encoding=accepted)
    assert found.headers.get("content-encoding") == encoding
    if encoding == "gzip":
        assert gzip.decompress(found.body) == SCRIPT
    else:
        assert found.body == body
    assert found.headers["content-type"] == "text/javascript; charset=utf-8"
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert found.headers["vary"] == "accept-encoding"
    assert found.headers["content-length"] == str(len(found.body))


async def test_a_file_that_the_browser_has_is_not_sent_again(folder: Path) -> None:
    dashboard = Dashboard(folder)
    first = await got(dashboard, "/assets/app-1a2b.js", accept_encoding="br")
    etag = first.headers["etag"]
    again = await got(
        dashboard, "/assets/app-1a2b.js", accept_encoding="br", if_none_match=f'"x", {etag}'
    )
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == etag
    other = await got(dashboard, "/assets/app-1a2b.js", accept_encoding="gzip", if_none_match=etag)
    assert other.status == 200  # the same file in another encoding is another answer


async def test_the_head_alone_is_told_to_who_asks_for_it(folder: Path) -> None:
    found = await got(Dashboard(folder), "/assets/72-3c4d.woff2", "HEAD")
    assert (found.status, found.body) == (200, b"")
    assert found.headers["content-length"] == "4"
    assert found.headers["content-type"] == "font/woff2"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/none.js",
        "/assets/app-1a2b.js.gz",
        "/assets/notes.secret",
        "/assets/../sources.sha256",
        "/assets/../index.html",
        "/assets//etc/passwd",
        "/assets/..\\index.html",
    ],
)
async def test_nothing_else_can_be_read(folder: Path, path: str) -> None:
    found = await got(Dashboard(folder), path)
    assert found.status == 404
    assert json.loads(found.body)["error"]["code"] == "not_found"


async def test_files_can_only_be_read(folder: Path) -> None:
    found = await got(Dashboard(folder), "/", "POST")
    assert (found.status, found.headers["allow"]) == (405, "GET, HEAD")


async def test_without_a_build_a_page_says_how_to_make_one(tmp_path: Path) -> None:
    page = await got(Dashboard(tmp_path / "nowhere"), "/")
    assert page.status == 200
    assert b"python ui/build.py" in page.body
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (await got(Dashboard(tmp_path / "nowhere"), "/assets/app.js")).status == 404
