"""How does a connection to an upstream come about: its name, its address, a proxy, TLS?"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from functools import cache
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from pointsman.adapters.providers.breaks import Broken
from pointsman.adapters.providers.http_connection import HttpConnection
from pointsman.adapters.providers.http_heads import Address, basic
from pointsman.core.evidence import Transport

_DNS_TTL_S = 60.0
_STAGGER_S = 0.25
"""How long an address may keep us waiting before the next is tried too (RFC 8305, 8)."""
_MAX_PROXY_ANSWER_BYTES = 16 * 1024


class _Place(NamedTuple):
    """What `getaddrinfo` knows of an address."""

    family: int
    kind: int
    protocol: int
    canonical: str
    address: tuple[Any, ...]


class Dialer:
    """Opens connections to one origin. All it raises is `Broken`, and it names `host:port`.

    With a `proxy`, https goes through a tunnel (CONNECT); http is for the proxy to pass on.
    """

    __slots__ = ("_fresh_until", "_lookup", "_origin", "_places", "_proxy")

    def __init__(self, origin: Address, proxy: Address | None) -> None:
        if proxy is not None and proxy.secure:
            raise ValueError("a proxy that is itself reached over https is not supported")
        self._origin = origin
        self._proxy = proxy
        self._places: Sequence[_Place] = ()
        self._fresh_until = 0.0
        self._lookup: asyncio.Task[Sequence[_Place]] | None = None

    async def dial(self, connection: HttpConnection, connect_s: float) -> None:
        """Make a new connection ready for use within `connect_s`. Raises `Broken`."""
        try:
            async with asyncio.timeout(connect_s):
                sock = await self._path()
                await self._attach(connection, sock)
        except TimeoutError:
            message = f"{self._origin.place} took no connection within {connect_s:g} s"
            raise Broken(Transport.CONNECT_TIMEOUT, message) from None

    def close(self) -> None:
        """Stop asking for addresses."""
        if self._lookup is not None:
            self._lookup.cancel()

    async def _path(self) -> socket.socket:
        """A socket at the other end of which is the origin, or the proxy that asks it for us."""
        sock = await self._reached()
        if self._proxy is not None and self._origin.secure:
            try:
                await self._tunnel(sock, self._proxy)
            except BaseException:
                sock.close()
                raise
        return sock

    async def _attach(self, connection: HttpConnection, sock: socket.socket) -> None:
        secure = self._origin.secure
        inode = os.fstat(sock.fileno()).st_ino
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=sock,
                ssl=tls_context() if secure else None,
                server_hostname=self._origin.host if secure else None,
            )
        except BaseException as fault:
            connection.abandon()
            # uvloop, interrupted between the two, says that it is made and not that it is lost.
            connection.connection_lost(None)
            _disown(sock, inode)
            if isinstance(fault, OSError):
                raise self._unshaken(fault) from None
            raise

    async def _reached(self) -> socket.socket:
        places = await self._looked_up()
        try:
            return await (_connected(places[0]) if len(places) == 1 else _first_connected(places))
        except OSError as fault:
            self._places = ()
            target = self._proxy or self._origin
            raise Broken(Transport.CONNECT, f"cannot connect to {target.place}: {fault}") from None

    async def _looked_up(self) -> Sequence[_Place]:
        """The addresses of the host, kept for a minute; many that ask at once share one answer."""
        loop = asyncio.get_running_loop()
        if self._places and loop.time() < self._fresh_until:
            return self._places
        if self._lookup is None:
            self._lookup = loop.create_task(self._look_up())
            # All who asked may have left when it fails.
            self._lookup.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            # Whoever leaves early must not take the answer away from the others.
            return await asyncio.shield(self._lookup)
        except (OSError, UnicodeError) as fault:
            host = (self._proxy or self._origin).host
            raise Broken(Transport.DNS, f"no address for {host}: {fault}") from None

    async def _look_up(self) -> Sequence[_Place]:
        target = self._proxy or self._origin
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        finally:
            self._lookup = None
        self._places = _alternating([_Place(*each) for each in found])
        self._fresh_until = loop.time() + _DNS_TTL_S
        return self._places

    async def _tunnel(self, sock: socket.socket, proxy: Address) -> None:
        """Have the proxy connect us through (RFC 9110, 9.3.6)."""
        place = self._origin.place
        login = f"proxy-authorization: {basic(proxy.login)}\r\n" if proxy.login else ""
        head = f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n{login}\r\n"
        loop = asyncio.get_running_loop()
        answer = b""
        try:
            await loop.sock_sendall(sock, head.encode())
            while b"\r\n\r\n" not in answer:
                data = await loop.sock_recv(sock, 4096)
                if not data or len(answer) > _MAX_PROXY_ANSWER_BYTES:
                    raise ConnectionError("no proper answer")
                answer += data
            status = answer.split(b"\r\n", 1)[0]
            if status[8:10] != b" 2":
                raise ConnectionError(status[:200].decode("latin-1"))
        except OSError as fault:
            message = f"the proxy {proxy.place} did not connect to {place}: {fault}"
            raise Broken(Transport.CONNECT, message) from None

    def _unshaken(self, fault: OSError) -> Broken:
        place = self._origin.place
        if isinstance(fault, ssl.SSLCertVerificationError):
            message = f"the certificate of {place} does not hold: {fault.verify_message}"
            return Broken(Transport.TLS, message)
        if isinstance(fault, ssl.SSLError):
            return Broken(Transport.TLS, f"no TLS with {place}: {fault.reason or fault}")
        return Broken(Transport.CONNECT, f"cannot connect to {place}: {fault}")


def tls_context() -> ssl.SSLContext:
    """Certificates are checked against the system's store, or what SSL_CERT_FILE names instead."""
    return _tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _tls_context(*_: str | None) -> ssl.SSLContext:
    # Reading the store takes 20 ms and 1 MB, so all endpoints share one.
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _alternating(places: Sequence[_Place]) -> Sequence[_Place]:
    """The families in turns, the preferred one first (RFC 8305, 4)."""
    families: dict[int, list[_Place]] = {}
    for place in dict.fromkeys(places):
        families.setdefault(place.family, []).append(place)
    in_turns = chain.from_iterable(zip_longest(*families.values()))
    return [place for place in in_turns if place is not None]


async def _connected(place: _Place) -> socket.socket:
    sock = socket.socket(place.family, place.kind, place.protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, place.address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _first_connected(places: Sequence[_Place]) -> socket.socket:
    """The first that connects; the next is tried when one has failed or is slow (RFC 8305, 5).

    Both the loops we run on can connect; uvloop's cannot do this.
    """
    waiting = list(places)
    trying: set[asyncio.Task[socket.socket]] = set()
    faults: list[BaseException | None] = []
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_connected(waiting.pop(0))))
            done, _ = await asyncio.wait(
                trying,
                timeout=_STAGGER_S if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            won = next((task for task in done if task.exception() is None), None)
            if won is not None:
                trying.discard(won)
                return won.result()
            trying -= done
            faults += [task.exception() for task in done]
    finally:
        for task in trying:
            task.add_done_callback(_close_unused)
            task.cancel()
    raise faults[-1] or OSError("no address")


def _close_unused(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _disown(sock: socket.socket, inode: int) -> None:
    """Leave the socket of a connection that did not come about to the event loop that took it.

    uvloop, interrupted at the wrong moment, closes the descriptor behind the socket's back; closing
    it a second time could hit a connection that was given the same number meanwhile.
    """
    try:
        ours = os.fstat(sock.fileno()).st_ino == inode
    except OSError:
        ours = False
    if not ours:
        sock.detach()
