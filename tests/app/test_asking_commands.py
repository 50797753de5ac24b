"""Do commands that ask a gateway send what was meant, and say what answers instead of one?"""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pointsman.app.cli import main


class Answering(BaseHTTPRequestHandler):
    """Answers everything with `answer`, and remembers what it was asked."""

    answer: ClassVar[tuple[int, bytes]] = (200, b'{"success": true}')
    asked: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.asked.append((self.path, json.loads(body)))
        status, text = self.answer
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        """Nothing."""


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    """Something that answers where the commands look for a gateway."""
    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("POINTSMAN_URL", f"http://127.0.0.1:{server.server_port}")
    Answering.asked.clear()
    Answering.answer = (200, b'{"success": true}')
    yield Answering
    server.shutdown()
    thread.join()
    server.server_close()


def prompt_of(body: dict[str, Any]) -> str:
    (message,) = body["messages"]
    return str(message["content"])


def test_a_prompt_comes_from_an_argument_a_file_or_standard_input(
    there: type[Answering],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text("\ufefffrom a file", "utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO("from standard input"))
    for prompt in ("from an argument", str(file), "-", "long " * 2_000):
        assert main(["route", prompt, "--json"]) == 0
    assert capsys.readouterr().out == '{\n  "success": true\n}\n' * 4
    prompts = [prompt_of(body) for _, body in there.asked]
    assert prompts == ["from an argument", "from a file", "from standard input", "long " * 2_000]


def test_options_stand_beside_what_a_file_says(there: type[Answering], tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    messages = [{"role": "user", "content": "hello"}]
    file.write_text(json.dumps({"messages": messages, "pointsman": {"strategy": "cost"}}))
    options = ("--agent", "coder", "--session", "s1", "--stream", "--json")
    assert main(["route", str(file), *options, "--seed", "0" * 16, "--against", "lab/a"]) == 0
    ((path, body),) = there.asked
    assert path.endswith(f"/route?seed={'0' * 16}&against=lab%2Fa")
    assert body == {
        "model": "auto",
        "messages": messages,
        "stream": True,
        "pointsman": {"strategy": "cost", "agent": "coder", "session": "s1"},
    }


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"<html>It works!</html>"), "(200) is no pointsman gateway"),
        ((200, b"{}"), "(200) is no pointsman gateway"),
        ((200, b"[]"), "(200) is no pointsman gateway"),
        ((502, b'{"error": "bad gateway"}'), "the gateway refuses (502)"),
        ((503, b'{"error": {"message": "The store cannot be read."}}'), "The store cannot be read"),
    ],
)
def test_what_answers_instead_is_told(
    there: type[Answering],
    capsys: pytest.CaptureFixture[str],
    answer: tuple[int, bytes],
    words: str,
) -> None:
    there.answer = answer
    assert main(["route", "hello"]) == 1
    assert words in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(b"\x89PNG\xff\xfe")
    assert main(["route", str(file)]) == 1
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_a_mistake_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--last", "--url", "ftp://example.org", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["path"], problem["value"]) == ("--url", "ftp://example.org")
