"""Which call of the control API tells who asks whom, and how that goes?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.overview_calls import FILTERS, AtHand, Named
from pointsman.adapters.http.control.overview_query import SCALE_OF, OverviewQuery
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.fleet import Fleet
from pointsman.core.told_apart import OTHER
from pointsman.engine.assignments import Assignments
from pointsman.engine.timeline_slots import Key, Narrowing, Sums

MOST_FLOWS = 1_000

Source = NamedDependency[SkipValidation[ControlSource]]


class FlowBody(Body, frozen=True, kw_only=True):
    """What one agent asked of one model. `share` is that part of the agent's attempts, in [0, 1];
    latency is from the call to the end of complete answers, the rest as in `StandingBody`.
    """

    agent_id: str
    model_id: str
    attempts: int
    share: float
    success_rate: float | None
    failed_attempts: int
    p95_ms: float | None
    cost_usd: float


class FlowsBody(Body, frozen=True, kw_only=True):
    """The busiest come first, of `total_flows`. Agents beyond go together by `__other__` on each
    model, at the end: what all flows on a model come to is what it did.
    `stands_on` tells the model on which an agent of these stands.
    """

    success: bool = True
    range: str
    flows: list[FlowBody]
    total_flows: int
    stands_on: dict[str, str]


@get("/flows", query_parameters=(*FILTERS, "limit"))
async def flows(
    source: Source,
    *,
    range: Annotated[  # noqa: A002 - as it is called in the query
        AtHand, QueryParameter(description="How far to look back.")
    ] = "5m",
    agent_id: Annotated[str | None, Named(description="Of this agent only.")] = None,
    kind: Annotated[str | None, Named(description="Of agents of this kind only.")] = None,
    model_id: Annotated[str | None, Named(description="On this model only.")] = None,
    provider: Annotated[str | None, Named(description="On models of this one only.")] = None,
    limit: Annotated[
        int, QueryParameter(ge=1, le=MOST_FLOWS, description="How many by name at most.")
    ] = MOST_FLOWS,
) -> FlowsBody:
    """Which agent asked which model how often, and what came of it."""
    timeline, fleet = source.timeline(), source.fleet()
    whose = OverviewQuery(range, agent_id, kind, model_id, provider).narrowing(fleet)
    await timeline.turn()
    found = await timeline.pairs(SCALE_OF[range], whose)
    told = _told(found, limit)
    asked: dict[str, int] = {}
    for (agent, _), sums in told:
        asked[agent] = asked.get(agent, 0) + sums.period.counts.attempts
    flows = [_flow(pair, sums, asked[pair[0]]) for pair, sums in told]
    return FlowsBody(
        range=range,
        flows=flows,
        total_flows=len(found),
        stands_on=_standing(source.assignments(), fleet, whose),
    )


def _standing(book: Assignments, fleet: Fleet, whose: Narrowing) -> dict[str, str]:
    agents = fleet.agents if whose.agents is None else whose.agents
    places = ((agent, book.roll.primary(agent)) for agent in agents)
    return {
        agent: place.model_id
        for agent, place in places
        if place is not None and (whose.models is None or place.model_id in whose.models)
    }


def _told(found: Mapping[Key, Sums], limit: int) -> list[tuple[Key, Sums]]:
    """The busiest, and on each model all others together."""
    ranked = sorted(found.items(), key=_by_attempts)
    named = [each for each in ranked if each[0][0] != OTHER]
    others: dict[Key, Sums] = {}
    for (_, model), sums in (*named[limit:], *(each for each in ranked if each[0][0] == OTHER)):
        others.setdefault((OTHER, model), Sums()).merge(sums)
    return named[:limit] + sorted(others.items(), key=_by_attempts)


def _by_attempts(each: tuple[Key, Sums]) -> tuple[int, Key]:
    return -each[1].period.counts.attempts, each[0]


def _flow(pair: Key, sums: Sums, asked: int) -> FlowBody:
    counts, latency = sums.period.counts, sums.period.total()
    return FlowBody(
        agent_id=pair[0],
        model_id=pair[1],
        attempts=counts.attempts,
        share=counts.attempts / asked if asked else 0.0,
        success_rate=counts.success_rate,
        failed_attempts=counts.faults,
        p95_ms=1000 * latency.quantiles((0.95,))[0] if latency.count else None,
        cost_usd=float(counts.cost_usd),
    )
