"""Which rules are sound, and what is said of those that are not?"""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from alerts_made import AGENT, CRITICAL, ERROR, INFO, MODEL, WARNING, rule
from pointsman.core.alert import AlertType
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_rules import Condition, Rule, lines, problems, too_many_lines

SOUND = rule()
STREAK = SOUND.conditions[0]


def test_the_rules_that_are_shipped_are_sound_and_cover_the_six_types() -> None:
    for name, each in DEFAULT_RULES.items():
        assert name == each.name
        assert problems(each, name) == []
    assert {each.type for each in DEFAULT_RULES.values()} == set(AlertType)


def test_the_ladders_of_the_contract_are_shipped() -> None:
    def ladder(name: str, place: int = 0) -> dict[str, float]:
        rungs = DEFAULT_RULES[name].conditions[place].ladder
        return {severity.label: threshold for severity, threshold in rungs.items()}

    assert ladder("high_latency") == {"warning": 0.5, "error": 1.0, "critical": 2.0}
    assert ladder("low_success_rate") == {"warning": 0.95, "error": 0.90, "critical": 0.80}
    assert ladder("model_failure", 0) == {"warning": 3, "critical": 10}
    assert ladder("model_failure", 1) == {"error": 0.90}
    assert ladder("rapid_failures") == {"error": 0.10, "critical": 0.50}
    assert ladder("no_models_available") == {"warning": 1, "critical": 0}


WAIT = Condition("wait_s", {WARNING: 1})

BAD: list[tuple[Rule, str]] = [
    (replace(SOUND, name="No Spaces"), ": this is no name of a rule"),
    (replace(SOUND, conditions=()), ".when: a rule without a condition"),
    (replace(SOUND, for_s=-1.0), ".for_s: not a duration (found -1)"),
    (replace(SOUND, keep_firing_for_s=nan), ".keep_firing_for_s: not a duration"),
    (replace(SOUND, cooldown_s=1e9), ".cooldown_s: not a duration"),
    (replace(SOUND, summary="a\nb"), ".summary: too long"),
    (replace(SOUND, scopes=frozenset()), ".scope: a rule about nothing"),
    (
        replace(SOUND, scopes=frozenset({ScopeKind.AGENT})),
        ".scope: faults_in_a_row is not",
    ),
    (replace(SOUND, only={"agent": frozenset({"a"})}), ".only.agent: narrows a scope"),
    (replace(SOUND, only={"model": frozenset()}), ".only.model: names nobody"),
    (replace(SOUND, labels={"severity": "low"}), ".labels.severity: alerts have this label"),
    (replace(SOUND, labels={"model": "x"}), ".labels.model: alerts have this label"),
    (replace(SOUND, conditions=(STREAK, STREAK)), ".when[1].metric: stands twice"),
    (
        replace(rule(Condition("silence_s", {WARNING: 3_000})), for_s=900.0),
        ".when[0].ladder.warning: with for_s 900 it never fires",
    ),
]
BAD_CONDITIONS: list[tuple[Condition, str]] = [
    (replace(WAIT, metric="wit"), "metric: no such metric (found wit)"),
    (replace(WAIT, ladder={}), "ladder: a ladder without a rung"),
    (Condition("success_rate", {WARNING: 95.0}), "ladder.warning: out of range (found 95)"),
    (replace(WAIT, ladder={WARNING: nan}), "ladder.warning: out of range"),
    (replace(WAIT, ladder={WARNING: 2, ERROR: 1}), "ladder.error: error is reached before"),
    (
        Condition("success_rate", {WARNING: 0.8, CRITICAL: 0.9}),
        "ladder.critical: critical is reached before warning (found 0.9)",
    ),
    (Condition("success_rate", {WARNING: 0.9}, relative=True), "relative: what is usual"),
    (Condition("wait_s", {WARNING: 2e3}, relative=True), "ladder.warning: out of range"),
    (Condition("silence_s", {WARNING: 3_601}), "ladder.warning: out of range (found 3601)"),
    (replace(WAIT, least=0), "least: out of range"),
    (Condition("fault_burst", {WARNING: 0.1}, count=0), "count: out of range"),
    (replace(WAIT, quantile=1.0), "quantile: no quantile"),
    (replace(WAIT, clear=0.0), "clear: no share"),
]
BAD += [(rule(condition), f".when[0].{words}") for condition, words in BAD_CONDITIONS]


@pytest.mark.parametrize(("bad", "words"), BAD, ids=[words for _, words in BAD])
def test_a_mistake_is_named_with_its_place_and_a_remedy(bad: Rule, words: str) -> None:
    found = problems(bad, "x")
    assert any(str(problem).startswith(f"x{words}") for problem in found), found
    assert all(problem.remedy for problem in found)


def test_all_mistakes_are_found_at_once() -> None:
    bad = replace(
        rule(Condition("wait_s", {WARNING: 2, ERROR: 1}, quantile=3.0)), name="?", for_s=-1.0
    )
    assert len(problems(bad, "x")) == 4


def test_a_rule_may_be_about_some_only() -> None:
    narrowed = replace(SOUND, only={"model": frozenset({"p/m"})})
    assert problems(narrowed, "x") == []
    assert narrowed.concerns(MODEL)
    assert not narrowed.concerns(Scope(ScopeKind.MODEL, "p/other"))
    assert SOUND.concerns(MODEL)
    assert not SOUND.concerns(AGENT)


def test_a_rule_knows_its_least_and_its_gravest_severity() -> None:
    two = rule(Condition("wait_s", {INFO: 1, ERROR: 3}), Condition("success_rate", {CRITICAL: 0.5}))
    assert (two.least_severity, two.gravest) == (INFO, CRITICAL)


def test_a_silence_may_last_as_long_as_who_is_silent_is_known() -> None:
    hour = rule(Condition("silence_s", {WARNING: 3_600}))
    assert problems(hour, "x") == []
    assert problems(rule(Condition("silence_s", {WARNING: 7_200})), "x")[0].remedy == "10 to 3600"


def test_only_waits_have_lines_to_be_counted() -> None:
    relative = Condition("wait_s", {WARNING: 3.0}, relative=True)
    rules = [SOUND, DEFAULT_RULES["high_latency"], rule(relative)]
    assert lines(rules) == ((0.5, 1.0, 2.0), (3.0,))


def test_only_so_many_limits_of_waits_are_counted() -> None:
    def waits(many: int) -> list[Rule]:
        ladders = [{WARNING: 1.0 + number} for number in range(many)]
        return [rule(Condition("wait_s", ladder)) for ladder in ladders]

    assert too_many_lines(waits(100)) == ""
    assert "101 different limits" in too_many_lines(waits(101))
    assert too_many_lines([*waits(100), *waits(60)]) == "", "the same ones cost nothing"
    assert too_many_lines([*waits(100), replace(waits(101)[-1], enabled=False)]) == ""


def test_a_rule_that_names_models_and_agents_looks_at_both() -> None:
    both = replace(
        SOUND,
        scopes=frozenset({ScopeKind.MODEL, ScopeKind.AGENT}),
        only={ScopeKind.MODEL: frozenset({"p/m"}), ScopeKind.AGENT: frozenset({"a"})},
    )
    assert both.concerns(MODEL)
    assert both.concerns(AGENT)
    assert not both.concerns(Scope(ScopeKind.AGENT, "b"))
