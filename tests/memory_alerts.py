"""A store of alerts in memory that keeps the contract, and fails when it is told to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pointsman.core.alert_log import State
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.alert_metrics import ScopeKind
from pointsman.core.alert_silences import Silence
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.engine.alert_ports import EntryQuery, Happened, StoredRule


class MemoryAlerts:
    """Everything in mappings. While `broken`, every call raises `StoreError`."""

    def __init__(self) -> None:
        self.broken = False
        self.kept: dict[tuple[str, object], Kept] = {}
        self.history: dict[str, Entry] = {}
        self.outbox: dict[str, Notification] = {}
        self._silences: dict[str, Silence] = {}
        self._rules: dict[str, StoredRule] = {}

    def _check(self) -> None:
        if self.broken:
            raise StoreError("the store is broken for now")

    def keep(self, happened: Happened, now: datetime) -> None:
        del now
        self._check()
        for each in happened.alerts:
            before = self.kept.get(each.alert.key)
            goes_on = before is not None and before.alert.id == each.alert.id
            self.kept[each.alert.key] = each._replace(ack=before.ack) if goes_on else each  # type: ignore[union-attr]
        for entry in happened.entries:
            self.history.setdefault(entry.id, entry)
        for notification in happened.notifications:
            self.outbox.setdefault(notification.id, notification)

    def take(self, kept: Kept, line: Entry) -> None:
        self._check()
        known = self.kept.get(kept.alert.key, kept)
        self.kept[kept.alert.key] = known._replace(ack=kept.ack)
        self.history.setdefault(line.id, line)

    def alerts(self, resolved_since: datetime) -> Sequence[Kept]:
        self._check()
        return [
            each
            for each in self.kept.values()
            if each.alert.state is not State.RESOLVED or each.alert.changed_at >= resolved_since
        ]

    def alert(self, alert_id: str) -> Kept | None:
        self._check()
        return next((each for each in self.kept.values() if each.alert.id == alert_id), None)

    def entries(self, query: EntryQuery) -> Sequence[Entry]:
        self._check()
        newest = sorted(self.history.values(), key=lambda each: each.id, reverse=True)
        return [each for each in newest if _is_asked_for(each, query)][: query.limit]

    def silences(self, ended_since: datetime) -> Sequence[Silence]:
        self._check()
        left = [each for each in self._silences.values() if each.ends_at >= ended_since]
        return sorted(left, key=lambda each: (each.starts_at, each.id))

    def keep_silence(self, silence: Silence, now: datetime) -> None:
        del now
        self._check()
        self._silences[silence.id] = silence

    def rules(self) -> Sequence[StoredRule]:
        self._check()
        return [self._rules[name] for name in sorted(self._rules)]

    def keep_rule(self, rule: StoredRule) -> None:
        self._check()
        self._rules[rule.name] = rule

    def remove_rule(self, name: str) -> bool:
        self._check()
        return self._rules.pop(name, None) is not None

    def forget_before(self, instant: datetime) -> int:
        self._check()
        old = [each.id for each in self.history.values() if each.at < instant]
        for each in old:
            del self.history[each]
        self.kept = {
            key: each
            for key, each in self.kept.items()
            if each.alert.state is not State.RESOLVED or each.alert.changed_at >= instant
        }
        self._silences = {k: s for k, s in self._silences.items() if s.ends_at >= instant}
        return len(old)


def _is_asked_for(entry: Entry, query: EntryQuery) -> bool:
    scope = entry.scope
    return all(
        (
            query.before is None or entry.id < query.before,
            query.alert_id in (None, entry.alert_id),
            query.rule in (None, entry.rule),
            query.type in (None, entry.type),
            query.severity in (None, entry.severity),
            query.model_id is None or scope == (ScopeKind.MODEL, query.model_id),
            query.agent_id is None or scope == (ScopeKind.AGENT, query.agent_id),
            query.since is None or entry.at >= query.since,
            query.until is None or entry.at < query.until,
        )
    )
