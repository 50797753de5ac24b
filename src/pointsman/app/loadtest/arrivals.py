"""When does the next request come?

In an open loop requests come whether or not the last ones were answered, as they do from many
people: what a slow server lets pile up is then measured, and not hidden. In a closed loop each of
some callers asks again once it has been answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple


class OpenLoop(NamedTuple):
    """So many requests per second; `poisson` draws the gaps, else they are all alike."""

    per_s: float
    poisson: bool = True

    def moments(self, random: Random) -> Iterator[float]:
        """When each request is due, in seconds since the start; rising, without end."""
        at = 0.0
        while True:
            at += random.expovariate(self.per_s) if self.poisson else 1 / self.per_s
            yield at


class ClosedLoop(NamedTuple):
    """So many callers, each with one request under way."""

    callers: int


Arrivals = OpenLoop | ClosedLoop
