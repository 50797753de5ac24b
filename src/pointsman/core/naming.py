"""Which model, or which way of choosing one, does a name in a request mean?"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

from pointsman.core.decision import Selection, Strategy
from pointsman.core.errors import RequestError, UnknownModel
from pointsman.core.fleet import Fleet

AUTO = "auto"
AGENT_PREFIX = "agent/"

STRATEGY_NAMES: Mapping[str, Strategy] = {
    "quality": Strategy.QUALITY,
    "cost": Strategy.COST,
    "fast": Strategy.SPEED,
    "speed": Strategy.SPEED,
    "balanced": Strategy.BALANCED,
}


class Meaning(NamedTuple):
    """What a name means: how to choose, and the agent it speaks for, if it names one."""

    selection: Selection
    agent_id: str | None = None


def meaning(name: str, fleet: Fleet, *, aliases: Mapping[str, str], strategy: Strategy) -> Meaning:
    """What `name` means: `auto[:strategy]`, `agent/<id>`, a model id, or a model's bare name.

    A bare name that several providers serve leaves the choice among them open. `strategy` holds
    where the name does not say one. Raises `UnknownModel`.
    """
    target = aliases.get(name, name)
    if target == AUTO:
        return Meaning(Selection(strategy))
    if target.startswith(f"{AUTO}:"):
        return Meaning(Selection(_strategy(target)))
    if target.startswith(AGENT_PREFIX):
        agent_id = target.removeprefix(AGENT_PREFIX)
        if agent_id not in fleet.agents:
            raise _unknown(name, [AGENT_PREFIX + known for known in fleet.agents])
        return Meaning(Selection(strategy), agent_id)
    if target in fleet.models:
        return Meaning(Selection(strategy, pinned=target))
    same = [m.id for m in fleet.models.values() if target in (m.upstream_name, _bare(m.id))]
    if len(same) == 1:
        return Meaning(Selection(strategy, pinned=same[0]))
    if same:
        return Meaning(Selection(strategy, only=frozenset(same)))
    raise _unknown(name, [AUTO, *aliases, *fleet.models])


def model_ids(
    names: list[str], fleet: Fleet, aliases: Mapping[str, str], *, place: str
) -> tuple[str, ...]:
    """The models that a list of names stands for, in order.

    Raises `UnknownModel`, or `RequestError` for a name that is no particular model; both say which
    of the names in `place` it is.
    """
    found: dict[str, None] = {}
    for name in dict.fromkeys(names):
        try:
            selection = meaning(name, fleet, aliases=aliases, strategy=Strategy.BALANCED).selection
        except UnknownModel as error:
            param = f"{place}[{names.index(name)}]"
            raise UnknownModel(error.message, param=param, code=error.code) from None
        if selection.pinned is None and not selection.only:
            words = f"{name!r} leaves the choice open, so it cannot stand in a list of models."
            param = f"{place}[{names.index(name)}]"
            raise RequestError(words, param=param, code="not_a_model")
        found.update(
            dict.fromkeys([selection.pinned] if selection.pinned else sorted(selection.only))
        )
    return tuple(found)


def _bare(model_id: str) -> str:
    return model_id.partition("/")[2]


def _strategy(target: str) -> Strategy:
    strategy = STRATEGY_NAMES.get(target.partition(":")[2])
    if strategy is None:
        raise _unknown(target, [f"{AUTO}:{known}" for known in STRATEGY_NAMES])
    return strategy


def _unknown(name: str, known: list[str]) -> UnknownModel:
    shown = name if len(name) <= 120 else name[:117] + "..."
    near = get_close_matches(shown, known, n=3, cutoff=0.5) or known[:3]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return UnknownModel(
        f"The model {shown!r} does not exist here.{hint} GET /v1/models lists what there is.",
        param="model",
        code="model_not_found",
    )
