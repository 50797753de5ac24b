"""What does one message tell of a group? A law, and the outage that broke it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts_made import CRITICAL, ERROR, WARNING, alert, at, breach, rule
from pointsman.core.alert import Severity
from pointsman.core.alert_conditions import WELL
from pointsman.core.alert_groups import Teller
from pointsman.core.alert_log import Alert, AlertLog, State
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_routes import Route
from pointsman.core.alert_wishes import Grouping, Wishes
from pointsman.core.merging import merged
from pointsman.core.notification import NoticeState, Notification

FIRING, ACKNOWLEDGED, RESOLVED = NoticeState
ALL = [Route(("pager",))]


def model(number: int, **facts: Any) -> Alert:
    return alert(scope=Scope(ScopeKind.MODEL, f"p/{number}"), **facts)


def over(alerts: list[Alert], now_s: float) -> list[Alert]:
    now = at(now_s)
    return [
        each._replace(state=State.RESOLVED, since_s=now_s, changed_at=now.at, ends_at=now.at)
        for each in alerts
    ]


def told(teller: Teller, now_s: float, alerts: list[Alert], most: int = 100) -> Notification:
    wishes = Wishes({"test": rule()}, ALL, Grouping(most=most))
    (only,) = teller.tell(at(now_s), alerts, wishes, {})[0]
    return only


def test_what_goes_on_is_told_before_a_hundred_and_fifty_that_are_over() -> None:
    teller = Teller()
    mild = [model(n) for n in range(150)]
    grave = [model(1_000 + n, severity=CRITICAL) for n in range(5)]
    told(teller, 0, [*mild, *grave])
    ended = told(teller, 70, [*over(mild, 70), *grave])
    assert (ended.state, ended.severity, ended.total) == (FIRING, CRITICAL, 155)
    assert [each.state for each in ended.alerts] == [FIRING] * 5 + [RESOLVED] * 95
    assert (ended.left_out_state, ended.left_out_severity) == (RESOLVED, WARNING)


def test_one_that_begins_is_told_before_a_hundred_that_are_over_however_grave_those_were() -> None:
    teller = Teller()
    grave = [model(n, severity=CRITICAL) for n in range(100)]
    told(teller, 0, grave)
    later = told(teller, 70, [*over(grave, 70), model(1_000)])
    assert (later.state, later.severity, later.left_out) == (FIRING, WARNING, 1)
    assert later.alerts[0].labels["model"] == "p/1000"


def test_what_is_left_out_fires_as_gravely_as_what_is_told() -> None:
    teller = Teller()
    told(teller, 0, [model(1, severity=CRITICAL)])
    news = told(teller, 70, [model(1, severity=CRITICAL), model(2), model(3)], most=1)
    assert [each.severity for each in news.alerts] == [WARNING]
    assert (news.state, news.severity, news.left_out) == (FIRING, CRITICAL, 2)


def test_one_that_is_not_told_anew_because_it_was_told_a_moment_ago_keeps_the_group_open() -> None:
    teller = Teller()
    told(teller, 0, [model(1), model(2)])
    told(teller, 60, [*over([model(1)], 60), model(2)])
    ended = told(teller, 130, [model(1, since_s=130), *over([model(2)], 130)])
    assert (ended.state, ended.left_out, ended.first) == (FIRING, 1, False)
    # What goes to others, or is silent, keeps nothing open here.
    other = model(3, severity=ERROR)
    routes = [Route(("mail",), severities=frozenset({ERROR})), *ALL]
    teller, wishes = Teller(), Wishes({"test": rule()}, routes)
    teller.tell(at(0), [model(1), other], wishes, {})
    (ended,) = teller.tell(at(70), [*over([model(1)], 70), other], wishes, {})[0]
    assert (ended.channel, ended.state, ended.total) == ("pager", RESOLVED, 1)


def test_what_is_said_at_once_fires_while_anything_of_any_group_does() -> None:
    teller, other = Teller(), [model(n) for n in range(3)]
    one = told(teller, 0, other, most=1)
    two = told(teller, 70, [*over(other[:2], 70), other[2]], most=1)
    assert (two.state, two.left_out_state) == (FIRING, RESOLVED)
    both = merged([one, two])
    assert (both.state, both.severity, both.total) == (FIRING, WARNING, 3)
    three = told(teller, 140, [*over(other, 140)], most=1)
    assert merged([one, two, three]).state is RESOLVED


def test_of_what_the_newest_only_counts_no_older_word_is_told() -> None:
    teller, alerts = Teller(), [model(n) for n in range(3)]
    first = told(teller, 0, alerts, most=3)
    last = told(teller, 70, over(alerts, 70), most=1)
    both = merged([first, last])
    assert (both.state, both.total, len(both.alerts)) == (RESOLVED, 3, 1)
    fires = replace(last, id="other", group_key="other", left_out_state=FIRING)
    several = merged([last, replace(fires, left_out_severity=CRITICAL)])
    assert (several.state, several.severity) == (FIRING, CRITICAL)


SCOPES = [Scope(ScopeKind.MODEL, f"p/{number}") for number in range(4)]
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([5.0, 65.0, 400.0, 2_000.0]),
        st.lists(st.sampled_from([None, WARNING, CRITICAL]), min_size=4, max_size=4),
    ),
    max_size=60,
)


@given(LOOKS, st.integers(1, 5))
def test_who_is_told_that_all_is_over_is_told_so_only_when_nothing_of_the_group_is_open(
    looks: list[tuple[float, list[Severity | None]]], most: int
) -> None:
    """Whatever comes, goes and comes back too soon, and however little is told one by one."""
    log, teller, now_s = AlertLog(), Teller(), 0.0
    made = rule(keep_firing_for_s=0)
    wishes = Wishes({"test": made}, ALL, Grouping(most=most))
    waiting: list[Notification] = []
    for step_s, found in looks:
        now_s += step_s
        for scope, severity in zip(SCOPES, found, strict=True):
            log.step(made, scope, breach(severity) if severity else WELL, at(now_s))
        notifications, _ = teller.tell(at(now_s), log.all(), wishes, {})
        gravest = max((each.severity for each in log.all() if each.is_open), default=None)
        waiting += notifications
        for each in [*notifications, *([merged(waiting)] if len(waiting) > 1 else [])]:
            if not notifications or gravest is None:
                continue
            assert each.state is FIRING
            assert each.severity >= gravest
        for each in notifications:
            assert len(each.alerts) <= most
            states = [alert.state is RESOLVED for alert in each.alerts]
            assert states == sorted(states), "what is open stands first"
