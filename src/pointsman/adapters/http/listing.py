"""Which model names can a client use here?

Entries carry more than OpenAI's four fields, because clients that cut their prompts to a model's
window need an honest one. A name behind which several models stand has the largest window that can
really be chosen for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pointsman.core.capability import requirements
from pointsman.core.decision import Selection, Task
from pointsman.core.eligibility import standing_objection
from pointsman.core.fleet import DEFAULT_AGENT, Agent, Fleet, Model, PriceState, Rate
from pointsman.core.naming import AGENT_PREFIX, AUTO

AUTO_NAMES = (AUTO, "auto:balanced", "auto:quality", "auto:cost", "auto:fast")
OWNER = "pointsman"

Entry = dict[str, Any]


def entries(
    fleet: Fleet, aliases: Mapping[str, str], *, created: int, agents: tuple[str, ...] = ()
) -> dict[str, Entry]:
    """Every name with its entry. `agents` are those that may be seen (empty: all)."""
    found: dict[str, Entry] = {}
    seen = [agent for agent in fleet.agents.values() if not agents or agent.id in agents]
    default = fleet.agents[agents[0] if agents else DEFAULT_AGENT]
    for name in AUTO_NAMES:
        found[name] = _choice(name, default, fleet, created)
    for agent in seen:
        name = AGENT_PREFIX + agent.id
        found[name] = _choice(name, agent, fleet, created)
    for model in fleet.models.values():
        found[model.id] = _model(model, created)
    for alias, target in aliases.items():
        if target in found:
            found[alias] = {**found[target], "id": alias, "alias_of": target}
    return found


def _choice(name: str, agent: Agent, fleet: Fleet, created: int) -> Entry:
    needs = requirements(agent, Task())
    able = [
        model
        for model in fleet.models.values()
        if standing_objection(agent, needs, frozenset(), Selection(), model) is None
    ]
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": OWNER,
        "context_window": _largest(model.context_window for model in able),
        "max_output_tokens": _largest(model.max_output_tokens for model in able),
        "models": [model.id for model in able],
    }


def _model(model: Model, created: int) -> Entry:
    return {
        "id": model.id,
        "object": "model",
        "created": created,
        "owned_by": model.provider,
        "name": model.display_name or model.upstream_name,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": dict(model.strengths),
        "price": _price(model),
    }


def _price(model: Model) -> Entry:
    """Known prices in US dollars per million tokens; an unknown price has no figure at all."""
    price = model.price
    if price.state is not PriceState.KNOWN:
        return {"state": price.state.value}
    return {
        "state": price.state.value,
        "input_usd_per_mtok": _number(price.input),
        "output_usd_per_mtok": _number(price.output),
    }


def _number(rate: Rate | None) -> float | None:
    return float(rate.usd_per_mtok) if rate else None


def _largest(windows: Iterable[int | None]) -> int | None:
    return max((window for window in windows if window is not None), default=None)
