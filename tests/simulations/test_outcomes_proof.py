"""Do the figures of docs/explanation/evaluation.md hold? Needs the real outcomes.

`POINTSMAN_DATA` names the folder of the matrices; the page says where they come from.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import fmean

import pytest
from made_matrix import made_matrix
from simulations.outcomes_data import Matrix, read_matrix
from simulations.outcomes_stream import Setting, Stream
from simulations.outcomes_ways import WAYS, Result, offline

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


def test_the_ways_by_text_learn_from_the_text() -> None:
    text = pytest.importorskip("simulations.outcomes_text", reason="needs the group `sim`")
    results = offline(made_matrix(), text.TEXT_WAYS, 1)
    assert min(result.naiq for result in results.values()) > 0.0
