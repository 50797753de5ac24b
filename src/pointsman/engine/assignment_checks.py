"""What stands against a change of who stands where?"""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.core.assignment.duty import Expectations
from pointsman.core.assignment.posting import Places
from pointsman.core.assignment.records import (
    Assignment,
    Roll,
    Run,
    RunState,
    means_something,
    place_of,
)
from pointsman.core.errors import Conflict, RequestError, UnknownAgent, UnknownModel
from pointsman.core.fleet import Agent, Fleet
from pointsman.engine.matching import Matching
from pointsman.engine.solving import Solved
from pointsman.engine.weighing import Weighed

MOST_NAMED = 5


def check_ours(expectations: Expectations) -> None:
    """Raises `Conflict` when a file says who stands where: there is one truth."""
    if expectations.standing:
        raise Conflict(
            "The configuration names a plan (assignment.plan), and what that says is in force; "
            "change the file, or remove the key to decide here.",
            code="plan_in_file",
        )


def check_unmoved(roll: Roll, expected: Mapping[str, Places]) -> None:
    """Raises `Conflict` when an agent has other places than were expected."""
    moved = [name for name, places in expected.items() if set(roll.places(name)) != set(places)]
    if moved:
        more = len(moved) - MOST_NAMED
        named = ", ".join(moved[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise Conflict(
            f"Since then something else was decided about {named}; nothing was changed.",
            param="run_id",
            code="changed_since",
        )


def check_still(roll: Roll, found: Assignment) -> None:
    """Raises `Conflict` when an assignment is something else by now than it was when looked at."""
    now = next((each for each in roll.of(found.agent_id) if each.model_id == found.model_id), None)
    if (place_of(now) if now else None) != (place_of(found) if means_something(found) else None):
        raise Conflict(
            f"{found.id} is not what it was a moment ago: somebody else has decided about "
            f"{found.agent_id} meanwhile; look at it again.",
            param="id",
            code="changed_since",
        )


def check_current(fleet: Fleet, found: Solved, standing: Mapping[str, str]) -> None:
    """Raises `Conflict` when agents stand elsewhere than when the plan was made."""
    for agent_id, known in found.standing.items():
        now = standing.get(agent_id)
        if now != known and now in fleet.models:
            words = f"Since the plan was made {agent_id} was moved to {now}; make it again."
            raise Conflict(words, param="agent_id", code="changed_since")


def check_there(fleet: Fleet, wanted: Mapping[str, Places]) -> None:
    """Raises `Conflict` where somebody would get a model that is gone, or is gone themselves."""
    for agent_id, places in wanted.items():
        if places and agent_id not in fleet.agents:
            words = f"{agent_id} is not declared any more: it stands nowhere."
            raise Conflict(words, param="run_id", code="agent_gone")
        gone = next((p.model_id for p in places if p.model_id not in fleet.models), None)
        if gone is not None:
            raise Conflict(
                f"{agent_id} cannot have {gone}: that model is not declared any more.",
                param="run_id",
                code="model_gone",
            )


def check_unbroken(run: Run, found: Weighed) -> None:
    """Raises `Conflict` when what a run says would break a rule that holds now."""
    if not found.broken:
        return
    more = len(found.broken) - MOST_NAMED
    named = "; ".join(found.broken[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
    raise Conflict(
        f"By the configuration of now it would break rules, so nothing was changed: {named}. Make "
        f"a new plan, or say force where {run.id} is meant all the same.",
        param="run_id",
        code="breaks_rules",
    )


def check_worth(found: Weighed, promised: float) -> None:
    """Raises `Conflict` when what was proposed to gain so much in score would lose by now."""
    if found.gain is None or promised <= 0.0 or found.gain >= 0.0:
        return
    raise Conflict(
        f"It was proposed to gain {100.0 * promised:.2f} points; by what is known now it would lose"
        f" {-100.0 * found.gain:.2f}, so nothing was changed. Make a new plan, or say force where "
        "it is meant all the same.",
        param="run_id",
        code="not_worth_it",
    )


def check_pair(fleet: Fleet, matching: Matching, agent_id: str, model_id: str) -> None:
    """Raises `RequestError` for an agent and a model that could never be a pair."""
    agent, model = fleet.agents.get(agent_id), fleet.models.get(model_id)
    if agent is None:
        words = f"agent_id: no agent is called {agent_id!r}."
        raise UnknownAgent(words, param="agent_id", code="unknown_agent")
    if model is None:
        words = f"model_id: no model is called {model_id!r}."
        raise UnknownModel(words, param="model_id", code="model_not_found")
    if agent.pinned is not None:
        raise pinned_here(agent)
    objection = matching.objection(agent, model)
    if objection is not None:
        raise RequestError(
            f"model_id: {model_id} can serve no request of {agent_id}: {objection.words}.",
            param="model_id",
            code=objection.code.value,
        )


def pinned_here(agent: Agent) -> Conflict:
    """The error for an agent of which a file says where it is."""
    words = f"agent_id: the configuration pins {agent.id} to {agent.pinned}; unpin it there first."
    return Conflict(words, param="agent_id", code="agent_pinned")


def not_so(run: Run, needed: RunState) -> Conflict:
    """The error for a run that is in another state than is needed."""
    return Conflict(
        f"{run.id} is {run.state.value}, not {needed.value}: there is nothing to do.",
        param="run_id",
        code=f"run_not_{needed.value}",
    )
