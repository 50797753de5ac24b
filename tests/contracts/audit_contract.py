"""What does every store keep of who changed what?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from assignment_store_contract import a_run

from pointsman.app.storing import Memory
from pointsman.core.audit import Act, act_id
from pointsman.engine.history_ports import AuditQuery

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_act(number: int, **changes: object) -> Act:
    at = NOON + timedelta(seconds=number)
    act = Act(
        act_id(at, number), at, "ops", "log_level.set", "log", {"level": "info"}, None, "noisy"
    )
    return act._replace(**changes)  # type: ignore[arg-type]


class AuditContract:
    """Subclass it, and give a fixture `store` that yields an empty store."""

    def test_an_act_with_odd_words_comes_back(self, store: Memory) -> None:
        odd = an_act(2, actor="half \ud800", subject="\udfff", after={"a": "\ud800"}, reason="")
        store.audit.record(odd)
        (found,) = store.audit.acts(AuditQuery())
        assert (found.actor, found.subject, found.after) == ("half ?", "?", {"a": "?"})
        assert (found.at, found.before, found.reason) == (odd.at, odd.before, "")

    def test_a_decision_about_the_fleet_is_an_act(self, store: Memory) -> None:
        run = a_run(1)
        store.assignments.keep(run)
        store.assignments.keep(run)
        (act,) = store.audit.acts(AuditQuery(kind="assignment"))
        assert (act.actor, act.subject, act.at) == (run.by, run.id, run.settled_at)
        assert act.after is not None
        assert act.after["state"] == run.state.value
        assert act.after["models"] == {change.agent_id: change.target for change in run.changes}

    def test_an_act_that_is_recorded_again_is_left_as_it_was(self, store: Memory) -> None:
        store.audit.record(an_act(1))
        store.audit.record(an_act(1, actor="somebody else"))
        assert store.audit.acts(AuditQuery()) == [an_act(1)]

    def test_acts_are_listed_newest_first_a_page_at_a_time(self, store: Memory) -> None:
        acts = [an_act(number) for number in range(5)]
        for act in acts:
            store.audit.record(act)
        assert store.audit.acts(AuditQuery(limit=2)) == [acts[4], acts[3]]
        rest = store.audit.acts(AuditQuery(limit=9, before=acts[3].id))
        assert rest == [acts[2], acts[1], acts[0]]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (AuditQuery(actor="eve"), [2]),
            (AuditQuery(action="agent_data.delete"), [1]),
            (AuditQuery(kind="agent_data"), [1]),
            (AuditQuery(subject="coder"), [1]),
            (AuditQuery(kind="log_level", actor="ops"), [0]),
            (AuditQuery(actor="nobody"), []),
        ],
    )
    def test_acts_are_found_by_what_they_say(
        self, store: Memory, query: AuditQuery, found: list[int]
    ) -> None:
        acts = [
            an_act(0),
            an_act(1, action="agent_data.delete", subject="coder"),
            an_act(2, actor="eve"),
        ]
        for act in acts:
            store.audit.record(act)
        assert store.audit.acts(query) == [acts[number] for number in found]

    def test_old_acts_are_forgotten(self, store: Memory) -> None:
        for number in range(600):
            store.audit.record(an_act(number))
        assert store.audit.forget_acts(NOON + timedelta(seconds=550)) == 550
        assert len(store.audit.acts(AuditQuery(limit=1_000))) == 50
