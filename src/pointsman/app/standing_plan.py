"""Who stands where by the plan that the configuration names?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pointsman.app.mistakes import Findings
from pointsman.core.assignment.duty import Expectations
from pointsman.core.fleet import Fleet
from pointsman.engine.standing import Post, post_of

MOST_BYTES = 16_000_000


def read_plan(path: Path) -> dict[str, str]:
    """The id of each agent's model in a plan as `pointsman assign --json` writes it.

    Raises `ValueError` in words.
    """
    try:
        with path.open("rb") as stream:
            found = json.loads(stream.read(MOST_BYTES))["assignments"]
        return {str(each["agent_id"]): str(each["model_id"]) for each in found}
    except OSError as error:
        raise ValueError(f"the plan cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("the file holds no plan") from error


def planned(base: Path, named: str | None, findings: Findings) -> dict[str, str]:
    """The plan beside the configuration, empty where none is named; what is wrong is reported."""
    if named is None:
        return {}
    try:
        return read_plan(base / named)
    except ValueError as error:
        remedy = "write it with `pointsman assign --json`, or remove this key"
        findings.add(("assignment", "plan"), str(error), remedy)
        return {}


def posts_of(fleet: Fleet, expectations: Expectations) -> Mapping[str, Post]:
    """Who stands where, of those that are there."""
    return {
        agent_id: post_of(agent_id, model_id, expectations.duty(agent_id).switch_cost)
        for agent_id, model_id in expectations.standing.items()
        if agent_id in fleet.agents and model_id in fleet.models
    }


def plan_advice(fleet: Fleet, expectations: Expectations) -> Iterator[str]:
    """What the plan says that means nothing any more."""
    gone = [
        f"{agent_id} on {model_id}"
        for agent_id, model_id in expectations.standing.items()
        if agent_id not in fleet.agents or model_id not in fleet.models
    ]
    if gone:
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        yield (
            f"assignment.plan is older than the fleet: {', '.join(gone[:5])}{more} is left aside; "
            "run `pointsman assign --json` again"
        )
