"""What does a browser get: the files of the dashboard, or how to build them?

The files are read once, when somebody first asks. Names under `/assets/` hold a hash of what is in
them, so those may be kept for ever; the page that names them is asked for again each time. What
can be compressed was compressed when it was built; nothing is compressed while somebody waits.
"""

from __future__ import annotations

import asyncio
import gzip
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.replies import Header, Reply, lines_of

PAGE = "/"
ASSETS = "/assets/"

_KINDS: Mapping[str, bytes] = MappingProxyType(
    {
        ".css": b"text/css; charset=utf-8",
        ".html": b"text/html; charset=utf-8",
        ".js": b"text/javascript; charset=utf-8",
        ".json": b"application/json",
        ".svg": b"image/svg+xml",
        ".txt": b"text/plain; charset=utf-8",
        ".woff2": b"font/woff2",
    }
)
_PACKED: Mapping[str, bytes] = MappingProxyType({".br": b"br", ".gz": b"gzip"})
_IDENTITY = b"identity"
_FOR_EVER: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_ASK_AGAIN: Header = (b"cache-control", b"no-cache")
_NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")

_NOT_BUILT_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}"
    "code{background:#8882;padding:.1em .3em;border-radius:.2em}:root{color-scheme:light dark}"
)
_NOT_BUILT = f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>pointsman</title>
<link rel="icon" href="data:,">
<style>{_NOT_BUILT_STYLE}</style>
<h1>The dashboard is not built</h1>
<p>The gateway itself works: <code>POST /v1/chat/completions</code>,
<code>GET /api/v1/model-router/stats</code>, <code>GET /readyz</code>.
<p>A released package carries the dashboard. In a checkout it is built from <code>ui/</code>, which
takes Node.js 20.19 or later:
<pre><code>python ui/build.py</code></pre>
<p>Then restart the gateway.
"""


def _security(style: str, image: str) -> tuple[Header, ...]:
    """What a page may do, which is as little as it needs."""
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; font-src 'self'; "
        f"style-src {style}; img-src {image}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return (
        (b"content-security-policy", policy.encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"referrer-policy", b"no-referrer"),
        _NO_SNIFFING,
        _ASK_AGAIN,
    )


class File(NamedTuple):
    """A file as it is sent: its headers, and its content by encoding."""

    headers: tuple[Header, ...]
    etag: str
    contents: Mapping[bytes, bytes]


class Dashboard:
    """The files in `folder`, for browsers; where there are none, a page that says so."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Mapping[str, File] | None = None

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request for `PAGE` or for something under `ASSETS`."""
        if exchange.head.method not in ("GET", "HEAD"):
            await exchange.refuse(_ONLY_TO_READ)
            return
        if self._files is None:
            self._files = await asyncio.to_thread(_read, self._folder)
        found = self._files.get(exchange.head.path)
        if found is None:
            words = "There is no such file of the dashboard; load the page again."
            await exchange.refuse(Reply(404, words, "invalid_request_error", "not_found"))
            return
        await _send(exchange, found)


async def _send(exchange: Exchange, file: File) -> None:
    accepted = exchange.headers.get(b"accept-encoding", b"")
    encoding = next((each for each in file.contents if _accepts(accepted, each)), _IDENTITY)
    etag = f'"{file.etag}-{encoding.decode()}"'.encode()
    headers: list[Header] = [*file.headers, (b"etag", etag), (b"vary", b"accept-encoding")]
    if etag in exchange.headers.get(b"if-none-match", b""):
        await exchange.write(exchange.opening(304, lines_of(headers)))
        exchange.finish()
        return
    if encoding != _IDENTITY:
        headers.append((b"content-encoding", encoding))
    await exchange.answer(200, lines_of(headers), file.contents[encoding])


def _accepts(accepted: bytes, encoding: bytes) -> bool:
    if encoding == _IDENTITY:
        return True
    for item in accepted.lower().split(b","):
        name, _, quality = item.partition(b";")
        if name.strip() == encoding:
            return quality.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False


def _read(folder: Path) -> Mapping[str, File]:
    """All files by the path under which they are asked for."""
    page = folder / "index.html"
    if not page.is_file():
        return {PAGE: _not_built()}
    files = {PAGE: _file(page, _security("'self'", "'self' data:"))}
    for path, contents in _assets(folder / "assets"):
        headers = ((b"content-type", _KINDS[path.suffix]), _FOR_EVER, _NO_SNIFFING)
        etag = sha256(contents[_IDENTITY]).hexdigest()[:16]
        files[ASSETS + path.name] = File(headers, etag, contents)
    return files


def _assets(folder: Path) -> Iterator[tuple[Path, Mapping[bytes, bytes]]]:
    """Each file by its own name, with its encodings, the smallest first.

    Of one that was compressed nothing but that is kept on disk.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in _KINDS:
            yield path, {_IDENTITY: path.read_bytes()}
        elif path.suffix == ".gz":
            packed = {name: path.with_suffix(ending) for ending, name in _PACKED.items()}
            contents = {name: each.read_bytes() for name, each in packed.items() if each.is_file()}
            contents[_IDENTITY] = gzip.decompress(contents[b"gzip"])
            yield path.with_suffix(""), contents


def _file(path: Path, headers: tuple[Header, ...]) -> File:
    content = path.read_bytes()
    kind = (b"content-type", _KINDS[path.suffix])
    return File((kind, *headers), sha256(content).hexdigest()[:16], {_IDENTITY: content})


def _not_built() -> File:
    content = _NOT_BUILT.encode()
    style = b64encode(sha256(_NOT_BUILT_STYLE.encode()).digest()).decode()
    headers = ((b"content-type", _KINDS[".html"]), *_security(f"'sha256-{style}'", "data:"))
    return File(headers, sha256(content).hexdigest()[:16], {_IDENTITY: content})


_ONLY_TO_READ = Reply(
    405,
    "The files of the dashboard can only be read; use GET.",
    "invalid_request_error",
    "method_not_allowed",
    headers=((b"allow", b"GET, HEAD"),),
)
