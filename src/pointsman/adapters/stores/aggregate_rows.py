"""How does what happened in a period become a row, and a row the same value again?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pointsman.adapters.stores.rows import Row, storable
from pointsman.adapters.stores.schema import AGGREGATES, marks
from pointsman.core.aggregate import Aggregate, Dimension, Member
from pointsman.core.period import Period

KEY_COLUMNS = ("PERIOD_S", "DIMENSION", "DIMENSION_VALUE", "STARTS_AT")
FIGURE_COLUMNS = (
    "DECISIONS",
    "REFUSED",
    "EXPLORED",
    "PANICS",
    "FALLBACKS",
    "SCORED",
    "SCORE_SUM",
    "ATTEMPTS",
    "SUCCESSES",
    "FAULTS",
    "UNPRICED",
    "PROMPT_TOKENS",
    "TOKENS_GENERATED",
    "CACHED_TOKENS",
    "COST_PICO_USD",
)
"""In the order of `Figures`."""
AGGREGATE_COLUMNS = (*KEY_COLUMNS, *FIGURE_COLUMNS, "PACKED_PERIOD")

MOST_INTEGER = 2**63 - 1

_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in (*FIGURE_COLUMNS, "PACKED_PERIOD"))
# Of gateways that share a database, several may reckon the same minute.
PUT = f"""
INSERT INTO {AGGREGATES} ({", ".join(AGGREGATE_COLUMNS)}) VALUES ({marks(AGGREGATE_COLUMNS)})
ON CONFLICT ({", ".join(KEY_COLUMNS)}) DO UPDATE SET {_REPLACED}
"""  # noqa: S608
WHOLE_COLUMNS = ("DIMENSION", "DIMENSION_VALUE", *FIGURE_COLUMNS[:7], "PACKED_PERIOD")
"""What an aggregate is made of again: the counts of attempts are in the packed period too."""


def aggregate_row(grain_s: int, starts_us: int, member: Member, aggregate: Aggregate) -> Row:
    """The columns of `AGGREGATE_COLUMNS`, in order."""
    counts = aggregate.period.counts
    return (
        grain_s,
        member.dimension.value,
        storable(member.name),
        starts_us,
        aggregate.decisions,
        aggregate.refused,
        aggregate.explored,
        aggregate.panics,
        aggregate.fallbacks,
        aggregate.scored,
        aggregate.score_sum,
        counts.attempts,
        counts.successes,
        counts.faults,
        counts.unpriced,
        counts.prompt_tokens,
        counts.completion_tokens,
        counts.cached_tokens,
        min(counts.picos, MOST_INTEGER),
        aggregate.period.packed(),
    )


def stored_aggregate(row: Sequence[Any]) -> tuple[Member, Aggregate]:
    """The columns are `WHOLE_COLUMNS`."""
    found = Aggregate()
    (
        found.decisions,
        found.refused,
        found.explored,
        found.panics,
        found.fallbacks,
        found.scored,
    ) = row[2:8]
    found.score_units = round(row[8] * 10**9)
    found.period = Period.unpacked(row[9])
    return Member(Dimension(row[0]), row[1]), found
