"""Which requests did the simulator receive, and what became of them?"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

KEPT_ENTRIES = 500
KEPT_BODY_BYTES = 16_384

_SECRET = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})


@dataclass(slots=True)
class Entry:
    """One request, filled in while it is served.

    `chunks_sent` counts events with content. `ended` is `complete`, `refused`, `fault` or
    `hung_up`; empty while the request is under way. `body` is the beginning of it.
    """

    number: int
    at: str
    path: str
    headers: dict[str, str]
    model: str = ""
    body_bytes: int = 0
    body: str = ""
    status: int = 0
    fault: str | None = None
    chunks_sent: int = 0
    bytes_sent: int = 0
    ended: str = ""
    total_s: float = 0.0

    @property
    def hung_up(self) -> bool:
        return self.ended == "hung_up"


@dataclass(slots=True)
class Journal:
    """The last requests, oldest first; credentials are never kept."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT_ENTRIES))
    received: int = 0

    def note(self, at: str, path: str, headers: Sequence[tuple[bytes, bytes]]) -> Entry:
        self.received += 1
        plain = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        kept = {name: value for name, value in plain.items() if name not in _SECRET}
        entry = Entry(self.received, at, path, kept)
        self.entries.append(entry)
        return entry

    def clear(self) -> None:
        self.entries.clear()

    def document(self) -> dict[str, Any]:
        names = Entry.__slots__
        rows = [
            {**{name: getattr(entry, name) for name in names}, "hung_up": entry.hung_up}
            for entry in self.entries
        ]
        return {"received": self.received, "requests": rows}
