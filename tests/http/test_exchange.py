"""Does a request come in whole or not at all, and does each answer leave framed as it must be?"""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wires import RecordedLine, an_exchange

from pointsman.adapters.http.asgi import AsgiExchange
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.replies import Reply, lines_of
from pointsman.core.errors import RequestError

PLAIN = lines_of([(b"content-type", b"text/plain")])


async def until_it_waits() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_whole_answer_leaves_in_one_write_with_its_length() -> None:
    line = RecordedLine()
    exchange = an_exchange(line)
    exchange.request_id = "req_1"
    await exchange.answer(200, PLAIN, b"hello")
    (written,) = line.recorded.writes
    assert written == (
        b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n"
        b"x-request-id: req_1\r\n\r\nhello"
    )
    assert exchange.over
    assert line.ended == [exchange]
    assert not line.recorded.closed


async def test_head_is_answered_with_the_length_and_without_the_body() -> None:
    line = RecordedLine()
    await an_exchange(line, method="HEAD").answer(200, PLAIN, b"hello")
    assert b"content-length: 5\r\n" in line.sent
    assert line.sent.endswith(b"\r\n\r\n")


async def test_a_stream_leaves_in_chunks_and_its_head_with_the_first_of_them() -> None:
    line = RecordedLine()
    exchange = an_exchange(line)
    await exchange.begin(PLAIN, b"one")
    await exchange.more(b"")
    await exchange.more(b"two")
    await exchange.end(b"three")
    head, _, first = line.recorded.writes[0].partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert first == b"3\r\none\r\n"
    assert line.recorded.writes[1:] == [b"3\r\ntwo\r\n", b"5\r\nthree\r\n0\r\n\r\n"]


async def test_before_http_1_1_the_end_of_the_connection_ends_a_stream() -> None:
    line = RecordedLine()
    exchange = an_exchange(line, version="1.0")
    await exchange.begin(PLAIN, b"one")
    await exchange.end(b"two")
    head, _, body = line.sent.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"transfer-encoding" not in head
    assert body == b"onetwo"
    assert line.recorded.closed


async def test_an_answer_on_a_connection_that_does_not_stay_says_so_and_closes() -> None:
    line = RecordedLine()
    await an_exchange(line, keep_alive=False).answer(204, b"", b"")
    assert b"connection: close\r\n" in line.sent
    assert line.recorded.closed


async def test_a_status_without_a_name_is_sent_all_the_same() -> None:
    line = RecordedLine()
    await an_exchange(line).answer(299, b"", b"")
    assert line.sent.startswith(b"HTTP/1.1 299 \r\n")


@given(st.binary(max_size=20), st.sampled_from([b"\r", b"\n", b"\0", b"\r\n"]), st.binary())
def test_no_value_can_add_a_line_to_the_head(before: bytes, foul: bytes, after: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        lines_of([(b"x-model", before + foul + after)])


async def test_a_caller_that_has_fallen_behind_is_waited_for() -> None:
    line = RecordedLine()
    exchange = an_exchange(line)
    line.writing_paused = True
    answering = asyncio.create_task(exchange.answer(200, b"", b"late"))
    await until_it_waits()
    assert line.sent == b""
    line.read.set()
    await answering
    assert line.sent.endswith(b"late")


async def test_what_is_written_for_a_caller_that_left_is_dropped() -> None:
    line = RecordedLine()
    exchange = an_exchange(line)
    calls: list[str] = []
    exchange.when_left = lambda: calls.append("left")
    exchange.leave()
    exchange.leave()
    await exchange.refuse(Reply(400, "no", "invalid_request_error"))
    assert (line.sent, calls) == (b"", ["left"])


async def test_who_leaves_after_the_end_has_missed_nothing() -> None:
    exchange = an_exchange(RecordedLine())
    await exchange.answer(200, b"", b"")
    exchange.leave()
    assert not exchange.left


async def read(exchange: Exchange, *parts: bytes) -> bytes:
    """The body, which arrives while it is waited for."""
    reading = asyncio.create_task(exchange.body())
    await until_it_waits()
    for part in parts:
        exchange.feed(part)
    exchange.arrived()
    return await reading


async def test_a_body_in_parts_is_read_whole() -> None:
    assert await read(an_exchange(RecordedLine()), b"a", b"b") == b"ab"


async def test_a_body_in_tiny_parts_takes_hardly_more_than_its_size() -> None:
    exchange = an_exchange(RecordedLine(200_000))
    tracemalloc.start()
    try:
        for number in range(100_000):
            exchange.feed(b"%02d" % (number % 100))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    exchange.arrived()
    assert held < 2 * exchange.size
    assert await exchange.body() == b"".join(b"%02d" % (n % 100) for n in range(100_000))


async def test_a_body_is_refused_as_soon_as_it_is_known_to_be_too_large() -> None:
    exchange = an_exchange(RecordedLine(max_body_bytes=3))
    reading = asyncio.create_task(exchange.body())
    await until_it_waits()
    exchange.feed(b"ab")
    exchange.feed(b"cd")
    exchange.feed(b"ef")
    with pytest.raises(RequestError, match="larger than the 3 bytes"):
        await reading


async def test_a_body_that_was_too_large_before_anybody_asked_is_not_waited_for() -> None:
    exchange = an_exchange(RecordedLine(max_body_bytes=3))
    exchange.feed(b"abcd")
    with pytest.raises(RequestError, match="larger"):
        await exchange.body()


@pytest.mark.parametrize("part", [b"", b"begun"])
async def test_leave_to_send_a_body_is_given_only_to_who_waits_for_it(part: bytes) -> None:
    line = RecordedLine()
    exchange = an_exchange(line, {b"expect": b"100-Continue"})
    if part:
        exchange.feed(part)
    assert await read(exchange, b"x") == part + b"x"
    assert (b"100 Continue" in line.sent) == (not part)
    assert not exchange.started


# For applications that speak ASGI.


async def test_an_application_gets_the_request_and_its_body_once() -> None:
    exchange = an_exchange(RecordedLine(), {b"host": b"here"})
    asgi = AsgiExchange(exchange, b"body")
    scope = asgi.scope(own=1)
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a", b"/a", b"b=c")
    assert (scope["headers"], scope["own"]) == ([(b"host", b"here")], 1)
    assert await asgi.receive() == {"type": "http.request", "body": b"body", "more_body": False}
    exchange.leave()
    assert await asgi.receive() == {"type": "http.disconnect"}


async def test_an_application_that_has_answered_is_told_that_nobody_listens() -> None:
    exchange = an_exchange(RecordedLine())
    asgi = AsgiExchange(exchange, b"")
    await asgi.receive()
    await asgi.send({"type": "http.response.start", "status": 204})
    await asgi.send({"type": "http.response.body"})
    assert await asgi.receive() == {"type": "http.disconnect"}


async def test_an_application_that_tells_no_length_is_sent_in_chunks() -> None:
    line = RecordedLine()
    asgi = AsgiExchange(an_exchange(line), b"")
    headers = [(b"Content-Type", b"text/event-stream")]
    await asgi.send({"type": "http.response.start", "status": 200, "headers": headers})
    assert line.sent.endswith(b"\r\n\r\n")
    await asgi.send({"type": "http.response.body", "body": b"one", "more_body": True})
    await asgi.send({"type": "http.response.body", "body": b"", "more_body": False})
    assert line.sent.endswith(b"\r\n\r\n3\r\none\r\n0\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_application_that_tells_a_length_is_taken_at_its_word(method: str) -> None:
    line = RecordedLine()
    exchange = an_exchange(line, method=method)
    asgi = AsgiExchange(exchange, b"")
    headers = [(b"content-length", b"6")]
    await asgi.send({"type": "http.response.start", "status": 200, "headers": headers})
    await asgi.send({"type": "http.response.body", "body": b"one", "more_body": True})
    await asgi.send({"type": "http.response.body", "body": b"two"})
    assert line.sent.endswith(b"\r\n\r\nonetwo" if method == "GET" else b"\r\n\r\n")
    assert b"chunked" not in line.sent
    assert exchange.over


async def test_more_leaves_at_once_or_not_at_all() -> None:
    line = RecordedLine()
    exchange = an_exchange(line)
    await exchange.begin(PLAIN, b"one")
    assert exchange.more_now(b"two")
    line.writing_paused = True
    assert not exchange.more_now(b"three")
    line.writing_paused = False
    exchange.leave()
    assert not exchange.more_now(b"four")
    assert line.recorded.writes[1:] == [b"3\r\ntwo\r\n"]


async def test_before_chunks_were_invented_more_leaves_as_it_is() -> None:
    line = RecordedLine()
    exchange = an_exchange(line, version="1.0")
    await exchange.begin(PLAIN, b"one")
    assert exchange.more_now(b"two")
    assert line.recorded.writes[1:] == [b"two"]
