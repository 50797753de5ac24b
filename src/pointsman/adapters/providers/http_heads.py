"""What is the head of a request, and can nothing be smuggled into it?"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"[0-9A-Za-z._:%\-]+", re.ASCII)
FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_PATH = "/%:@!$&'()*+,;=~"


class Address(NamedTuple):
    """A URL, taken apart. `path` is percent-encoded; `login` is the `user:password` in front."""

    secure: bool
    host: str
    port: int
    path: str = ""
    login: str | None = None

    @property
    def place(self) -> str:
        """`host:port`, as people and CONNECT requests name it."""
        return f"{self._bracketed}:{self.port}"

    @property
    def host_header(self) -> str:
        """As the field `Host` names it: without a port that goes without saying."""
        return self._bracketed if self.port == (443 if self.secure else 80) else self.place

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def address_of(url: str) -> Address:
    """Take a URL of http or https apart. Raises ValueError; the message quotes no login."""
    parts = urlsplit(url)
    try:
        secure = {"http": False, "https": True}[parts.scheme]
        port = parts.port or (443 if secure else 80)
        host = (parts.hostname or "").encode("idna").decode()
    except KeyError:
        raise ValueError("a URL must start with http:// or https://") from None
    except UnicodeError:
        raise ValueError("a URL with an impossible host name") from None
    if not _HOST.fullmatch(host):
        raise ValueError("a URL without a proper host name")
    login = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Address(secure, host, port, quote(parts.path, safe=_PATH), login)


def basic(login: str) -> str:
    """The credentials of `Authorization: Basic` (RFC 7617)."""
    return "Basic " + b64encode(login.encode()).decode()


def header_lines(headers: Mapping[str, str]) -> bytes:
    """The fields of a head, each with its line end.

    Raises ValueError, without quoting a value, for anything that would not arrive as it is or
    would change where the request ends.
    """
    return b"".join(_line(name.lower(), value) for name, value in headers.items())


def _line(name: str, value: str) -> bytes:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of a header")
    if name in FRAMING:
        raise ValueError(f"the header {name!r} is not for a configuration to set")
    if _FORBIDDEN.search(value):
        raise ValueError(
            f"the value of the header {name!r} holds a line break or control character"
        )
    try:
        return f"{name}: {value.strip()}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        message = f"the value of the header {name!r} holds a character that HTTP cannot carry"
        raise ValueError(message) from None


class Heads:
    """The heads of all requests to one origin. What never changes is encoded and checked once.

    `prefix` is put before each target: the origin itself, when a proxy is to pass requests on.
    Raises ValueError when a header cannot be sent.
    """

    __slots__ = ("_get", "_post", "_prefix")

    def __init__(self, host: str, headers: Mapping[str, str], prefix: str = "") -> None:
        given = {"host": host, "user-agent": "pointsman", "accept": "*/*"}
        given |= {name.lower(): value for name, value in headers.items()}
        self._prefix = prefix.encode("ascii")
        self._post = b" HTTP/1.1\r\n" + header_lines(given) + b"content-length: "
        given.pop("content-type", None)
        self._get = b" HTTP/1.1\r\n" + header_lines(given) + b"\r\n"

    def post(self, target: bytes, size: int, extra: Mapping[str, str] | None) -> bytes:
        """The head of a POST with a body of `size` bytes. `extra` headers go with it alone."""
        more = header_lines(extra) if extra else b""
        return b"POST %b%b%b%d\r\n%b\r\n" % (self._prefix, target, self._post, size, more)

    def get(self, target: bytes) -> bytes:
        return b"GET " + self._prefix + target + self._get
