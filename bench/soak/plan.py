"""What happens during a soak, and when?

Everything is a share of the run, so that twenty seconds see what an hour sees. The first and the
last tenth are left alone: they are compared with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LOAD_SHARE = 0.7
"""Of the rate that can be sustained."""

MOST_BETWEEN_RELOADS_S = 60.0
RELOADS_AT_LEAST = 4
RESTART_AT = 0.5
TENTH = 0.1


class Drift(NamedTuple):
    """A model that degrades and heals; shares of the run."""

    model: str
    begin: float
    end: float
    latency_factor: float
    failure_factor: float


class Trouble(NamedTuple):
    """A fault that every request to a model meets for a while; shares of the run."""

    model: str
    begin: float
    end: float
    fault: str
    options: Mapping[str, Any] = {}


DRIFTS: Sequence[Drift] = (
    Drift("swift-mini", 0.20, 0.34, 5.0, 8.0),
    Drift("forge-mini", 0.60, 0.72, 4.0, 6.0),
)
TROUBLES: Sequence[Trouble] = (
    Trouble("atlas-medium", 0.12, 0.15, "server_error"),
    Trouble("forge-coder", 0.24, 0.27, "rate_limited", {"retry_after": 0.5}),
    Trouble("spark-nano", 0.36, 0.39, "cut", {"after": 2}),
    Trouble("babel-24b", 0.44, 0.46, "stall", {"after": 3}),
    Trouble("swift-mini", 0.55, 0.58, "stream_error", {"after": 1}),
    Trouble("nakhla-70b", 0.64, 0.67, "stall_first"),
    Trouble("atlas-large", 0.75, 0.78, "reset"),
    Trouble("atlas-medium", 0.82, 0.85, "early_end", {"after": 2}),
)
FAILURE_FACTOR = 2.0
"""How much more often every simulated model fails than it does as shipped."""


class Plan(NamedTuple):
    """One soak. `rate_per_s` is what is asked; None: `LOAD_SHARE` of what is found to be possible.

    `streamed` and `leaving` are shares in [0, 1]: of requests that are streamed, and of callers who
    hang up before they were answered. `time_scale` multiplies all that the models take.
    """

    duration_s: float
    seed: int = 0
    rate_per_s: float | None = None
    most_per_s: float = 400.0
    streamed: float = 0.5
    leaving: float = 0.01
    time_scale: float = 0.5
    browser: bool = True

    @property
    def reload_every_s(self) -> float:
        return min(MOST_BETWEEN_RELOADS_S, self.duration_s / (RELOADS_AT_LEAST + 1))

    @property
    def away_s(self) -> float:
        """How long the database is away when it is restarted."""
        return min(60.0, max(1.0, self.duration_s / 60))

    @property
    def patience_s(self) -> float:
        """How long the gateway waits for a model that has fallen silent."""
        return 5.0 if self.duration_s >= 60 else 2.0

    @property
    def sample_every_s(self) -> float:
        return min(10.0, max(1.0, self.duration_s / 360))

    @property
    def judges_slopes(self) -> bool:
        """Whether it is long enough for a slope per hour, or a drift, to mean something."""
        return self.duration_s >= 600
