"""What kind of task is it, judged by the words of its prompt?

A linear model over which words occur, in which pairs the text opens, and a few marks of code and
formulas. It serves when nobody has said what a request is about, so it rather names no type than a
doubtful one. Nothing of the text is kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence, Set
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from pointsman.core.fleet import broad_type

READ_HEAD = 512
READ_TAIL = 128
"""Bytes read of a text's beginning and end: what is asked for stands at either place."""

OPENING_WORDS = 16
CLOSING_WORDS = 8
"""So many words of the beginning and of the end count by their place too."""
PAIRED_WORDS = 24
"""Among so many words of the beginning, neighbours count as pairs too."""

CONFIDENT = 0.5
"""The least probability at which a type is named: see docs/explanation/evaluation.md."""
FINE_CONFIDENT = 0.3
"""The same for a finer type, where the type that it belongs to is named anyway. There are up to ten
of one type, and one that is often right tells models apart better than none."""

MARKS = (b"```", b"def ", b"\\", b"{", b";\n", b"$", b"=", b"?")
"""Occurrences that are no words."""

ARABIC = "arabic"
ARABIC_SHARE = 0.3
"""A text of whose bytes at least this share are Arabic letters is Arabic, whatever it asks for."""
OTHER_SCRIPT_SHARE = 0.05
"""More letters than this that Arabic does not have make it Persian, Urdu or another language."""


WEIGHTLESS = "P"
HEAVIEST = 40
"""In a file a weight is the character so far from the first, at most `HEAVIEST` either way."""

_OPENS, _CLOSES = b"^", b">"

T = TypeVar("T")


class TypeGuess(NamedTuple):
    """The likeliest task type, None when none is likely enough, and how probable that is.

    It is a finer one, such as `reasoning/physics`, where that is likely enough, too. `probability`
    is in [0, 1], that of the likeliest type where none is named. `probabilities` are of all the
    labels of the model and sum to 1; one that is missing was not considered.
    """

    type: str | None
    probability: float
    probabilities: Mapping[str, float]


def inferred_type(text: bytes | str) -> TypeGuess:
    """What a prompt seems to ask for, by the model that is shipped with pointsman.

    Any text will do, also an empty or a broken one; bytes are UTF-8 or the inside of a JSON string.
    The same text always has the same answer. The first call reads the model.
    """
    read = reading(text)
    if is_arabic(read):
        return TypeGuess(ARABIC, 1.0, {ARABIC: 1.0})
    return shipped_model().guess_of(read)


def reading(text: bytes | str) -> bytes:
    """The part of a text that is looked at: UTF-8, without the escapes of JSON."""
    if isinstance(text, str):
        if len(text) > READ_HEAD + READ_TAIL:
            text = f"{text[:READ_HEAD]}\n{text[-READ_TAIL:]}"
        text = text.encode("utf-8", "surrogatepass")
    if len(text) > READ_HEAD + READ_TAIL:
        text = b"%b\n%b" % (text[:READ_HEAD], text[-READ_TAIL:])
    return _unescaped(text) if b"\\" in text else text


def _unescaped(text: bytes) -> bytes:
    for escape in (b"\\n", b"\\t", b"\\r"):
        text = text.replace(escape, b"\n")
    return _CODE_POINT.sub(_letter, text.replace(b'\\"', b'"'))


def _letter(escape: re.Match[bytes]) -> bytes:
    return chr(int(escape[1], 16)).encode("utf-8", "surrogatepass")


_CODE_POINT = re.compile(rb"\\u([0-9a-fA-F]{4})")


def is_arabic(read: bytes) -> bool:
    """Whether a `reading` is in the Arabic language, judged by its letters."""
    if read.isascii():
        return False
    # The first of a letter's two bytes is counted.
    letters = read.count(b"\xd8") + read.count(b"\xd9")
    others = read.count(b"\xda") + read.count(b"\xdb")
    return 2 * letters >= ARABIC_SHARE * len(read) and others <= OTHER_SCRIPT_SHARE * letters


def features(read: bytes) -> set[bytes]:
    """What occurs in a `reading`: words (all digits alike), where, in which pairs, and marks."""
    words = read.translate(_LETTERS).split()
    found = set(words)
    found.update(map(b" ".join, pairwise(words[:PAIRED_WORDS])))
    found.update([_OPENS + word for word in words[:OPENING_WORDS]])
    found.update([_CLOSES + word for word in words[-CLOSING_WORDS:]])
    found.update([mark for mark in MARKS if mark in read])
    return found


def _letter_or_space(byte: int) -> int:
    character = chr(byte)
    if byte >= 0x80:
        return byte
    return ord("0" if character.isdigit() else character.lower() if character.isalpha() else " ")


_LETTERS = bytes(map(_letter_or_space, range(256)))

_LANE_BITS = 24
_LANE = (1 << _LANE_BITS) - 1
_OFFSET = 128


class LinearModel:
    """A softmax over labels whose scores are sums of small whole weights of the features found.

    A score is the label's sum divided by the square root of how many features were known, times
    `scale`, plus the label's bias: a text is not clearer merely for being long. The weights of a
    feature, one per label, stand side by side in one Python integer, next to a 1 that counts the
    feature, so one `sum` adds up everything.
    """

    __slots__ = (
        "_biases",
        "_broad",
        "_closing",
        "_marks",
        "_opening",
        "_packed",
        "_pairs",
        "_scale",
        "_words",
        "labels",
    )

    def __init__(
        self,
        labels: Sequence[str],
        biases: Sequence[float],
        scale: float,
        weights: Mapping[bytes, Sequence[int]],
    ) -> None:
        """`weights`: for each feature one per label, in -127 to 127."""
        if not 0 < len(labels) == len(biases):
            raise ValueError(f"{len(labels)} labels cannot have {len(biases)} biases")
        self.labels = tuple(labels)
        self._broad = tuple([broad_type(label) for label in labels])
        self._biases = tuple(biases)
        self._scale = scale
        self._packed = {word: _packed(word, row, len(labels)) for word, row in weights.items()}
        self._marks: dict[bytes, int] = {}
        self._opening: dict[bytes, int] = {}
        self._closing: dict[bytes, int] = {}
        self._pairs: dict[tuple[bytes, ...], int] = {}
        self._words: dict[bytes, int] = {}
        for feature, packed in self._packed.items():
            self._sort_in(feature, packed)

    def _sort_in(self, feature: bytes, packed: int) -> None:
        if feature in MARKS:
            self._marks[feature] = packed
        elif feature[:1] == _OPENS:
            self._opening[feature[1:]] = packed
        elif feature[:1] == _CLOSES:
            self._closing[feature[1:]] = packed
        elif b" " in feature:
            self._pairs[tuple(feature.split(b" "))] = packed
        else:
            self._words[feature] = packed

    def probabilities(self, found: Set[bytes]) -> dict[str, float]:
        """How probable each label is, by the features found; they sum to 1."""
        return self._shares(_sum_of(self._packed, found))

    def guess(self, found: Set[bytes]) -> TypeGuess:
        """The likeliest type, if it is likely enough and something of the text is known at all.

        A type is as probable as all labels together that are of it, itself and the finer ones.
        """
        return self._likeliest(_sum_of(self._packed, found))

    def guess_of(self, read: bytes) -> TypeGuess:
        """The same as `guess(features(read))`, at a third of the price.

        It looks for what the model knows, and makes nothing of what it does not.
        """
        words = read.translate(_LETTERS).split()
        total = _sum_of(self._words, set(words))
        total += _sum_of(self._pairs, set(pairwise(words[:PAIRED_WORDS])))
        total += _sum_of(self._opening, set(words[:OPENING_WORDS]))
        total += _sum_of(self._closing, set(words[-CLOSING_WORDS:]))
        total += sum([packed for mark, packed in self._marks.items() if mark in read])
        return self._likeliest(total)

    def _shares(self, total: int) -> dict[str, float]:
        count = total & _LANE
        scale = self._scale / math.sqrt(count) if count else 0.0
        scores = []
        for bias in self._biases:
            total >>= _LANE_BITS
            scores.append(bias + scale * ((total & _LANE) - _OFFSET * count))
        highest = max(scores)
        shares = [math.exp(score - highest) for score in scores]
        whole = sum(shares)
        return {label: share / whole for label, share in zip(self.labels, shares, strict=True)}

    def _likeliest(self, total: int) -> TypeGuess:
        probabilities = self._shares(total)
        types = dict.fromkeys(self._broad, 0.0)
        for kind, share in zip(self._broad, probabilities.values(), strict=True):
            types[kind] += share
        likeliest = max(types, key=types.__getitem__)
        probability = min(types[likeliest], 1.0)
        if probability < CONFIDENT or not total & _LANE:
            return TypeGuess(None, probability, probabilities)
        own = [
            label for label, kind in zip(self.labels, self._broad, strict=True) if kind == likeliest
        ]
        finer = max(own, key=probabilities.__getitem__)
        if finer != likeliest and probabilities[finer] >= FINE_CONFIDENT:
            return TypeGuess(finer, probabilities[finer], probabilities)
        return TypeGuess(likeliest, probability, probabilities)


def _sum_of(weights: Mapping[T, int], found: Set[T]) -> int:
    return sum(map(weights.__getitem__, weights.keys() & found))


def _packed(word: bytes, row: Sequence[int], labels: int) -> int:
    if len(row) != labels or not all(-_OFFSET < weight < _OFFSET for weight in row):
        raise ValueError(f"{word!r} needs {labels} weights in -127 to 127, not {row!r}")
    lanes = (weight + _OFFSET << _LANE_BITS * place for place, weight in enumerate(row, 1))
    return 1 + sum(lanes)


def read_model(text: str) -> LinearModel:
    """The model in a file of tab-separated lines: labels, biases, scale, then the features.

    Features are percent-encoded. Of their weights each is one character, from `(` (-40) by way of
    `P` (0) to `x` (40). Lines that begin with `#` are comments. Raises ValueError for what is no
    model.
    """
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    head = {name: values for name, *values in lines[:3]}
    if head.keys() != {"labels", "biases", "scale"} or len(head["scale"]) != 1:
        raise ValueError("a model begins with lines of labels, biases and scale")
    weights = {
        unquote_to_bytes(word): [ord(sign) - ord(WEIGHTLESS) for sign in row]
        for word, row in lines[3:]
    }
    biases = [float(cell) for cell in head["biases"]]
    return LinearModel(head["labels"], biases, float(head["scale"][0]), weights)


@cache
def shipped_model() -> LinearModel:
    """The model of task types that `simulations/train_task_type.py` has written."""
    return read_model((files(__package__) / "task_type.tsv").read_text("utf-8"))
