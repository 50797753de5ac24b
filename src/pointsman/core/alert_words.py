"""By which names does an alert go, and how is it told in words?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pointsman.core.alert import AlertType
from pointsman.core.alert_conditions import Figures
from pointsman.core.alert_log import Alert
from pointsman.core.alert_metrics import METRICS, ScopeKind
from pointsman.core.alert_rules import Rule

MAX_CHARS = 500


def labels_of(alert: Alert, rule: Rule | None) -> dict[str, str]:
    """What it is about, and what its rule adds; what matchers see besides is in `all_labels`."""
    labels = dict(rule.labels) if rule is not None else {}
    scope = alert.scope
    if scope.kind is ScopeKind.MODEL:
        labels["provider"] = scope.id.partition("/")[0]
    if scope.id:
        labels[scope.kind.value] = scope.id
    return labels


def all_labels(alert: Alert, rule: Rule | None) -> dict[str, str]:
    """Everything that silences, routes and groups may ask for, as Prometheus calls it."""
    return {
        **labels_of(alert, rule),
        "alertname": alert.rule,
        "alert_type": alert.type.value,
        "severity": alert.severity.label,
        "scope": alert.scope.kind.value,
    }


def summary(alert: Alert, rule: Rule | None) -> str:
    """One line for people: what is wrong with whom, and how far."""
    words = rule.summary if rule is not None and rule.summary else _TITLES[alert.type]
    line = f"{alert.scope}: {words} ({evidence_words(alert.figures)})"
    return line.replace("\n", " ")[:MAX_CHARS]


def evidence_words(figures: Figures) -> str:
    """The figures, and how sure they are, in words."""
    show = _SHOWN[figures.unit]
    line = f"{figures.metric} {show(figures.value)}, limit {show(figures.threshold)}"
    if figures.bound != figures.value:
        line += f", beyond doubt {show(figures.bound)}"
    if figures.n > 1:
        line += f", of {figures.n}"
    if figures.window_s > 0:
        line += f" in {_duration(figures.window_s)}"
    return f"{line}; {figures.note}" if figures.note else line


def explanation(alert: Alert, rule: Rule | None) -> str:
    """Why it fired: what was measured, how it was judged, and for how long it has to be over."""
    figures = alert.figures
    metric = METRICS.get(figures.metric)
    meaning = f" ({metric.meaning})" if metric is not None else ""
    parts = [f"{evidence_words(figures)}{meaning}."]
    if figures.bound != figures.value:
        parts.append(
            "The bound is the end of the confidence interval that speaks for it: even that is "
            "beyond the limit, and so was the last minute."
        )
    if rule is not None:
        if rule.for_s > 0:
            parts.append(f"It has to last {_duration(rule.for_s)} before it fires.")
        parts.append(f"It is resolved when it was over for {_duration(rule.keep_firing_for_s)}.")
    return " ".join(parts)


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and not seconds % size:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"


def _plain(value: float, digits: int) -> str:
    """With so many digits, or all before the point: nobody who is woken reads 1.8e+03."""
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


_SHOWN: Mapping[str, Callable[[float], str]] = MappingProxyType(
    {
        "ratio": lambda value: f"{_plain(100 * value, 3)} %",
        "s": lambda value: f"{_plain(value, 3)} s",
        "usd": lambda value: f"${_plain(value, 4)}",
        "": lambda value: _plain(value, 6),
    }
)

_TITLES: Mapping[AlertType, str] = MappingProxyType(
    {
        AlertType.HIGH_LATENCY: "callers wait too long",
        AlertType.LOW_SUCCESS_RATE: "too few requests succeed",
        AlertType.MODEL_FAILURE: "the model fails",
        AlertType.RAPID_FAILURES: "many failures within a minute",
        AlertType.NO_MODELS_AVAILABLE: "too few models can serve this",
        AlertType.THRESHOLD_BREACH: "beyond its limit",
    }
)
