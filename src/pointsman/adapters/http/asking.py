"""What does a chat request ask of the engine, and in whose name?"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.adapters.http.auth import Key, agent_of
from pointsman.adapters.http.identity import session_of
from pointsman.adapters.http.wire import ChatRequest, deadline_s
from pointsman.core.decision import Selection
from pointsman.core.naming import meaning, model_ids
from pointsman.engine.registry import Setup
from pointsman.engine.serve import Ask

DEADLINE_HEADER = b"x-pointsman-deadline-ms"


def ask_of(
    request: ChatRequest,
    setup: Setup,
    *,
    key: Key,
    headers: Mapping[bytes, bytes],
    request_id: str,
) -> Ask:
    """The request with its names resolved. Raises `RequestError`."""
    fleet, aliases = setup.fleet, setup.aliases
    strategy = request.strategy or setup.policy.strategy
    meant = meaning(request.model, fleet, aliases=aliases, strategy=strategy)
    selection = meant.selection
    if request.fallbacks:
        selection = _with_others(selection, model_ids(request.fallbacks, fleet, aliases))
    return Ask(
        request_id=request_id,
        agent=agent_of(key, request.agent or meant.agent_id, headers, fleet),
        task=request.task,
        selection=selection,
        fields=request.fields,
        stream=request.stream,
        session=session_of(headers, request.session),
        asked_model=request.model,
        deadline_s=request.deadline_s or _deadline_of(headers),
    )


def _with_others(selection: Selection, others: tuple[str, ...]) -> Selection:
    """A list of models stands by for the one that is pinned, or bounds the choice if none is."""
    if selection.pinned is None:
        return selection._replace(only=frozenset(others))
    return selection._replace(fallbacks=tuple(name for name in others if name != selection.pinned))


def _deadline_of(headers: Mapping[bytes, bytes]) -> float | None:
    given = headers.get(DEADLINE_HEADER)
    if given is None:
        return None
    try:
        deadline_ms = float(given)
    except ValueError:
        deadline_ms = 0.0
    return deadline_s(deadline_ms, DEADLINE_HEADER.decode())
