"""What is to be expected of each model, judging by the text of a prompt?

Needs scikit-learn, which only `make sim` and `make prove` install.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from simulations.linear_text import Fit, fitted, found_in
from simulations.outcomes_data import Floats, Matrix
from simulations.outcomes_frontier import Expected
from simulations.outcomes_tables import learnt, likeliest, mixed
from simulations.outcomes_ways import Way

NEIGHBOURS = 100
SURENESS = 0.3
"""The inverse strength of regularisation of the logistic regressions."""
FLATNESS = 10.0
"""The strength of regularisation of the regression of costs."""

DOMAIN_FIT = Fit(size=20_000, documents=2, strength=100.0)


def vectors(seen: Matrix, unseen: Matrix) -> tuple[Any, Any]:
    """Words and pairs, weighed by rarity among the texts seen; rows have length 1."""
    words = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=60_000, dtype=np.float32
    )
    return words.fit_transform(seen.texts), words.transform(unseen.texts)


def by_neighbours(seen: Matrix, unseen: Matrix, count: int = NEIGHBOURS) -> Expected:
    """Means over the prompts seen that are most alike, by how much they are."""
    known, asked = vectors(seen, unseen)
    success, cost = [], []
    for start in range(0, len(unseen), 500):
        near = (asked[start : start + 500] @ known.T).toarray()
        nearest = np.argpartition(-near, count, axis=1)[:, :count]
        weights = np.take_along_axis(near, nearest, axis=1) + 1e-6
        weights /= weights.sum(axis=1, keepdims=True)
        success.append(np.einsum("ij,ijm->im", weights, seen.score[nearest]))
        cost.append(np.einsum("ij,ijm->im", weights, seen.cost_usd[nearest]))
    return Expected(np.concatenate(success), np.concatenate(cost))


def by_regression(seen: Matrix, unseen: Matrix, sureness: float = SURENESS) -> Expected:
    """A logistic regression of success per model, and a linear one of the logarithm of its cost."""
    known, asked = vectors(seen, unseen)
    success = []
    with threadpool_limits(1):
        for place in range(len(seen.models)):
            regression = LogisticRegression(C=sureness, max_iter=200)
            regression.fit(known, seen.score[:, place])
            success.append(regression.predict_proba(asked)[:, 1])
        costs = Ridge(alpha=FLATNESS).fit(known, np.log(seen.cost_usd))
    return Expected(np.stack(success, axis=1), np.exp(costs.predict(asked)))


def domain_probabilities(seen: Matrix, unseen: Matrix, fit: Fit = DOMAIN_FIT) -> Floats:
    """How probable each domain is for each prompt unseen, by the kind of model that is shipped."""
    labels = tuple(seen.domains[place] for place in seen.domain)
    return _probabilities(seen.texts, labels, unseen.texts, seen.domains, fit)


@lru_cache(maxsize=8)
def _probabilities(
    texts: tuple[str, ...],
    labels: tuple[str, ...],
    asked: tuple[str, ...],
    domains: tuple[str, ...],
    fit: Fit,
) -> Floats:
    model = fitted(found_in(texts), labels, [1.0] * len(texts), fit).model()
    found = [model.probabilities(words) for words in found_in(asked)]
    return np.array([[each.get(domain, 0.0) for domain in domains] for each in found])


def inferred_domain(seen: Matrix, unseen: Matrix, seed: int) -> Expected:
    return mixed(learnt(seen, seed), domain_probabilities(seen, unseen))


def likeliest_domain(seen: Matrix, unseen: Matrix, seed: int) -> Expected:
    return likeliest(learnt(seen, seed), domain_probabilities(seen, unseen))


def neighbours(seen: Matrix, unseen: Matrix, _seed: int) -> Expected:
    return by_neighbours(seen, unseen)


def regression(seen: Matrix, unseen: Matrix, _seed: int) -> Expected:
    return by_regression(seen, unseen)


TEXT_WAYS = (
    Way("pointsman, inferred domain (mixed)", inferred_domain),
    Way("pointsman, inferred domain (likeliest)", likeliest_domain),
    Way("kNN on the text", neighbours),
    Way("logistic regression on the text", regression),
)
