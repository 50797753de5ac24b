"""How does the gateway's process do while it serves, and does anything of it grow?"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, median, stdev
from typing import NamedTuple

from bench.soak.world import World

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
BLOCKS = 10
T_95 = 2.262
"""Student's t for 95 %, both sides, with `BLOCKS` - 1 degrees of freedom."""
_OVERHEAD = re.compile(
    rb'^pointsman_recent_overhead_seconds\{quantile="([0-9.]+)",window="1m"\} (\S+)', re.MULTILINE
)


class Sample(NamedTuple):
    """The process at one moment, `at_s` after the start. Overhead in seconds, of the last minute;
    NaN where nothing was answered. `blocks` are what Python's own allocator has given out;
    `heap_mb` and `heap_free_mb` what C's has given out, and keeps.
    """

    at_s: float
    rss_mb: float
    cpu_s: float
    descriptors: int
    threads: int
    tasks: int
    blocks: int
    heap_mb: float
    heap_free_mb: float
    behind: int
    overhead_p50_s: float
    overhead_p99_s: float


class Slope(NamedTuple):
    """How fast something rises per hour, and between which figures that lies with 95 %."""

    per_h: float
    least: float
    most: float


class Sampler(threading.Thread):
    """Takes a sample every so often until it is stopped."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._over = threading.Event()
        self._began = time.monotonic()
        self.samples: list[Sample] = []
        self.faults: list[str] = []

    def run(self) -> None:
        self._began = time.monotonic()
        due = self._began
        while not self._over.wait(max(0.0, due - time.monotonic())):
            try:
                self.samples.append(sample(self._world, time.monotonic() - self._began))
            except (OSError, AssertionError, ValueError) as error:
                self.faults.append(f"no sample could be taken: {error!r}")
            due += self._world.plan.sample_every_s

    def stop(self) -> None:
        self._over.set()
        self.join()


def sample(world: World, at_s: float) -> Sample:
    gateway, folder = world.gateway, Path(f"/proc/{world.gateway.pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    observed = gateway.observed()
    found = _OVERHEAD.findall(gateway.get("/metrics").body)
    overhead = {float(quantile): float(value) for quantile, value in found}
    return Sample(
        at_s=at_s,
        rss_mb=int(fields[21]) * _PAGE / 2**20,
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS,
        descriptors=sum(1 for _ in (folder / "fd").iterdir()),
        threads=int(fields[17]),
        tasks=observed["tasks"],
        blocks=observed["blocks"],
        heap_mb=observed["heap_mb"],
        heap_free_mb=observed["heap_free_mb"],
        behind=gateway.readiness["database"]["behind_records"],
        overhead_p50_s=overhead.get(0.5, float("nan")),
        overhead_p99_s=overhead.get(0.99, float("nan")),
    )


def slope(points: Sequence[tuple[float, float]]) -> Slope | None:
    """How fast the values rise per hour, of (seconds, value); None of fewer than three a block.

    Samples of one process hang together, so a line through all of them would be far surer of itself
    than it may be. So: the slopes of the lines through pairs of blocks that lie half a run apart
    (Theil's estimator on block medians), and how far these differ.
    """
    size = len(points) // (2 * BLOCKS)
    if size < 3:
        return None
    blocks = [points[start * size : (start + 1) * size] for start in range(2 * BLOCKS)]
    at_s = [fmean(each[0] for each in block) for block in blocks]
    values = [median(each[1] for each in block) for block in blocks]
    slopes = [
        3600 * (values[place + BLOCKS] - values[place]) / (at_s[place + BLOCKS] - at_s[place])
        for place in range(BLOCKS)
    ]
    around = T_95 * stdev(slopes) / sqrt(BLOCKS)
    mean = fmean(slopes)
    return Slope(mean, mean - around, mean + around)
