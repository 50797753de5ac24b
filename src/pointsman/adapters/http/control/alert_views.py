"""How are alerts, their history, silences and rules shown?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from pointsman.adapters.http.control.alert_bodies import (
    AckBody,
    AlertBody,
    ConditionBody,
    EvidenceBody,
    MatcherBody,
    MetricBody,
    RuleBody,
    ScopeBody,
    SilenceBody,
    StepBody,
)
from pointsman.core.alert_conditions import Figures
from pointsman.core.alert_log import Alert
from pointsman.core.alert_memory import Entry
from pointsman.core.alert_metrics import Metric, Scope, ScopeKind
from pointsman.core.alert_rules import Rule
from pointsman.core.alert_silences import Ack, Silence
from pointsman.engine.alert_desk import RuleInForce
from pointsman.engine.alert_standing import Standing


def scope_body(scope: Scope) -> ScopeBody:
    return ScopeBody(kind=scope.kind.value, id=scope.id)


def evidence_body(figures: Figures) -> EvidenceBody:
    in_seconds = figures.unit == "s"
    scale = 1_000.0 if in_seconds else 1.0
    return EvidenceBody(
        metric=figures.metric,
        value=figures.value * scale,
        bound=figures.bound * scale,
        threshold=figures.threshold * scale,
        count=figures.n,
        window_s=figures.window_s,
        unit="ms" if in_seconds else figures.unit,
        note=figures.note,
    )


def alert_body(standing: Standing, now_s: float) -> AlertBody:
    alert, told = standing.alert, standing.told
    evidence = evidence_body(alert.figures)
    return AlertBody(
        alert_id=alert.id,
        fingerprint=alert.fingerprint,
        timestamp=alert.changed_at,
        severity=alert.severity.name,
        alert_type=alert.type.value,
        message=standing.message,
        model_id=alert.scope.id if alert.scope.kind is ScopeKind.MODEL else None,
        agent_id=alert.scope.id if alert.scope.kind is ScopeKind.AGENT else None,
        metric_value=evidence.value,
        threshold_value=evidence.threshold,
        state=alert.state.value,
        rule=alert.rule,
        scope=scope_body(alert.scope),
        labels=dict(standing.labels),
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        reason_ended=alert.why,
        evidence=evidence,
        evidence_count=alert.figures.n,
        window_s=alert.figures.window_s,
        explanation=standing.explanation,
        flapping=alert.is_flapping(now_s),
        acknowledged=_ack_body(standing.ack),
        silenced_by=list(standing.silenced_by),
        inhibited_by=standing.inhibited_by or None,
        notified_severity=None if told.severity is None else told.severity.name,
        notified_channels=sorted(told.channels),
    )


def _ack_body(ack: Ack | None) -> AckBody | None:
    if ack is None:
        return None
    return AckBody(by=ack.by, at=ack.at, until=ack.until, comment=ack.comment)


def by_severity(alerts: Iterable[Alert]) -> dict[str, int]:
    """How many alerts are open at each severity."""
    counted = Counter(each.severity.name for each in alerts if each.is_open)
    return dict(counted)


def step_body(entry: Entry) -> StepBody:
    return StepBody(
        event_id=entry.id,
        timestamp=entry.at,
        step=entry.step.value,
        alert_id=entry.alert_id,
        rule=entry.rule,
        alert_type=entry.type.value,
        scope=scope_body(entry.scope),
        former_state=None if entry.before is None else entry.before.value,
        state=entry.after.value,
        severity=entry.severity.name,
        message=entry.message,
        evidence=evidence_body(entry.figures),
        actor=entry.actor or None,
        details=dict(entry.details),
    )


def silence_body(silence: Silence, now: datetime) -> SilenceBody:
    return SilenceBody(
        silence_id=silence.id,
        state=silence.state(now).value,
        matchers=[
            MatcherBody(each.name, each.value, each.operator.value) for each in silence.matchers
        ],
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        created_by=silence.author,
        comment=silence.comment,
        updated_at=silence.updated_at,
    )


def rule_body(found: RuleInForce, open_alerts: int) -> RuleBody:
    rule, origin, stored = found
    return RuleBody(
        name=rule.name,
        origin=origin.value,
        enabled=rule.enabled,
        alert_type=rule.type.value,
        scope=sorted(kind.value for kind in rule.scopes),
        when=_conditions(rule),
        only={kind: sorted(ids) for kind, ids in rule.only.items()},
        for_s=rule.for_s,
        keep_firing_for_s=rule.keep_firing_for_s,
        cooldown_s=rule.cooldown_s,
        no_data=rule.no_data.value,
        labels=dict(rule.labels),
        summary=rule.summary,
        runbook=rule.runbook,
        open_alerts=open_alerts,
        version=None if stored is None else stored.version,
        updated_by=None if stored is None else stored.updated_by,
        updated_at=None if stored is None else stored.updated_at,
    )


def _conditions(rule: Rule) -> list[ConditionBody]:
    return [
        ConditionBody(
            metric=each.metric,
            ladder={severity.label: threshold for severity, threshold in each.ladder.items()},
            relative=each.relative,
            least=each.least,
            count=each.count,
            quantile=each.quantile,
            clear=each.clear,
        )
        for each in rule.conditions
    ]


def metric_body(metric: Metric) -> MetricBody:
    return MetricBody(
        name=metric.name,
        kind=metric.kind.value,
        unit=metric.unit,
        scopes=sorted(kind.value for kind in metric.scopes),
        least=metric.least,
        most=metric.most,
        worse="lower" if metric.falling else "higher",
        meaning=metric.meaning,
    )
