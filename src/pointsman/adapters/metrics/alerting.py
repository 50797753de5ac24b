"""What does Prometheus see of alerts, and of how watching itself goes?"""

from __future__ import annotations

from collections import Counter
from itertools import product

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pointsman.adapters.metrics.families import Part, counter, histogram
from pointsman.core.alert import Severity
from pointsman.core.alert_log import State
from pointsman.core.alert_silences import SilenceState
from pointsman.core.outbox import RowState
from pointsman.engine.alert_desk import Desk
from pointsman.engine.notify import Deliverer

ALERTMANAGER_VERSION = "0.27.0"

_LIVE = (State.PENDING, State.FIRING, State.RECOVERING)


def alerted(desk: Desk) -> Part:
    """Alerts by severity and state, and whether anybody still looks."""
    counted = Counter((each.severity, each.state) for each in desk.alerts.log.all())
    family = GaugeMetricFamily(
        "pointsman_alerts", "Alerts, by severity and state.", labels=["severity", "state"]
    )
    for severity, state in product(Severity, _LIVE):
        family.add_metric([severity.label, state.value], counted[severity, state])
    yield family
    yield None
    looks, keeping = desk.watch.looks, desk.keeping
    now = desk.now().at
    lasting = sum(each.state(now) is SilenceState.ACTIVE for each in desk.silences())
    gauges = {
        "pointsman_alert_last_look_timestamp_seconds": (
            "When the gateway last looked, or knew that another does, in seconds since 1970.",
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
        "pointsman_alert_looking_seconds_total": ("How long all looks took.", looks.spent_s),
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


def known_as() -> Part:
    """The Alertmanager whose API is spoken: tools ask here, and one of them dies of no answer."""
    family = GaugeMetricFamily(
        "alertmanager_build_info",
        "The version of Alertmanager whose API is spoken.",
        labels=["version"],
    )
    family.add_metric([ALERTMANAGER_VERSION], 1)
    yield family


def delivered(deliverer: Deliverer) -> Part:
    """What became of what was to be told, by channel."""
    senders = deliverer.senders.items()
    yield from counter(
        "pointsman_alert_notifications_delivered_total",
        "Notifications that their receiver has.",
        "channel",
        [(name, sender.delivered) for name, sender in senders],
    )
    yield from counter(
        "pointsman_alert_notification_failures_total",
        "Attempts to deliver a notification that failed.",
        "channel",
        [(name, sender.failed) for name, sender in senders],
    )
    yield from counter(
        "pointsman_alert_notifications_dead_total",
        "Notifications that were given up.",
        "channel",
        [(name, sender.dead) for name, sender in senders],
    )
    yield from counter(
        "pointsman_alert_notifications_merged_total",
        "Notifications that were told in a message made of several.",
        "channel",
        [(name, sender.merged) for name, sender in senders],
    )
    yield from histogram(
        "pointsman_alert_notification_delivery_seconds",
        "From when a notification was made until its receiver had it.",
        [(name, sender.took) for name, sender in senders],
        "channel",
    )
    depths = GaugeMetricFamily(
        "pointsman_alert_notifications_kept",
        "Notifications that wait to be delivered, or were given up and can be sent again.",
        labels=["channel", "state"],
    )
    for name, state in product(deliverer.senders, (RowState.PENDING, RowState.DEAD)):
        depths.add_metric([name, state.value], deliverer.depths.get((name, state), 0))
    yield depths
