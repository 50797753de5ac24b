"""What is an alert rule, and what makes one invalid?

A rule holds one or more conditions; each is a metric with a ladder: which threshold means which
severity. A breach of any of them raises one alert per scope, at the gravest severity that is
breached. Every mistake is found at once, with its place, what stands there and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from math import isfinite

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_metrics import LONGEST_SILENCE_S, METRICS, Kind, Metric, Scope, ScopeKind
from pointsman.core.errors import Problem

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
MAX_WORDS = 500
RESERVED = frozenset({"alertname", "alert_type", "severity", "scope", *ScopeKind})
"""Labels that every alert has by itself, so that no rule can add them."""
LONGEST_S = 86_400.0
MOST_FACTOR = 1_000.0
MOST_LINES = 100
"""So many different limits of waits are counted: each is a number more in all that is remembered of
each model and agent."""


class NoData(StrEnum):
    """What becomes of an alert when nothing is measured any more.

    `KEEP`: it stays as it is, for an hour at most. `RESOLVE`: it counts as well. `FIRE`: nothing
    measured is as bad as the least severity.
    """

    KEEP = "keep"
    RESOLVE = "resolve"
    FIRE = "fire"


@dataclass(frozen=True, slots=True)
class Condition:
    """A metric and its ladder.

    `ladder` maps severities to thresholds of the metric: at the threshold or worse is a breach,
    but a ratio has to be worse beyond doubt (`core/alert_conditions.py`). With `relative` they are
    multiples of what is usual for the scope: its median of seven days.

    `least` observations are needed before a ratio or quantile is judged, `count` failures within a
    minute before a burst is one. `quantile` in (0, 1) is the one that a quantile's threshold is of.
    `clear` in (0, 1] is how far back a breached metric must come before it counts as well again:
    at 0.9 to nine tenths of what the threshold allows.
    """

    metric: str
    ladder: Mapping[Severity, float]
    relative: bool = False
    least: int = 20
    count: int = 5
    quantile: float = 0.95
    clear: float = 0.9
    rungs: tuple[tuple[Severity, float], ...] = field(init=False, repr=False, compare=False)
    """The ladder from the gravest down; of a ratio, what may fail rather than what must succeed."""
    about: Metric = field(init=False, repr=False, compare=False)
    """What the table says of the metric; not there for one that is in no table."""

    def __post_init__(self) -> None:
        # Worked out once: conditions are looked at ten thousand times a look.
        rungs = sorted(self.ladder.items(), reverse=True)
        metric = METRICS.get(self.metric)
        if metric is not None:
            object.__setattr__(self, "about", metric)
            if metric.kind is Kind.RATIO:
                rungs = [(severity, 1.0 - least) for severity, least in rungs]
        object.__setattr__(self, "rungs", tuple(rungs))


@dataclass(frozen=True, slots=True)
class Rule:
    """When somebody is told, about what, and how long it has to last.

    `only` narrows the scopes: label → the ids that are meant; empty: all. A breach must last for
    `for_s` before it fires and be over for `keep_firing_for_s` before it is resolved; one alert is
    told again at one severity after `cooldown_s` at the soonest. `labels` are added to those of the
    scope, `runbook` is an address.
    """

    name: str
    type: AlertType
    scopes: frozenset[ScopeKind]
    conditions: tuple[Condition, ...]
    for_s: float = 0.0
    keep_firing_for_s: float = 300.0
    cooldown_s: float = 300.0
    no_data: NoData = NoData.KEEP
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    runbook: str = ""
    enabled: bool = True

    def concerns(self, scope: Scope) -> bool:
        """Whether the rule looks at this scope at all."""
        if scope.kind not in self.scopes:
            return False
        return not self.only or scope.id in self.only.get(scope.kind, ())

    @property
    def least_severity(self) -> Severity:
        return min(severity for each in self.conditions for severity in each.ladder)

    @property
    def gravest(self) -> Severity:
        return max(severity for each in self.conditions for severity in each.ladder)


def problems(rule: Rule, path: str) -> list[Problem]:
    """Everything that is wrong with a rule that stands at `path`; empty when it is sound."""
    return [*_rule_problems(rule, path), *_scope_problems(rule, path), *_all_ladders(rule, path)]


def _rule_problems(rule: Rule, path: str) -> Iterator[Problem]:
    if not NAME.match(rule.name):
        remedy = "small letters, digits, `_` and `-`, a letter first, 63 characters at most"
        yield Problem(path, "this is no name of a rule", remedy, repr(rule.name))
    if not rule.conditions:
        yield Problem(f"{path}.when", "a rule without a condition never fires", "name a metric")
    for name in ("for_s", "keep_firing_for_s", "cooldown_s"):
        value = getattr(rule, name)
        if not 0.0 <= value <= LONGEST_S:
            yield Problem(f"{path}.{name}", "not a duration", "0 to 86400 seconds", f"{value:g}")
    for name in sorted(rule.labels.keys() & RESERVED):
        words = "alerts have this label by themselves, so it would never be seen"
        yield Problem(f"{path}.labels.{name}", words, "another name, as in `team`", name)
    for name in ("summary", "runbook"):
        words = getattr(rule, name)
        if len(words) > MAX_WORDS or "\n" in words:
            remedy = f"one line of at most {MAX_WORDS} characters"
            yield Problem(f"{path}.{name}", "too long", remedy, f"{len(words)} characters")


def _scope_problems(rule: Rule, path: str) -> Iterator[Problem]:
    if not rule.scopes:
        yield Problem(f"{path}.scope", "a rule about nothing never fires", "name a scope")
    for condition in rule.conditions:
        metric = METRICS.get(condition.metric)
        unknown = sorted(rule.scopes - metric.scopes) if metric else []
        if metric and unknown:
            known = ", ".join(sorted(metric.scopes))
            words = f"{metric.name} is not measured of each {unknown[0]}"
            yield Problem(f"{path}.scope", words, f"one or more of: {known}", ", ".join(unknown))
    for label, ids in rule.only.items():
        if label not in rule.scopes:
            known = ", ".join(sorted(rule.scopes))
            words = "narrows a scope that the rule does not have"
            yield Problem(f"{path}.only.{label}", words, f"one of: {known}", label)
        elif not ids:
            words = "names nobody, so the rule would never fire"
            yield Problem(f"{path}.only.{label}", words, "name at least one, or leave it out")


def _all_ladders(rule: Rule, path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, condition in enumerate(rule.conditions):
        where = f"{path}.when[{place}]"
        metric = METRICS.get(condition.metric)
        if metric is None:
            known = ", ".join(METRICS)
            yield Problem(f"{where}.metric", "no such metric", f"one of: {known}", condition.metric)
            continue
        if condition.metric in seen:
            words = "stands twice in one rule"
            yield Problem(f"{where}.metric", words, "one ladder for each metric", condition.metric)
        seen.add(condition.metric)
        yield from _condition_problems(condition, metric, where)
        if metric.kind is Kind.ABSENCE:
            yield from _silence_problems(rule, condition, where)


def _silence_problems(rule: Rule, condition: Condition, where: str) -> Iterator[Problem]:
    """Who is silent for long is forgotten, so a silence that has to last longer is never seen."""
    for severity, threshold in condition.ladder.items():
        if threshold <= LONGEST_SILENCE_S < threshold + rule.for_s:
            words = f"with for_s {rule.for_s:g} it never fires: after an hour of silence who is "
            words += "silent is forgotten"
            remedy = f"at most {LONGEST_SILENCE_S:g} seconds together with for_s"
            yield Problem(f"{where}.ladder.{severity.label}", words, remedy, f"{threshold:g}")


def _condition_problems(condition: Condition, metric: Metric, where: str) -> Iterator[Problem]:
    if not condition.ladder:
        words = "a ladder without a rung never fires"
        yield Problem(f"{where}.ladder", words, "name a severity and its threshold")
    least, most = (0.0, MOST_FACTOR) if condition.relative else (metric.least, metric.most)
    for severity, threshold in condition.ladder.items():
        if not (isfinite(threshold) and least <= threshold <= most):
            place = f"{where}.ladder.{severity.label}"
            yield Problem(place, "out of range", f"{least:g} to {most:g}", f"{threshold:g}")
    yield from _order_problems(condition, metric, f"{where}.ladder")
    if condition.relative and metric.kind is not Kind.QUANTILE:
        words = f"what is usual is not known of {metric.name}"
        yield Problem(f"{where}.relative", words, "leave it out; wait_s can be relative", "true")
    for name, low, high in (("least", 1, 1_000_000), ("count", 1, 1_000_000)):
        value = getattr(condition, name)
        if not low <= value <= high:
            yield Problem(f"{where}.{name}", "out of range", f"{low} to {high}", f"{value}")
    if not 0.0 < condition.quantile < 1.0:
        remedy = "above 0 and below 1, as in 0.95"
        yield Problem(f"{where}.quantile", "no quantile", remedy, f"{condition.quantile:g}")
    if not 0.0 < condition.clear <= 1.0:
        remedy = "above 0, at most 1"
        yield Problem(f"{where}.clear", "no share", remedy, f"{condition.clear:g}")


def _order_problems(condition: Condition, metric: Metric, where: str) -> Iterator[Problem]:
    """A graver severity must be harder to reach, else the lesser one could never be seen."""
    for (mild, low), (grave, high) in pairwise(sorted(condition.ladder.items())):
        if (high < low) if not metric.falling else (high > low):
            side = "below" if metric.falling else "above"
            words = f"{grave.label} is reached before {mild.label}"
            remedy = f"{metric.name} is the worse the {'lower' if metric.falling else 'higher'}: "
            remedy += f"put {grave.label} at or {side} {low:g}"
            yield Problem(f"{where}.{grave.label}", words, remedy, f"{high:g}")


def lines(rules: Iterable[Rule]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The waits whose reaching has to be counted: in seconds, and in multiples of the usual."""
    absolute: set[float] = set()
    relative: set[float] = set()
    for rule in rules:
        for condition in rule.conditions:
            if condition.about.kind is Kind.QUANTILE:
                (relative if condition.relative else absolute).update(condition.ladder.values())
    return tuple(sorted(absolute)), tuple(sorted(relative))


def too_many_lines(rules: Iterable[Rule]) -> str:
    """Why these rules together cost too much to be judged; '' where they do not."""
    count = sum(map(len, lines(rule for rule in rules if rule.enabled)))
    if count <= MOST_LINES:
        return ""
    words = f"all rules together hold waits against {count} different limits"
    return f"{words}, and {MOST_LINES} are counted at most: use the same ones in several rules"
