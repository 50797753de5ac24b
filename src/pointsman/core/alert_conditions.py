"""Is this condition breached for this scope, how badly, and on what evidence?

One function for each kind of metric. A naive "success < 95 %" over a minute tells of chance: at
three requests a minute a sound service of 97 % is below it nine times an hour. So a share is a
breach when even the end of its confidence interval that speaks for it is beyond the threshold
(Wilson 1927), over the first of 5, 15 and 30 minutes that holds enough attempts, and the last
minute is beyond it too, so that nobody is woken for what has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.alert import Evidence, Severity
from pointsman.core.alert_counts import ATTEMPTS, FAULTS, JUDGED, MINUTE_S, WAITS, Counts, Series
from pointsman.core.alert_metrics import Kind, Metric, Scope
from pointsman.core.alert_rules import Condition

WINDOWS_S = (300.0, 900.0, 1_800.0)
"""The first that holds enough attempts is judged."""

Z = (0.0, 2.576, 2.576, 3.291, 3.291)
"""By severity, how many standard deviations are beyond doubt: 99 %, and 99.9 % where somebody is
woken. There is a look every few seconds, so 95 % is wrong many times a day."""


class Reading(NamedTuple):
    """A gauge as it is now. `n` observations over `window_s` seconds stand behind it.

    `note` says in words what it came from, where that helps.
    """

    value: float
    n: int = 1
    window_s: float = 0.0
    note: str = ""


class Figures(NamedTuple):
    """Evidence, before it is told to anybody; see `core/alert.py`."""

    metric: str
    value: float
    bound: float
    threshold: float
    n: int
    window_s: float
    unit: str
    note: str = ""

    def evidence(self) -> Evidence:
        return Evidence(*self[:7])


class Finding(NamedTuple):
    """What looking at a condition, or at all of a rule, came to.

    `severity` is the gravest that is breached, None when none is. `held`: none is, but the metric
    has not come back as far as it must to count as well. `known`: anything was measured. `figures`
    are None where they were not asked for, or nothing is known.
    """

    severity: Severity | None = None
    held: bool = False
    figures: Figures | None = None
    known: bool = True


WELL = Finding()
UNKNOWN = Finding(known=False)


@dataclass(slots=True)
class Look:
    """One look at one scope: the instant, all counts, those of the scope, its gauges.

    `wanted`: figures are wanted also of what is well, since an alert is open. Who looks at many
    scopes turns the same look from one to the next.
    """

    at_s: float
    counts: Counts
    scope: Scope
    series: Series | None
    gauges: Mapping[str, Reading]
    wanted: bool = False


_made = tuple.__new__
"""What is made ten thousand times a look; the constructor that tuples with names have is written in
Python and takes thrice as long."""


def beyond_doubt(k: float, n: float, z: float) -> float:
    """The lower end in [0, 1] of the interval of a share that was seen `k` times of `n` > 0.

    Wilson's score interval (1927), `z` standard deviations to each side.
    """
    half = z * z / 2.0
    low = (k + half - z * sqrt(k * (n - k) / n + half / 2.0)) / (n + 2.0 * half)
    return max(0.0, low)


def finding(condition: Condition, look: Look) -> Finding:
    """What this condition says of this scope now."""
    return _JUDGES[condition.about[1]](condition, look)


def judge(conditions: Sequence[Condition]) -> Callable[[Look], Finding]:
    """What says what all conditions of a rule come to; to be asked of many scopes."""
    if len(conditions) == 1:
        return partial(_JUDGES[conditions[0].about.kind], conditions[0])
    return partial(worst, conditions)


def worst(conditions: Sequence[Condition], look: Look) -> Finding:
    """What all conditions of a rule say together: the gravest breach, else what still holds it."""
    found = finding(conditions[0], look)
    for condition in conditions[1:]:
        each = finding(condition, look)
        if _gravity(each) > _gravity(found):
            found = each
    return found


def _gravity(found: Finding) -> tuple[int, bool, bool]:
    return found.severity or 0, found.held, found.known


def _ratio(condition: Condition, look: Look) -> Finding:
    """Too many failures. Thresholds are of successes, so what they allow is the rest."""
    series = look.series
    if series is None:
        return UNKNOWN
    last = series.since(look.at_s, MINUTE_S) or _NOTHING_YET
    if not look.wanted and series.totals[FAULTS] == last[FAULTS]:
        return WELL
    share = _share(series, look.at_s, (FAULTS, JUDGED), condition.least, last)
    if share is None:
        return UNKNOWN
    severity, held, low, most = _beyond(share, condition, condition.rungs)
    # What was judged is the failures; what rules and people speak of is the rest.
    k, n, window_s, _, _ = share
    value, bound, allowed = 1.0 - k / n, 1.0 - low, 1.0 - most
    figures = _made(
        Figures, (condition.metric, value, bound, allowed, int(n), window_s, "ratio", "")
    )
    return _made(Finding, (severity, held, figures, True))


def _quantile(condition: Condition, look: Look) -> Finding:
    """Too many waits that reached the line: more than the quantile leaves beyond itself."""
    if look.series is None:
        return UNKNOWN
    column_of = look.counts.factor if condition.relative else look.counts.line
    found = UNKNOWN if look.wanted else WELL
    for severity, line in condition.rungs:
        column = column_of(line)
        if not (look.wanted or look.series.count(look.at_s, MINUTE_S, column)):
            continue
        last = look.series.since(look.at_s, MINUTE_S) or [0] * len(look.series.totals)
        share = _share(look.series, look.at_s, (column, WAITS), condition.least, last)
        if share is None:
            return UNKNOWN
        allowed = 1.0 - condition.quantile
        reached, held, low, most = _beyond(share, condition, ((severity, allowed),))
        sort = "times the usual" if condition.relative else "s"
        words = f"share of waits at or beyond {line:g} {sort}"
        found = Finding(reached, held, _of_share(words, share, low, most))
        if reached is not None or held:
            return found
    return found


_Share = tuple[float, float, float, float, float]
"""How many were bad of how many, over how long a window, and how many of how many in the last
minute: plain, since one is made for each of ten thousand series."""


_NOTHING_YET: Sequence[float] = (0,) * (1 + max(FAULTS, JUDGED))


def _share(
    series: Series, at_s: float, columns: tuple[int, int], least: int, last: Sequence[float]
) -> _Share | None:
    """Of the bad ones and all, over the first window that holds enough; None when none does.

    `last` is what was counted before the last minute.
    """
    totals, (bad, all_) = series.totals, columns
    for window_s in WINDOWS_S:
        before = series.since(at_s, window_s)
        n = totals[all_] - (before[all_] if before is not None else 0)
        if n >= least:
            k = totals[bad] - (before[bad] if before is not None else 0)
            return k, n, window_s, totals[bad] - last[bad], totals[all_] - last[all_]
    return None


def _beyond(
    share: _Share, condition: Condition, allowed: Iterable[tuple[Severity, float]]
) -> tuple[Severity | None, bool, float, float]:
    """Whether the share is beyond doubt, and still, more than is allowed; the gravest first.

    With it the bound that was held against what is allowed, and that.
    """
    k, n, _, last_k, last_n = share
    low = most = z = 0.0
    for severity, most in allowed:
        its_z = Z[severity]
        if z != its_z:
            z = its_z
            low = beyond_doubt(k, n, z)
        if low > most and last_k > most * last_n:
            return severity, False, low, most
    line = most * condition.clear
    return None, low > line and last_k > line * last_n, low, most


def _of_share(metric: str, share: _Share, low: float, most: float) -> Figures:
    k, n, window_s, _, _ = share
    return Figures(metric, k / n, low, most, int(n), window_s, "ratio")


def _streak(condition: Condition, look: Look) -> Finding:
    """So many in a row at this moment: a row that has ended already is no trouble any more."""
    counted = look.counts
    of = {
        "faults_in_a_row": counted.faults_in_a_row,
        "refusals_in_a_row": counted.refusals_in_a_row,
    }[condition.metric]
    if look.series is None:
        return UNKNOWN
    length = of(look.scope.id)
    return _against(condition, Reading(length, length)) if length or look.wanted else WELL


def _burst(condition: Condition, look: Look) -> Finding:
    """Enough failures within a minute, and they are more than a share beyond doubt."""
    if look.series is None:
        return UNKNOWN
    k = look.series.count(look.at_s, MINUTE_S, FAULTS)
    n = look.series.count(look.at_s, MINUTE_S, JUDGED)
    if not n or (k < condition.count and not look.wanted):
        return WELL if n or not look.wanted else UNKNOWN
    share = k, n, MINUTE_S, k, n
    severity, held, low, most = _beyond(share, condition, condition.rungs)
    if k < condition.count:
        severity, held = None, False
    return Finding(severity, held, _of_share(condition.metric, share, low, most))


def _gauge(condition: Condition, look: Look) -> Finding:
    reading = look.gauges.get(condition.metric)
    if reading is None:
        return WELL if condition.about.well_unread else UNKNOWN
    return _against(condition, reading)


def _absence(condition: Condition, look: Look) -> Finding:
    """Nothing heard for so long of who used to be heard: a few attempts are no habit."""
    series = look.series
    if series is None or series.totals[ATTEMPTS] < condition.least:
        return UNKNOWN
    silent_s = max(0.0, look.at_s - series.heard_s)
    return _against(condition, Reading(silent_s, 0, silent_s))


def _against(condition: Condition, reading: Reading) -> Finding:
    """A number against the ladder. At the threshold is beyond it."""
    metric, value = condition.about, reading.value
    sign = -1.0 if metric.falling else 1.0
    back = 1.0 / condition.clear if metric.falling else condition.clear
    threshold = 0.0
    for severity, threshold in condition.rungs:
        if sign * value >= sign * threshold:
            return Finding(severity, False, _figures(metric, reading, threshold))
    held = sign * value > sign * threshold * back
    return Finding(None, held, _figures(metric, reading, threshold))


def _figures(metric: Metric, reading: Reading, threshold: float) -> Figures:
    value, n, window_s, note = reading
    return Figures(metric.name, value, value, threshold, n, window_s, metric.unit, note)


_JUDGES: Mapping[Kind, Callable[[Condition, Look], Finding]] = MappingProxyType(
    {
        Kind.RATIO: _ratio,
        Kind.QUANTILE: _quantile,
        Kind.STREAK: _streak,
        Kind.BURST: _burst,
        Kind.GAUGE: _gauge,
        Kind.ABSENCE: _absence,
    }
)
