"""What does every store keep of who changed what?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from assignment_store_contract import a_run

from pointsman.app.storing import Memory
from pointsman.core.audit import ITSELF, Act, KeyOnRecord, act_id
from pointsman.core.correction import LEARNED, Lesson
from pointsman.engine.history_ports import AuditQuery

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_act(number: int, **changes: object) -> Act:
    at = NOON + timedelta(seconds=number)
    act = Act(
        act_id(at, number), at, "ops", "log_level.set", "log", {"level": "info"}, None, "noisy"
    )
    return act._replace(**changes)  # type: ignore[arg-type]


def a_key(number: int, **changes: object) -> KeyOnRecord:
    key = KeyOnRecord(f"{number:064x}"[::-1], f"key {number}", "caller", ("coder",))
    return key._replace(**changes)  # type: ignore[arg-type]


def acts_of_keys(store: Memory) -> list[tuple[str, str]]:
    acts = store.audit.acts(AuditQuery(kind="key"))
    assert all(act.actor == ITSELF for act in acts)
    return sorted((act.action, act.subject) for act in acts)


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

    def test_keys_that_come_change_and_go_are_acts(self, store: Memory) -> None:
        later = NOON + timedelta(hours=1)
        store.audit.keep_keys([a_key(1), a_key(2), a_key(3)], "fleet.yaml", NOON, 7)
        assert acts_of_keys(store) == [("key.add", f"key {n}") for n in (1, 2, 3)]
        now = [a_key(1), a_key(2, role="admin", agents=())]
        store.audit.keep_keys(now, "fleet.yaml", later, 8)
        store.audit.keep_keys(now, "fleet.yaml", later, 9)
        assert acts_of_keys(store)[3:] == [("key.change", "key 2"), ("key.revoke", "key 3")]
        (changed,) = store.audit.acts(AuditQuery(action="key.change"))
        assert changed.before == {"name": "key 2", "role": "caller", "agents": ["coder"]}
        assert changed.after == {"name": "key 2", "role": "admin", "agents": []}
        (gone,) = store.audit.acts(AuditQuery(action="key.revoke"))
        assert (gone.at, gone.after) == (later, None)

    def test_a_key_that_comes_back_counts_again(self, store: Memory) -> None:
        for number, keys in enumerate([[a_key(1)], [], [a_key(1)]]):
            store.audit.keep_keys(keys, "fleet.yaml", NOON + timedelta(hours=number), number)
        newest = store.audit.acts(AuditQuery(kind="key"))[0]
        assert (newest.action, newest.before) == ("key.change", None)
        assert newest.after is not None

    def test_keys_of_another_configuration_are_left_alone(self, store: Memory) -> None:
        store.audit.keep_keys([a_key(1)], "one.yaml", NOON, 1)
        store.audit.keep_keys([a_key(2)], "other.yaml", NOON, 2)
        assert acts_of_keys(store) == [("key.add", "key 1"), ("key.add", "key 2")]

    def test_what_is_learned_again_takes_the_place_of_what_was(self, store: Memory) -> None:
        window = Lesson(
            "up/one", "context_window", 8_192, None, LEARNED, NOON, NOON + timedelta(hours=1)
        )
        field = window._replace(property="unsupported:logprobs", value=True)
        store.audit.keep_lessons([window, field])
        store.audit.keep_lessons([window._replace(value=4_096, former=8_192)])
        store.audit.keep_lessons([])
