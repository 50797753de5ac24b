"""Is an offer to upgrade out of sight, wherever packets end?"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.http.heads import Offers

HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\nConnection: Upgrade\r\n"
    b"UpGrade: h2c\r\nx-upgrade: kept\r\ncontent-length: 24\r\n\r\n"
)
BODY = b'{"a":"\r\nupgrade: b"}\r\n\r'


def read(pieces: list[bytes]) -> bytes:
    """What the parser is given: a head through `Offers`, and what follows it as it is."""
    offers, seen = Offers(), b""
    for piece in pieces:
        over = b"\r\n\r\n" in seen
        seen += piece if over else offers.taken_out(piece)
    return seen


WANTED = HEAD.replace(b"UpGrade:", b"x-upgrd:") + BODY


@given(st.sets(st.integers(1, len(HEAD + BODY) - 1)))
def test_wherever_packets_end_the_offer_is_taken_out_and_all_else_stays(cuts: set[int]) -> None:
    whole = HEAD + BODY
    pieces = [whole[a:b] for a, b in pairwise([0, *sorted(cuts), len(whole)])]
    assert read(pieces) == WANTED


def test_byte_by_byte_too() -> None:
    assert read([bytes([byte]) for byte in HEAD + BODY]) == WANTED


@pytest.mark.parametrize("cut", range(1, len(HEAD)))
def test_nothing_waits_once_the_head_is_whole(cut: int) -> None:
    offers = Offers()
    offers.taken_out(HEAD[:cut])
    assert offers.taken_out(HEAD[cut:] + BODY).endswith(BODY)
