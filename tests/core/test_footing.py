"""Is it told whether an agent got the model that it was assigned, and if not, why?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pointsman.core.assignment.records import ASSIGNED, TRIED, assignment_id
from pointsman.core.decision import (
    Candidate,
    Decision,
    Objection,
    ReasonCode,
    Rejection,
    Strategy,
    Task,
    Term,
)
from pointsman.core.footing import Footing, stood

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = "coder"


def candidate(model_id: str, score: float, *terms: str) -> Candidate:
    made = (Term("required", score), *(Term(name, 0.0) for name in terms))
    return Candidate(model_id, score, made)


STANDING = candidate("lab/large", 0.75, ASSIGNED)


def decision(*candidates: Candidate, **changes: object) -> Decision:
    made = Decision(
        "dec_1",
        "req_1",
        NOON,
        AGENT,
        Task(),
        Strategy.BALANCED,
        candidates,
        (),
        1.0,
        "cfg_1",
        assignment_id=assignment_id(AGENT, "lab/large"),
    )
    return made._replace(**changes)  # type: ignore[arg-type]  # by name


def test_an_agent_on_its_model_is_assigned() -> None:
    found = stood(decision(STANDING, candidate("shop/small", 0.5)))
    assert (found.code, found.model_id) == (Footing.ASSIGNED, "lab/large")
    assert found.words == "assigned: coder stands on lab/large"


def test_an_agent_without_a_model_is_unassigned() -> None:
    found = stood(decision(STANDING, assignment_id=None))
    assert (found.code, found.words) == (Footing.UNASSIGNED, "coder stands on no model")


def test_a_model_that_is_gone_is_none() -> None:
    found = stood(decision(candidate("shop/small", 0.5)))
    assert found.code is Footing.UNASSIGNED
    assert "not declared any more" in found.words


def test_a_model_that_is_out_says_what_is_the_matter() -> None:
    out = Rejection("lab/large", Objection(ReasonCode.BREAKER_OPEN, "failed 5 times in a row"))
    other = Rejection("lab/old", Objection(ReasonCode.RESTING, "asked us to wait"))
    found = stood(decision(candidate("shop/small", 0.5), rejections=(other, out)))
    assert found.code is Footing.MOVED
    assert found.words == "moved because lab/large could not serve: failed 5 times in a row"


OTHER = candidate("shop/small", 0.5)


@pytest.mark.parametrize(
    ("first", "changes", "words"),
    [
        (candidate("shop/small", 0.8), {}, "better than lab/large by 5.00 points more"),
        (candidate("shop/small", 0.75), {}, "scored the same, and it was drawn"),
        (OTHER, {"explored": True}, "spent on learning about shop/small"),
        (OTHER, {"band": None}, "named shop/small"),
        (OTHER, {"band": 0.3}, "lab/large was busy and shop/small free much sooner"),
        (OTHER, {"band": 0.3, "session": "s"}, "the conversation decides between near-equals"),
        (candidate("shop/small", 0.5, TRIED), {}, "shop/small is tried on a share"),
        (candidate("shop/small", 0.8, TRIED), {}, "shop/small is tried on a share"),
    ],
)
def test_an_agent_elsewhere_says_why(
    first: Candidate, changes: dict[str, object], words: str
) -> None:
    found = stood(decision(first, STANDING, **changes))
    assert found.code is Footing.MOVED
    assert found.words.startswith("moved because ")
    assert words in found.words


def test_who_asks_for_something_else_gets_something_else() -> None:
    plain = candidate("lab/large", 0.4)
    found = stood(decision(OTHER, plain))
    assert "asked for something else" in found.words
