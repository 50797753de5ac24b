"""Which alerts are not told because a graver one says the same?"""

from __future__ import annotations

from alerts_made import AGENT, CRITICAL, ERROR, MODEL, WARNING, alert
from pointsman.core.alert import AlertType
from pointsman.core.alert_inhibition import Hiding
from pointsman.core.alert_log import State
from pointsman.core.alert_metrics import Scope, ScopeKind

PROVIDER = alert(severity=ERROR, scope=Scope(ScopeKind.PROVIDER, "p"), name="rapid")
NONE_LEFT = alert(
    severity=CRITICAL,
    scope=Scope(ScopeKind.CAPABILITIES, "coding"),
    kind=AlertType.NO_MODELS_AVAILABLE,
    name="none",
)
MEMBERS = {"coding": frozenset({"p/m"})}


def test_a_provider_hides_its_models_where_they_are_no_worse() -> None:
    milder = PROVIDER._replace(severity=WARNING)
    hiding = Hiding([milder, PROVIDER, milder], {})
    assert hiding.hides_any
    assert hiding.by(alert(severity=ERROR)) is PROVIDER
    assert hiding.by(alert(severity=CRITICAL)) is None
    assert hiding.by(alert(scope=Scope(ScopeKind.MODEL, "q/m"))) is None
    assert hiding.by(alert(scope=AGENT)) is None


def test_that_no_model_is_left_hides_those_that_would_serve() -> None:
    hiding = Hiding([NONE_LEFT], MEMBERS)
    assert hiding.by(alert(severity=CRITICAL)) is NONE_LEFT
    assert hiding.by(alert(scope=Scope(ScopeKind.MODEL, "p/other"))) is None


def test_that_one_model_is_left_hides_nothing() -> None:
    assert not Hiding([NONE_LEFT._replace(severity=WARNING)], MEMBERS).hides_any
    assert not Hiding([alert(scope=MODEL)], MEMBERS).hides_any


def test_what_is_over_or_only_threatens_hides_nothing() -> None:
    over = PROVIDER._replace(state=State.RESOLVED)
    threatens = NONE_LEFT._replace(state=State.PENDING)
    assert not Hiding([over, threatens], MEMBERS).hides_any
