"""What is an alert, in the words that rules, history and channels share?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """How much an alert matters; they compare. A name in capitals is for the API."""

    __hash__ = int.__hash__
    """They are keys where alerts are grouped, and what enumerations have is written in Python."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The name in small letters, as labels and configuration have it."""
        return self.name.lower()


class AlertType(StrEnum):
    """What kind of trouble an alert tells of."""

    __hash__ = str.__hash__

    HIGH_LATENCY = "HIGH_LATENCY"
    LOW_SUCCESS_RATE = "LOW_SUCCESS_RATE"
    MODEL_FAILURE = "MODEL_FAILURE"
    RAPID_FAILURES = "RAPID_FAILURES"
    NO_MODELS_AVAILABLE = "NO_MODELS_AVAILABLE"
    THRESHOLD_BREACH = "THRESHOLD_BREACH"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alert is believed for.

    `value` was measured of `metric` over `window_s` seconds from `n` observations; `bound` is the
    end of its confidence interval that was held against `threshold`, and `value` itself where
    nothing had to be estimated. `unit` is that of all three: "s", "usd", "ratio" in [0, 1], or ""
    for a count.
    """

    metric: str
    value: float
    bound: float
    threshold: float
    n: int
    window_s: float
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.metric:
            raise ValueError("evidence names its metric")
        if not math.isfinite(self.value + self.bound + self.threshold + self.window_s):
            raise ValueError(f"evidence of {self.metric} must be finite numbers")
        if self.n < 0 or self.window_s < 0:
            raise ValueError(f"evidence of {self.metric} has n >= 0 and window_s >= 0")
