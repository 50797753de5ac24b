"""How does a command ask a gateway that is running?

Over its control API, as anybody else would. The key comes from the environment, since arguments
can be read by every process of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from pointsman.adapters.http.control import PREFIX
from pointsman.core.errors import ConfigError, Problem

DEFAULT_URL = "http://127.0.0.1:8080"
URL_VARIABLE = "POINTSMAN_URL"
KEY_VARIABLE = "POINTSMAN_API_KEY"
TIMEOUT_S = 30.0

WHERE = f"""\
The gateway is the one at --url, else at {URL_VARIABLE}, else at {DEFAULT_URL}. When it has keys,
{KEY_VARIABLE} holds one with the role viewer or admin."""

Document = dict[str, Any]


def add_gateway_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that asks a gateway."""
    parser.add_argument("--url", help=f"where the gateway is (default: {DEFAULT_URL})")
    parser.add_argument("--json", action="store_true", help="print the gateway's answer as JSON")


class Gateway:
    """A gateway somewhere, given up after `timeout_s`. Raises `ConfigError` for no address."""

    def __init__(self, url: str | None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        given = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
        self._place = "--url" if url else URL_VARIABLE
        self.url = given.rstrip("/")
        self._parts = self._split(self.url)
        self._key = os.environ.get(KEY_VARIABLE, "").strip()

    def ask(
        self, method: str, path: str, *, body: Document | None = None, **query: str | int | None
    ) -> Document:
        """The gateway's answer. Raises `ConfigError` with what it says when it refuses."""
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{self._parts.path}{PREFIX}{path}{'?' if given else ''}{urlencode(given)}"
        headers = {"accept": "application/json", "content-type": "application/json"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        sent = None if body is None else json.dumps(body).encode()
        status, text = self._exchange(method, target, sent, headers)
        answer = self._document(status, text)
        if status >= 400:
            raise self._refused(status, answer)
        return answer

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        make = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = make(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            words = f"no gateway answers: {getattr(error, 'strerror', None) or error}"
            remedy = f"start one with `pointsman serve`, or say where it is with --url ({self.url})"
            raise ConfigError([Problem("gateway", words, remedy)], self.url) from error
        finally:
            connection.close()

    def _document(self, status: int, text: bytes) -> Document:
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict) or (status < 400 and "success" not in document):
            words = f"what answers there ({status}) is no pointsman gateway"
            raise ConfigError([Problem("gateway", words, "give another --url")], self.url)
        return document

    def _refused(self, status: int, answer: Document) -> ConfigError:
        error = answer.get("error")
        error = error if isinstance(error, dict) else {}
        words = str(error.get("message") or f"the gateway refuses ({status})")
        remedies = {
            401: f"set {KEY_VARIABLE} to a key of this gateway",
            403: f"set {KEY_VARIABLE} to a key with the role viewer or admin",
        }
        place = str(error.get("param") or "gateway")
        words = words.removeprefix(f"{place}: ")  # the place is said once
        return ConfigError([Problem(place, words, remedies.get(status, ""))], self.url)

    def _split(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            known = parts.scheme in ("http", "https") and bool(parts.hostname)
            _ = parts.port  # raises where it is no number
        except ValueError:
            known = False
        if not known:
            problem = Problem(self._place, "is no address", f"such as {DEFAULT_URL}", url)
            raise ConfigError([problem], "gateway")
        return parts
