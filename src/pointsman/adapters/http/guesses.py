"""Who shows keys that are not known, how often, and what are they told?

A key that is known is always taken, whoever else is behind the same address: so nobody is locked
out. What is bounded is what a guess is told, and how soon: beyond a few a minute from one address,
or many from all of them, each waits a moment, and is told when to come back instead of whether it
was a key. How many wait at once is bounded too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address

from pointsman.adapters.http.replies import Header, Reply, come_back_in

WITHIN_S = 60.0
MOST_OF_ONE = 20
MOST_OF_ALL = 1_000
MOST_ADDRESSES = 1_000

HELD_S = 1.0
MOST_HELD = 100

_HALF = 64
"""So many bits of an IPv6 address are one network's, who can take any of the others."""

_SHOULD_NOT_RETRY: Header = (b"x-should-retry", b"false")


class Guesses:
    """Those of one gateway, in bounded memory."""

    def __init__(
        self, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._of_all: deque[float] = deque(maxlen=MOST_OF_ALL)
        self._of_one: dict[str, deque[float]] = {}
        self._held = 0

    async def refusal(self, address: str) -> Reply | None:
        """Count a key that is not known; None as long as there were few, then what to answer."""
        now = self._monotonic()
        of_one = self._noted(_network(address))
        wait_s = max(_wait_s(of_one, now), _wait_s(self._of_all, now))
        of_one.append(now)
        self._of_all.append(now)
        if wait_s <= 0:
            return None
        await self._hold()
        words = (
            f"Too many keys that are not known have been shown; try again in {wait_s:.0f} s. A key"
            " of this gateway is taken at any time."
        )
        headers = (_SHOULD_NOT_RETRY, *come_back_in(wait_s))
        return Reply(429, words, "rate_limit_error", "rate_limit_exceeded", headers=headers)

    def _noted(self, network: str) -> deque[float]:
        """The guesses of one network; whoever was heard of last is forgotten last."""
        found = self._of_one.pop(network, None) or deque(maxlen=MOST_OF_ONE)
        while len(self._of_one) >= MOST_ADDRESSES:
            self._of_one.pop(next(iter(self._of_one)))
        self._of_one[network] = found
        return found

    async def _hold(self) -> None:
        if self._held >= MOST_HELD:
            return
        self._held += 1
        try:
            await self._sleep(HELD_S)
        finally:
            self._held -= 1


def _wait_s(guesses: deque[float], now: float) -> float:
    """How long until there is room for another; 0 where there is."""
    if len(guesses) < (guesses.maxlen or 0):
        return 0.0
    return max(0.0, guesses[0] + WITHIN_S - now)


def _network(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or int(found) >> _HALF)
