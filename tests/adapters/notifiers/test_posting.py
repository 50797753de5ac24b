"""Does a notification get to its receiver and nowhere else, whatever the receiver does?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from certificates import certificate_for_localhost

from notices import STARTED
from pointsman.adapters.notifiers import posting
from pointsman.adapters.notifiers.addresses import allowed, is_public
from pointsman.adapters.notifiers.posting import MAX_ANSWER_BYTES, Poster
from pointsman.core.errors import NotifyError
from receiver import Receiver, receiving

TOKEN = "T0KEN-in-the-path"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as it:
        yield it


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for_localhost(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The certificate, as one that the system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    posting._trusting.cache_clear()
    yield certificate
    posting._trusting.cache_clear()


def poster(url: str, *, allow_private: bool = True, secrets: Sequence[str] = ()) -> Poster:
    return Poster(url, lambda: STARTED, allow_private=allow_private, secrets=secrets)


async def refusal(sending: Poster) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        await sending.post(b"{}", {})
    return caught.value


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[str]:
    """A server that reads a little, says this and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_body_is_posted_with_its_headers(receiver: Receiver) -> None:
    reply = await poster(f"{receiver.url}/hook/{TOKEN}?a=b").post(b'{"x":"\xc3\xa4"}', {"X-A": "1"})
    assert (reply.status, reply.body) == (200, b"ok")
    (got,) = receiver.received
    assert (got.path, got.body) == (f"/hook/{TOKEN}?a=b", '{"x":"ä"}')
    assert got.headers["x-a"] == "1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["user-agent"].startswith("pointsman/")


async def test_a_path_can_be_put_below_the_address(receiver: Receiver) -> None:
    await poster(f"{receiver.url}/am/").post(b"[]", {}, below="/api/v2/alerts")
    await poster(receiver.url).post(b"[]", {})
    assert [each.path for each in receiver.received] == ["/am/api/v2/alerts", "/"]


async def test_what_is_asked_for_with_429_is_told(receiver: Receiver) -> None:
    receiver.behave(status=429, headers={"Retry-After": "7"}, answer="slow\n down")
    error = await refusal(poster(receiver.url))
    assert (error.retryable, error.misconfigured, error.retry_after_s) == (True, False, 7.0)
    assert str(error) == "the receiver answered 429: slow down"


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.behave(status=302, headers={"Location": f"{receiver.url}/elsewhere"})
    error = await refusal(poster(f"{receiver.url}/here"))
    assert (error.retryable, error.misconfigured) == (True, True)
    assert [each.path for each in receiver.received] == ["/here"]


async def test_a_broken_connection_may_pass(receiver: Receiver) -> None:
    receiver.behave(reset=True)
    error = await refusal(poster(receiver.url))
    assert error.retryable
    assert f"127.0.0.1:{receiver.port}" in str(error)


async def test_a_receiver_that_hangs_lets_go_when_nobody_waits_any_more(receiver: Receiver) -> None:
    receiver.behave(hang=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await poster(receiver.url).post(b"{}", {})


async def test_nobody_there_may_pass() -> None:
    async with saying(b"") as url:
        gone = poster(url)
    error = await refusal(gone)
    assert error.retryable
    assert str(error).startswith("no connection to 127.0.0.1:")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "something else than HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "101"),
        (b"HTTP/1.1 503 Busy\r\n\r\nuntil the end", "503: until the end"),
    ],
)
async def test_odd_answers_are_failures_that_may_pass(answer: bytes, words: str) -> None:
    async with saying(answer) as url:
        error = await refusal(poster(url))
    assert words in str(error)
    assert error.retryable


async def test_an_interim_answer_is_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
    async with saying(interim + b"HTTP/1.1 204 No Content\r\nX-Late: 2\r\n\r\n") as url:
        reply = await poster(url).post(b"{}", {})
    assert (reply.status, dict(reply.headers)) == (204, {"x-late": "2"})


async def test_an_answer_whose_head_has_no_end_is_left() -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000))
    async with saying(head) as url:
        error = await refusal(poster(url))
    assert "without an answer" in str(error)


async def test_an_endless_answer_is_cut() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with saying(head + b"ffff\r\n" + b"x" * 65_535 + b"\r\nffff\r\n" + b"y" * 65_535) as url:
        reply = await poster(url).post(b"{}", {})
    assert len(reply.body) == MAX_ANSWER_BYTES


async def test_nothing_secret_is_shown_when_a_receiver_repeats_it(receiver: Receiver) -> None:
    said = f"no hook /hook/{TOKEN}?sig=s1gnature-s1gnature for Bearer xoxb-secret-token"
    receiver.behave(status=404, answer=said)
    url = f"{receiver.url}/hook/{TOKEN}?sig=s1gnature-s1gnature"
    sending = poster(url, secrets=["xoxb-secret-token"])
    error = await refusal(sending)
    shown = f"{error} {sending!r} {error.__cause__!r}"
    assert TOKEN not in shown
    assert "s1gnature" not in shown
    assert "xoxb" not in shown


async def test_a_long_answer_is_shown_short(receiver: Receiver) -> None:
    receiver.behave(status=500, answer="x" * 5_000)
    assert len(str(await refusal(poster(receiver.url)))) < 260


async def test_a_header_cannot_begin_another(receiver: Receiver) -> None:
    with pytest.raises(NotifyError, match="line break"):
        await poster(receiver.url).post(b"{}", {"X": "a\r\nY: b"})
    assert not receiver.received


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "https:///x", "https://kim:pw@a.example/", "https://a.example/a b", "x"],
)
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        poster(url)


async def test_tls_is_spoken_and_the_name_held_against_the_certificate(
    receiver: Receiver, trusted: Path
) -> None:
    receiver.secure(str(trusted), str(trusted))
    good = f"https://localhost:{receiver.port}/"
    assert (await poster(good).post(b"{}", {})).status == 200
    error = await refusal(poster(f"https://127.0.0.1:{receiver.port}/"))
    assert "TLS with 127.0.0.1" in str(error)
    assert error.misconfigured


async def test_a_certificate_of_nobody_known_is_refused(
    receiver: Receiver, certificate: Path
) -> None:
    receiver.secure(str(certificate), str(certificate))
    error = await refusal(poster(f"https://localhost:{receiver.port}/"))
    assert "self-signed certificate" in str(error)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:0:0:0:0:80ff:fffe",
        "168.63.129.16",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "fd00:ec2::254",
        "3fff::1",
        "5f00::1",
    ],
)
def test_what_only_the_gateway_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


def answering(*answers: Sequence[str]) -> Callable[[str, int], object]:
    """A name server that says these, one after the other."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0)

    return resolve


async def test_a_private_address_is_refused_unless_it_is_allowed(receiver: Receiver) -> None:
    error = await refusal(poster(f"http://localhost:{receiver.port}/", allow_private=False))
    assert "`allow_private: true`" in str(error)
    assert error.misconfigured
    assert not receiver.received


async def test_a_name_that_changes_its_address_is_looked_at_once(receiver: Receiver) -> None:
    """The connection goes to the address that was looked at; a second answer is never asked for."""
    resolve = answering(["10.0.0.1", "8.8.8.8"])
    found = await allowed("rebind.example", 80, allow_private=False, resolve=resolve)  # type: ignore[arg-type]
    assert found == ["8.8.8.8"]

    pinned = Poster(
        f"http://rebind.example:{receiver.port}/",
        lambda: STARTED,
        allow_private=True,
        resolve=answering(["127.0.0.1"]),  # type: ignore[arg-type]
    )
    assert (await pinned.post(b"{}", {})).status == 200
    assert receiver.received[0].headers["host"] == f"rebind.example:{receiver.port}"


async def test_a_name_without_an_address_may_get_one() -> None:
    with pytest.raises(NotifyError, match="has no address"):
        await allowed("a.example", 80, allow_private=False, resolve=answering([]))  # type: ignore[arg-type]

    async def fail(_host: str, _port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    with pytest.raises(NotifyError, match=r"a\.example cannot be resolved: Name or service"):
        await allowed("a.example", 80, allow_private=False, resolve=fail)


async def test_the_second_address_is_tried_when_nobody_is_at_the_first(receiver: Receiver) -> None:
    sending = Poster(
        f"http://two.example:{receiver.port}/",
        lambda: STARTED,
        allow_private=True,
        resolve=answering(["127.0.0.2", "127.0.0.1"]),  # type: ignore[arg-type]
    )
    assert (await sending.post(b"{}", {})).status == 200
