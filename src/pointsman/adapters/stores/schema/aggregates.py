"""Where does it stand how much happened in each minute, hour and day?

A row is one period of one series. Sums, counts and sketches of two rows make those of both, so an
hour is made of its minutes and a day of its hours, and a chart of a month reads days.
"""

from __future__ import annotations

from pointsman.adapters.stores.schema import AGGREGATES
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    INSTANT,
    MONEY,
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
    column("ATTEMPTS", COUNT),
    column("SUCCESSES", COUNT),
    column("FAILURES", COUNT),
    column("FALLBACKS", COUNT),
    column("STREAMED", COUNT),
    column("UNPRICED", COUNT),
    column("EXPLORED", COUNT),
    column("PANICS", COUNT),
    column("PROMPT_TOKENS", COUNT),
    column("TOKENS_GENERATED", COUNT),
    column("CACHED_TOKENS", COUNT),
    column("COST", MONEY),
    column("SCORE_SUM", REAL),
    column("TOTAL_SUM_S", REAL),
    column("FAILURES_JSON", DOCUMENT, null=True),
    column("TOTAL_SKETCH", PACKED, null=True),
    column("FIRST_TOKEN_SKETCH", PACKED, null=True),
    index("IX_AGGREGATES_TIME", "PERIOD_S", "STARTS_AT"),
    sqlite_with_rowid=False,
)
