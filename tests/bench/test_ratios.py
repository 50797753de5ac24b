"""Has any part become dearer beside what does not change, and would that be seen?"""

from __future__ import annotations

import hashlib

import pytest
from bench.peers import PEERS
from bench.ratios.__main__ import better, entry, measured
from bench.ratios.ratio import QUICK_TURNS, Ratio, broken, in_turns, ratio, table

KEPT = Ratio("a part", 120.0, 100.0, "µs", 1.5, "another")
BROKEN = KEPT._replace(name="a dear part", ours=200.0)


@pytest.mark.timeout(900)
def test_no_part_has_become_dearer_than_its_gate_lets_pass() -> None:
    """Of processor time, in turns, within this run: also where others keep the machine busy."""
    ratios = measured(QUICK_TURNS)
    assert broken(ratios) == [], table(ratios)
    assert len(ratios) == 9


def test_what_takes_three_times_the_work_is_seen_to() -> None:
    data = bytes(200_000)

    def once() -> None:
        for _ in range(20):
            hashlib.sha256(data).digest()

    def thrice() -> None:
        for _ in range(3):
            once()

    found = ratio("work", in_turns(thrice, once, 5), (1, 1), at_most=1.5, against="a third of it")
    assert 2.0 < found.value < 4.5
    assert broken([found]) == [found]


def test_a_ratio_beyond_its_gate_is_broken_and_told() -> None:
    assert broken([KEPT, BROKEN]) == [BROKEN]
    shown = table([KEPT, BROKEN]).splitlines()
    assert "1.20" in shown[1]
    assert "kept" in shown[1]
    assert "BROKEN" in shown[2]


def test_what_is_worse_only_once_is_noise() -> None:
    assert better([KEPT, BROKEN], [BROKEN, KEPT]) == [KEPT, KEPT]


def test_the_history_says_of_which_commit_and_on_which_machine() -> None:
    found = entry([KEPT, BROKEN])
    assert {"at", "commit", "machine", "ratios"} == found.keys()
    assert found["machine"]["cores"]
    assert [each["value"] for each in found["ratios"]] == [1.2, 2.0]
    assert [each["kept"] for each in found["ratios"]] == [True, False]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.NAME)
def test_a_peer_that_is_there_says_its_version_and_one_that_is_not_says_why(peer: object) -> None:
    absence = peer.absence()  # type: ignore[attr-defined]
    if absence is None:
        assert peer.version()[0].isdigit()  # type: ignore[attr-defined]
    else:
        assert absence
