"""Where does it stand how much happened in each minute, hour and day?

A row is one period of one series. What two rows say makes what both together say, so ten minutes
are made of their minutes, an hour of these and a day of its hours, and a chart of a month reads
hours. `PACKED_PERIOD` holds the sketches of latencies, which only pointsman reads.

It is of when requests were made, whose ids say it: so a period is a stretch of ids, and can be
reckoned again from what is kept of them.
"""

from __future__ import annotations

from pointsman.adapters.stores.schema import AGGREGATES
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    INSTANT,
    NUMBER,
    PACKED,
    REAL,
    WORD,
    column,
    index,
    key,
    table,
)

aggregates = table(
    AGGREGATES,
    key("PERIOD_S", NUMBER),
    key("DIMENSION", WORD),
    key("DIMENSION_VALUE"),
    key("STARTS_AT", INSTANT),
    column("DECISIONS", COUNT),
    column("REFUSED", COUNT),
    column("EXPLORED", COUNT),
    column("PANICS", COUNT),
    column("FALLBACKS", COUNT),
    column("SCORED", COUNT),
    column("SCORE_SUM", REAL),
    column("ATTEMPTS", COUNT),
    column("SUCCESSES", COUNT),
    column("FAULTS", COUNT),
    column("UNPRICED", COUNT),
    column("PROMPT_TOKENS", COUNT),
    column("TOKENS_GENERATED", COUNT),
    column("CACHED_TOKENS", COUNT),
    column("COST_PICO_USD", COUNT),
    column("PACKED_PERIOD", PACKED),
    index("IX_AGGREGATES_TIME", "PERIOD_S", "STARTS_AT"),
    sqlite_with_rowid=False,
)
