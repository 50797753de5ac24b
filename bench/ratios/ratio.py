"""What does a part cost beside something that anybody's machine can do in the same minute?

A ratio is of processor time on both sides, measured in turns: ours, the baseline, ours, the
baseline. What another process does to the machine, its clock or its caches meanwhile it does to
both, so the ratio hardly moves where seconds would double. Of all turns the cheapest counts on each
side: whatever disturbs makes dearer, never cheaper.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

TURNS = 7
QUICK_TURNS = 4


class Ratio(NamedTuple):
    """What a part costs, in `unit`, beside its baseline. `at_most` is what the gate lets pass:
    beyond any noise, so that what is beyond it has got worse.
    """

    name: str
    ours: float
    baseline: float
    unit: str
    at_most: float
    against: str

    @property
    def value(self) -> float:
        return self.ours / self.baseline

    @property
    def kept(self) -> bool:
        return self.value <= self.at_most


class Sides(NamedTuple):
    """The cheapest turn of each side, in seconds of processor time."""

    ours_s: float
    baseline_s: float


def in_turns(ours: Callable[[], object], baseline: Callable[[], object], turns: int) -> Sides:
    """Both once to warm up, then in turns, without the garbage collector."""
    ours()
    baseline()
    found: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    try:
        for _ in range(turns):
            for work, costs in zip((ours, baseline), found, strict=True):
                began = time.process_time()
                work()
                costs.append(time.process_time() - began)
            gc.collect()
    finally:
        gc.enable()
    return Sides(*map(min, found))


def ratio(
    name: str,
    sides: Sides,
    per: tuple[int, int],
    *,
    at_most: float,
    against: str,
) -> Ratio:
    """The ratio of one of each; `per` says of how many the two sides are."""
    ours, baseline = (1e6 * each / count for each, count in zip(sides, per, strict=True))
    return Ratio(name, ours, baseline, "µs", at_most, against)


def table(ratios: Iterable[Ratio]) -> str:
    lines = [
        f"{'ratio of processor time':<34}{'ours':>14}{'baseline':>14}{'ratio':>9}{'gate':>8}",
    ]
    for each in ratios:
        ours, baseline = (f"{side:,.1f} {each.unit}" for side in (each.ours, each.baseline))
        verdict = "kept" if each.kept else "BROKEN"
        line = f"{each.name:<34}{ours:>14}{baseline:>14}{each.value:>9.2f}{each.at_most:>8g}"
        lines.append(f"{line}  {verdict:<7}against {each.against}")
    return "\n".join(lines)


def broken(ratios: Sequence[Ratio]) -> list[Ratio]:
    return [each for each in ratios if not each.kept]
