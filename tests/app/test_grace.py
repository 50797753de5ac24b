"""How long has a process that is told to stop?"""

from __future__ import annotations

import pytest

from pointsman.app.stopping import Grace


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_grace_runs_from_its_first_beginning() -> None:
    watch = Watch()
    grace = Grace(watch)
    assert grace.left_s == 0.0
    assert grace.begin(10.0)
    watch.now += 4.0
    assert not grace.begin(10.0)
    assert grace.left_s == pytest.approx(6.0)
    watch.now += 60.0
    assert grace.left_s == 0.0


def test_a_grace_gets_shorter_but_never_longer() -> None:
    grace = Grace(Watch())
    grace.shorten(2.0)
    assert grace.left_s == 0.0, "it had not begun"
    grace.begin(10.0)
    grace.shorten(2.0)
    grace.shorten(5.0)
    assert grace.left_s == pytest.approx(2.0)
