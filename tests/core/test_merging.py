"""Is nothing dropped when many are told at once, and is it the last word that is told?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from notices import STARTED, notice, notification
from pointsman.core.alert import Severity
from pointsman.core.channel_trouble import recovery, trouble, trouble_id
from pointsman.core.merging import MOST_TOLD, SEVERAL, merged
from pointsman.core.notification import NoticeState
from pointsman.core.pace import Pace

RESOLVED = NoticeState.RESOLVED
LATER = STARTED + timedelta(minutes=10)


def test_several_groups_become_one_that_tells_all() -> None:
    first = notification(id="a", group_key="g", alerts=(notice(1),), left_out=2)
    second = notification(
        id="b",
        group_key="h",
        alerts=(notice(2, severity=Severity.INFO), notice(3, state=RESOLVED)),
        made_at=LATER,
        first=False,
    )
    both = merged([first, second])
    assert [alert.alert_id for alert in both.alerts] == ["al-000001", "al-000002", "al-000003"]
    assert (both.group_key, both.left_out, both.made_at, both.first) == (SEVERAL, 2, LATER, True)
    assert both.id == merged([first, second]).id != merged([second, first]).id


def test_what_tells_of_several_groups_follows_on_nothing() -> None:
    later = [notification(id=i, group_key=i, first=False) for i in "ab"]
    assert merged(later).first
    assert not merged([later[0], notification(id="c", group_key="a", first=False)]).first


def test_of_an_alert_told_twice_the_last_word_counts() -> None:
    fires = notification(id="a", group_key="g", alerts=(notice(1),), left_out=7)
    over = notification(id="b", group_key="g", alerts=(notice(1, state=RESOLVED),), left_out=3)
    both = merged([fires, over])
    assert [alert.state for alert in both.alerts] == [RESOLVED]
    assert (both.group_key, both.left_out) == ("g", 3)
    assert both.group_labels == fires.group_labels


def test_what_is_too_much_to_tell_is_counted() -> None:
    halves = [
        notification(id=f"n{i}", alerts=tuple(notice(i * 1000 + j) for j in range(400)))
        for i in range(2)
    ]
    both = merged(halves)
    assert (len(both.alerts), both.total) == (MOST_TOLD, 800)


def test_one_alone_is_not_merged() -> None:
    with pytest.raises(ValueError, match="at least two"):
        merged([notification()])


def test_trouble_of_a_channel_is_the_same_alert_until_it_is_over() -> None:
    episode = trouble_id("pager", "ntf-1")
    assert episode == trouble_id("pager", "ntf-1") != trouble_id("chat", "ntf-1")
    fires = trouble(episode, "pager", "chat", since=STARTED, failures=3, error="x\ny " * 400)
    over = recovery(episode, "pager", "chat", STARTED, LATER)
    assert fires.alerts[0].fingerprint == over.alerts[0].fingerprint
    assert (fires.channel, over.channel) == ("chat", "chat")
    assert fires.group_key == over.group_key
    assert fires.id != over.id
    assert (fires.state, over.state) == (NoticeState.FIRING, RESOLVED)


def test_a_pace_allows_a_burst_and_then_so_many_per_minute() -> None:
    pace = Pace(per_minute=6, burst=2)
    assert pace.room(100.0) == 2
    pace.spend()
    pace.spend()
    assert pace.wait_s(100.0) == pytest.approx(10.0)
    assert pace.room(109.0) == 0
    assert pace.wait_s(110.0) == 0.0
    assert pace.room(10_000.0) == 2


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_pace_without_any_room_is_refused(per_minute: float, burst: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pace(per_minute, burst)
