"""Which values of arguments do several commands take?

What is wrong with one is said in words that name no function of ours and tell what would be right.
"""

from __future__ import annotations

import argparse

MAX_PORT = 65_535


def port(text: str) -> int:
    """A port; the system would take one that is too large modulo 65,536."""
    remedy = f"{text!r} is not a port: give a whole number from 0 (any free one) to {MAX_PORT}"
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(remedy) from None
    if not 0 <= number <= MAX_PORT:
        raise argparse.ArgumentTypeError(remedy)
    return number


def whole_number(text: str) -> int:
    """Any integer."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, such as 7") from None


def factor(text: str) -> float:
    """A finite number that is not negative."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up, such as 0.1")
    return number


def positive(text: str) -> int:
    """A whole number from 1."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1, such as 4")
    return number
