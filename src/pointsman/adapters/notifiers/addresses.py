"""Which address may a notification be sent to?

Whoever may write a webhook's address could otherwise make the gateway talk to what only it can
reach: the metadata service of a cloud, a database next door. A name is resolved once per message,
every address is looked at, and the connection goes to one that was looked at: a name server that
answers differently a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from pointsman.core.errors import NotifyError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises `OSError`."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out for the public internet. What is not in it is local, or a way to
write an IPv4 address: `::127.0.0.1`, `::ffff:0:127.0.0.1`, `64:ff9b:1::127.0.0.1`."""
_DOCUMENTATION = IPv6Network("3fff::/20")
_NAT64 = IPv6Network("64:ff9b::/96")
_AZURE_PLATFORM = IPv4Address("168.63.129.16")
"""Public by its number, yet it answers each virtual machine of Azure about itself alone."""


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses that the system knows of the host, in its order."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def allowed(
    host: str, port: int, *, allow_private: bool, resolve: Resolve = resolved
) -> Sequence[str]:
    """The addresses of the host that may be connected to, never none. Raises `NotifyError`."""
    try:
        found = await resolve(host, port)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NotifyError(f"{host} cannot be resolved: {reason}") from error
    good = [each for each in found if allow_private or is_public(each)]
    if good:
        return good
    if not found:
        raise NotifyError(f"{host} has no address")
    raise NotifyError(
        f"{host} is at {found[0]}, which is not a public address; where that is meant, set"
        " `allow_private: true` for this channel",
        misconfigured=True,
    )


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, also when it stands inside another."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(str(inner))
        if address not in _GLOBAL_UNICAST or address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast and address != _AZURE_PLATFORM


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one end up at."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
