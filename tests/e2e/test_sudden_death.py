"""Is what was acknowledged still known after a kill, under strict durability?"""

from __future__ import annotations

import pytest
from fleets import fleet
from gateway_process import Serve
from simulated_upstream import SimulatedUpstream
from sudden_death import Found, killed_again_and_again

DEATHS = 200
DEATH_S = 15.0
"""So long a death may take at most, and the start after it, on a machine that is busy."""
STRICT = {"store": {"durability": "strict"}}


def is_all_there(found: Found) -> bool:
    print(found)
    return found.acknowledged > 0 and found[1:] == (0, 0, 0, 0)


def test_nothing_acknowledged_is_lost_or_doubled_by_a_sudden_death(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url) | STRICT)
    assert is_all_there(killed_again_and_again(gateway, range(3)))


@pytest.mark.prove
@pytest.mark.timeout(DEATHS * DEATH_S)
def test_nothing_acknowledged_is_lost_or_doubled_by_two_hundred_sudden_deaths(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url) | STRICT)
    assert is_all_there(killed_again_and_again(gateway, range(DEATHS)))
