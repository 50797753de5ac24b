"""A small outcome matrix made by chance, of which it is known what is true."""

from __future__ import annotations

import numpy as np
from simulations.outcomes_data import Floats, Matrix

MODELS = ("cheap", "middling", "coder", "best")
DOMAINS = ("code", "law", "history")
WORDS = (
    ("function", "loop", "python", "array", "compile"),
    ("court", "contract", "statute", "liable", "appeal"),
    ("emperor", "treaty", "century", "revolt", "dynasty"),
)

QUALITY: Floats = np.array(
    [
        [0.50, 0.45, 0.35],
        [0.65, 0.62, 0.60],
        [0.85, 0.40, 0.40],
        [0.74, 0.78, 0.75],
    ]
).T
"""Per domain and model: the best model on the whole is not the best at code."""

COST_USD: Floats = np.array([0.0001, 0.0006, 0.001, 0.004])


def made_matrix(prompts: int = 900, seed: int = 1) -> Matrix:
    """As many prompts of each domain; two prompts in a row make a group."""
    draws = np.random.default_rng(seed)
    domain = draws.integers(len(DOMAINS), size=prompts)
    score = (draws.random((prompts, len(MODELS))) < QUALITY[domain]).astype(float)
    words = [" ".join(draws.choice(WORDS[place], 6)) for place in domain]
    answer = draws.lognormal(5.0, 0.3, (prompts, len(MODELS))).round()
    return Matrix(
        name="made",
        models=MODELS,
        domains=DOMAINS,
        texts=tuple(f"{text} {number}" for number, text in enumerate(words)),
        score=score,
        cost_usd=COST_USD * answer / 150.0,
        prompt_tokens=np.zeros_like(answer),
        answer_tokens=answer,
        prices={
            name: (0.0, float(usd) / 150.0 * 1e6)
            for name, usd in zip(MODELS, COST_USD, strict=True)
        },
        domain=domain,
        group=np.arange(prompts) // 2,
    )
