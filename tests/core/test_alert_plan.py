"""Which rules are in force, and who has the last word?"""

from __future__ import annotations

from alerts_made import rule
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_plan import AlertPlan, Origin


def test_the_file_has_the_last_word_then_the_api_then_what_is_shipped() -> None:
    mine, theirs = rule(name="high_latency"), rule(name="high_latency")
    plan = AlertPlan(rules={"high_latency": mine})
    written = {"high_latency": theirs, "extra": rule(name="extra")}
    found = plan.in_force(written)
    assert found["high_latency"] == (mine, Origin.CONFIGURATION)
    assert found["extra"][1] is Origin.API
    assert found["low_success_rate"] == (DEFAULT_RULES["low_success_rate"], Origin.DEFAULT)
    assert AlertPlan().in_force(written)["high_latency"][1] is Origin.API
