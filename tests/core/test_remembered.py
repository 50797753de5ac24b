"""Is memory bounded, and does what matters survive a flood of names?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.remembered import FOR_THE_NEW, OFTEN, Remembered


def lists(most: int) -> Remembered[str, list[int]]:
    return Remembered(most, list)


def test_too_little_room_is_refused() -> None:
    with pytest.raises(ValueError, match=f"at least {FOR_THE_NEW}"):
        lists(FOR_THE_NEW - 1)


def test_a_key_that_comes_up_gets_a_value_and_keeps_it() -> None:
    memory = lists(8)
    assert memory.get("a") is None
    value = memory.come_up("a")
    for _ in range(3 * OFTEN):
        assert memory.come_up("a") is value
    assert memory.get("a") is value
    assert dict(memory.items()) == {"a": value}


def test_looking_does_not_make_a_key_come_up() -> None:
    memory = lists(8)
    memory.come_up("old")
    for number in range(7):
        memory.come_up(f"new {number}")
        memory.get("old")
    memory.come_up("one more")
    assert memory.get("old") is None
    assert memory.forgotten == ["old"]


def test_a_flood_of_names_pushes_out_itself() -> None:
    memory = lists(64)
    regulars = [f"regular {number}" for number in range(20)]
    for _ in range(OFTEN):
        for key in regulars:
            memory.come_up(key)
    for number in range(10_000):
        memory.come_up(f"made up {number}")
    assert len(memory) == 64
    assert all(memory.get(key) is not None for key in regulars)
    assert len(memory.forgotten) == 10_000 + 20 - 64
    assert not set(memory.forgotten) & set(regulars)


def test_who_was_regular_long_ago_makes_way() -> None:
    memory = lists(8)
    for number in range(100):
        for _ in range(OFTEN):
            memory.come_up(f"regular {number}")
    assert memory.get("regular 0") is None
    assert memory.get("regular 99") is not None


@given(st.lists(st.sampled_from("abcdefghijklmnopqrstuvwxyz")), st.integers(8, 20))
def test_never_more_than_there_is_room_for(keys: list[str], most: int) -> None:
    memory = lists(most)
    for key in keys:
        assert memory.come_up(key) is memory.get(key)
        assert len(memory) == len(dict(memory.items())) <= most
    assert set(dict(memory.items())) | set(memory.forgotten) == set(keys)
