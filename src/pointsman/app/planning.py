"""What does the configuration say about standing assignments?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pointsman.app.section import AgentId, ModelId, ProviderName, Seconds, Section, Share, Words
from pointsman.core.assignment.duty import (
    NO_DUTY,
    Duty,
    Expectations,
    FleetRules,
    KeptApart,
    Mode,
    Routine,
)
from pointsman.core.assignment.problem import Load, ShareOf
from pointsman.core.assignment.stability import Pace

Rate = Annotated[float, Field(ge=0, le=1_000_000)]
Count = Annotated[float, Field(ge=0, le=1_000_000_000)]
Dollars = Annotated[float, Field(ge=0, le=1_000_000_000)]


class LoadEntry(Section):
    requests_per_min: Rate = Field(0.0, description="How often it asks, on average.")
    prompt_tokens: Count = Field(0.0, description="Tokens of a usual prompt.")
    completion_tokens: Count = Field(0.0, description="Tokens of a usual answer.")


class DutyEntry(Section):
    importance: Annotated[float, Field(gt=0, le=1_000)] = Field(
        NO_DUTY.importance, description="Its weight in the fleet's score."
    )
    quality_floor: Share = Field(
        NO_DUTY.quality_floor, description="Least quality that is expected of its model."
    )
    latency_ceiling_s: Seconds | None = Field(
        NO_DUTY.latency_ceiling_s,
        description="Longest that its model is expected to take until a stream's first token.",
    )
    fallbacks: Annotated[int, Field(ge=0, le=100)] = Field(
        NO_DUTY.fallbacks, description="How many models stand by for it."
    )
    switch_cost: Share = Field(
        NO_DUTY.switch_cost, description="What leaving its model costs it, in score."
    )


class ApartEntry(Section):
    name: Words = Field(description="What this group is called in messages.")
    agents: list[AgentId] = Field(description="Who must not fail together.")
    at_most: Annotated[int, Field(ge=1, le=10_000)] = Field(
        1, description="How many of them one provider may carry."
    )


class AssignmentEntry(Section):
    plan: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        None,
        description="File of the plan in force, as `pointsman assign --json` writes it: each "
        "agent's model leads by the agent's `switch_cost`. Watched, as this file is.",
    )
    mode: Literal["off", "propose", "auto"] = Field(
        Routine().mode.value,
        description="Whether the fleet is assigned anew by itself: `propose` shows a plan for a "
        "person to apply, `auto` puts it in place.",
    )
    strategy: Literal["greedy", "balanced", "optimal"] = Field(
        "optimal", description="How plans are made by themselves."
    )
    every_s: Seconds = Field(
        Routine().every_s,
        description="How long after a plan the next is made, unless a model fails or recovers or "
        "the configuration changes.",
    )
    moves_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        Pace().moves_per_hour,
        description="How many agents `auto` may move, or let try another model, in any hour.",
    )
    cool_off_s: Seconds = Field(
        Pace().cool_off_s, description="How long `auto` leaves an agent that has moved where it is."
    )
    try_share: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="With `auto`: whoever would move by choice tries the other model on this share "
        "of its traffic first, until a sequential test has proved something. Left out: it moves.",
    )
    budget_usd_per_day: Dollars | None = Field(
        None, description="What all agents together may cost on a day, at their expected load."
    )
    provider_shares: dict[ProviderName, Share] = Field(
        default_factory=dict, description="The largest share of the fleet a provider may carry."
    )
    share_of: Literal["agents", "load"] = Field(
        FleetRules().share_of.value, description="Whether shares are of agents or of requests."
    )
    apart: list[ApartEntry] = Field(
        default_factory=list, description="Agents that must not hang on one provider."
    )
    exclusive: list[ModelId] = Field(
        default_factory=list, description="Models that serve one agent at most."
    )
    mean_latency_s: Seconds | None = Field(
        None, description="Longest mean latency that is expected over the agents."
    )


def expectations_of(
    duties: Mapping[str, tuple[LoadEntry, DutyEntry]],
    rules: AssignmentEntry,
    standing: Mapping[str, str],
) -> Expectations:
    """The same as the engine knows it; `duties` and `standing` models by agent id."""
    return Expectations(
        MappingProxyType({name: _duty(*entries) for name, entries in duties.items()}),
        FleetRules(
            budget_usd_per_day=rules.budget_usd_per_day,
            provider_shares=MappingProxyType(dict(rules.provider_shares)),
            share_of=ShareOf(rules.share_of),
            apart=tuple(
                KeptApart(group.name, frozenset(group.agents), group.at_most)
                for group in rules.apart
            ),
            exclusive=frozenset(rules.exclusive),
            mean_latency_s=rules.mean_latency_s,
        ),
        MappingProxyType(dict(standing)),
        Routine(
            Mode(rules.mode),
            rules.strategy,
            rules.every_s,
            Pace(rules.moves_per_hour, rules.cool_off_s),
            rules.try_share,
        ),
    )


def _duty(load: LoadEntry, duty: DutyEntry) -> Duty:
    return Duty(load=Load(**load.model_dump()), **duty.model_dump())
