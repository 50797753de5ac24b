"""What happened in one stretch of time: how many answers, failures, tokens and costs, how fast?

Periods merge exactly: that of an hour is the sum of those of its minutes, in whatever order.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import chain
from typing import NamedTuple
from zlib import compress, decompress

from pointsman.core.attempts import KINDS, PICOS_PER_USD, Columns
from pointsman.core.errors import Blame, FailureKind
from pointsman.core.quantiles import Sketch, Threshold
from pointsman.core.varints import put, take

_WORTH_SQUEEZING = 300
"""From so many bytes on a third of them can be saved."""
_QUICKLY = 1


class Counts:
    """What can be counted of attempts. `failures` maps 1 + the place in `KINDS` to how many.

    `priced` answers have a known cost, `picos` is what they cost together in trillionths of a US
    dollar; `unpriced` ones have a cost that nobody knows.
    """

    __slots__ = (
        "attempts",
        "cached_tokens",
        "completion_tokens",
        "failures",
        "picos",
        "priced",
        "prompt_tokens",
        "unpriced",
    )

    def __init__(self) -> None:
        self.attempts = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self.priced = 0
        self.unpriced = 0
        self.picos = 0
        self.failures: dict[int, int] = {}

    def learn(self, columns: Columns) -> None:
        """Count these attempts."""
        self.attempts += columns.attempts
        self.prompt_tokens += columns.prompt_tokens
        self.completion_tokens += columns.completion_tokens
        self.cached_tokens += columns.cached_tokens
        self.priced += columns.priced
        self.unpriced += columns.unpriced
        self.picos += columns.picos
        if columns.failures:
            self._add_failures((place, 1) for place in columns.failures)

    def merge(self, other: Counts) -> None:
        self.attempts += other.attempts
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        self.cached_tokens += other.cached_tokens
        self.priced += other.priced
        self.unpriced += other.unpriced
        self.picos += other.picos
        if other.failures:
            self._add_failures(other.failures.items())

    def _add_failures(self, more: Iterable[tuple[int, int]]) -> None:
        for kind, count in more:
            self.failures[kind] = self.failures.get(kind, 0) + count

    @property
    def successes(self) -> int:
        """Attempts that ended in a complete answer."""
        return self.attempts - sum(self.failures.values())

    @property
    def faults(self) -> int:
        """Failures that the endpoint is to blame for."""
        return self.blamed().get(Blame.ENDPOINT, 0)

    @property
    def success_rate(self) -> float | None:
        """The share in [0, 1] of complete answers among them and the endpoint's failures.

        What callers, keys, the catalogue, limits or we ourselves spoilt says nothing about a model
        and counts on neither side. None when nothing counts.
        """
        judged = self.successes + self.faults
        return self.successes / judged if judged else None

    @property
    def cost_usd(self) -> Decimal:
        """The known costs."""
        return Decimal(self.picos) / PICOS_PER_USD

    def by_kind(self) -> dict[FailureKind, int]:
        return {KINDS[place - 1]: count for place, count in sorted(self.failures.items())}

    def blamed(self) -> dict[Blame, int]:
        """How many failures each is to blame for."""
        found: dict[Blame, int] = {}
        for kind, count in self.by_kind().items():
            found[kind.blames] = found.get(kind.blames, 0) + count
        return found


class Thresholds(NamedTuple):
    """The lines whose crossings are counted exactly, in seconds.

    The same for the total of plain answers and the first token of streams, since these are what a
    caller waits for.
    """

    wait: tuple[Threshold, ...] = (
        Threshold(0.5, inclusive=True),
        Threshold(1.0, inclusive=True),
        Threshold(2.0, inclusive=True),
    )
    stream: tuple[Threshold, ...] = ()
    inter_token: tuple[Threshold, ...] = ()


DEFAULT_THRESHOLDS = Thresholds()


class Period:
    """Everything that is known of the attempts in one stretch of time."""

    __slots__ = ("counts", "first_token", "inter_token", "plain", "stream")

    def __init__(self, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> None:
        self.counts = Counts()
        self.plain = Sketch(thresholds.wait)
        self.stream = Sketch(thresholds.stream)
        self.first_token = Sketch(thresholds.wait)
        self.inter_token = Sketch(thresholds.inter_token)

    def learn(self, columns: Columns) -> None:
        """Count these attempts."""
        self.counts.learn(columns)
        for sketch, values in zip(self.sketches(), columns[2:6], strict=True):
            if values:
                sketch.add_all(values)

    def merge(self, other: Period) -> None:
        self.counts.merge(other.counts)
        for mine, theirs in zip(self.sketches(), other.sketches(), strict=True):
            if theirs.count:
                mine.merge(theirs)

    def sketches(self) -> tuple[Sketch, Sketch, Sketch, Sketch]:
        """In the order of the columns of a row."""
        return self.plain, self.stream, self.first_token, self.inter_token

    def total(self) -> Sketch:
        """From the call to the end of complete answers of both manners."""
        return _union(self.plain, self.stream)

    def wait(self) -> Sketch:
        """How long callers wait: to a stream's first token, to a plain answer's end."""
        return _union(self.plain, self.first_token)

    def packed(self) -> bytes:
        """In few bytes; equal periods give equal bytes."""
        out = bytearray()
        counts = self.counts
        put(out, counts.prompt_tokens)
        put(out, counts.completion_tokens)
        put(out, counts.cached_tokens)
        put(out, counts.priced)
        put(out, counts.unpriced)
        put(out, counts.picos)
        put(out, len(counts.failures))
        for number in chain.from_iterable(sorted(counts.failures.items())):
            put(out, number)
        for sketch in self.sketches():
            out += sketch.packed()
        whole = bytearray()
        put(whole, counts.attempts)
        is_large = len(out) >= _WORTH_SQUEEZING
        whole.append(is_large)
        whole += compress(out, _QUICKLY) if is_large else out
        return bytes(whole)

    @classmethod
    def unpacked(cls, data: bytes, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Period:
        period = cls.__new__(cls)
        counts = period.counts = Counts()
        counts.attempts, at = take(data, 0)
        at += 1
        if data[at - 1]:
            data, at = decompress(data[at:]), 0
        counts.prompt_tokens, at = take(data, at)
        counts.completion_tokens, at = take(data, at)
        counts.cached_tokens, at = take(data, at)
        counts.priced, at = take(data, at)
        counts.unpriced, at = take(data, at)
        counts.picos, at = take(data, at)
        kinds, at = take(data, at)
        for _ in range(kinds):
            kind, at = take(data, at)
            counts.failures[kind], at = take(data, at)
        period.plain, at = Sketch.unpacked(data, thresholds.wait, at)
        period.stream, at = Sketch.unpacked(data, thresholds.stream, at)
        period.first_token, at = Sketch.unpacked(data, thresholds.wait, at)
        period.inter_token, at = Sketch.unpacked(data, thresholds.inter_token, at)
        return period


def attempts_in(packed: bytes) -> int:
    """How many attempts a packed period has, at a fraction of the price of unpacking it."""
    return take(packed, 0)[0]


def _union(one: Sketch, other: Sketch) -> Sketch:
    """Both together; crossings that only one of them counts are left out."""
    union = Sketch(one.thresholds if one.thresholds == other.thresholds else ())
    union.merge(one)
    union.merge(other)
    return union
