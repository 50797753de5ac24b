"""What happened in the last minute, the last five minutes, the last hour?

Time is cut into slots of 10 s, numbered from the epoch. A window is a ring of stretches, each of so
many slots: the present one and those before it, so it reaches back over its whole length less what
the present stretch still lacks. Whatever leaves a ring is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import pairwise
from struct import Struct

from pointsman.core.attempts import Row, columns_of_rows
from pointsman.core.period import DEFAULT_THRESHOLDS, Period, Thresholds, attempts_in

SLOT_S = 10

COLD_ROWS = 10
"""How many attempts of an hour are kept as they are, before rings are worth their memory."""
WARM_ROWS = 40
"""How many attempts wait at least to be counted together where there are rings."""
MOST_ROWS = 256
"""How many attempts wait at most: whoever asks has to count them."""

_ROW = Struct("<IBddddIIIq")
_ITS_SLOT = Struct("<I53x")


class Window(Enum):
    """How far to look back: a name, the slots in a stretch, the stretches in the ring."""

    MINUTE = ("1m", 1, 6)
    FIVE_MINUTES = ("5m", 6, 5)
    HOUR = ("1h", 30, 12)

    def __init__(self, label: str, width: int, count: int) -> None:
        self.label = label
        self.width = width
        self.count = count

    @property
    def length_s(self) -> int:
        return self.width * self.count * SLOT_S

    def first(self, present: int) -> int:
        """The earliest slot in this window when `present` is the present slot."""
        return (present // self.width - self.count + 1) * self.width

    def holds(self, slot: int, present: int) -> bool:
        """Is `slot` in this window when `present` is the present slot?"""
        return slot // self.width > present // self.width - self.count


WINDOWS = tuple(Window)
LONGEST = Window.HOUR

_Rings = tuple[dict[int, bytes], ...]


class Series:
    """The last hour of one model, of one agent on one model, or of anything else.

    Where little happens, attempts are kept as rows. Beyond `COLD_ROWS` of them an hour there are
    rings of packed periods, and one that is open: that of `_slot`, the last one written to. The
    finest ring is told when it closes; a coarser one takes a stretch from the finer once that is
    over, which the slot `_rolled` says. When an hour has passed without any attempt, nothing is
    left, and the first steps are taken anew.
    """

    __slots__ = ("_open", "_rings", "_rolled", "_rows", "_slot", "_thresholds")

    def __init__(self, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> None:
        self._thresholds = thresholds
        self._rows: bytearray | None = None
        self._open: Period | None = None
        self._slot = 0
        self._rings: _Rings | None = None
        self._rolled = 0

    def keep(self, row: Row, most_rows: int = WARM_ROWS) -> None:
        """Take note of one attempt, cheaply where there are few.

        `most_rows` wait to be counted together, within `WARM_ROWS` and `MOST_ROWS`: many cost less
        each, few take less memory.
        """
        if self._rows is None:
            self._rows = bytearray()
        self._rows += _ROW.pack(*row)
        if self._rings is None:
            most_rows = COLD_ROWS
        elif most_rows < WARM_ROWS:
            most_rows = WARM_ROWS
        elif most_rows > MOST_ROWS:
            most_rows = MOST_ROWS
        if len(self._rows) >= most_rows * _ROW.size:
            self._count_rows(max(row[0], self._slot))

    def add(self, slot: int, period: Period) -> None:
        """Take note of what happened in `slot`; `period` stays the caller's."""
        if slot > self._slot:
            self._close()
            self._slot = slot
        if slot < self._slot:
            self._put(slot, period)
            return
        if self._open is None:
            self._open = Period(self._thresholds)
        self._open.merge(period)

    def _close(self) -> None:
        if self._open is not None:
            period, self._open = self._open, None
            self._put(self._slot, period)

    def _put(self, slot: int, period: Period) -> None:
        """Put the period of a slot where it belongs."""
        rings = self._roll(self._slot)
        for place, number in self._places(slot):
            self._put_into(rings[place], number, period)

    def _places(self, slot: int) -> Iterator[tuple[int, int]]:
        """Which rings have to be told of this slot, and under which number.

        The finest one; and those that have taken its stretch already, when it comes so late.
        """
        for place, window in enumerate(WINDOWS):
            taken = slot // window.width < self._rolled // window.width
            if (taken or not place) and window.holds(slot, self._rolled):
                yield place, slot // window.width

    def _put_into(self, ring: dict[int, bytes], number: int, period: Period) -> None:
        before = ring.get(number)
        if before is not None:
            merged = Period.unpacked(before, self._thresholds)
            merged.merge(period)
            period = merged
        ring[number] = period.packed()

    def _roll(self, present: int) -> _Rings:
        """Let coarser rings take what is over by now, and all drop what has left them."""
        if self._rings is None:
            self._rings = ({}, {}, {})
            self._rolled = present
        if present <= self._rolled:
            return self._rings
        for place, (finer, coarser) in enumerate(pairwise(WINDOWS)):
            over: dict[int, list[bytes]] = {}
            for number, packed in self._rings[place].items():
                stretch = number * finer.width // coarser.width
                if self._rolled // coarser.width <= stretch < present // coarser.width:
                    over.setdefault(stretch, []).append(packed)
            for stretch, parts in over.items():
                self._rings[place + 1][stretch] = self._merged(parts).packed()
        for window, ring in zip(WINDOWS, self._rings, strict=True):
            for number in [n for n in ring if not window.holds(n * window.width, present)]:
                del ring[number]
        self._rolled = present
        return self._rings

    def _count_rows(self, present: int) -> None:
        """Turn rows into periods, unless so many are too old that rows will still do."""
        rows = self._rows_in(LONGEST, present)
        if self._rings is None and len(rows) <= COLD_ROWS // 2:
            self._rows = _bytes_of(rows) or None
            return
        self._rows = None
        rings = self._roll(present)
        groups: dict[tuple[int, int], list[Row]] = {}
        for row in rows:
            for where in self._places(row[0]):
                groups.setdefault(where, []).append(row)
        for (place, number), those in groups.items():
            period = Period(self._thresholds)
            period.learn(columns_of_rows(those))
            self._put_into(rings[place], number, period)

    def _rows_in(self, window: Window, present: int) -> list[Row]:
        kept: Iterable[Row] = _ROW.iter_unpack(self._rows or b"")
        first = window.first(present)
        return [row for row in kept if row[0] >= first]

    def _merged(self, parts: Iterable[bytes]) -> Period:
        merged = Period(self._thresholds)
        for packed in parts:
            merged.merge(Period.unpacked(packed, self._thresholds))
        return merged

    def gather(self, window: Window, present: int, found: Period) -> list[Row]:
        """All that happened in the window, when `present` is the number of the present slot.

        What is counted already is merged into `found`. What is not is returned, since rows of many
        series cost less when they are counted at once.
        """
        for packed in self._parts(window, present):
            found.merge(Period.unpacked(packed, self._thresholds))
        if self._open is not None and window.holds(self._slot, present):
            found.merge(self._open)
        return self._rows_in(window, present) if self._rows else []

    def attempts(self, window: Window, present: int) -> int:
        """How many attempts there were in the window: to rank many series cheaply."""
        found = sum(map(attempts_in, self._parts(window, present)))
        if self._open is not None and window.holds(self._slot, present):
            found += self._open.counts.attempts
        if self._rows is not None:
            first = window.first(present)
            found += sum(slot >= first for (slot,) in _ITS_SLOT.iter_unpack(self._rows))
        return found

    def _parts(self, window: Window, present: int) -> Iterator[bytes]:
        """The packed periods that make up a window: of finer rings what is in no coarser one."""
        if self._rings is None:
            return
        place = WINDOWS.index(window)
        yield from _newest(self._rings[place], window, window, present)
        for finer in range(place):
            coarser = WINDOWS[finer + 1].width
            since = self._rolled // coarser * coarser // WINDOWS[finer].width
            fresh = {n: packed for n, packed in self._rings[finer].items() if n >= since}
            yield from _newest(fresh, WINDOWS[finer], window, present)

    def forget(self, present: int) -> bool:
        """Let go of what no window holds any more; True when nothing is left.

        Also packs an open slot that has passed, so that who falls silent takes little memory.
        """
        if self._slot < present:
            self._close()
        if self._rings is not None and not any(self._roll(present)):
            self._rings = None
        if self._rows and not LONGEST.holds(_ITS_SLOT.unpack_from(self._rows)[0], present):
            self._rows = _bytes_of(self._rows_in(LONGEST, present)) or None
        return self._open is None and self._rings is None and self._rows is None


def _newest(ring: dict[int, bytes], its: Window, window: Window, present: int) -> Iterator[bytes]:
    for number, packed in ring.items():
        if window.holds(number * its.width, present):
            yield packed


def _bytes_of(rows: Iterable[Row]) -> bytearray:
    return bytearray(b"".join(_ROW.pack(*row) for row in rows))
