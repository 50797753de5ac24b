"""Which alerts are there before anybody has written a rule?

The six types with the ladders of the contract, and decisions that deserve a look. All can be
changed or turned off by name in the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_metrics import ScopeKind
from pointsman.core.alert_rules import Condition, NoData, Rule

_INFO, _WARNING, _ERROR, _CRITICAL = Severity
_GLOBAL, _PROVIDER, _MODEL, _AGENT, _CAPABILITIES, _ = ScopeKind


def _rule(name: str, type_: AlertType, scopes: set[ScopeKind], *conditions: Condition) -> Rule:
    return Rule(name, type_, frozenset(scopes), conditions)


def _watched(name: str, summary: str, scopes: set[ScopeKind], condition: Condition) -> Rule:
    """A rule about a number that traffic does not have to confirm."""
    return Rule(
        name,
        AlertType.THRESHOLD_BREACH,
        frozenset(scopes),
        (condition,),
        keep_firing_for_s=60.0,
        no_data=NoData.RESOLVE,
        summary=summary,
    )


_RULES = (
    _rule(
        "high_latency",
        AlertType.HIGH_LATENCY,
        {_GLOBAL, _MODEL},
        Condition("wait_s", {_WARNING: 0.5, _ERROR: 1.0, _CRITICAL: 2.0}),
    ),
    _rule(
        "low_success_rate",
        AlertType.LOW_SUCCESS_RATE,
        {_GLOBAL, _AGENT},
        Condition("success_rate", {_WARNING: 0.95, _ERROR: 0.90, _CRITICAL: 0.80}),
    ),
    _rule(
        "model_failure",
        AlertType.MODEL_FAILURE,
        {_MODEL},
        Condition("faults_in_a_row", {_WARNING: 3, _CRITICAL: 10}, clear=1.0),
        Condition("success_rate", {_ERROR: 0.90}, least=10),
        Condition("refusals_in_a_row", {_CRITICAL: 1}, clear=1.0),
    ),
    _rule(
        "rapid_failures",
        AlertType.RAPID_FAILURES,
        {_GLOBAL, _PROVIDER, _MODEL},
        Condition("fault_burst", {_ERROR: 0.10, _CRITICAL: 0.50}, count=5),
    ),
    Rule(
        "no_models_available",
        AlertType.NO_MODELS_AVAILABLE,
        frozenset({_CAPABILITIES}),
        (Condition("eligible_models", {_WARNING: 1, _CRITICAL: 0}, clear=1.0),),
        # Models that rest a second after a 429 are no reason to wake anybody.
        for_s=15.0,
        keep_firing_for_s=60.0,
        no_data=NoData.RESOLVE,
    ),
    _watched(
        "moved_off_assigned",
        "requests go elsewhere than to the assigned model",
        {_AGENT},
        Condition("moves_off_assigned", {_INFO: 10, _WARNING: 100}),
    ),
    _watched(
        "unpriced_under_budget",
        "answers of unknown cost count against a budget as nothing",
        {_GLOBAL, _AGENT},
        Condition("unpriced_under_budget", {_WARNING: 1}),
    ),
    _watched(
        "budget_ends_soon",
        "at this rate a budget is spent within a day",
        {_GLOBAL, _AGENT},
        Condition("budget_lasts_h", {_WARNING: 24, _ERROR: 2, _CRITICAL: 0}),
    ),
    _watched(
        "cost_drifts",
        "an answer costs more than it used to",
        {_AGENT},
        Condition("cost_drift", {_WARNING: 1.5, _ERROR: 3.0}),
    ),
    _watched(
        "cache_collapsed",
        "fewer prompt tokens are read from a cache than used to be",
        {_MODEL},
        Condition("cache_hits_kept", {_WARNING: 0.5}),
    ),
    _watched(
        "breaker_open",
        "a model has been left alone for long",
        {_MODEL},
        Condition("breaker_open_s", {_WARNING: 300, _ERROR: 1_800}),
    ),
    _watched(
        "explores_too_much",
        "more requests are spent on learning than allowed",
        {_GLOBAL},
        Condition("explored_share", {_WARNING: 0.03}),
    ),
    _watched(
        "catalogue_corrected",
        "a model is served otherwise than declared",
        {_MODEL},
        Condition("corrections", {_INFO: 1}),
    ),
    _watched(
        "store_failing",
        "what happens cannot be written down",
        {_GLOBAL},
        Condition("store_failing_s", {_ERROR: 30, _CRITICAL: 300}),
    ),
)

DEFAULT_RULES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in _RULES})
"""By name."""
