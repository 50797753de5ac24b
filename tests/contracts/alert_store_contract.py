"""What does every store of alerts promise to those who watch?"""

from __future__ import annotations

from datetime import timedelta

from store_contract import NOON

from notices import notification
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_conditions import Figures
from pointsman.core.alert_log import Alert, State
from pointsman.core.alert_memory import Entry, Kept, Step
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_silences import Ack, Matcher, Operator, Silence
from pointsman.core.alert_telling import Told
from pointsman.engine.alert_ports import AlertStore, EntryQuery, Happened, StoredRule

MINUTE = timedelta(minutes=1)
FIGURES = Figures("success_rate", 0.5, 0.66, 0.8, 100, 300.0, "ratio", "a note \ud800")
MODEL = Scope(ScopeKind.MODEL, "acme/bïg")
AGENT = Scope(ScopeKind.AGENT, "a:b")
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def an_alert(scope: Scope = MODEL, state: State = State.FIRING, *, minute: int = 0) -> Alert:
    at = NOON + minute * MINUTE
    return Alert(
        rule="low_success_rate",
        scope=scope,
        type=AlertType.LOW_SUCCESS_RATE,
        state=state,
        severity=CRITICAL,
        since_s=at.timestamp(),
        changed_at=at,
        starts_at=NOON,
        figures=FIGURES._replace(note=""),
        known_s=at.timestamp() + 0.25,
        ends_at=at if state is State.RESOLVED else None,
        why="well again" if state is State.RESOLVED else "",
        episodes=(NOON.timestamp(), at.timestamp()),
    )


TOLD = Told(
    WARNING,
    frozenset({"pager", "mail"}),
    ((WARNING, 1.5), (CRITICAL, 9.0)),
    9.0,
    flapping=True,
    taken_by="ada",
)


def an_entry(number: int, scope: Scope = MODEL, **changes: object) -> Entry:
    entry = Entry(
        id=f"e{number:04}",
        at=NOON + number * MINUTE,
        step=Step.FIRING,
        alert_id=an_alert(scope).id,
        rule="low_success_rate",
        scope=scope,
        type=AlertType.LOW_SUCCESS_RATE,
        before=None,
        after=State.FIRING,
        severity=CRITICAL,
        figures=FIGURES._replace(note="a note"),
        message="too few succeed",
        actor="ada",
        details={"was": "warning"},
    )
    return entry._replace(**changes)  # type: ignore[arg-type]  # the changes are fields


def a_silence(name: str = "s1", *, minute: int = 0) -> Silence:
    matchers = (Matcher("model", "acme/.*", Operator.LIKE), Matcher("severity", "warning"))
    start = NOON + minute * MINUTE
    return Silence(name, matchers, start, start + MINUTE, "ada", "a comment", start)


def a_rule(name: str = "mine", version: int = 1) -> StoredRule:
    at = NOON + version * MINUTE
    kind = AlertType.THRESHOLD_BREACH
    return StoredRule(name, kind, True, '{"when": []}', version, NOON, "ada", at, "bob")


def names(entries: object) -> list[str]:
    return [each.id for each in entries]  # type: ignore[attr-defined]  # entries


class AlertStoreContract:
    """A subclass gives the fixture `alerts`, empty."""

    def test_an_alert_is_given_back_as_it_was_kept(self, alerts: AlertStore) -> None:
        ack = Ack(an_alert().id, "ada", NOON, NOON + MINUTE, "on it")
        kept = Kept(an_alert(), TOLD, ack, "too few succeed", {"team": "search"})
        bare = Kept(an_alert(AGENT, State.PENDING))
        alerts.keep(Happened([kept, bare]), NOON)
        found = {each.alert.scope: each for each in alerts.alerts(NOON)}
        assert found == {MODEL: kept, AGENT: bare}
        assert alerts.alert(kept.alert.id) == kept
        assert alerts.alert("unheard-of") is None

    def test_what_is_kept_later_takes_the_place_of_what_was(self, alerts: AlertStore) -> None:
        alerts.keep(Happened([Kept(an_alert())]), NOON)
        over = Kept(an_alert(state=State.RESOLVED, minute=5))
        alerts.keep(Happened([over]), NOON)
        assert list(alerts.alerts(NOON)) == [over]
        assert list(alerts.alerts(NOON + 6 * MINUTE)) == []

    def test_who_has_taken_an_alert_is_not_changed_by_a_look(self, alerts: AlertStore) -> None:
        ack = Ack(an_alert().id, "ada", NOON, NOON + MINUTE, "on it")
        alerts.keep(Happened([Kept(an_alert(), TOLD)]), NOON)
        alerts.take(Kept(an_alert(), ack=ack), an_entry(1))
        (taken,) = alerts.alerts(NOON)
        assert (taken.ack, taken.told) == (ack, TOLD)
        later = Kept(an_alert(minute=3), TOLD)
        alerts.keep(Happened([later]), NOON)
        assert list(alerts.alerts(NOON)) == [later._replace(ack=ack)]
        alerts.take(Kept(an_alert(minute=3)), an_entry(2))
        assert list(alerts.alerts(NOON)) == [later]
        assert names(alerts.entries(EntryQuery())) == ["e0002", "e0001"]

    def test_one_that_is_taken_before_it_was_kept_is_kept_along(self, alerts: AlertStore) -> None:
        ack = Ack(an_alert().id, "ada", NOON, NOON + MINUTE)
        alerts.take(Kept(an_alert(), ack=ack), an_entry(1))
        assert list(alerts.alerts(NOON)) == [Kept(an_alert(), ack=ack)]

    def test_a_new_episode_was_taken_by_nobody(self, alerts: AlertStore) -> None:
        ack = Ack(an_alert().id, "ada", NOON, NOON + MINUTE)
        alerts.keep(Happened([Kept(an_alert(), ack=ack)]), NOON)
        again = Kept(an_alert(minute=9)._replace(starts_at=NOON + 9 * MINUTE))
        alerts.keep(Happened([again]), NOON)
        assert list(alerts.alerts(NOON)) == [again]

    def test_the_history_is_listed_newest_first_in_pages(self, alerts: AlertStore) -> None:
        alerts.keep(Happened(entries=[an_entry(number) for number in (1, 2, 3)]), NOON)
        assert names(alerts.entries(EntryQuery(limit=2))) == ["e0003", "e0002"]
        assert names(alerts.entries(EntryQuery(before="e0002"))) == ["e0001"]
        assert alerts.entries(EntryQuery(limit=1))[0] == an_entry(3)

    def test_the_history_is_narrowed_to_what_is_asked_for(self, alerts: AlertStore) -> None:
        mine = an_entry(1)
        other = an_entry(2, AGENT, rule="other", severity=WARNING, type=AlertType.HIGH_LATENCY)
        alerts.keep(Happened(entries=[mine, other]), NOON)
        for query in (
            EntryQuery(alert_id=mine.alert_id),
            EntryQuery(rule="low_success_rate"),
            EntryQuery(type=AlertType.LOW_SUCCESS_RATE),
            EntryQuery(severity=CRITICAL),
            EntryQuery(model_id="acme/bïg"),
            EntryQuery(until=other.at),
        ):
            assert names(alerts.entries(query)) == [mine.id]
        for query in (EntryQuery(agent_id="a:b"), EntryQuery(since=other.at)):
            assert names(alerts.entries(query)) == [other.id]

    def test_the_same_may_be_kept_twice(self, alerts: AlertStore) -> None:
        happened = Happened([Kept(an_alert())], [an_entry(1)], [notification()])
        alerts.keep(happened, NOON)
        alerts.keep(happened._replace(entries=[an_entry(1, message="x"), an_entry(2)]), NOON)
        assert names(alerts.entries(EntryQuery())) == ["e0002", "e0001"]
        assert alerts.entries(EntryQuery())[1].message == "too few succeed"

    def test_silences_are_kept_changed_and_listed(self, alerts: AlertStore) -> None:
        alerts.keep_silence(a_silence("later", minute=9), NOON)
        alerts.keep_silence(a_silence(), NOON)
        assert alerts.silences(NOON) == [a_silence(), a_silence("later", minute=9)]
        alerts.keep_silence(a_silence(minute=20), NOON)
        assert alerts.silences(NOON + 15 * MINUTE) == [a_silence(minute=20)]

    def test_rules_are_kept_changed_and_removed(self, alerts: AlertStore) -> None:
        alerts.keep_rule(a_rule("b"))
        alerts.keep_rule(a_rule("a"))
        alerts.keep_rule(a_rule("a", 2))
        assert alerts.rules() == [a_rule("a", 2), a_rule("b")]
        assert alerts.remove_rule("a")
        assert not alerts.remove_rule("a")
        assert alerts.rules() == [a_rule("b")]

    def test_what_is_old_and_over_is_forgotten(self, alerts: AlertStore) -> None:
        over = an_alert(AGENT, State.RESOLVED)
        alerts.keep(Happened([Kept(an_alert()), Kept(over)], [an_entry(1), an_entry(9)]), NOON)
        alerts.keep_silence(a_silence(), NOON)
        assert alerts.forget_before(NOON + 5 * MINUTE) == 1
        assert names(alerts.entries(EntryQuery())) == ["e0009"]
        assert [each.alert for each in alerts.alerts(NOON)] == [an_alert()]
        assert alerts.silences(NOON) == []
