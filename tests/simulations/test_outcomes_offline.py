"""Does pointsman expect what is true, once all models' answers to some prompts are known?"""

from __future__ import annotations

import numpy as np
import pytest
from made_matrix import COST_USD, DOMAINS, MODELS, QUALITY, made_matrix
from simulations.outcomes import offline_lines
from simulations.outcomes_data import split
from simulations.outcomes_tables import averages, learnt, plain
from simulations.outcomes_ways import WAYS, offline, task_types

MATRIX = made_matrix()


def test_a_split_tears_no_group_apart() -> None:
    for seed in range(5):
        learned = split(MATRIX.group, seed)
        assert learned.mean() == pytest.approx(0.7, abs=0.01)
        for group in np.unique(MATRIX.group):
            assert len(set(learned[MATRIX.group == group])) == 1


def test_the_scorer_expects_what_is_true_of_each_domain_and_model() -> None:
    table = learnt(MATRIX, seed=1)
    assert np.abs(table.success - QUALITY).max() < 0.1
    # Within what the answers' lengths, lognormal with a sigma of 0.3, leave open.
    assert table.cost_usd == pytest.approx(np.tile(COST_USD, (len(DOMAINS), 1)), rel=0.1)


def test_plain_means_agree_with_it() -> None:
    table, means = learnt(MATRIX, seed=1), plain(MATRIX)
    assert np.abs(table.success - means.success).max() < 0.06
    assert averages(MATRIX).success.shape == (1, len(MODELS))


def test_other_domains_are_found_by_their_labels() -> None:
    halves = MATRIX.relabelled(["even", "odd"], ["odd" if n % 2 else "even" for n in range(900)])
    assert (halves.domain == np.arange(900) % 2).all()
    assert set(MATRIX.undeclared().domain) == {0}


def test_all_ways_are_reported_and_stand_in_their_true_order() -> None:
    results = offline(MATRIX, WAYS, 1)
    assert results["oracle"].naiq == pytest.approx(1.0)
    assert results["oracle"].naiq > results["pointsman, declared domain"].naiq > 0.05
    assert results["pointsman, declared domain"].naiq > results["random"].naiq
    assert results["single models (averages)"].saved.cost == pytest.approx(0.0)
    head, *lines = offline_lines([results, results])
    assert "NAIQ" in head
    assert [line.split("  ")[0] for line in lines] == list(results)


def test_what_the_shipped_model_makes_of_a_text_is_a_type_or_nothing() -> None:
    kinds = task_types(["Write a Python function that adds two numbers.", "zzkrt"])
    assert kinds == ["coding", None]
