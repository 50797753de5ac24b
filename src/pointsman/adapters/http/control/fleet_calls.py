"""Which calls of the control API show the agents and models, and add others to them?

What the configuration file declares is changed there. What is added here is in the same form, is
checked as strictly, lasts over restarts, and is served before the answer goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from litestar import Request, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.alert_bodies import DoneBody
from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.bodies import (
    AgentsBody,
    ModelsBody,
    OneAgentBody,
    OneModelBody,
)
from pointsman.adapters.http.control.history_views import MOST_STANDINGS
from pointsman.adapters.http.control.overview_calls import ENDS, Named, RangeName
from pointsman.adapters.http.control.overview_query import SCALE_OF, OverviewQuery
from pointsman.adapters.http.control.overview_views import standings
from pointsman.adapters.http.control.portions import with_list
from pointsman.adapters.http.control.source import Change, ControlSource, Purpose
from pointsman.adapters.http.control.views import agent_body, model_body
from pointsman.core.aggregate import Dimension
from pointsman.core.errors import NotFound, RequestError
from pointsman.core.told_apart import OTHER
from pointsman.engine.steps import in_steps

MAX_DOCUMENT_BYTES = 65_536

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Document = JSONBody[dict[str, Any]]
Ranged = Annotated[RangeName | None, QueryParameter(description="Tell what each did in it, too.")]


class Ends(NamedTuple):
    """Where the range `custom` begins and ends."""

    start: datetime | None
    end: datetime | None


async def wanted_ends(
    *,
    start: Annotated[
        datetime | None, QueryParameter(description="Where the range `custom` begins.")
    ] = None,
    end: Annotated[datetime | None, QueryParameter(description="Where it ends.")] = None,
) -> Ends:
    return Ends(start, end)


# Agents ----------------------------------------------------------------------------------------


@get("/agents", query_parameters=("range", *ENDS, "agent_id", "kind"))
async def agents(
    source: Source,
    ends: NamedDependency[SkipValidation[Ends]],
    *,
    range: Ranged = None,  # noqa: A002 - as it is called in the query
    agent_id: Annotated[str | None, Named(description="This agent only.")] = None,
    kind: Annotated[str | None, Named(description="Agents of this kind only.")] = None,
) -> Response[AgentsBody]:
    """Every declared agent, what it needs of a model, where it stands; and, of a `range`, what it
    did in it.
    """
    fleet, added, book = source.fleet(), source.added("agents"), source.assignments()
    wanted = OverviewQuery(range or "5m", agent_id, kind, None, None, *ends).checked()
    did = {} if range is None else await standings(source, wanted, Dimension.AGENT)
    meant = wanted.narrowing(fleet).agents
    bodies = (
        agent_body(each, added.get(each.id), book.roll.primary(each.id), did.get(each.id))
        for each in fleet.agents.values()
        if meant is None or each.id in meant
    )
    found = [each async for each in in_steps(bodies, book.clock.monotonic)]
    body = AgentsBody(
        agents=[],
        total_count=len(found),
        config_version=fleet.version,
        told_apart=OTHER not in did and (range in SCALE_OF or len(did) < MOST_STANDINGS),
    )
    return await with_list(body, "agents", found, book.clock.monotonic)


@get("/agents/{agent_id:str}")
async def agent(source: Source, agent_id: FromPath[str]) -> OneAgentBody:
    """One agent."""
    return _agent_shown(source, agent_id)


@post("/agents", status_code=201, request_max_body_size=MAX_DOCUMENT_BYTES)
async def add_agent(source: Source, request: Asked, data: Document) -> OneAgentBody:
    """Add an agent: `agent_id`, and the rest as under `agents` of the configuration."""
    name, document = _named(data, "agent_id")
    await _carried_out(source, request, Change("agents", name, Purpose.CREATE, document))
    return _agent_shown(source, name)


@put("/agents/{agent_id:str}", request_max_body_size=MAX_DOCUMENT_BYTES)
async def put_agent(
    source: Source, request: Asked, agent_id: FromPath[str], data: Document
) -> OneAgentBody:
    """Add an agent, or replace one that was added."""
    await _carried_out(source, request, Change("agents", agent_id, Purpose.REPLACE, data))
    return _agent_shown(source, agent_id)


@patch("/agents/{agent_id:str}", request_max_body_size=MAX_DOCUMENT_BYTES)
async def change_agent(
    source: Source, request: Asked, agent_id: FromPath[str], data: Document
) -> OneAgentBody:
    """Change parts of an agent that was added; null takes a part away."""
    await _carried_out(source, request, Change("agents", agent_id, Purpose.MERGE, data))
    return _agent_shown(source, agent_id)


@delete("/agents/{agent_id:str}", status_code=200)
async def remove_agent(source: Source, request: Asked, agent_id: FromPath[str]) -> DoneBody:
    """Take away an agent that was added. What is kept of it stays."""
    await _carried_out(source, request, Change("agents", agent_id, Purpose.REMOVE))
    return DoneBody(message=f"{agent_id} is taken away")


# Models ----------------------------------------------------------------------------------------


@get("/models", query_parameters=("range", *ENDS, "model_id", "provider"))
async def models(
    source: Source,
    ends: NamedDependency[SkipValidation[Ends]],
    *,
    range: Ranged = None,  # noqa: A002 - as it is called in the query
    model_id: Annotated[str | None, Named(description="This model only.")] = None,
    provider: Annotated[str | None, Named(description="Models of this one only.")] = None,
) -> ModelsBody:
    """Every declared model: what is known of it, from where, and how it does now; and, of a
    `range`, what it did in it.
    """
    fleet, added = source.fleet(), source.added("models")
    wanted = OverviewQuery(range or "5m", None, None, model_id, provider, *ends).checked()
    did = {} if range is None else await standings(source, wanted, Dimension.MODEL)
    meant = wanted.narrowing(fleet).models
    found = [
        model_body(model, source.live(model.id), added.get(model.id), did.get(model.id))
        for model in fleet.models.values()
        if meant is None or model.id in meant
    ]
    return ModelsBody(models=found, total_count=len(found), config_version=fleet.version)


@get("/models/{model_id:path}")
async def model(source: Source, model_id: FromPath[str]) -> OneModelBody:
    """One model; its id holds a slash: `provider/name`."""
    return _model_shown(source, model_id.removeprefix("/"))


@post("/models", status_code=201, request_max_body_size=MAX_DOCUMENT_BYTES)
async def add_model(source: Source, request: Asked, data: Document) -> OneModelBody:
    """Add a model: `model_id`, and the rest as under `models` of the configuration."""
    name, document = _named(data, "model_id")
    await _carried_out(source, request, Change("models", name, Purpose.CREATE, document))
    return _model_shown(source, name)


@put("/models/{model_id:path}", request_max_body_size=MAX_DOCUMENT_BYTES)
async def put_model(
    source: Source, request: Asked, model_id: FromPath[str], data: Document
) -> OneModelBody:
    """Add a model, or replace one that was added."""
    name = model_id.removeprefix("/")
    await _carried_out(source, request, Change("models", name, Purpose.REPLACE, data))
    return _model_shown(source, name)


@patch("/models/{model_id:path}", request_max_body_size=MAX_DOCUMENT_BYTES)
async def change_model(
    source: Source, request: Asked, model_id: FromPath[str], data: Document
) -> OneModelBody:
    """Change parts of a model that was added; null takes a part away."""
    name = model_id.removeprefix("/")
    await _carried_out(source, request, Change("models", name, Purpose.MERGE, data))
    return _model_shown(source, name)


@delete("/models/{model_id:path}", status_code=200)
async def remove_model(source: Source, request: Asked, model_id: FromPath[str]) -> DoneBody:
    """Take away a model that was added. What is kept of it stays."""
    name = model_id.removeprefix("/")
    await _carried_out(source, request, Change("models", name, Purpose.REMOVE))
    return DoneBody(message=f"{name} is taken away")


def _agent_shown(source: ControlSource, agent_id: str) -> OneAgentBody:
    found = source.fleet().agents.get(agent_id)
    if found is None:
        raise NotFound(f"No agent is called {agent_id!r}.", param="agent_id", code="unknown_agent")
    stands = source.assignments().roll.primary(agent_id)
    return OneAgentBody(agent=agent_body(found, source.added("agents").get(agent_id), stands))


def _model_shown(source: ControlSource, name: str) -> OneModelBody:
    found = source.fleet().models.get(name)
    if found is None:
        raise NotFound(f"No model is called {name!r}.", param="model_id", code="model_not_found")
    shown = model_body(found, source.live(name), source.added("models").get(name))
    return OneModelBody(model=shown)


async def _carried_out(source: ControlSource, request: Asked, change: Change) -> None:
    await source.add(change, who_asks(request, "").by)


def _named(data: Mapping[str, Any], key: Literal["agent_id", "model_id"]) -> tuple[str, Any]:
    """The id that the body holds, and the rest of it."""
    name = data.get(key)
    if not isinstance(name, str) or not name:
        words = f"{key}: the id of what is added is needed, as text."
        raise RequestError(words, param=key, code="missing_value")
    return name, {part: value for part, value in data.items() if part != key}
