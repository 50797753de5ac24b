"""Is every record one honest line, without secrets, that nobody had to wait for?"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.app.log_lines import ConsoleFormatter, LineFormatter
from pointsman.app.logs import Format, Logs, configure
from pointsman.app.scrubbing import MAX_CHARS, Scrubber

SECRET = "correct-horse-battery"
log = logging.getLogger("pointsman.tested")


class Captured:
    """Logging that goes to a text; reading it stops the logging first."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.logs: Logs | None = None

    def start(self, fmt: Format = "json") -> None:
        self.logs = configure("info", fmt, secrets=lambda: [SECRET], stream=self.out)

    def text(self) -> str:
        if self.logs is not None:
            self.logs.stop()
        return self.out.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def captured() -> Iterator[Captured]:
    captured = Captured()
    yield captured
    captured.text()


def fail_with(message: str) -> NoReturn:
    raise ValueError(message)


def test_a_json_line_holds_the_time_the_level_the_message_and_the_extras(
    captured: Captured,
) -> None:
    captured.start()
    log.warning("chose %s", "p/m", extra={"request_id": "r1", "tried": {"p/m": [1, None, 2.5]}})
    (line,) = captured.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert line == {
        "level": "warning",
        "logger": "pointsman.tested",
        "message": "chose p/m",
        "request_id": "r1",
        "tried": {"p/m": [1, None, 2.5]},
    }


def test_an_extra_cannot_pretend_to_be_the_level(captured: Captured) -> None:
    captured.start()
    log.error("x", extra={"level": "info", "ts": "yesterday", "ratio": float("nan"), "o": object})
    (line,) = captured.lines()
    assert line["level"] == "error"
    assert line["ts"] != "yesterday"
    assert line["ratio"] == "nan"
    assert line["o"] == "<class 'object'>"


def test_a_console_line_is_readable_and_names_its_extras(captured: Captured) -> None:
    captured.start("console")
    log.info(
        "chose", extra={"model": "p/m", "why": "two words", "n": 3, "terms": {"a": 1}, "e": ""}
    )
    text = captured.text()
    assert text.endswith(
        'Z INFO    pointsman.tested chose model=p/m why="two words" n=3 terms={"a": 1} e=""\n'
    )


@pytest.mark.parametrize(
    "hostile", ["\n", "\r", "\x1b[2J", "\x85", "\u2028", "\0", "\u202e", "\ud800"]
)
def test_a_caller_can_neither_add_a_line_nor_steer_the_terminal(
    captured: Captured, hostile: str
) -> None:
    captured.start("console")
    log.info("agent %s", f"a{hostile}2026-01-01 ERROR fake", extra={"k": f"v{hostile}"})
    text = captured.text()
    assert len(text.splitlines()) == 1
    assert hostile not in text.removesuffix("\n")


def test_a_traceback_is_shown_but_cannot_look_like_a_line_of_the_log(captured: Captured) -> None:
    captured.start("console")
    try:
        fail_with(f"bad {SECRET}\n2026-01-01T00:00:00Z ERROR fake")
    except ValueError:
        log.exception("failed", stack_info=True)
    first, *rest = captured.text().splitlines()
    assert first.endswith("failed")
    assert all(line.startswith("    | ") for line in rest)
    assert any("ValueError: bad ***" in line for line in rest)
    assert any("Stack (most recent call last)" in line for line in rest)


def test_a_json_line_holds_the_traceback(captured: Captured) -> None:
    captured.start()
    try:
        fail_with(SECRET)
    except ValueError:
        log.exception("failed", stack_info=True)
    (line,) = captured.lines()
    assert line["exception"].endswith("ValueError: ***")
    assert line["stack"].startswith("Stack")


def test_exc_info_without_an_exception_and_ready_text_are_fine(captured: Captured) -> None:
    captured.start()
    log.error("nothing", exc_info=(None, None, None))
    record = logging.LogRecord("x", logging.ERROR, "", 1, "ready", (), None)
    record.exc_text = f"Trace {SECRET}"
    logging.getLogger("x").handle(record)
    first, second = captured.lines()
    assert "exception" not in first
    assert second["exception"] == "Trace ***"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("key sk-proj-abcdefgh1234 used", "key sk-*** used"),
        ('{"api_key": "abcdefgh"}', '{"api_key": "***"}'),
        ("x-api-key: abcdefgh", "x-api-key: ***"),
        ("the task-force of bears", "the task-force of bears"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("pm-h7Xk2-qP9_wLm4Zt8VnB3c is mine", "pm-*** is mine"),
        ("the agent pm-assistant", "the agent pm-assistant"),
        ("gsk_a1b2c3d4e5f6g7h8i9j0", "gsk_***"),
    ],
)
def test_what_looks_like_a_key_is_masked(text: str, expected: str) -> None:
    assert Scrubber(tuple).text(text) == expected


def test_secrets_that_a_reload_brings_are_masked_from_then_on() -> None:
    known = ["first-secret"]
    scrubber = Scrubber(lambda: known)
    assert scrubber.text("first-secret second-secret") == "*** second-secret"
    known.append("second-secret")
    assert scrubber.text("first-secret second-secret") == "*** ***"
    known.clear()
    assert scrubber.text("first-secret") == "first-secret"


def test_a_longer_secret_is_masked_whole_where_a_shorter_one_begins_it() -> None:
    scrubber = Scrubber(lambda: ["secret-1", "secret-1-extended", ""])
    assert scrubber.text("secret-1-extended") == "***"


def test_a_very_long_text_is_cut() -> None:
    assert len(Scrubber(tuple).text("ab " * 100_000)) == MAX_CHARS + 1


SECRETS = st.text(max_size=40).map(lambda middle: f"Zq7{middle}xW9")


@pytest.mark.parametrize("formatter", [LineFormatter(), ConsoleFormatter()])
@given(secret=SECRETS, around=st.text(st.characters(exclude_characters="Z"), max_size=10))
@example(secret='Zq7"uo\\te\n\x00é', around="")
@example(secret="Zq7'quoted'", around="\\")
def test_no_part_of_a_known_secret_ever_appears(
    formatter: logging.Formatter, secret: str, around: str
) -> None:
    text = f"{around} {secret} {around}"
    try:
        fail_with(text)
    except ValueError:
        trouble = sys.exc_info()
    record = logging.LogRecord("x", 30, "", 1, "%s %r", (text, secret), trouble, sinfo=text)
    record.__dict__ |= {
        "plain": secret,
        secret: "a key",
        "deep": {"k": [text, {secret: (secret,)}], "json": json.dumps({"key": secret})},
        "deeper": [[[[[secret]]]]],
        "object": ValueError(secret),
    }
    assert "Zq7" not in formatter.format(Scrubber(lambda: [secret]).scrubbed(record))


def test_a_record_that_cannot_be_formatted_says_where_and_shows_nothing(
    captured: Captured, capsys: pytest.CaptureFixture[str]
) -> None:
    captured.start()
    log.info("%d", SECRET)
    (line,) = captured.lines()
    assert re.search(r"could not be formatted \(pointsman\.tested:\d+\)", line["message"])
    assert SECRET not in json.dumps(line)
    assert capsys.readouterr().err == ""


def test_the_level_can_be_changed_while_running() -> None:
    out = io.StringIO()
    logs = configure("warning", "json", stream=out)
    log.info("one")
    logs.set_level("debug")
    log.debug("two")
    logs.stop()
    assert [json.loads(line)["message"] for line in out.getvalue().splitlines()] == ["two"]


def test_the_servers_own_loggers_go_the_same_way(captured: Captured) -> None:
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler())
    server.propagate = False
    server.setLevel(logging.WARNING)
    captured.start()
    server.info("started", extra={"color_message": "\x1b[1mstarted"})
    (line,) = captured.lines()
    assert (line["logger"], line["message"]) == ("uvicorn.error", "started")
    assert "color_message" not in line


@pytest.mark.parametrize(("terminal", "first"), [(True, "2"), (False, "{")])
def test_the_format_follows_the_stream_when_left_open(terminal: bool, first: str) -> None:
    out = io.StringIO()
    out.isatty = lambda: terminal  # type: ignore[method-assign]
    logs = configure(stream=out)
    log.info("hello")
    logs.stop()
    assert out.getvalue().startswith(first)


def test_stopping_puts_the_root_logger_back() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    logs = configure("debug", "json", stream=io.StringIO())
    assert (root.level, list(root.handlers)) != before
    logs.stop()
    logs.stop()
    assert (root.level, list(root.handlers)) == before


class StuckPipe(io.StringIO):
    """A reader that has stopped reading."""

    def __init__(self) -> None:
        super().__init__()
        self.reads_again = threading.Event()

    def write(self, text: str, /) -> int:
        self.reads_again.wait(20)
        return super().write(text)


def test_a_reader_that_is_stuck_holds_up_nobody_and_losses_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pointsman.app.logs.QUEUE_RECORDS", 10)
    pipe = StuckPipe()
    logs = configure("info", "json", stream=pipe)
    for n in range(50):
        log.info("record %d", n)
    assert 38 <= logs.dropped <= 40
    began = time.monotonic()
    logs.stop()
    assert time.monotonic() - began < 5
    pipe.reads_again.set()


def test_a_stream_that_is_gone_is_no_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    logs = configure("info", "json", stream=out)
    out.close()
    log.info("nobody hears this")
    logs.stop()
    assert capsys.readouterr().err == ""
