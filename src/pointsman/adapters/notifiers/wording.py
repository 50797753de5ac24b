"""In which words are people told of alerts?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pointsman.adapters.notifiers.fitting import short
from pointsman.core.alert import Evidence
from pointsman.core.notification import AlertNotice, NoticeState, Notification

MAX_TITLE_CHARS = 140

_STATE_WORDS = {
    NoticeState.FIRING: "firing",
    NoticeState.ACKNOWLEDGED: "acknowledged",
    NoticeState.RESOLVED: "resolved",
}


def title(notification: Notification) -> str:
    """One line: how grave, in which state, and what it is about."""
    about = notification.alerts[0].summary
    if notification.total > 1:
        scope = ", ".join(f"{name}={value}" for name, value in notification.group_labels.items())
        about = f"{notification.total} alerts" + (f" ({scope})" if scope else "")
    return short(" ".join(f"{mark(notification)}: {about}".split()), MAX_TITLE_CHARS)


def mark(notification: Notification) -> str:
    """The word that decides whether somebody gets up: a severity, or that it is over."""
    if notification.state is NoticeState.FIRING:
        return notification.severity.name
    return notification.state.name


def state_words(alert: AlertNotice) -> str:
    """The state of an alert, and who has taken it."""
    words = _STATE_WORDS[alert.state]
    if alert.acknowledged_by and alert.state is not NoticeState.RESOLVED:
        words = f"acknowledged by {short(alert.acknowledged_by, 80)}"
    return f"{words}, flapping" if alert.flapping else words


def facts(alert: AlertNotice) -> Iterator[tuple[str, str]]:
    """What is worth knowing about an alert, as names and values."""
    yield "Severity", alert.severity.label
    yield "State", state_words(alert)
    yield "Rule", short(alert.rule, 200)
    scope = ", ".join(f"{name}={value}" for name, value in alert.labels.items())
    if scope:
        yield "Scope", short(scope, 300)
    yield "Evidence", evidence_words(alert.evidence)
    yield "Since", instant(alert.starts_at)
    if alert.ends_at is not None:
        yield "Until", instant(alert.ends_at)


def evidence_words(evidence: Evidence) -> str:
    """The figures that an alert is believed for."""
    metric, unit = short(evidence.metric, 80), evidence.unit
    words = f"{metric} {figure(evidence.value, unit)}"
    if evidence.bound != evidence.value:
        words += f" (bound {figure(evidence.bound, unit)})"
    words += f", threshold {figure(evidence.threshold, unit)}"
    if evidence.n:
        words += f", n={evidence.n}"
    return words + (f" in {span(evidence.window_s)}" if evidence.window_s else "")


def figure(value: float, unit: str) -> str:
    """A number with its unit, as people write it."""
    if unit == "ratio":
        return f"{100 * value:.4g} %"
    if unit == "usd":
        return f"${value:,.2f}"
    return f"{value:.4g} {unit}".strip()


def span(seconds: float) -> str:
    """A duration, in the largest unit that it is a whole number of."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def more_words(count: int) -> str:
    """That there are more than are told one by one."""
    return f"and {count:,} more alert{'s' if count != 1 else ''}; all are listed by GET /alerts"


def plain_text(notification: Notification, most: int) -> str:
    """The whole notification as text, at most so many alerts one by one."""
    lines = [title(notification), ""]
    for alert in notification.alerts[:most]:
        lines.append(alert.summary)
        lines += [f"  {name}: {value}" for name, value in facts(alert)]
        lines += [f"  {name}: {short(value, 500)}" for name, value in alert.annotations.items()]
        lines += [f"  {name}: {address}" for name, address in alert.links.items()]
        lines.append("")
    others = notification.total - min(most, len(notification.alerts))
    if others:
        lines += [more_words(others), ""]
    return "\n".join(lines)


def text_within(notification: Notification, *, most: int, max_chars: int) -> str:
    """The notification as text of at most `max_chars`, at least 80: of fewer alerts, then of few
    words. However many are left out is said.
    """
    count = min(most, len(notification.alerts))
    while count:
        text = plain_text(notification, count)
        if len(text) <= max_chars:
            return text
        count //= 2
    others = notification.total - 1
    ending = f"\n{more_words(others)}" if others else ""
    return short(title(notification), max_chars - len(ending)) + ending
