"""Does what reads bytes from elsewhere hold against bytes that nobody would send?

What once showed a defect is tried, and what comes of sound inputs by small steps; `make fuzz` looks
further, with atheris, which finds its way by the branches that are taken.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fuzz.mutating import mutated
from fuzz.seeds import SEEDS, VOCABULARY, WORDS, corpus
from fuzz.targets import TARGETS

COUNTS = [300, pytest.param(60_000, marks=[pytest.mark.prove, pytest.mark.timeout(1200)])]


def test_every_target_has_something_to_begin_with() -> None:
    assert set(SEEDS) == set(TARGETS) == set(VOCABULARY)
    assert set(VOCABULARY.values()) <= {*WORDS, "events"}
    assert all(SEEDS.values())


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_sound_and_what_once_was_not_is_borne(name: str) -> None:
    for data in corpus(name):
        TARGETS[name](data)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", TARGETS)
def test_what_comes_of_them_by_small_steps_is_borne(name: str, count: int) -> None:
    for data in mutated(name, seed=count, count=count):
        try:
            TARGETS[name](data)
        except Exception as error:  # whatever it is, the bytes are what somebody needs to see
            raise AssertionError(f"{name}: {data!r}") from error


def test_the_same_seed_brings_the_same_bytes() -> None:
    assert list(mutated("chat", 1, 20)) == list(mutated("chat", 1, 20))
    assert list(mutated("chat", 1, 20)) != list(mutated("chat", 2, 20))
