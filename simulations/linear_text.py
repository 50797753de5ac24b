"""How is a model over words (`core.task_type.LinearModel`) fitted?

Logistic regression over all features first; those whose weights matter most are kept, the model is
fitted again over them, and its weights are rounded to whole numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

import numpy as np
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from pointsman.core.task_type import HEAVIEST, WEIGHTLESS, LinearModel, features, reading

NEARLY_ALL = 0.9995
"""So many of the weights are no heavier than the heaviest that is told apart."""


class Fit(NamedTuple):
    """How to fit: at most `size` features, each in at least `documents` texts, `strength` = 1 / L2.

    The values were compared by what routing gains on splits (seeds from 100 on) that are not
    reported.
    """

    size: int = 2000
    documents: int = 6
    strength: float = 10.0


class Fitted(NamedTuple):
    """What makes up a `LinearModel`."""

    labels: Sequence[str]
    biases: Sequence[float]
    scale: float
    weights: Mapping[bytes, Sequence[int]]

    def model(self) -> LinearModel:
        return LinearModel(self.labels, self.biases, self.scale, self.weights)

    def written(self, comments: Sequence[str]) -> str:
        """The file that `core.task_type.read_model` reads, with comments above."""
        lines = [f"# {comment}".rstrip() for comment in comments]
        lines.append("\t".join(["labels", *self.labels]))
        lines.append("\t".join(["biases", *(f"{bias:.4f}" for bias in self.biases)]))
        lines.append(f"scale\t{self.scale:.6g}")
        for word, row in sorted(self.weights.items()):
            signs = "".join(chr(ord(WEIGHTLESS) + weight) for weight in row)
            lines.append(f"{quote_from_bytes(word, safe=' $=?;{}^>')}\t{signs}")
        return "\n".join(lines) + "\n"


def found_in(texts: Sequence[str]) -> list[set[bytes]]:
    return [features(reading(text)) for text in texts]


def fitted(
    found: Sequence[set[bytes]], labels: Sequence[str], importance: Sequence[float], fit: Fit
) -> Fitted:
    """The model of `labels`; `importance` says how much each example counts."""
    counts = Counter(word for words in found for word in words if _is_text(word))
    words = sorted(word for word, count in counts.items() if count >= fit.documents)
    used: Counter[bytes] = Counter()
    for each, weight in zip(found, importance, strict=True):
        used.update(dict.fromkeys(each, weight))
    every = _fitted_over(words, found, labels, importance, fit)
    spread = np.abs(every.coef_ - every.coef_.mean(axis=0)).max(axis=0)
    # A weight that is used often is worth more than a large one that is not.
    worth = spread * np.sqrt([used[word] for word in words])
    kept = sorted(words[place] for place in np.argsort(-worth, kind="stable")[: fit.size])
    last = _fitted_over(kept, found, labels, importance, fit)
    scale = float(np.quantile(np.abs(last.coef_), NEARLY_ALL)) / HEAVIEST
    whole = np.clip(np.rint(last.coef_ / scale), -HEAVIEST, HEAVIEST).astype(int).T.tolist()
    weights = {word: row for word, row in zip(kept, whole, strict=True) if any(row)}
    return Fitted([str(name) for name in last.classes_], last.intercept_.tolist(), scale, weights)


def _is_text(word: bytes) -> bool:
    """Not a word cut in the middle of a letter."""
    return word.decode("utf-8", "ignore").encode() == word


def _fitted_over(
    words: Sequence[bytes],
    found: Sequence[set[bytes]],
    labels: Sequence[str],
    importance: Sequence[float],
    fit: Fit,
) -> Any:
    regression = LogisticRegression(C=fit.strength, max_iter=300, tol=1e-3)
    # On a busy machine the threads of such small products wait for each other ten times as long.
    with threadpool_limits(1):
        return regression.fit(occurrences(words, found), labels, sample_weight=importance)


def occurrences(words: Sequence[bytes], found: Sequence[set[bytes]]) -> Any:
    """Which words occur in which text: a sparse matrix whose rows have length 1."""
    places = {word: place for place, word in enumerate(words)}
    rows = [[places[word] for word in words_of if word in places] for words_of in found]
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.array([place for row in rows for place in row], dtype=np.int64)
    shape = (len(rows), len(words))
    matrix = csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)
    lengths = np.sqrt(np.maximum(np.diff(starts), 1))
    return diags(1.0 / lengths) @ matrix
