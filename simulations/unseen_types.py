"""Which types are inferred of prompts by a model of words that has seen none like them?

The model that is shipped has learnt from all the prompts of the matrices, so what it makes of them
says little. Here the same kind of model is fitted without: without the group of whatever is alike
(by turns over parts of all matrices together), or without a whole matrix and all that is alike to
any prompt of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pointsman.core.task_type import LinearModel, features, reading
from simulations.linear_text import Fit
from simulations.outcomes_data import Flags, alike
from simulations.train_task_type import (
    real_examples,
    real_prompts,
    trained,
    written_examples,
)

PARTS = 5
SEED = 1


class Unseen(NamedTuple):
    """The type of each prompt of a matrix, None where none was likely enough.

    `by_turns`: the model knew the other prompts of that matrix; `as_strange`: none of it.
    """

    by_turns: tuple[str | None, ...]
    as_strange: tuple[str | None, ...]


def unseen_types(folder: Path, fit: Fit | None = None) -> Mapping[str, Unseen]:
    """By name of the matrix. Takes some minutes."""
    named = list(real_prompts(folder))
    texts = [prompt.text for _, prompt in named]
    matrix = np.array([name for name, _ in named])
    groups = alike(texts)
    real = list(real_examples([prompt for _, prompt in named], groups))
    parts = np.random.default_rng(SEED).integers(PARTS, size=int(groups.max()) + 1)[groups]

    def told(without: Flags, asked: Flags) -> Iterator[tuple[int, str | None]]:
        """The types of those that are asked, by a model that has not seen those without."""
        known = [example for example, out in zip(real, without, strict=True) if not out]
        model = trained([*known, *written_examples(known)], fit or Fit()).model()
        for place in np.flatnonzero(asked):
            yield int(place), inferred(model, texts[place])

    by_turns: list[str | None] = [None] * len(texts)
    for part in range(PARTS):
        for place, kind in told(parts == part, parts == part):
            by_turns[place] = kind
    found = {}
    for name in dict.fromkeys(matrix.tolist()):
        own = matrix == name
        strange = dict(told(np.isin(groups, groups[own]), own))
        rows: list[int] = np.flatnonzero(own).tolist()
        found[name] = Unseen(
            tuple(by_turns[row] for row in rows), tuple(strange[row] for row in rows)
        )
    return found


def inferred(model: LinearModel, text: str) -> str | None:
    """As `core.task_type.inferred_type` with another model."""
    return model.guess(features(reading(text))).type
