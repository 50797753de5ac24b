"""Can this model serve this request at all, and if not, why?

Two questions on purpose. What agent and model are decides for many requests alike and is worth
remembering (`standing_objection`); what one request brings decides for that request only
(`request_objection`).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pointsman.core.capability import Requirements
from pointsman.core.decision import Objection, ReasonCode, Selection, Task
from pointsman.core.fleet import Agent, Model, Usage

RESERVED_OUTPUT_TOKENS = 512
"""Room kept for the answer when the request does not say how long it may be."""


def standing_objection(
    agent: Agent, needs: Requirements, wanted: frozenset[str], selection: Selection, model: Model
) -> Objection | None:
    """Why `model` is out for every such request of `agent`, or None.

    `wanted` are the capabilities that the request itself brought (tools, images). Of a model
    without a profile nothing is known, so these are given the benefit of the doubt; what an agent
    declares is not.
    """
    return (
        _not_asked_for(selection, model)
        or _drained(selection, model)
        or _not_allowed(agent, model)
        or _lacks(needs, wanted, model)
    )


def standing_objections(
    agent: Agent, needs: Requirements, wanted: frozenset[str], selection: Selection, model: Model
) -> Iterator[Objection]:
    """All that `standing_objection` knows against `model`, and not only the first of it."""
    for objection in (
        _not_asked_for(selection, model),
        _drained(selection, model),
        _not_allowed(agent, model),
        _lacks(needs, wanted, model),
    ):
        if objection is not None:
            yield objection


def request_objection(task: Task, model: Model) -> Objection | None:
    """Why `model` cannot take this one request, or None."""
    unsupported = model.unsupported & task.parameters
    if unsupported:
        names = ", ".join(sorted(unsupported))
        return Objection(ReasonCode.UNSUPPORTED_PARAMETER, f"does not take {names}")
    asked, most = task.max_output_tokens, model.max_output_tokens
    if asked is not None and most is not None and asked > most:
        words = f"answers with at most {most} tokens, {asked} asked"
        return Objection(ReasonCode.OUTPUT_TOO_SMALL, words)
    window = model.context_window
    if window is not None and tokens_held(task) > window:
        words = f"holds {window} tokens, about {tokens_held(task)} needed with the answer"
        return Objection(ReasonCode.CONTEXT_TOO_SMALL, words)
    return cost_objection(task, model)


def cost_objection(task: Task, model: Model) -> Objection | None:
    """Why this one request would cost too much with `model`, or None. Unknown may be any price."""
    most = task.max_cost_usd
    if most is None:
        return None
    cost_usd = expected_usd(task, model)
    if cost_usd is None:
        words = f"its price is unknown, and at most {most:.6g} USD may be spent"
        return Objection(ReasonCode.TOO_EXPENSIVE, words)
    if float(cost_usd) <= most:
        return None
    words = f"would cost about {cost_usd:.6g} USD, and at most {most:.6g} may be spent"
    return Objection(ReasonCode.TOO_EXPENSIVE, words)


def expected_usd(task: Task, model: Model) -> Decimal | None:
    """What a request of this size costs with `model` in US dollars; None: its price is unknown.

    The prompt as estimated, the answer as long as it may become, or `RESERVED_OUTPUT_TOKENS` where
    the request does not say.
    """
    prompt = task.prompt_tokens
    return model.price.cost_usd(Usage(prompt, tokens_held(task) - prompt))


def tokens_held(task: Task) -> int:
    """How many tokens prompt and answer need together."""
    asked = task.max_output_tokens
    return task.prompt_tokens + (RESERVED_OUTPUT_TOKENS if asked is None else asked)


def _not_asked_for(selection: Selection, model: Model) -> Objection | None:
    if selection.pinned is not None:
        if model.id == selection.pinned or model.id in selection.fallbacks:
            return None
        return Objection(ReasonCode.NOT_REQUESTED, f"the request is pinned to {selection.pinned}")
    if selection.only and model.id not in selection.only:
        return Objection(ReasonCode.NOT_REQUESTED, "not among the models the request names")
    return None


def _drained(selection: Selection, model: Model) -> Objection | None:
    """Whoever names a drained model has it: it may be all they can use, or how it is tried out."""
    if not model.drained or model.id == selection.pinned or model.id in selection.fallbacks:
        return None
    return Objection(ReasonCode.DRAINED, "drained: a person has taken it out of service")


def _not_allowed(agent: Agent, model: Model) -> Objection | None:
    if agent.allow and model.id not in agent.allow:
        return Objection(ReasonCode.NOT_ALLOWED, f"not on the allow list of agent {agent.id}")
    if model.id in agent.deny:
        return Objection(ReasonCode.NOT_ALLOWED, f"on the deny list of agent {agent.id}")
    return None


def _lacks(needs: Requirements, wanted: frozenset[str], model: Model) -> Objection | None:
    missing = [name for name in needs.required if model.strengths.get(name, 0.0) <= 0.0]
    if not model.profiled:
        missing = [name for name in missing if name not in wanted]
    if not missing:
        return None
    names = ", ".join(missing)
    known = "lacks" if model.profiled else "has no capability profile, so no known"
    return Objection(ReasonCode.MISSING_CAPABILITY, f"{known} {names}")
