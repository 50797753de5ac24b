"""What is remembered when callers can make up more names than there is room for?

A segmented least-recently-used memory (Karedla, Love and Wherry, "Caching Strategies to Improve
Disk System Performance", 1994): what has come up often is kept apart from what has come up a few
times, and the latter is forgotten first. So a flood of names pushes out itself, not what matters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

OFTEN = 8
"""What has come up so often is kept apart."""

FOR_THE_NEW = 8
"""One part in so many of the room is left for what is new."""


class Remembered(Generic[K, V]):
    """At most `most` values, each made by `make` when its key first comes up."""

    __slots__ = ("_counts", "_kept", "_make", "_most", "_new", "forgotten")

    def __init__(self, most: int, make: Callable[[], V]) -> None:
        if most < FOR_THE_NEW:
            raise ValueError(f"room for at least {FOR_THE_NEW} is needed")
        self._most = most
        self._make = make
        self._new: OrderedDict[K, V] = OrderedDict()
        self._counts: dict[K, int] = {}
        self._kept: OrderedDict[K, V] = OrderedDict()
        self.forgotten: list[K] = []
        """Keys that were forgotten, until somebody empties this list."""

    def get(self, key: K) -> V | None:
        """The value of `key`, if it is remembered. Looking does not make it come up."""
        found = self._kept.get(key)
        return self._new.get(key) if found is None else found

    def come_up(self, key: K) -> V:
        """The value of `key`, a new one if there was none."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        found = self._new.get(key)
        if found is None:
            found = self._new[key] = self._make()
            self._counts[key] = 1
            self._make_room()
            return found
        self._new.move_to_end(key)
        self._counts[key] += 1
        if self._counts[key] >= OFTEN:
            self._keep(key)
        return found

    def items(self) -> Iterator[tuple[K, V]]:
        """All that is remembered."""
        yield from self._kept.items()
        yield from self._new.items()

    def __len__(self) -> int:
        return len(self._kept) + len(self._new)

    def _keep(self, key: K) -> None:
        del self._counts[key]
        self._kept[key] = self._new.pop(key)
        if len(self._kept) > self._most - self._most // FOR_THE_NEW:
            oldest, value = self._kept.popitem(last=False)
            self._new[oldest] = value
            self._counts[oldest] = 1

    def _make_room(self) -> None:
        if len(self) > self._most:
            oldest, _ = self._new.popitem(last=False)
            del self._counts[oldest]
            self.forgotten.append(oldest)
