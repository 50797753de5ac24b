"""Which alerts are there without a rule of one's own, and what can rules be about?"""

from __future__ import annotations

from collections.abc import Mapping

from from_code.table import code, table
from pointsman.core import alert_words
from pointsman.core.alert import AlertType
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_metrics import METRICS, Kind, Metric
from pointsman.core.alert_rules import Condition, Rule

FIRST: Mapping[str, str] = {
    "high_latency": "is it one model? Its page says since when; `pointsman drain` leaves it alone. "
    "Whole answers of large models are slow by nature: give the rule thresholds of your own",
    "low_success_rate": "`pointsman explain --last --agent ID`: who is to blame, and was another "
    "model tried? `GET …/decisions?success=false` lists them",
    "model_failure": "`pointsman check FILE --probe`: are address, key and name right? A refusal "
    "means the key, the bill or the name",
    "rapid_failures": "one model or a whole provider? Its status page; traffic has moved on where "
    "another model can serve",
    "no_models_available": "`GET …/models`: who rests or is drained, and until when? Add a model "
    "with these capabilities, or put one back",
    "moved_off_assigned": "`pointsman assign --live --explain AGENT`: is its model in trouble or "
    "full? Then a new plan",
    "unpriced_under_budget": "declare `price` for the model that the alert or the decisions name",
    "budget_ends_soon": "who spends: *Analytics* by agent; then `assignment.budget_usd_per_day`, "
    "weights that count cost for more, or a larger budget",
    "cost_drifts": "another model than usual, longer answers, or a new price? *Analytics* by model",
    "cache_collapsed": "has the beginning of the prompts changed, or do sessions move? "
    "`x-session-id` keeps them where their prompt is cached",
    "breaker_open": "its last failures: `GET …/decisions?model_id=ID&success=false`; it is tried "
    "again by itself",
    "explores_too_much": "a defect of ours, since the share is bounded: please report it",
    "catalogue_corrected": "`sources` of `GET …/models/ID` tells what; declare it so, or wait: it "
    "is forgotten after an hour",
    "store_failing": "is the disk full, is the database there? `/readyz` and the log say why; "
    "requests are served meanwhile",
}
"""What somebody who is woken looks at first. A shipped rule without an entry is a mistake."""

HOW: Mapping[Kind, str] = {
    Kind.RATIO: "a share, beyond doubt",
    Kind.QUANTILE: "a share of waits, beyond doubt",
    Kind.STREAK: "so many in a row",
    Kind.BURST: "so many within a minute",
    Kind.GAUGE: "as it is now",
    Kind.ABSENCE: "silence",
}


def types() -> str:
    lines = [(code(type_), _title(type_), ", ".join(_names(type_))) for type_ in AlertType]
    return table(("type", "tells that", "shipped rules"), lines)


def _title(type_: AlertType) -> str:
    return alert_words._TITLES[type_]  # noqa: SLF001 - the page shows what a message says


def _names(type_: AlertType) -> list[str]:
    return [code(rule.name) for rule in DEFAULT_RULES.values() if rule.type is type_]


def rules() -> str:
    head = ("rule", "about each", "fires", "lasts, is over for", "look first")
    return table(head, [_rule(rule) for rule in DEFAULT_RULES.values()])


def _rule(rule: Rule) -> tuple[str, ...]:
    scopes = ", ".join(sorted("everything" if s == "global" else s for s in rule.scopes))
    fires = "; ".join(map(_condition, rule.conditions))
    lasts = f"{rule.for_s:g} s, {rule.keep_firing_for_s:g} s"
    return code(rule.name), scopes, fires, lasts, FIRST[rule.name]


def _condition(condition: Condition) -> str:
    metric = condition.about
    sign = "≤" if metric.falling else "≥"
    if metric.kind is Kind.RATIO:
        sign = "<" if metric.falling else ">"
    ladder = sorted(condition.ladder.items())
    steps = ", ".join(f"{severity.label} {sign} {_shown(metric, t)}" for severity, t in ladder)
    usual = " times what is usual" if condition.relative else ""
    return f"{code(metric.name)}{_which(condition)}: {steps}{usual}"


def _which(condition: Condition) -> str:
    kind = condition.about.kind
    if kind is Kind.QUANTILE:
        return f" p{100 * condition.quantile:g}, of {condition.least}"
    if kind is Kind.RATIO:
        return f" of {condition.least}"
    return f" of {condition.count} failures" if kind is Kind.BURST else ""


def _shown(metric: Metric, value: float) -> str:
    return alert_words._SHOWN[metric.unit](value)  # noqa: SLF001 - as a message shows it


def metrics() -> str:
    head = ("metric", "is", "judged as", "worse", "thresholds", "about each")
    return table(head, [_metric(metric) for metric in METRICS.values()])


def _metric(metric: Metric) -> tuple[str, ...]:
    scopes = ", ".join(sorted("everything" if s == "global" else s for s in metric.scopes))
    unit = {"": "", "ratio": "", "usd": " USD"}.get(metric.unit, f" {metric.unit}")
    span = f"{metric.least:g} to {metric.most:g}{unit}"
    worse = "falling" if metric.falling else "rising"
    return code(metric.name), metric.meaning, HOW[metric.kind], worse, span, scopes
