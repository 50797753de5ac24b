"""Does a connection come about by every way there is, and does a failure name its step?"""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from channels import answer_to, asked, body_of, channel, fault_in, says
from raw_upstream import RawUpstream
from reaching import saying

from pointsman.adapters.providers import dialing
from pointsman.adapters.providers.http_heads import address_of
from pointsman.adapters.providers.transport import Channel, environment_proxy
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    made = folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    made.write_bytes((folder / "key.pem").read_bytes() + (folder / "certificate.pem").read_bytes())
    return made


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def served_with(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context


@asynccontextmanager
async def secure(
    certificate: Path, host: str = "localhost", proxy: str | None = None
) -> AsyncIterator[tuple[Channel, RawUpstream]]:
    async with RawUpstream(saying(says(b"hi")), served_with(certificate)) as upstream:
        address = address_of(upstream.url.replace("127.0.0.1", host))
        made = Channel(address, {}, address_of(proxy) if proxy else None)
        try:
            yield made, upstream
        finally:
            await made.close()


async def test_tls_is_spoken_with_a_host_whose_certificate_is_trusted(trusted: Path) -> None:
    async with secure(trusted) as (made, upstream):
        for _ in range(2):
            assert await answer_to(made) == b"hi"
        (wire,) = upstream.open
        told = wire.writer.get_extra_info("ssl_object")
        assert told.selected_alpn_protocol() == "http/1.1"
        assert upstream.connections == 1


async def test_a_certificate_that_nobody_trusts_is_refused(certificate: Path) -> None:
    async with secure(certificate) as (made, _):
        fault = await fault_in(made)
    assert fault.kind is Kind.TLS_FAILED
    assert "certificate of localhost:" in fault.message


async def test_a_certificate_of_another_host_is_refused(trusted: Path) -> None:
    async with secure(trusted, host="127.0.0.1") as (made, upstream):
        fault = await fault_in(made)
        assert fault.kind is Kind.TLS_FAILED
        assert not upstream.requests


async def test_a_handshake_that_breaks_off_is_a_failure_to_connect() -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(leave, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    made = Channel(address_of(url), {})
    assert (await fault_in(made)).kind in {Kind.CONNECT_FAILED, Kind.TLS_FAILED}
    await made.close()
    server.close()


# Several addresses


@contextmanager
def black_hole() -> Iterator[int]:
    """A port on the loopback that takes no connection and refuses none."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(address)
        try:
            yield address[1]
        finally:
            for caller in callers:
                caller.close()


Found = list[tuple[Any, ...]]


def found(*ports: int) -> Found:
    """What a name server says of a host at these ports of the loopback."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]


class Names:
    """A name server that knows `twofold.test` and counts who asks for it."""

    def __init__(self, others: Callable[..., Awaitable[Found]]) -> None:
        self.others = others
        self.answer: Found | Exception = []
        self.asked = 0

    async def getaddrinfo(self, host: str, *more: Any, **how: Any) -> Found:
        if host != "twofold.test":
            return await self.others(host, *more, **how)
        self.asked += 1
        await asyncio.sleep(0.01)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The name server that the test's loop asks."""
    loop = asyncio.get_running_loop()
    made = Names(loop.getaddrinfo)
    monkeypatch.setattr(loop, "getaddrinfo", made.getaddrinfo)
    return made


def port_of(upstream: RawUpstream) -> int:
    return address_of(upstream.url).port


@asynccontextmanager
async def channel_by_name() -> AsyncIterator[Channel]:
    made = Channel(address_of("http://twofold.test:1"), {})
    try:
        yield made
    finally:
        await made.close()


async def test_an_address_that_swallows_packets_does_not_keep_the_next_waiting(
    names: Names,
) -> None:
    async with channel(saying(says(b"hi"))) as (_, upstream), channel_by_name() as made:
        with black_hole() as nowhere:
            names.answer = found(nowhere, port_of(upstream))
            assert await answer_to(made) == b"hi"


async def test_an_address_that_refuses_is_passed_over_at_once(names: Names) -> None:
    async with channel(saying(says(b"hi"))) as (_, upstream), channel_by_name() as made:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            names.answer = found(unheard.getsockname()[1], port_of(upstream))
            began = asyncio.get_running_loop().time()
            assert await answer_to(made) == b"hi"
            assert asyncio.get_running_loop().time() - began < 0.2


async def test_when_all_addresses_refuse_the_failure_says_so_and_names_are_asked_anew(
    names: Names,
) -> None:
    with socket.socket() as one, socket.socket() as other:
        for unheard in (one, other):
            unheard.bind(("127.0.0.1", 0))
        names.answer = found(one.getsockname()[1], other.getsockname()[1])
        async with channel_by_name() as made:
            for _ in range(2):
                fault = await fault_in(made)
                assert fault.kind is Kind.CONNECT_FAILED
                assert "twofold.test:1" in fault.message
    assert names.asked == 2


async def test_a_host_that_swallows_packets_is_given_up_in_time(names: Names) -> None:
    with black_hole() as nowhere:
        names.answer = found(nowhere, nowhere)
        async with channel_by_name() as made:
            with pytest.raises(UpstreamError) as caught:
                await made.post(b"/", b"", None, 0.05)
    assert caught.value.kind is Kind.CONNECT_TIMEOUT
    assert "twofold.test:1" in caught.value.message


async def test_a_name_is_asked_for_once_by_all_who_wait_and_then_kept(names: Names) -> None:
    async with channel(saying(says(b"hi"))) as (_, upstream), channel_by_name() as made:
        names.answer = found(port_of(upstream))
        gone = asyncio.ensure_future(answer_to(made))
        others = [asyncio.ensure_future(answer_to(made)) for _ in range(5)]
        await asyncio.sleep(0)
        gone.cancel()
        assert await asyncio.gather(*others) == [b"hi"] * 5
        assert names.asked == 1


async def test_a_name_without_an_address_is_told_and_asked_for_again(names: Names) -> None:
    names.answer = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    async with channel_by_name() as made:
        for _ in range(2):
            fault = await fault_in(made)
            assert fault.kind is Kind.NAME_UNRESOLVED
            assert "twofold.test" in fault.message
        assert names.asked == 2


async def test_nobody_is_left_to_hear_that_a_name_has_no_address(names: Names) -> None:
    names.answer = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    async with channel_by_name() as made:
        gone = asyncio.ensure_future(answer_to(made))
        await asyncio.sleep(0.005)
        gone.cancel()
        await asyncio.sleep(0.02)
        gone = asyncio.ensure_future(answer_to(made))
        await asyncio.sleep(0.005)
        await made.close()
        with pytest.raises((asyncio.CancelledError, UpstreamError)):
            await gone


def test_the_families_of_addresses_take_turns() -> None:
    six = [dialing._Place(socket.AF_INET6, 1, 6, "", (f"::{n}", 1, 0, 0)) for n in range(3)]
    four = [dialing._Place(socket.AF_INET, 1, 6, "", ("127.0.0.1", 1))]
    ordered = dialing._alternating([*six, *six, *four])
    assert ordered == [six[0], four[0], six[1], six[2]]


# Proxies


class Proxy:
    """A proxy that connects through to one port of the loopback, or answers as it is told."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connected\r\n\r\n") -> None:
        self.port = port
        self.answer = answer
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        if b" 200 " in self.answer:
            onward, back = await asyncio.open_connection("127.0.0.1", self.port)
            await asyncio.gather(self._pass(reader, back), self._pass(onward, writer))
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except ConnectionError:
            pass
        writer.close()


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncIterator[str]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    yield f"http://me:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_https_goes_through_a_proxy_in_a_tunnel(trusted: Path) -> None:
    async with RawUpstream(saying(says(b"hi")), served_with(trusted)) as upstream:
        proxy = Proxy(port_of(upstream))
        async with running(proxy) as url:
            made = Channel(address_of("https://localhost:444"), {}, address_of(url))
            for _ in range(2):
                assert await answer_to(made) == b"hi"
            await made.close()
        assert upstream.requests[0].line == "POST /ask HTTP/1.1"
        assert "proxy-authorization" not in upstream.requests[0].headers
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT localhost:444 HTTP/1.1\r\nhost: localhost:444\r\n")
    assert b"proxy-authorization: Basic bWU6c2VjcmV0\r\n" in head


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n",
        b"",
        b"HTTP/1.1 2",
        b"x" * 40_000,
    ],
)
async def test_a_proxy_that_does_not_connect_is_named_without_its_login(answer: bytes) -> None:
    async with running(Proxy(0, answer)) as url:
        made = Channel(address_of("https://localhost:444"), {}, address_of(url))
        fault = await fault_in(made)
        await made.close()
    assert fault.kind is Kind.CONNECT_FAILED
    assert "proxy 127.0.0.1:" in fault.message
    assert "secret" not in fault.message
    if b"407" in answer:
        assert "407 Who are you" in fault.message


async def test_http_is_handed_to_a_proxy_by_its_whole_address() -> None:
    async with RawUpstream(saying(says(b"hi"))) as proxy:
        url = proxy.url.replace("//", "//me:secret@")
        made = Channel(address_of("http://far.invalid"), {}, address_of(url))
        assert await body_of(await asked(made)) == b"hi"
        await made.close()
    (request,) = proxy.requests
    assert request.line == "POST http://far.invalid/ask HTTP/1.1"
    assert request.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert request.headers["host"] == "far.invalid"


def test_a_proxy_that_is_itself_reached_over_tls_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="proxy"):
        Channel(address_of("http://a.test"), {}, address_of("https://proxy.test"))


def test_the_environment_names_a_proxy_with_or_without_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert environment_proxy(address_of("https://a.test")) is None
    monkeypatch.setenv("https_proxy", "proxy.test:3128")
    monkeypatch.setenv("no_proxy", "near.test")
    named = environment_proxy(address_of("https://a.test"))
    assert named is not None
    assert named.place == "proxy.test:3128"
    assert environment_proxy(address_of("http://a.test")) is None
    assert environment_proxy(address_of("https://near.test")) is None
