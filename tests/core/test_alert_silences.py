"""Who has asked not to be told of which alerts, and until when?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts_made import NOON
from pointsman.core.alert_silences import (
    Ack,
    Matcher,
    Operator,
    Silence,
    SilenceState,
    matcher,
    silenced_by,
)

HOUR = timedelta(hours=1)


def silence(**changes: Any) -> Silence:
    facts: dict[str, Any] = {
        "id": "s1",
        "matchers": (Matcher("model", "p/m"),),
        "starts_at": NOON,
        "ends_at": NOON + HOUR,
        "author": "ada",
        "comment": "",
        "updated_at": NOON,
    }
    return Silence(**{**facts, **changes})


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ("model=p/m", {"model": "p/m"}, True),
        ('model = "p/m"', {"model": "p/m"}, True),
        ("model=p/m", {"model": "p/n"}, False),
        ("model=p/m", {}, False),
        ("model!=p/m", {"model": "p/n"}, True),
        ("model!=p/m", {}, True),
        ("model=~p/.*", {"model": "p/m"}, True),
        ("model=~p/", {"model": "p/m"}, False),
        ('agent!~"a|b"', {"agent": "b"}, False),
        ('agent!~"a|b"', {"agent": "ab"}, True),
        ("agent=", {}, True),
    ],
)
def test_a_matcher_compares_the_whole_value(text: str, labels: dict[str, str], holds: bool) -> None:
    assert matcher(text).matches(labels) is holds


def test_a_matcher_is_written_as_it_is_read() -> None:
    assert str(matcher("model=~p/.*")) == 'model=~"p/.*"'
    assert matcher(str(Matcher("a", "b", Operator.NOT_LIKE))) == Matcher(
        "a", "b", Operator.NOT_LIKE
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model", "is no matcher"),
        ("=x", "is no matcher"),
        ("a=~(", "is no regular expression"),
        (f"{'a' * 300}=b", "1 to 256 characters"),
        (f"a={'b' * 300}", "256 characters at most"),
    ],
)
def test_what_is_no_matcher_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        matcher(text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"matchers": ()}, "1 to 20 matchers"),
        ({"matchers": (Matcher("a", "b", Operator.IS_NOT),)}, "match every alert"),
        ({"ends_at": NOON}, "ends after it starts"),
        ({"author": ""}, "who asked for it"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        silence(**changes)


def test_a_silence_covers_what_all_its_matchers_match_while_it_lasts() -> None:
    two = silence(matchers=(Matcher("model", "p/m"), Matcher("severity", "warning")))
    mine = {"model": "p/m", "severity": "warning"}
    assert two.covers(mine, NOON)
    assert not two.covers({"model": "p/m", "severity": "critical"}, NOON)
    assert not two.covers(mine, NOON - HOUR)
    assert not two.covers(mine, NOON + HOUR)
    assert silenced_by([two, silence(id="s2")], {"model": "p/m"}, NOON) == ("s2",)


def test_a_silence_waits_lasts_and_expires() -> None:
    times = [NOON - HOUR, NOON, NOON + HOUR]
    assert [silence().state(each) for each in times] == list(SilenceState)


def test_an_ack_holds_for_one_episode_until_it_expires() -> None:
    ack = Ack("a-1", "ada", NOON, NOON + HOUR)
    assert ack.holds("a-1", NOON)
    assert not ack.holds("a-2", NOON)
    assert not ack.holds("a-1", NOON + HOUR)
