"""What does Prometheus see of alerts, and of how watching itself goes?"""

from __future__ import annotations

from collections import Counter

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pointsman.adapters.metrics.families import Part
from pointsman.core.alert import Severity
from pointsman.core.alert_silences import SilenceState
from pointsman.engine.alert_desk import Desk


def alerted(desk: Desk) -> Part:
    """Open alerts by severity, and whether anybody still looks."""
    counted = Counter(each.severity for each in desk.alerts.log.all() if each.is_open)
    family = GaugeMetricFamily(
        "pointsman_alerts", "Alerts that are open, by severity.", labels=["severity"]
    )
    for severity in Severity:
        family.add_metric([severity.label], counted[severity])
    yield family
    yield None
    looks, keeping = desk.watch.looks, desk.keeping
    now = desk.now().at
    lasting = sum(each.state(now) is SilenceState.ACTIVE for each in desk.silences())
    gauges = {
        "pointsman_alert_last_look_timestamp_seconds": (
            "When the gateway last looked at itself, in seconds since 1970; 0: never.",
            0.0 if looks.last_at is None else looks.last_at.timestamp(),
        ),
        "pointsman_alert_last_look_seconds": ("How long that look took.", looks.last_s),
        "pointsman_alert_series": ("Scopes that are counted for alerts.", desk.watch.series),
        "pointsman_alert_silences": ("Silences that last.", lasting),
        "pointsman_alert_unkept": (
            "Alerts, lines of their history and notifications that wait for a store that fails.",
            keeping.waiting,
        ),
    }
    for name, (words, value) in gauges.items():
        yield GaugeMetricFamily(name, words, value=value)
    counters = {
        "pointsman_alert_looks_total": ("Looks taken.", looks.taken),
        "pointsman_alert_notifications_total": (
            "Notifications made, one for each group and channel.",
            looks.notifications,
        ),
        "pointsman_alert_store_failures_total": (
            "Times that alerts could not be kept.",
            keeping.failed,
        ),
        "pointsman_alert_lost_total": (
            "Lines of history and notifications that could not wait any longer.",
            keeping.lost,
        ),
    }
    for name, (words, value) in counters.items():
        yield CounterMetricFamily(name, words, value=value)
