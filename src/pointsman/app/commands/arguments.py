"""Which values of arguments do several commands take?"""

from __future__ import annotations

import argparse


def port(text: str) -> int:
    """A port; the system would take one that is too large modulo 65,536."""
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{number} is not a port: 0 to 65535")
    return number
