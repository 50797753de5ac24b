"""What are the p50, p95 and p99 of many values, in bounded memory?

A value is counted in the bucket of the power of 2^(1/32) that it does not exceed, and read as the
middle of that bucket: at most 1.09 % beside the truth, however the values are distributed. Sketches
are counts, so merging two is the same, bit for bit, as sketching all values at once, in any order
(DDSketch: Masson, Rim, Lee, VLDB 2019).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil, isfinite, isnan, log2
from struct import Struct, unpack
from typing import NamedTuple

from pointsman.core.varints import put, take

BUCKETS_PER_DOUBLING = 32
GROWTH: float = 2.0 ** (1 / BUCKETS_PER_DOUBLING)
RELATIVE_ERROR: float = (GROWTH - 1) / (GROWTH + 1)
"""How far an estimate may lie from the value of its rank, as a share of it: 1.083 %."""

SMALLEST = 1e-9
LARGEST = 1e9
"""What lies outside these is taken as 0, or as the largest value."""

MOST_VALUES = 2**32 - 1
"""How many values a sketch can hold: one bucket may hold all, and counts to here."""

_MOST_LANES = 2048
"""More buckets than lie between `SMALLEST` and `LARGEST`, and above or below 1."""
_LANE_BITS = 32
_LANE_BYTES = 4
_AT_ONCE = 255
_UNITS = 2**30
_EXACT = 2.0**22
"""From here on a float is a whole number of units anyway, and sums of fewer are exact as floats."""
_ROUNDER = 1.5 * _EXACT
_MIDDLE: float = 2 / (GROWTH + 1)
_ENDS = Struct("<dd")
_SPARSE = 0


class Threshold(NamedTuple):
    """A line whose crossings are counted exactly: values above it, or also at it if `inclusive`."""

    value: float
    inclusive: bool = False


class Sketch:
    """The distribution of values ≥ 0, with exact `count`, `sum`, `least` and `most`.

    What is no number is left out; what is below `SMALLEST`, negative or not, counts as 0, and what
    is above `LARGEST`, infinite or not, as that. The sum is exact in units of 2^-30, about a
    billionth: every value is rounded to one first, so that it does not depend on the order. `over`
    holds for each of `thresholds` how many values crossed it, counted one by one, not from buckets.

    The counts of all buckets stand side by side in one large integer, `lanes`, 32 bits for each
    from bucket `first` on: merging is an addition, whatever the number of buckets.
    """

    __slots__ = ("count", "first", "lanes", "least", "most", "over", "thresholds", "units", "zeros")

    def __init__(self, thresholds: Sequence[Threshold] = ()) -> None:
        self.thresholds = thresholds
        self.count = 0
        self.zeros = 0
        self.units = 0
        self.least = 0.0
        self.most = 0.0
        self.first = 0
        self.lanes = 0
        self.over: Sequence[int] = (0,) * len(thresholds)

    @property
    def sum(self) -> float:
        return self.units / _UNITS

    @property
    def mean(self) -> float | None:
        """None of no values."""
        return self.sum / self.count if self.count else None

    def add(self, value: float) -> None:
        self.add_all((value,))

    def add_all(self, values: Iterable[float]) -> None:
        """Count these values. Many at once cost far less than one by one."""
        kept = _sound(values)
        if not kept:
            return
        self._grow(len(kept), kept[0], kept[-1])
        self.units += _in_units(kept)
        if self.thresholds:
            crossed = map(_crossings, self.thresholds, (kept,) * len(self.thresholds))
            self.over = tuple(map(int.__add__, self.over, crossed))
        zeros = bisect_left(kept, SMALLEST)
        self.zeros += zeros
        buckets = [ceil(log2(value) * 32.0) for value in (kept[zeros:] if zeros else kept)]
        for start in range(0, len(buckets), _AT_ONCE):
            part = buckets[start : start + _AT_ONCE]
            self._put(part[0], _lanes_of(part))

    def merge(self, other: Sketch) -> None:
        """Count all that `other` has counted.

        Raises `ValueError` when this one counts crossings that the other has not counted.
        """
        if self.thresholds and self.thresholds != other.thresholds:
            raise ValueError("only sketches with the same thresholds can be merged")
        if not other.count:
            return
        self._grow(other.count, other.least, other.most)
        self.zeros += other.zeros
        self.units += other.units
        if self.over:
            self.over = tuple(map(int.__add__, self.over, other.over))
        if other.lanes:
            self._put(other.first, other.lanes)

    def _grow(self, count: int, least: float, most: float) -> None:
        if self.count + count > MOST_VALUES:
            raise OverflowError(f"a sketch holds at most {MOST_VALUES} values")
        if not self.count or least < self.least:
            self.least = least
        self.most = max(self.most, most)
        self.count += count

    def _put(self, first: int, lanes: int) -> None:
        if not self.lanes:
            self.first, self.lanes = first, lanes
        elif first >= self.first:
            self.lanes += lanes << _LANE_BITS * (first - self.first)
        else:
            self.lanes = (self.lanes << _LANE_BITS * (self.first - first)) + lanes
            self.first = first

    def exceedances(self, threshold: Threshold) -> int:
        """How many values crossed it, exactly. Raises `ValueError` when it was not counted."""
        return self.over[self.thresholds.index(threshold)]

    def quantile(self, q: float) -> float | None:
        """The value of which a share `q` in [0, 1] is no greater; None of no values."""
        found = self.quantiles((q,))
        return found[0] if found else None

    def quantiles(self, qs: Iterable[float]) -> tuple[float, ...]:
        """Several quantiles in one pass over the buckets, () of no values.

        The value of rank ⌈q × count⌉, within `RELATIVE_ERROR`; the first and the last are exact.
        Raises `ValueError` for a `q` outside [0, 1].
        """
        asked = tuple(qs)
        if not all(0.0 <= q <= 1.0 for q in asked):
            raise ValueError(f"a quantile is a share from 0 to 1, not one of {asked}")
        if not self.count:
            return ()
        running = list(accumulate(self._counts()))
        return tuple(self._at_rank(max(1, ceil(q * self.count - 1e-9)), running) for q in asked)

    def _at_rank(self, rank: int, running: Sequence[int]) -> float:
        if rank == self.count:
            return self.most
        if rank <= max(1, self.zeros):
            return self.least
        bucket = self.first + bisect_left(running, rank - self.zeros)
        estimate: float = _MIDDLE * 2.0 ** (bucket / BUCKETS_PER_DOUBLING)
        return min(max(estimate, self.least), self.most)

    def _counts(self) -> tuple[int, ...]:
        """How many values are in each bucket from `first` on."""
        wide = self._wide()
        return unpack(f"<{len(wide) // _LANE_BYTES}I", wide)

    def _wide(self) -> bytes:
        length = -(-self.lanes.bit_length() // _LANE_BITS)
        return self.lanes.to_bytes(length * _LANE_BYTES, "little")

    def packed(self) -> bytes:
        """All of it but the thresholds in few bytes; equal sketches give equal bytes."""
        out = bytearray()
        put(out, self.count)
        if not self.count:
            return bytes(out)
        out += _ENDS.pack(self.least, self.most)
        for number in (self.zeros, self.units, *self.over):
            put(out, number)
        if self.lanes:
            put(out, 2 * self.first if self.first >= 0 else -2 * self.first - 1)
            _put_lanes(out, self._wide(), self._counts())
        return bytes(out)

    @classmethod
    def unpacked(
        cls, data: bytes, thresholds: Sequence[Threshold] = (), at: int = 0
    ) -> tuple[Sketch, int]:
        """The sketch whose bytes begin at `at`, and where they end.

        Raises `ValueError`, `IndexError` or `struct.error` for bytes that no `packed` has made,
        which take neither time nor memory, however damaged they are.
        """
        sketch = cls(thresholds)
        sketch.count, at = take(data, at)
        if not sketch.count:
            return sketch, at
        sketch.least, sketch.most = _ENDS.unpack_from(data, at)
        sketch.zeros, at = take(data, at + _ENDS.size)
        sketch.units, at = take(data, at)
        if thresholds:
            over = []
            for _ in thresholds:
                crossed, at = take(data, at)
                over.append(crossed)
            sketch.over = tuple(over)
        if sketch.zeros < sketch.count:
            first, at = take(data, at)
            sketch.first = -(first + 1) // 2 if first & 1 else first // 2
            _bounded(abs(sketch.first))
            sketch.lanes, at = _take_lanes(data, at)
        return sketch, at

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        return self.thresholds == other.thresholds and self.packed() == other.packed()

    __hash__ = None  # type: ignore[assignment]  # it changes


def _sound(values: Iterable[float]) -> list[float]:
    """The values that count, sorted, each between `SMALLEST` and `LARGEST` or 0."""
    kept = sorted(values)
    if kept and kept[0] >= SMALLEST and kept[-1] <= LARGEST and isfinite(sum(kept)):
        return kept
    # Sorting means nothing among values that are no numbers, so it is done anew without them.
    return sorted(
        0.0 if value < SMALLEST else min(value, LARGEST) for value in kept if not isnan(value)
    )


def _in_units(kept: Sequence[float]) -> int:
    """The sum of sound values, each rounded to a unit: adding `_ROUNDER` drops what is finer."""
    if kept[-1] * len(kept) < _EXACT:
        return int(sum([value + _ROUNDER - _ROUNDER for value in kept]) * _UNITS)
    rounded = [value if value >= _EXACT else value + _ROUNDER - _ROUNDER for value in kept]
    return sum([int(value * _UNITS) for value in rounded])


def _crossings(threshold: Threshold, kept: Sequence[float]) -> int:
    """How many of the sorted values cross the threshold."""
    cut = bisect_left if threshold.inclusive else bisect_right
    return len(kept) - cut(kept, threshold.value)


def _lanes_of(buckets: Sequence[int]) -> int:
    """The counts of at most `_AT_ONCE` sorted bucket numbers side by side, from the first on."""
    first = buckets[0]
    narrow = bytearray(buckets[-1] - first + 1)
    for bucket in buckets:
        narrow[bucket - first] += 1
    wide = bytearray(_LANE_BYTES * len(narrow))
    wide[::_LANE_BYTES] = narrow
    return int.from_bytes(wide, "little")


def _put_lanes(out: bytearray, wide: bytes, counts: Sequence[int]) -> None:
    """Counts in the shorter of two forms: every lane in 1, 2 or 4 bytes, or the filled ones only.

    A filled lane alone takes one byte where neither its distance from the one before nor its count
    exceeds 15, which is most of them where values are few.
    """
    widest = max(counts)
    width = 1 if widest < 1 << 8 else 2 if widest < 1 << 16 else _LANE_BYTES
    if 2 * (len(counts) - counts.count(0)) < len(counts) * width:
        filled = [place for place, count in enumerate(counts) if count]
        sparse = _sparse(filled, counts)
        if len(sparse) < len(counts) * width:
            out.append(_SPARSE)
            put(out, len(filled))
            out += sparse
            return
    out.append(width)
    put(out, len(counts))
    narrow = bytearray(width * len(counts))
    for byte in range(width):
        narrow[byte::width] = wide[byte::_LANE_BYTES]
    out += narrow


def _sparse(filled: Sequence[int], counts: Sequence[int]) -> bytearray:
    out = bytearray()
    before = -1
    for place in filled:
        step, count = place - before, counts[place]
        before = place
        if step < 16 and count < 16:
            out.append(step << 4 | count)
        else:
            out.append(0)
            put(out, step)
            put(out, count)
    return out


def _bounded(lanes: int) -> int:
    if lanes > _MOST_LANES:
        raise ValueError("this is no packed sketch: it has more buckets than there are")
    return lanes


def _take_lanes(data: bytes, at: int) -> tuple[int, int]:
    """The lanes whose bytes begin at `at`, and where they end."""
    width = data[at]
    length, at = take(data, at + 1)
    _bounded(length)
    if width == _SPARSE:
        return _take_sparse(data, at, length)
    wide = bytearray(_LANE_BYTES * length)
    for byte in range(width):
        wide[byte::_LANE_BYTES] = data[at + byte : at + width * length : width]
    return int.from_bytes(wide, "little"), at + width * length


def _take_sparse(data: bytes, at: int, filled: int) -> tuple[int, int]:
    lanes: list[tuple[int, int]] = []
    place = -1
    for _ in range(filled):
        byte = data[at]
        at += 1
        if byte:
            place += byte >> 4
            count = byte & 15
        else:
            step, at = take(data, at)
            count, at = take(data, at)
            place += step
        lanes.append((place, count))
    wide = bytearray(_LANE_BYTES * _bounded(place + 1))
    for place, count in lanes:
        if count < 256:
            wide[place * _LANE_BYTES] = count
        else:
            wide[place * _LANE_BYTES : (place + 1) * _LANE_BYTES] = count.to_bytes(4, "little")
    return int.from_bytes(wide, "little"), at
