"""Which calls of the control API show the agents and models, and add others to them?

What the configuration file declares is changed there. What is added here is in the same form, is
checked as strictly, lasts over restarts, and is served before the answer goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from litestar import Request, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from pointsman.adapters.http.control.alert_bodies import DoneBody
from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.bodies import (
    AgentsBody,
    ModelsBody,
    OneAgentBody,
    OneModelBody,
)
from pointsman.adapters.http.control.source import Change, ControlSource, Purpose
from pointsman.adapters.http.control.views import agent_body, model_body
from pointsman.core.errors import NotFound, RequestError

MAX_DOCUMENT_BYTES = 65_536

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Document = JSONBody[dict[str, Any]]


# Agents ----------------------------------------------------------------------------------------


@get("/agents")
async def agents(source: Source) -> AgentsBody:
    """Every declared agent and what it needs of a model."""
    fleet, added = source.fleet(), source.added("agents")
    found = [agent_body(agent, added.get(agent.id)) for agent in fleet.agents.values()]
    return AgentsBody(agents=found, total_count=len(found), config_version=fleet.version)


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


@get("/models")
async def models(source: Source) -> ModelsBody:
    """Every declared model: what is known of it, from where, and how it does now."""
    fleet, added = source.fleet(), source.added("models")
    found = [
        model_body(model, source.live(model.id), added.get(model.id))
        for model in fleet.models.values()
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
    return OneAgentBody(agent=agent_body(found, source.added("agents").get(agent_id)))


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
