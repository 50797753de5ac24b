"""Which answers count in a trial?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_assignments import Office
from test_trials import drawn, ending, on_trial, shown

from pointsman.core.assignment.trial import Results
from pointsman.core.decision import Feedback, Strategy
from pointsman.core.errors import FailureKind


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    office.apply()
    yield office
    office.store.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"propensity": 1.0},
        {"band": None, "asked_model": "shop/small"},
        {"explored": True},
        {"panic": True},
        {"strategy": Strategy.SPEED},
        {"agent_id": "coder"},
    ],
    ids=["stays", "named", "explored", "panic", "another strategy", "another agent"],
)
def test_what_nothing_was_drawn_for_does_not_count(
    office: Office, changes: dict[str, object]
) -> None:
    on_trial(office)
    made = drawn(office, 1, "shop/small", "lab/large", **changes)
    office.store.append([made, ending(made, "shop/small")])
    assert shown(office) == (Results(), Results())


def test_an_answer_as_a_fallback_counts_for_nobody_and_the_failure_before_it_does(
    office: Office,
) -> None:
    on_trial(office)
    made = drawn(office, 1, "lab/large", "shop/small")
    failed, saved = ending(made, "lab/large", good=False), ending(made, "shop/small", 2)
    office.store.append([made, failed, saved])
    assert shown(office) == (Results(), Results(1.0, 0.0))
    again = drawn(office, 2, "shop/small", "lab/large")
    office.store.append(
        [again, ending(again, "shop/small", good=False), ending(again, "shop/small", 2)]
    )
    assert shown(office)[0] == Results(1.0, 0.0), "of two attempts the first counts"


def test_what_the_caller_is_to_blame_for_does_not_count(office: Office) -> None:
    on_trial(office)
    made = drawn(office, 1, "shop/small")
    office.store.append(
        [made, ending(made, "shop/small")._replace(failure=FailureKind.CONTENT_FILTER)]
    )
    assert shown(office) == (Results(), Results())


@pytest.mark.parametrize(
    ("said", "worth"),
    [({"rating": 2}, 0.25), ({"success": False}, 0.0), ({"rating": 5, "success": False}, 1.0)],
)
def test_what_somebody_says_of_an_answer_is_what_it_was_worth(
    office: Office, said: dict[str, Any], worth: float
) -> None:
    on_trial(office)
    made = drawn(office, 1, "shop/small", "lab/large")
    office.store.append([made, ending(made, "shop/small")])
    feedback = Feedback(made.id, "clerk", "shop/small", None, made.at, **said)
    assert office.store.judge(feedback)
    assert shown(office)[0] == Results(1.0, worth)
    office.store.judge(feedback._replace(model_id="lab/large"))
    assert shown(office)[0] == Results(1.0, 1.0), "that was another's"
