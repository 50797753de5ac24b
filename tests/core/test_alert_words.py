"""By which names does an alert go, and how is it told in words?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts_made import AGENT, EVERYTHING, alert, rule
from pointsman.core.alert_conditions import Figures
from pointsman.core.alert_words import (
    MAX_CHARS,
    all_labels,
    evidence_words,
    explanation,
    labels_of,
    summary,
)


def test_an_alert_has_the_labels_of_its_scope_and_its_rule() -> None:
    labelled = replace(rule(), labels={"team": "search"})
    assert labels_of(alert(), labelled) == {"team": "search", "provider": "p", "model": "p/m"}
    assert labels_of(alert(scope=AGENT), None) == {"agent": "a"}
    assert labels_of(alert(scope=EVERYTHING), None) == {}
    assert all_labels(alert(scope=AGENT), None) == {
        "agent": "a",
        "alertname": "test",
        "alert_type": "THRESHOLD_BREACH",
        "severity": "warning",
        "scope": "agent",
    }


SHARE = Figures("success_rate", 0.5, 0.657, 0.8, 100, 300.0, "ratio")


SILENCE = Figures("silence_s", 601.0, 601.0, 600.0, 0, 601.0, "s")
OPEN = Figures("breaker_open_s", 1_801.2, 1_801.2, 1_800.0, 1, 0.0, "s")
MANY = Figures("unwritten_records", 2_000_001, 2_000_001, 1e6, 1, 0.0, "")
SPEND = Figures("spend_usd_per_h", 12.5, 12.5, 10.0, 1, 86_400.0, "usd")
STREAK = Figures("faults_in_a_row", 3, 3, 3, 3, 0.0, "")


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (SHARE, "success_rate 50 %, limit 80 %, beyond doubt 65.7 %, of 100 in 5 min"),
        (SILENCE, "silence_s 601 s, limit 600 s in 601 s"),
        (SPEND, "spend_usd_per_h $12.5, limit $10 in 1 d"),
        (OPEN, "breaker_open_s 1801 s, limit 1800 s"),
        (MANY, "unwritten_records 2000001, limit 1000000"),
        (STREAK, "faults_in_a_row 3, limit 3, of 3"),
        (STREAK._replace(note="since noon"), "faults_in_a_row 3, limit 3, of 3; since noon"),
    ],
)
def test_evidence_is_told_in_its_unit(figures: Figures, words: str) -> None:
    assert evidence_words(figures) == words


def test_a_summary_is_one_line_that_names_whom_and_how_far() -> None:
    told = alert()._replace(figures=SHARE)
    assert summary(told, None).startswith("model p/m: beyond its limit (success_rate 50 %")
    assert summary(alert(scope=EVERYTHING), None).startswith("everything: ")
    long = replace(rule(), summary="x" * MAX_CHARS)
    assert len(summary(told, long)) == MAX_CHARS
    assert "\n" not in summary(told, replace(rule(), summary="a\nb"))


def test_an_explanation_says_how_it_was_judged_and_when_it_ends() -> None:
    words = explanation(alert()._replace(figures=SHARE), rule(for_s=60, keep_firing_for_s=300))
    assert "share of complete answers" in words
    assert "confidence interval" in words
    assert "has to last 1 min before" in words
    assert words.endswith("resolved when it was over for 5 min.")
    bare = explanation(alert()._replace(figures=SHARE._replace(metric="?", bound=0.5)), None)
    assert bare == "? 50 %, limit 80 %, of 100 in 5 min."
    assert "has to last" not in explanation(alert(), rule())
