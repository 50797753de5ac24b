"""How does an alert, a line of its history or a silence become a row, and a row the same again?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from pointsman.adapters.stores.rows import Row, instant, json_text, microseconds, storable
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_conditions import Figures
from pointsman.core.alert_log import Alert, State
from pointsman.core.alert_memory import Entry, Kept, Step
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_silences import Ack, Matcher, Operator, Silence
from pointsman.core.alert_telling import Told
from pointsman.engine.alert_ports import StoredRule

ALERT_COLUMNS = (
    "RULE_ID",
    "SCOPE",
    "ALERT_ID",
    "ALERT_TYPE",
    "STATE",
    "SEVERITY",
    "MODEL_ID",
    "AGENT_ID",
    "MESSAGE",
    "METRIC_VALUE",
    "THRESHOLD_VALUE",
    "BOUND_VALUE",
    "EVIDENCE_COUNT",
    "WINDOW_S",
    "STARTS_AT",
    "ENDS_AT",
    "CHANGED_AT",
    "NOTIFIED_AT",
    "NOTIFIED_SEVERITY",
    "ACKED_AT",
    "ACKED_BY",
    "ACKED_UNTIL",
    "ACK_NOTE",
    "LABELS_JSON",
    "MEMORY_JSON",
)
ENTRY_COLUMNS = (
    "EVENT_ID",
    "ALERT_ID",
    "RULE_ID",
    "SCOPE",
    "ALERT_TYPE",
    "EVENT_AT",
    "EVENT_KIND",
    "FORMER_STATE",
    "STATE",
    "SEVERITY",
    "MODEL_ID",
    "AGENT_ID",
    "MESSAGE",
    "METRIC_VALUE",
    "THRESHOLD_VALUE",
    "EVIDENCE_COUNT",
    "WINDOW_S",
    "ACTOR",
    "DETAILS_JSON",
)
SILENCE_COLUMNS = (
    "SILENCE_ID",
    "MATCHERS_JSON",
    "STARTS_AT",
    "ENDS_AT",
    "CREATED_AT",
    "CREATED_BY",
    "UPDATED_AT",
    "NOTES",
)
RULE_COLUMNS = (
    "RULE_ID",
    "ALERT_TYPE",
    "ENABLED",
    "RULE_JSON",
    "RULE_VERSION",
    "CREATED_AT",
    "CREATED_BY",
    "UPDATED_AT",
    "UPDATED_BY",
)


class _Memory(msgspec.Struct, frozen=True):
    """What the state machine and the teller go on with, beside what has a column of its own."""

    since_s: float
    known_s: float
    episodes: tuple[float, ...]
    why: str
    figures: Figures
    severity: int | None
    channels: list[str]
    marks: list[tuple[int, float]]
    last_s: float
    flapping: bool
    taken_by: str = ""


class _Details(msgspec.Struct, frozen=True):
    """What a line of the history says besides."""

    figures: Figures
    details: dict[str, str]


_memory = msgspec.json.Decoder(_Memory)
_details = msgspec.json.Decoder(_Details)
_labels = msgspec.json.Decoder(dict[str, str])
_matchers = msgspec.json.Decoder(list[tuple[str, str, str]])


def scope_text(scope: Scope) -> str:
    """`model:openai/gpt-4o`, `global:`."""
    return storable(f"{scope.kind}:{scope.id}")


def _scope(text: str) -> Scope:
    kind, _, name = text.partition(":")
    return Scope(ScopeKind(kind), name)


def _named(scope: Scope, kind: ScopeKind) -> str | None:
    return storable(scope.id) if scope.kind is kind else None


def alert_row(kept: Kept) -> Row:
    """In the order of `ALERT_COLUMNS`."""
    alert, told, ack, message, labels = kept
    figures = alert.figures
    return (
        alert.rule,
        scope_text(alert.scope),
        alert.id,
        alert.type.value,
        alert.state.value,
        alert.severity.name,
        _named(alert.scope, ScopeKind.MODEL),
        _named(alert.scope, ScopeKind.AGENT),
        storable(message),
        figures.value,
        figures.threshold,
        figures.bound,
        figures.n,
        figures.window_s,
        microseconds(alert.starts_at),
        _us(alert.ends_at),
        microseconds(alert.changed_at),
        int(told.last_s * 1e6) if told.marks else None,
        None if told.severity is None else told.severity.name,
        *ack_columns(ack),
        json_text(dict(labels)),
        json_text(_memory_of(alert, told)),
    )


def ack_columns(ack: Ack | None) -> tuple[object, ...]:
    """The columns that say who has taken an alert."""
    if ack is None:
        return None, None, None, None
    return microseconds(ack.at), storable(ack.by), microseconds(ack.until), storable(ack.comment)


def _memory_of(alert: Alert, told: Told) -> _Memory:
    return _Memory(
        since_s=alert.since_s,
        known_s=alert.known_s,
        episodes=alert.episodes,
        why=alert.why,
        figures=alert.figures,
        severity=told.severity,
        channels=sorted(told.channels),
        marks=[(int(severity), at_s) for severity, at_s in told.marks],
        last_s=told.last_s,
        flapping=told.flapping,
        taken_by=told.taken_by,
    )


def stored_alert(row: Sequence[Any]) -> Kept:
    """From a row with the columns `ALERT_COLUMNS`."""
    memory = _memory.decode(row[24])
    alert = Alert(
        rule=row[0],
        scope=_scope(row[1]),
        type=AlertType(row[3]),
        state=State(row[4]),
        severity=Severity[row[5]],
        since_s=memory.since_s,
        changed_at=instant(row[16]),
        starts_at=instant(row[14]),
        figures=memory.figures,
        known_s=memory.known_s,
        ends_at=None if row[15] is None else instant(row[15]),
        why=memory.why,
        episodes=memory.episodes,
    )
    told = Told(
        None if memory.severity is None else Severity(memory.severity),
        frozenset(memory.channels),
        tuple((Severity(severity), at_s) for severity, at_s in memory.marks),
        memory.last_s,
        memory.flapping,
        memory.taken_by,
    )
    ack = None
    if row[19] is not None:
        ack = Ack(alert.id, row[20], instant(row[19]), instant(row[21]), row[22] or "")
    return Kept(alert, told, ack, row[8], _labels.decode(row[23]))


def entry_row(entry: Entry) -> Row:
    """In the order of `ENTRY_COLUMNS`."""
    figures = entry.figures
    return (
        entry.id,
        entry.alert_id,
        entry.rule,
        scope_text(entry.scope),
        entry.type.value,
        microseconds(entry.at),
        entry.step.value,
        None if entry.before is None else entry.before.value,
        entry.after.value,
        entry.severity.name,
        _named(entry.scope, ScopeKind.MODEL),
        _named(entry.scope, ScopeKind.AGENT),
        storable(entry.message),
        figures.value,
        figures.threshold,
        figures.n,
        figures.window_s,
        storable(entry.actor) or None,
        json_text(_Details(figures, dict(entry.details))),
    )


def stored_entry(row: Sequence[Any]) -> Entry:
    """From a row with the columns `ENTRY_COLUMNS`."""
    more = _details.decode(row[18])
    return Entry(
        id=row[0],
        at=instant(row[5]),
        step=Step(row[6]),
        alert_id=row[1],
        rule=row[2],
        scope=_scope(row[3]),
        type=AlertType(row[4]),
        before=None if row[7] is None else State(row[7]),
        after=State(row[8]),
        severity=Severity[row[9]],
        figures=more.figures,
        message=row[12],
        actor=row[17] or "",
        details=more.details,
    )


def silence_row(silence: Silence, created_at: datetime) -> Row:
    """In the order of `SILENCE_COLUMNS`."""
    matchers = [(each.name, each.value, each.operator.value) for each in silence.matchers]
    return (
        silence.id,
        json_text(matchers),
        microseconds(silence.starts_at),
        microseconds(silence.ends_at),
        microseconds(created_at),
        storable(silence.author),
        microseconds(silence.updated_at),
        storable(silence.comment),
    )


def stored_silence(row: Sequence[Any]) -> Silence:
    """From a row with the columns `SILENCE_COLUMNS`."""
    matchers = _matchers.decode(row[1])
    return Silence(
        id=row[0],
        matchers=tuple(Matcher(name, value, Operator(op)) for name, value, op in matchers),
        starts_at=instant(row[2]),
        ends_at=instant(row[3]),
        author=row[5],
        comment=row[7],
        updated_at=instant(row[6]),
    )


def rule_row(rule: StoredRule) -> Row:
    """In the order of `RULE_COLUMNS`."""
    return (
        rule.name,
        rule.type.value,
        int(rule.enabled),
        rule.document,
        rule.version,
        microseconds(rule.created_at),
        storable(rule.created_by),
        microseconds(rule.updated_at),
        storable(rule.updated_by),
    )


def stored_rule(row: Sequence[Any]) -> StoredRule:
    """From a row with the columns `RULE_COLUMNS`."""
    name, type_, enabled, document, version, created_us, author, updated_us, editor = row
    return StoredRule(
        name,
        AlertType(type_),
        bool(enabled),
        document,
        version,
        instant(created_us),
        author,
        instant(updated_us),
        editor,
    )


def _us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)
