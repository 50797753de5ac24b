"""What does a chat request ask of the engine, and in whose name?

The same for every surface: what an HTTP request says in headers, a program says in arguments.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from pointsman.adapters.http.auth import ANYBODY, Key, agent_of
from pointsman.adapters.http.wire import ChatRequest
from pointsman.core.decision import Selection, Strategy, Task
from pointsman.core.features import TypesInferred
from pointsman.core.fleet import Agent
from pointsman.core.naming import Meaning, meaning, model_ids
from pointsman.core.utility import traded, weights_of
from pointsman.engine.registry import Setup
from pointsman.engine.serve import Ask

MAX_SESSION_CHARS = 256


class Sender(NamedTuple):
    """Who sends a request, as far as it is said beside the body.

    `agent` is named outright, and `agent_place` is where. `hints` are names from other ecosystems,
    which count when nothing else is said and they mean an agent here.
    """

    key: Key = ANYBODY
    agent: str | None = None
    agent_place: str = "agent"
    hints: tuple[str, ...] = ()
    session: str | None = None
    deadline_s: float | None = None
    strategy: Strategy | None = None
    tradeoff: float | None = None
    task_type: str | None = None
    traceparent: str | None = None
    max_cost_usd: float | None = None


def ask_of(request: ChatRequest, setup: Setup, sender: Sender, *, request_id: str) -> Ask:
    """The request with its names resolved. Raises `RequestError`."""
    fleet, aliases = setup.fleet, setup.aliases
    strategy = request.strategy or sender.strategy or setup.policy.strategy
    meant = meaning(request.model, fleet, aliases=aliases, strategy=strategy)
    selection = meant.selection
    if request.fallbacks:
        others = model_ids(request.fallbacks, fleet, aliases, place=request.fallbacks_in)
        selection = _with_others(selection, others)
    agent = agent_of(sender.key, _named(request, meant, sender), sender.hints, fleet)
    # By position: every request passes here, and names would double what this takes.
    return Ask(
        request_id,
        agent,
        _typed(request, sender, agent, selection, setup.types),
        _weighed(request, sender, agent, selection),
        request.fields,
        request.stream,
        session_name(sender.session or request.session),
        request.model,
        request.deadline_s or sender.deadline_s,
        sender.traceparent,
        None if setup.previews is None else setup.previews.of(request.asked),
    )


def _typed(
    request: ChatRequest,
    sender: Sender,
    agent: Agent,
    selection: Selection,
    types: TypesInferred,
) -> Task:
    """The task with its type: as it is said, else as its agent's are, else as it is inferred.

    And with what may be spent, where only the sender says that.
    """
    task = request.task
    if sender.max_cost_usd is not None and task.max_cost_usd is None:
        task = task._replace(max_cost_usd=sender.max_cost_usd)
    if task.type is None and sender.task_type is not None:
        return task._replace(type=sender.task_type)
    if not agent.infer_type or task.type is not None or agent.task_types:
        return task
    # Of a single model nothing depends on it.
    if selection.pinned is not None or agent.pinned is not None:
        return task
    return types.typed(task, request.words)


def _weighed(request: ChatRequest, sender: Sender, agent: Agent, selection: Selection) -> Selection:
    """The selection with the weights that the caller brings."""
    weights, tradeoff = request.weights, request.tradeoff
    if weights is None and tradeoff is None:
        tradeoff = sender.tradeoff
    if tradeoff is not None:
        weights = traded(weights_of(agent, selection), tradeoff)
    return selection if weights is None else selection._replace(weights=weights)


def session_name(given: str | None) -> str | None:
    """What a conversation is called here: as its caller does, where that is short and printable.

    Any other name becomes its hash, so that what belongs together stays together all the same.
    """
    name = given.strip() if given else ""
    if not name:
        return None
    if len(name) <= MAX_SESSION_CHARS and name.isprintable():
        return name
    return f"sha256:{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _named(request: ChatRequest, meant: Meaning, sender: Sender) -> dict[str, str]:
    """Every place of the request that names an agent, with the name there."""
    named: dict[str, str] = {}
    if request.agent:
        named["pointsman.agent"] = request.agent
    if meant.agent_id:
        named["model"] = meant.agent_id
    if sender.agent:
        named[sender.agent_place] = sender.agent
    return named


def _with_others(selection: Selection, others: tuple[str, ...]) -> Selection:
    """A list of models stands by for the one that is pinned, or bounds the choice if none is."""
    if selection.pinned is None:
        return selection._replace(only=frozenset(others))
    return selection._replace(fallbacks=tuple(name for name in others if name != selection.pinned))
