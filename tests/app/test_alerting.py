"""What does the configuration say about alerts, and which plan does that make?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pointsman.app.config import load
from pointsman.app.rule_documents import rule_document
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_plan import AlertPlan
from pointsman.core.alert_rules import Condition, NoData
from pointsman.core.alert_wishes import Grouping

FULL = Path(__file__).parent / "fixtures" / "good" / "full.yaml"


@pytest.fixture(scope="module")
def plan() -> AlertPlan:
    environ = {"OPENAI_API_KEY": "canary-openai-key", "CI_KEY": "canary-of-the-callers"}
    return load(FULL, environ).alerts


def test_the_plan_is_what_the_file_says(plan: AlertPlan) -> None:
    assert plan.interval_s == 5
    assert plan.dashboard == "https://router.example"
    assert plan.budgets == (
        Budget(EVERYTHING, 100.0, Per.MONTH),
        Budget(Scope(ScopeKind.AGENT, "coder"), 5.5, Per.DAY),
    )
    assert plan.grouping == Grouping(("alert_type", "provider"), 5.0, 120.0, 0.0, 20)


def test_a_shipped_rule_keeps_what_the_file_does_not_say(plan: AlertPlan) -> None:
    shipped, mine = DEFAULT_RULES["low_success_rate"], plan.rules["low_success_rate"]
    assert (mine.conditions, mine.scopes, mine.type) == (
        shipped.conditions,
        shipped.scopes,
        shipped.type,
    )
    assert (mine.for_s, mine.keep_firing_for_s, mine.cooldown_s) == (60, 120, 600)
    assert mine.no_data is NoData.RESOLVE
    assert not plan.rules["high_latency"].enabled


def test_a_rule_of_ones_own_says_it_all(plan: AlertPlan) -> None:
    mine = plan.rules["slow-coder"]
    assert mine.type is AlertType.HIGH_LATENCY
    assert mine.only == {"agent": {"coder"}}
    info, warning, error, critical = Severity
    ladder = {info: 1.0, warning: 2.0, error: 4.0, critical: 8.0}
    slow = Condition("wait_s", ladder, quantile=0.9, least=30, clear=0.8)
    assert mine.conditions == (slow, Condition("fault_burst", {error: 0.5}, count=9))
    assert (mine.labels, mine.summary) == ({"team": "coding"}, "too slow")
    twice = plan.rules["twice_as_slow"]
    assert twice.type is AlertType.THRESHOLD_BREACH
    assert twice.conditions[0].relative


def test_a_document_is_read_as_the_file_is() -> None:
    condition = '{"metric": "wait_s", "ladder": {"warning": 2}}'
    found = rule_document("mine", f'{{"scope": ["model"], "when": [{condition}]}}')
    assert found.conditions == (Condition("wait_s", {Severity.WARNING: 2.0}),)
    assert rule_document("high_latency", '{"enabled": false}').enabled is False


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("[", "this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ("{}", "rule.scope: a rule about nothing"),
        ('{"scope": ["x"], "for_s": -1, "foo": 1}', "rule.scope[0]: this is none of"),
        ('{"scope": ["x"], "for_s": -1, "foo": 1}', "rule.for_s: this must be at least 0"),
        ('{"scope": ["x"], "for_s": -1, "foo": 1}', "rule.foo: this key is not known"),
        ("[]", "rule: this must be a mapping"),
        ("7", "rule: this must be a mapping"),
    ],
)
def test_a_document_with_mistakes_is_refused_with_all_of_them(document: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        rule_document("mine", document)


def test_null_is_a_rule_that_says_nothing() -> None:
    with pytest.raises(ValueError, match=r"rule\.when: a rule without a condition"):
        rule_document("mine", "null")
    assert rule_document("high_latency", "null") == DEFAULT_RULES["high_latency"]
