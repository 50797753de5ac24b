"""Which inputs come of sound ones by small steps, the same for the same seed?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from fuzz.seeds import VOCABULARY, WORDS, corpus

MOST_BYTES = 65_536
MOST_STEPS = 6


def mutated(target: str, seed: int, count: int) -> Iterator[bytes]:
    """So many inputs for a target."""
    random, known, words = Random(f"{target} {seed}"), corpus(target), WORDS[VOCABULARY[target]]
    for _ in range(count):
        data = random.choice(known)
        for _ in range(random.randint(1, MOST_STEPS)):
            data = _stepped(data, known, words, random)[:MOST_BYTES]
        yield data


def _stepped(data: bytes, known: Sequence[bytes], words: Sequence[bytes], random: Random) -> bytes:
    at, to = sorted(random.randint(0, len(data)) for _ in range(2))
    steps = (
        lambda: data[:at] + random.randbytes(1) + data[at + 1 :],
        lambda: data[:at] + data[to:],
        lambda: data[:at] + random.choice(words) + data[at:],
        lambda: data[:at] + random.choice(words) + data[to:],
        lambda: data[:at] + data[at:to] * random.choice((2, 2, 3, 20)) + data[to:],
        lambda: data[:at] + random.choice(known)[to:],
        lambda: data[:at],
        lambda: data + random.choice(known),
    )
    return random.choice(steps)()
