"""What was counted of attempts since it was last told to another, who judges for all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Tail(NamedTuple):
    """How a model's attempts ended of late: whether any was answered, and what came after that.

    `faults` and `refusals` are in a row, those before the report among them only if none was
    answered since.
    """

    answered: bool = False
    faults: int = 0
    refusals: int = 0


class Row(NamedTuple):
    """What was counted of one agent on one model, in the columns of `core/alert_counts.py`."""

    agent_id: str
    model_id: str
    counts: Sequence[float]


class Counted(NamedTuple):
    """What was counted since the last time, and for which `lines` and `factors` of waits."""

    lines: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()
    rows: Sequence[Row] = ()
    tails: Mapping[str, Tail] = {}


class Onward:
    """Gathers what is counted for the next report."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[float]] = {}
        self._tails: dict[str, Tail] = {}

    def add(
        self,
        rows: Mapping[tuple[str, str], Sequence[float]],
        tails: Mapping[str, Tail],
    ) -> None:
        """These were counted since the last time, and so did each model's attempts end."""
        for key, row in rows.items():
            known = self._rows.get(key)
            if known is None or len(known) != len(row):
                self._rows[key] = list(row)  # other lines are counted now
                continue
            for column, count in enumerate(row):
                known[column] += count
        for model_id, tail in tails.items():
            self._tails[model_id] = followed(self._tails.get(model_id, Tail()), tail)

    def take(self) -> tuple[list[Row], dict[str, Tail]]:
        """What was gathered, which is gathered anew from here on."""
        rows = [Row(*key, row) for key, row in self._rows.items()]
        tails = self._tails
        self._rows, self._tails = {}, {}
        return rows, tails


def followed(before: Tail, after: Tail) -> Tail:
    """One after the other."""
    if after.answered:
        return after
    return Tail(before.answered, before.faults + after.faults, before.refusals + after.refusals)
