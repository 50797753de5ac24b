"""Which other gateways do we measure beside pointsman?

A peer is a module with `NAME`, `install()`, `absence()` — why it cannot be measured, or None —,
`version()`, of what is there, and `start(upstream_url, cores)`. Each is set up as its own
documentation says for the least work: one worker, no database, no cache, no logging of bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bench.peers import litellm, nginx, portkey, tensorzero
from bench.servers import Server


class Peer(Protocol):
    NAME: str

    def install(self) -> None: ...

    def absence(self) -> str | None: ...

    def version(self) -> str: ...

    def start(self, upstream_url: str, cores: frozenset[int]) -> Server: ...


PEERS: Sequence[Peer] = (nginx, tensorzero, portkey, litellm)
