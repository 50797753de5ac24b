"""Do the figures of docs/explanation/evaluation.md hold? Needs the real outcomes.

`POINTSMAN_DATA` names the folder of the matrices; the page says where they come from.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from made_matrix import made_matrix
from simulations.outcomes_data import Matrix, read_matrix
from simulations.outcomes_stream import Setting, Stream
from simulations.outcomes_ways import STRANGE, TYPED, WAYS, Result, Way, by_type, offline

FOLDER = os.environ.get("POINTSMAN_DATA")
SEEDS = range(12)

needs_data = pytest.mark.skipif(
    FOLDER is None, reason="POINTSMAN_DATA does not name a folder of outcome matrices"
)

pytestmark = pytest.mark.prove


def real_matrix(name: str) -> Matrix:
    return read_matrix(Path(FOLDER or "") / f"{name}.parquet", by_task=name == "routellm")


@needs_data
@pytest.mark.parametrize("name", ["mmlupro", "zeroeval", "routellm"])
def test_nearly_the_whole_way_to_the_best_single_model_is_gone(name: str) -> None:
    matrix = real_matrix(name)
    assert fmean(Stream(matrix, seed, Setting()).run().share for seed in SEEDS) >= 0.92


@needs_data
def test_the_declared_domain_gains_over_single_models_and_saves() -> None:
    matrix = real_matrix("mmlupro")
    rows: list[Result] = [*(offline(matrix, WAYS[:1], seed)[WAYS[0].name] for seed in SEEDS)]
    assert round(fmean(row.naiq for row in rows), 3) >= 0.07
    assert fmean(row.saved.cost for row in rows) >= 0.30


@needs_data
def test_the_inferred_domain_gains_over_single_models() -> None:
    text = pytest.importorskip("simulations.outcomes_text", reason="needs the group `sim`")
    matrix = real_matrix("mmlupro")
    way = text.TEXT_WAYS[0]
    rows = [offline(matrix, (way,), seed)[way.name] for seed in SEEDS]
    assert fmean(row.naiq for row in rows) >= 0.06


@needs_data
def test_an_inferred_type_gains_and_saves_where_nothing_is_declared() -> None:
    """By models of types that have not seen what they type: the shipped one has seen all."""
    told = pytest.importorskip("simulations.unseen_types", reason="needs the group `sim`")
    types = told.unseen_types(Path(FOLDER or ""))["mmlupro"]
    matrix = replace(real_matrix("mmlupro"), types=types.by_turns, strange_types=types.as_strange)
    typed, strange = Way(TYPED, by_type), STRANGE
    rows = [offline(matrix, (typed, strange), seed) for seed in SEEDS]
    assert fmean(row[TYPED].naiq for row in rows) >= 0.055
    assert fmean(row[TYPED].saved.cost for row in rows) >= 0.22
    assert fmean(row[TYPED].saved.accuracy for row in rows) >= -0.005
    assert fmean(row[strange.name].naiq for row in rows) >= 0.045


def test_the_ways_by_text_learn_from_the_text() -> None:
    text = pytest.importorskip("simulations.outcomes_text", reason="needs the group `sim`")
    results = offline(made_matrix(), text.TEXT_WAYS, 1)
    assert min(result.naiq for result in results.values()) > 0.0
