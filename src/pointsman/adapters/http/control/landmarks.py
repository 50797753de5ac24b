"""What is good enough, and when did alerts begin to fire? What an overview is read against."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pointsman.adapters.http.control.overview_bodies import MarkBody, TargetsBody
from pointsman.core.alert_log import State
from pointsman.core.alert_memory import Step
from pointsman.core.alert_targets import targets
from pointsman.engine.alert_desk import Desk
from pointsman.engine.alert_ports import EntryQuery

MOST_MARKS = 100
MOST_ENTRIES = 500


def targets_body(desk: Desk) -> TargetsBody:
    plan = desk.alerts.plan
    if not plan.enabled:
        return TargetsBody(success_rate=None, cost_usd_per_hour=None)
    rules = (each.rule for each in desk.rules())
    found = targets(rules, plan.budgets, desk.now().at)
    return TargetsBody(success_rate=found.success_rate, cost_usd_per_hour=found.usd_per_h)


def marks(desk: Desk, since: datetime) -> list[MarkBody]:
    """The alerts that have begun to fire since then, of those at hand: the last hour's."""
    fired = [each for each in desk.known() if each.state is not State.PENDING]
    found = [
        MarkBody(
            at=each.starts_at,
            severity=each.severity.name,
            alert_type=each.type.value,
            scope=str(each.scope),
            alert_id=each.id,
        )
        for each in fired
        if each.starts_at >= since
    ]
    return sorted(found, key=lambda mark: mark.at)[-MOST_MARKS:]


async def former_marks(desk: Desk, since: datetime, until: datetime) -> list[MarkBody]:
    """The same of any stretch, from the history. Raises `StoreError`."""
    entries = await desk.history(EntryQuery(MOST_ENTRIES, since=since, until=until))

    def told() -> Iterator[MarkBody]:
        for entry in reversed(entries):
            if entry.step is Step.FIRING:
                yield MarkBody(
                    at=entry.at,
                    severity=entry.severity.name,
                    alert_type=entry.type.value,
                    scope=str(entry.scope),
                    alert_id=entry.alert_id,
                )

    return list(told())[-MOST_MARKS:]
