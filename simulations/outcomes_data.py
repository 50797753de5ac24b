"""Which model answered which real prompt rightly, and what did that cost?

Reads outcome matrices (Parquet: `domain, task, text` and per model `score|M` and, where known,
`cost_usd|M`, `in_tok|M`, `out_tok|M`) and divides them without tearing apart what is alike.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ALIKE = 0.7
"""Cosine of two texts over words and pairs, weighed by rarity, from which they are alike."""


class Prompt(NamedTuple):
    text: str
    domain: str
    task: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Real outcomes: rows are prompts, columns are models.

    `score` is 0 or 1. `cost_usd` and tokens are zeros where nothing is known of costs; `prices` are
    US dollars per million tokens of prompt and answer. `domain` holds places in `domains`, what an
    agent would declare. Prompts of one `group` are alike. `types` are what is inferred of each
    prompt, `strange_types` the same by a model that knows nothing of this matrix; both are empty
    where that was not looked into.
    """

    name: str
    models: tuple[str, ...]
    domains: tuple[str, ...]
    texts: tuple[str, ...]
    score: Floats
    cost_usd: Floats
    prompt_tokens: Floats
    answer_tokens: Floats
    prices: Mapping[str, tuple[float, float]]
    domain: Ints
    group: Ints
    types: tuple[str | None, ...] = ()
    strange_types: tuple[str | None, ...] = ()

    @property
    def is_priced(self) -> bool:
        return bool(self.cost_usd.any())

    def __len__(self) -> int:
        return len(self.score)

    def undeclared(self) -> Matrix:
        """The same, where all prompts are of one domain."""
        return replace(self, domains=("any",), domain=np.zeros_like(self.domain))

    def relabelled(self, domains: Sequence[str], labels: Sequence[str | None]) -> Matrix:
        """The same with other domains, one label per prompt, each in `domains` as a text."""
        places = {domain: place for place, domain in enumerate(domains)}
        domain = np.array([places.get(str(label), 0) for label in labels])
        return replace(self, domains=tuple(domains), domain=domain)

    def of(self, rows: Flags | Ints) -> Matrix:
        """Some of the rows; domains and groups keep their numbers."""
        chosen = np.arange(len(self))[rows]
        return replace(
            self,
            texts=tuple(self.texts[place] for place in chosen),
            score=self.score[chosen],
            cost_usd=self.cost_usd[chosen],
            prompt_tokens=self.prompt_tokens[chosen],
            answer_tokens=self.answer_tokens[chosen],
            domain=self.domain[chosen],
            group=self.group[chosen],
            types=tuple(self.types[place] for place in chosen if self.types),
            strange_types=tuple(
                self.strange_types[place] for place in chosen if self.strange_types
            ),
        )


def _table(path: Path) -> Any:
    # Only here, so that the arithmetic can be tested without a Parquet reader.
    from pyarrow.parquet import read_table  # noqa: PLC0415 - see above

    return read_table(path)


def read_prompts(path: Path) -> list[Prompt]:
    """The texts of a matrix with their domains and finer tasks."""
    table = _table(path)
    columns = [table[name].to_pylist() for name in ("text", "domain", "task")]
    rows = zip(*columns, strict=True)
    return [Prompt(text, domain, task or domain) for text, domain, task in rows]


def read_matrix(path: Path, *, by_task: bool = False) -> Matrix:
    """A whole matrix, with `prices.csv` beside it; `by_task` takes finer tasks for domains."""
    table = _table(path)
    prompts = read_prompts(path)
    models = tuple(name[6:] for name in table.column_names if name.startswith("score|"))
    labels = [prompt.task if by_task else prompt.domain for prompt in prompts]
    domains = sorted(set(labels))
    texts = tuple(prompt.text for prompt in prompts)
    return Matrix(
        name=path.stem,
        models=models,
        domains=tuple(domains),
        texts=texts,
        score=_columns(table, "score", models),
        cost_usd=_columns(table, "cost_usd", models),
        prompt_tokens=_columns(table, "in_tok", models),
        answer_tokens=_columns(table, "out_tok", models),
        prices=_prices(path.with_name("prices.csv"), models),
        domain=np.array([domains.index(label) for label in labels]),
        group=alike(texts),
    )


def _prices(path: Path, models: Sequence[str]) -> dict[str, tuple[float, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    return {
        model: (float(rows[model]["usd_per_mtok_in"]), float(rows[model]["usd_per_mtok_out"]))
        for model in models
    }


def _columns(table: Any, kind: str, models: Sequence[str]) -> Floats:
    if f"{kind}|{models[0]}" not in table.column_names:
        return np.zeros((table.num_rows, len(models)))
    columns = [table[f"{kind}|{model}"].to_numpy() for model in models]
    return np.stack(columns, axis=1).astype(np.float64)


def alike(texts: Sequence[str]) -> Ints:
    """The group of each text: texts that are alike, also by way of others, are in one."""
    from scipy.sparse import coo_matrix  # noqa: PLC0415 - only whoever reads files needs it
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - as above
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - as above

    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    rows = vectors.fit_transform(texts)
    links = []
    for start in range(0, len(texts), 1000):
        near = (rows[start : start + 1000] @ rows.T).tocoo()
        close = near.data >= ALIKE
        links.append(np.stack([near.row[close] + start, near.col[close]]))
    one, other = np.concatenate(links, axis=1)
    graph = coo_matrix((np.ones(len(one)), (one, other)), shape=(len(texts), len(texts)))
    groups: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def split(groups: Ints, seed: int, share: float = 0.7) -> Flags:
    """Which rows are to be learnt from: whole groups, together about `share` of all rows."""
    shuffled = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    sizes = np.bincount(groups, minlength=len(shuffled))[shuffled]
    count = int(np.searchsorted(np.cumsum(sizes), share * len(groups)))
    learnt: Flags = np.isin(groups, shuffled[:count])
    return learnt
