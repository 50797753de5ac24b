"""What can alerts be about, and in which direction is it bad?

Every metric is judged in one way, its `kind`, wherever it stands in a rule; what a rule may say of
a metric (its scopes, the range of its thresholds, which side is worse) follows from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class ScopeKind(StrEnum):
    """What an alert may be about."""

    __hash__ = str.__hash__
    """Scopes are keys of large mappings, and what enumerations have is written in Python."""

    GLOBAL = "global"
    PROVIDER = "provider"
    MODEL = "model"
    AGENT = "agent"
    CAPABILITIES = "capabilities"
    CHANNEL = "channel"


class Scope(NamedTuple):
    """One thing that an alert is about: `id` is '' for everything, names joined by `+` for a set of
    capabilities, else the id of a model or agent or the name of a provider or channel.
    """

    kind: ScopeKind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" if self.id else "everything"


EVERYTHING = Scope(ScopeKind.GLOBAL)


class Kind(StrEnum):
    """How a metric is judged.

    `RATIO`: a share of attempts, by the end of its confidence interval. `QUANTILE`: p95 ≥ T is
    more than 5 % at or beyond T, so it is a ratio that is counted. `STREAK`: so many in a row, now.
    `BURST`: so many within a minute that are more than a share. `GAUGE`: a number as it is now.
    `ABSENCE`: the time since anything was last heard.
    """

    __hash__ = str.__hash__

    RATIO = "ratio"
    QUANTILE = "quantile"
    STREAK = "streak"
    BURST = "burst"
    GAUGE = "gauge"
    ABSENCE = "absence"


class Metric(NamedTuple):
    """Something that can be judged.

    Thresholds lie in [`least`, `most`]. `falling`: it is the worse the lower it is. `unit` is "s",
    "usd", "ratio" or "" for a count. `name` is what rules call it, `meaning` explains it to people.
    `well_unread`: of whom nothing is read, that is because nothing is wrong.
    """

    name: str
    kind: Kind
    unit: str
    scopes: frozenset[ScopeKind]
    least: float
    most: float
    meaning: str
    falling: bool = False
    well_unread: bool = False


_TRAFFIC = frozenset({ScopeKind.GLOBAL, ScopeKind.PROVIDER, ScopeKind.MODEL, ScopeKind.AGENT})
_GLOBAL = frozenset({ScopeKind.GLOBAL})
_MODEL = frozenset({ScopeKind.MODEL})
_AGENT = frozenset({ScopeKind.AGENT})
_DAY_S = 86_400.0
LONGEST_SILENCE_S = 3_600.0
"""Of whom nothing was heard for longer nothing is kept, so that no longer silence can be seen."""
_MANY = 1e12

_ALL = (
    Metric(
        "success_rate", Kind.RATIO, "ratio", _TRAFFIC, 0.0, 1.0,
        "share of complete answers among them and the failures that an endpoint is to blame for",
        falling=True,
    ),
    Metric(
        "wait_s", Kind.QUANTILE, "s", _TRAFFIC, 0.001, _DAY_S,
        "how long callers wait: to the first token of streams, to the end of plain answers",
    ),
    Metric(
        "faults_in_a_row", Kind.STREAK, "", _MODEL, 1, 10_000,
        "failures in a row that the endpoint is to blame for",
    ),
    Metric(
        "refusals_in_a_row", Kind.STREAK, "", _MODEL, 1, 10_000,
        "answers in a row that say that the key, the bill or the model's name is wrong",
    ),
    Metric(
        "fault_burst", Kind.BURST, "ratio", _TRAFFIC, 0.0, 1.0,
        "share of a minute's attempts that an endpoint spoilt, when there are enough of them",
    ),
    Metric(
        "silence_s", Kind.ABSENCE, "s", _TRAFFIC, 10.0, LONGEST_SILENCE_S,
        "time since the last attempt of who used to be heard",
    ),
    Metric(
        "eligible_models", Kind.GAUGE, "", frozenset({ScopeKind.CAPABILITIES}), 0, 10_000,
        "models that could serve a needed set of capabilities now",
        falling=True, well_unread=True,
    ),
    Metric(
        "moves_off_assigned", Kind.GAUGE, "", _AGENT, 1, 1_000_000,
        "requests of the last ten minutes that went elsewhere than to the agent's standing model",
        well_unread=True,
    ),
    Metric(
        "cost_per_success_usd", Kind.GAUGE, "usd", _TRAFFIC, 0.0, _MANY,
        "what one complete answer of the last half hour cost, failed attempts included",
    ),
    Metric(
        "cost_drift", Kind.GAUGE, "ratio", _TRAFFIC, 0.0, 1_000.0,
        "cost of one complete answer of the last half hour, as a multiple of what it was in a week",
    ),
    Metric(
        "spend_usd_per_h", Kind.GAUGE, "usd", _TRAFFIC, 0.0, _MANY,
        "known cost of the last half hour, as dollars an hour",
    ),
    Metric(
        "budget_used", Kind.GAUGE, "ratio", frozenset({ScopeKind.GLOBAL, ScopeKind.AGENT}),
        0.0, 1_000.0, "share of a budget that is spent",
    ),
    Metric(
        "budget_lasts_h", Kind.GAUGE, "", frozenset({ScopeKind.GLOBAL, ScopeKind.AGENT}),
        0.0, 10_000.0, "hours until a budget is spent if things go on as in the last half hour",
        falling=True,
    ),
    Metric(
        "unpriced_under_budget", Kind.GAUGE, "",
        frozenset({ScopeKind.GLOBAL, ScopeKind.AGENT, ScopeKind.MODEL}), 1, _MANY,
        "answers of the last half hour that count against a budget at an unknown cost",
        well_unread=True,
    ),
    Metric(
        "cache_hit_rate", Kind.GAUGE, "ratio", _TRAFFIC, 0.0, 1.0,
        "share of prompt tokens of the last 15 minutes that were read from a cache",
        falling=True,
    ),
    Metric(
        "cache_hits_kept", Kind.GAUGE, "ratio", _TRAFFIC, 0.0, 1_000.0,
        "cache hit rate of the last 15 minutes, as a share of what it was in a week",
        falling=True,
    ),
    Metric(
        "breaker_open_s", Kind.GAUGE, "s", _MODEL, 1.0, _DAY_S,
        "for how long a model's circuit breaker has not been closed",
        well_unread=True,
    ),
    Metric(
        "explored_share", Kind.GAUGE, "ratio", _GLOBAL, 0.0, 1.0,
        "share of the last thousand decisions that were spent on learning",
    ),
    Metric(
        "corrections", Kind.GAUGE, "", _MODEL, 1, 10_000,
        "corrections of a model's catalogue entry that are in force",
        well_unread=True,
    ),
    Metric(
        "utilisation", Kind.GAUGE, "ratio", _MODEL, 0.0, 100.0,
        "largest share of any of its limits that a model uses",
    ),
    Metric(
        "requests_in_flight", Kind.GAUGE, "", _GLOBAL | _MODEL, 1, 1_000_000,
        "calls under way",
    ),
    Metric(
        "unwritten_records", Kind.GAUGE, "", _GLOBAL, 1, 10_000_000,
        "records that wait to be stored",
    ),
    Metric(
        "store_failing_s", Kind.GAUGE, "s", _GLOBAL, 1.0, _DAY_S,
        "for how long the store has been unable to write",
    ),
)  # fmt: skip

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
"""By name."""
