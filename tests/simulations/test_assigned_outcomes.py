"""Is a fleet that was assigned on one half of outcomes judged fairly on the other?"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from made_matrix import made_matrix
from simulations.assigned_outcomes import (
    BUDGETS,
    PRIOR,
    WAYS,
    fleet_of,
    judged,
    plot,
    rows_of,
    single_within,
    table,
)

from pointsman.core.assignment.optimal import optimal

MATRIX = made_matrix()


def test_domains_are_agents_with_their_prompts_and_what_was_seen_of_each_model() -> None:
    problem = fleet_of(MATRIX, 1.0)
    code = MATRIX.domain == 0
    assert [agent.id for agent in problem.agents] == list(MATRIX.domains)
    assert problem.agents[0].load.requests_per_day == pytest.approx(code.sum())
    seen = MATRIX.score[code][:, 2].sum() + PRIOR * MATRIX.score[:, 2].mean()
    assert problem.scores[0][2] == pytest.approx(seen / (code.sum() + PRIOR))


def test_with_money_enough_every_domain_gets_the_model_that_is_best_at_it() -> None:
    assert optimal(fleet_of(MATRIX, 1e9)).chosen == (2, 3, 3)


def test_a_choice_is_worth_what_it_gets_right_and_costs_what_it_costs() -> None:
    found = judged(MATRIX, (0, 0, None), 1e9)
    rows = MATRIX.domain < 2
    assert found.accuracy == pytest.approx(MATRIX.score[rows][:, 0].sum() / len(MATRIX))
    assert found.cost_usd == pytest.approx(MATRIX.cost_usd[rows][:, 0].sum())
    assert found.within
    assert not judged(MATRIX, (3, 3, 3), 1e-9).within


def test_the_single_model_is_the_best_that_all_can_afford() -> None:
    costs = MATRIX.cost_usd.sum(axis=0)
    assert single_within(MATRIX, 1e9) == 3
    assert single_within(MATRIX, float(costs[1])) == 1
    assert single_within(MATRIX, 0.0) == 0


def test_the_optimum_is_ahead_where_money_is_short_and_the_picture_shows_every_way() -> None:
    rows = rows_of(MATRIX, range(2))
    assert len(rows) == len(BUDGETS) * len(WAYS)
    accuracy = {(row.budget, row.way): row.accuracy for row in rows}
    ahead = [accuracy[share, "optimal"] - accuracy[share, "random"] for share in BUDGETS[1:]]
    assert np.min(ahead) > 0.0
    assert table(rows).count("\n") == len(rows)
    lines = ET.fromstring(plot(rows)).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == len(WAYS)
