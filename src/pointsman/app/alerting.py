"""What does the configuration say about alerts, and which plan of watching does that make?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from pointsman.app.section import LABEL_PATTERN, AgentId, Section, Words
from pointsman.app.telling_whom import ChannelEntry, ChannelName, RouteEntry, telling_of
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_plan import AlertPlan
from pointsman.core.alert_rules import Condition, NoData, Rule, problems, too_many_lines
from pointsman.core.alert_wishes import Grouping
from pointsman.core.errors import Problem

Duration = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Line = Annotated[str, StringConstraints(max_length=500)]
Label = Annotated[str, StringConstraints(pattern=LABEL_PATTERN, max_length=64)]
ScopeName = Literal["global", "provider", "model", "agent", "capabilities"]

_USUAL = Rule("usual", AlertType.THRESHOLD_BREACH, frozenset(), ())
_COMMON = Condition("wait_s", {})


class LadderEntry(Section):
    info: float | None = Field(None, description="From here on it is information.")
    warning: float | None = Field(None, description="From here on it is a warning.")
    error: float | None = Field(None, description="From here on it is an error.")
    critical: float | None = Field(None, description="From here on it is critical.")

    def rungs(self) -> dict[Severity, float]:
        found = {each: getattr(self, each.label) for each in Severity}
        return {severity: value for severity, value in found.items() if value is not None}


class ConditionEntry(Section):
    metric: Words = Field(description="What is judged; see the reference of alert metrics.")
    ladder: LadderEntry = Field(
        default_factory=LadderEntry,
        description="Which threshold means which severity, in the metric's unit; with `relative`, "
        "in multiples of what is usual.",
    )
    relative: bool = Field(
        _COMMON.relative, description="Whether thresholds are multiples of the usual (`wait_s`)."
    )
    least: Count = Field(
        _COMMON.least, description="How many attempts a ratio or quantile is judged on at least."
    )
    count: Count = Field(
        _COMMON.count, description="How many failures within a minute make a burst at least."
    )
    quantile: Annotated[float, Field(gt=0, lt=1)] = Field(
        _COMMON.quantile, description="The quantile that thresholds of a wait are of."
    )
    clear: Annotated[float, Field(gt=0, le=1)] = Field(
        _COMMON.clear,
        description="How far a metric must come back to count as well: to this share of what the "
        "mildest threshold allows.",
    )

    def condition(self) -> Condition:
        return Condition(
            self.metric,
            self.ladder.rungs(),
            relative=self.relative,
            least=self.least,
            count=self.count,
            quantile=self.quantile,
            clear=self.clear,
        )


class RuleEntry(Section):
    enabled: bool = Field(_USUAL.enabled, description="Whether it is judged at all.")
    type: (
        Literal[
            "HIGH_LATENCY",
            "LOW_SUCCESS_RATE",
            "MODEL_FAILURE",
            "THRESHOLD_BREACH",
            "NO_MODELS_AVAILABLE",
            "RAPID_FAILURES",
        ]
        | None
    ) = Field(None, description="The type its alerts have. Left out: THRESHOLD_BREACH.")
    scope: list[ScopeName] = Field(
        default_factory=list, description="What it looks at, each one by itself."
    )
    when: list[ConditionEntry] = Field(
        default_factory=list, description="What is a breach; any of these is."
    )
    only: dict[ScopeName, list[Words]] = Field(
        default_factory=dict, description="By scope, the only ones it looks at. Empty: all."
    )
    for_s: Duration = Field(_USUAL.for_s, description="How long a breach lasts before it fires.")
    keep_firing_for_s: Duration = Field(
        _USUAL.keep_firing_for_s, description="How long a breach is over before it is resolved."
    )
    cooldown_s: Duration = Field(
        _USUAL.cooldown_s, description="Least time between two notices of one severity."
    )
    no_data: Literal["keep", "resolve", "fire"] = Field(
        _USUAL.no_data.value, description="What becomes of it when nothing is measured any more."
    )
    labels: dict[Label, Words] = Field(
        default_factory=dict, description="Labels added to its alerts, for routes and silences."
    )
    summary: Line = Field(_USUAL.summary, description="What is wrong, in a few words.")
    runbook: Line = Field(_USUAL.runbook, description="Address of what to do about it.")


class BudgetEntry(Section):
    agent: AgentId | None = Field(None, description="Whose budget it is. Left out: everybody's.")
    usd: Annotated[float, Field(gt=0, le=1_000_000_000)] = Field(description="US dollars.")
    per: Literal["day", "month"] = Field(
        Per.DAY.value, description="From midnight, or from the first of the month, UTC."
    )


class GroupEntry(Section):
    by: list[Label] = Field(
        default_factory=lambda: list(Grouping().by),
        description="Alerts with the same values of these labels are told together; not "
        "`severity`, which rises while an alert is open.",
    )
    wait_s: Duration = Field(
        Grouping().wait_s, description="How long a new group waits for company."
    )
    interval_s: Duration = Field(
        Grouping().interval_s, description="Least time between two messages about one group."
    )
    repeat_s: Annotated[float, Field(ge=0, le=2_592_000)] = Field(
        Grouping().repeat_s, description="After how long an open alert is told again; 0: never."
    )
    most: Annotated[int, Field(ge=1, le=10_000)] = Field(
        Grouping().most, description="How many alerts one message tells one by one."
    )


class AlertsEntry(Section):
    enabled: bool = Field(AlertPlan().enabled, description="Whether the gateway watches itself.")
    interval_s: Annotated[float, Field(ge=1, le=300)] = Field(
        AlertPlan().interval_s, description="How often it looks."
    )
    dashboard: Line = Field(
        AlertPlan().dashboard, description="Address of the dashboard, for links in messages."
    )
    channels: dict[ChannelName, ChannelEntry] = Field(
        default_factory=dict, description="Who can be told of alerts, by a name of your own."
    )
    routes: list[RouteEntry] = Field(
        default_factory=list,
        description="Which alerts go to which channels. Empty: all alerts to all channels.",
    )
    rules: dict[Words, RuleEntry] = Field(
        default_factory=dict,
        description="Rules by name. One with the name of a shipped rule changes what it says of "
        "it, and leaves the rest as shipped.",
    )
    budgets: list[BudgetEntry] = Field(
        default_factory=list, description="Budgets that rules may look at; nothing is refused."
    )
    group: GroupEntry = Field(
        default_factory=GroupEntry, description="What is told together, and how often."
    )


_OWN = ("for_s", "keep_firing_for_s", "cooldown_s", "summary", "runbook", "enabled")


def rule_of(name: str, entry: RuleEntry) -> Rule:
    """The rule, over the shipped one of that name where there is one; it may be unsound."""
    base = DEFAULT_RULES.get(name, replace(_USUAL, name=name))
    given = entry.model_fields_set
    changes: dict[str, Any] = {each: getattr(entry, each) for each in _OWN if each in given}
    if entry.type is not None:
        changes["type"] = AlertType(entry.type)
    if "scope" in given:
        changes["scopes"] = frozenset(map(ScopeKind, entry.scope))
    if "when" in given:
        changes["conditions"] = tuple(each.condition() for each in entry.when)
    if "only" in given:
        changes["only"] = {kind: frozenset(ids) for kind, ids in entry.only.items()}
    if "no_data" in given:
        changes["no_data"] = NoData(entry.no_data)
    if "labels" in given:
        changes["labels"] = dict(entry.labels)
    return replace(base, **changes)


def rule_problems(
    entries: Mapping[str, RuleEntry],
) -> Iterator[tuple[tuple[str | int, ...], Problem]]:
    """What is wrong with these rules, each with its place in the document."""
    sound = dict(DEFAULT_RULES)
    for name, entry in entries.items():
        sound[name] = rule_of(name, entry)
        for problem in problems(sound[name], ""):
            sound.pop(name, None)
            yield ("alerts", "rules", name, *_steps(problem.path)), problem
    if too_many := too_many_lines(sound.values()):
        what, _, remedy = too_many.partition(": ")
        yield ("alerts", "rules"), Problem("", what, remedy)


def group_problems(entry: GroupEntry) -> Iterator[tuple[tuple[str | int, ...], Problem]]:
    """What is wrong with what is told together, each with its place in the document."""
    for place, label in enumerate(entry.by):
        if label == "severity":
            words = "an alert gets graver while it is open, and its former group would never end"
            remedy = "leave it out; `alerts.routes` sends each severity to channels of its own"
            yield ("alerts", "group", "by", place), Problem("", words, remedy)


_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def _steps(path: str) -> Iterator[str | int]:
    """`.when[0].metric` as the steps that lead there."""
    for name, number in _STEP.findall(path):
        yield int(number) if number else name


def alert_plan(entry: AlertsEntry) -> AlertPlan:
    """The plan of watching; the entry has been found sound."""
    return AlertPlan(
        enabled=entry.enabled,
        interval_s=entry.interval_s,
        rules=MappingProxyType({name: rule_of(name, each) for name, each in entry.rules.items()}),
        budgets=tuple(_budget(each) for each in entry.budgets),
        grouping=Grouping(**{**entry.group.model_dump(), "by": tuple(entry.group.by)}),
        routes=telling_of(entry.channels, entry.routes).routes,
        dashboard=entry.dashboard.rstrip("/"),
    )


def _budget(entry: BudgetEntry) -> Budget:
    scope = EVERYTHING if entry.agent is None else Scope(ScopeKind.AGENT, entry.agent)
    return Budget(scope, entry.usd, Per(entry.per))
