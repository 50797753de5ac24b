"""What is a channel told, and under which key?

These values stand between judging and delivering. Judging groups alerts and makes a `Notification`
per group and channel; it is kept as a row of the outbox in the same transaction as the transitions
that it tells of. Delivering sends it, as often as needed, under the same id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pointsman.core.alert import AlertType, Evidence, Severity

MAX_ID_CHARS = 128
MAX_SUMMARY_CHARS = 500
_ID = re.compile(rf"[A-Za-z0-9._:-]{{1,{MAX_ID_CHARS}}}\Z")


class NoticeState(StrEnum):
    """What is told of an alert. One that recovers still fires until it is resolved."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotice:
    """One alert as a channel is told of it.

    `alert_id` names this episode, `fingerprint` the same trouble over all its episodes. `labels`
    are its scope (model, agent, provider, ...) without what has a field of its own; `summary` is
    one line; `annotations` are further texts by name; `links` are addresses by name, among them
    `dashboard` and `runbook`. `ends_at` is there when it is resolved, and only then.
    `scope` is the kind of what it is about (`model`, `agent`, ...), '' where no rule raised it.
    `acknowledged_by` is who has taken it. `flapping`: it comes and goes, and so is told seldom.
    """

    alert_id: str
    fingerprint: str
    rule: str
    type: AlertType
    severity: Severity
    state: NoticeState
    summary: str
    starts_at: datetime
    evidence: Evidence
    ends_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: str | None = None
    flapping: bool = False
    scope: str = ""

    def __post_init__(self) -> None:
        if not _ID.match(self.alert_id) or not _ID.match(self.fingerprint):
            raise ValueError(
                f"an alert's id and fingerprint are 1 to {MAX_ID_CHARS} of A-Za-z0-9._:-"
            )
        if not self.rule:
            raise ValueError(f"alert {self.alert_id} names no rule")
        if not 0 < len(self.summary) <= MAX_SUMMARY_CHARS or "\n" in self.summary:
            raise ValueError(f"a summary is one line of 1 to {MAX_SUMMARY_CHARS} characters")
        _require_utc(self.starts_at, "starts_at")
        if (self.ends_at is None) == (self.state is NoticeState.RESOLVED):
            raise ValueError(
                f"alert {self.alert_id} has ends_at when it is resolved, and only then"
            )
        if self.ends_at is not None:
            _require_utc(self.ends_at, "ends_at")

    @property
    def all_labels(self) -> dict[str, str]:
        """The scope together with what has fields of its own, for receivers that know labels only.

        `alertname` is the rule, as Prometheus calls it.
        """
        return {
            **self.labels,
            **({"scope": self.scope} if self.scope else {}),
            "alertname": self.rule,
            "alert_type": self.type.value,
            "severity": self.severity.label,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What one channel is told of one group of alerts at one time.

    `id` is the idempotency key: a receiver that keeps it sees each notification once, however often
    it was sent. `group_key` is the same for all that is told of one group on any channel, and
    `group_labels` are what its alerts have in common. `alerts` are told in this order, the gravest
    first; `left_out` are so many more that belong to the group and are not told one by one. These
    are together in `left_out_state`, and the gravest of them that is not over, or of all where
    every one is, has `left_out_severity`; None where nothing is left out, or known of it.
    `first`: nothing was told of this group before, or all of it was resolved since. `made_at` is
    when judging made it, in UTC.
    """

    id: str
    channel: str
    group_key: str
    alerts: tuple[AlertNotice, ...]
    made_at: datetime
    group_labels: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    left_out_state: NoticeState | None = None
    left_out_severity: Severity | None = None
    first: bool = True

    def __post_init__(self) -> None:
        if not _ID.match(self.id):
            raise ValueError(f"a notification's id is 1 to {MAX_ID_CHARS} of A-Za-z0-9._:-")
        if not self.channel or not self.group_key:
            raise ValueError(f"notification {self.id} names its channel and its group")
        if not self.alerts:
            raise ValueError(f"notification {self.id} tells of at least one alert")
        if self.left_out < 0:
            raise ValueError(f"notification {self.id} cannot leave out fewer than no alerts")
        _require_utc(self.made_at, "made_at")

    @property
    def state(self) -> NoticeState:
        """Firing while any alert of the group is, told one by one or not; resolved when all are."""
        return self._gravest[0]

    @property
    def severity(self) -> Severity:
        """The gravest of the alerts that are not resolved, told one by one or not; of all when
        every one is.
        """
        return self._gravest[1]

    @property
    def _gravest(self) -> tuple[NoticeState, Severity]:
        known = [(alert.state, alert.severity) for alert in self.alerts]
        if self.left_out_state is not None and self.left_out_severity is not None:
            known.append((self.left_out_state, self.left_out_severity))
        state, severity = gravest_open(known)
        assert state is not None  # noqa: S101 - it tells of at least one alert
        assert severity is not None  # noqa: S101 - as before
        return state, severity

    @property
    def total(self) -> int:
        """How many alerts it is about, told one by one or not."""
        return len(self.alerts) + self.left_out

    def count(self, state: NoticeState) -> int:
        """How many of the alerts that are told one by one are in this state."""
        return sum(alert.state is state for alert in self.alerts)


def gravest_open(
    alerts: Iterable[tuple[NoticeState, Severity]],
) -> tuple[NoticeState, Severity] | tuple[None, None]:
    """In which state alerts are together, and how grave: firing while any is, resolved when all
    are, as grave as the gravest that is not resolved, or of all when every one is. None of none.
    """
    known = set(alerts)
    if not known:
        return None, None
    open_ones = {each for each in known if each[0] is not NoticeState.RESOLVED}
    state = min((state for state, _ in known), key=list(NoticeState).index)
    return state, max(severity for _, severity in open_ones or known)


def _require_utc(instant: datetime, name: str) -> None:
    if instant.utcoffset() != timedelta(0):
        raise ValueError(f"{name} must be an instant in UTC")
