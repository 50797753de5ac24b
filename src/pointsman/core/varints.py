"""How is a whole number written in few bytes?

Seven bits a byte, the least first; the eighth says that more follow (LEB128, as in DWARF).
"""

from __future__ import annotations


def put(out: bytearray, number: int) -> None:
    """Append `number`, which is not negative."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def take(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where the next one begins.

    Raises `IndexError` when the data end within it.
    """
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at + 1
        shift += 7
