"""How well does a fleet do that was assigned on one half of real outcomes, judged on the other?

    python -m simulations.assigned_outcomes FOLDER
    python -m simulations.assigned_outcomes FOLDER --plot docs/explanation/assigned-outcomes.svg

FOLDER holds outcome matrices (see `outcomes_data`). Domains are agents; each asks as often as it
has prompts. What is known of a model on a domain is its successes there, shrunk to its average over
all domains as if that had been seen `PRIOR` times. Budgets are shares of what the best single model
of the learnt half costs.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np

from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import Plan
from pointsman.core.assignment.problem import (
    MINUTES_PER_DAY,
    AgentNeeds,
    Expected,
    Load,
    ModelRoom,
    Problem,
    Rules,
)
from simulations.outcomes_data import Floats, Matrix, read_matrix, split

MATRICES = ("mmlupro", "zeroeval")
BUDGETS = (0.1, 0.3, 0.6)
PRIOR = 10.0
SEEDS = range(10)
WAYS = ("optimal", "greedy", "balanced", "best single", "random")
RANDOM_DRAWS = 50
PROVEN = Effort(gap=1e-6)


class Judged(NamedTuple):
    """What came of a choice on the other half: accuracy in [0, 1], US dollars for all its prompts.

    `within` says whether the budget, in proportion to the number of prompts, was kept.
    """

    accuracy: float
    cost_usd: float
    within: bool


def fleet_of(learnt: Matrix, budget_usd: float) -> Problem:
    """The domains of a matrix as agents whose prompts of one day are the rows."""
    counts = np.bincount(learnt.domain, minlength=len(learnt.domains))
    success = _by_domain(learnt, learnt.score, learnt.score.mean(axis=0))
    usd = _by_domain(learnt, learnt.cost_usd, learnt.cost_usd.mean(axis=0))
    agents = tuple(
        AgentNeeds(domain, Load(float(count) / MINUTES_PER_DAY), importance=max(1.0, float(count)))
        for domain, count in zip(learnt.domains, counts, strict=True)
    )
    models = tuple(ModelRoom(f"lab/{name}", "lab") for name in learnt.models)
    seconds = np.ones_like(success).tolist()
    return Problem(
        agents,
        models,
        success.tolist(),
        [{} for _ in agents],
        Expected(usd.tolist(), seconds, seconds, success.tolist()),
        Rules(budget_usd_per_day=budget_usd),
    )


def _by_domain(learnt: Matrix, cells: Floats, average: Floats) -> Floats:
    """The mean per domain and model, shrunk to the model's average."""
    rows = []
    for domain in range(len(learnt.domains)):
        own = cells[learnt.domain == domain]
        rows.append((own.sum(axis=0) + PRIOR * average) / (len(own) + PRIOR))
    return np.stack(rows)


def single_within(learnt: Matrix, budget_usd: float) -> int:
    """The best model that all can stand on within the budget; the cheapest when none is."""
    costs = learnt.cost_usd.sum(axis=0)
    able = np.flatnonzero(costs <= budget_usd)
    if not len(able):
        return int(costs.argmin())
    return int(able[learnt.score.mean(axis=0)[able].argmax()])


def judged(judge: Matrix, models: Sequence[int | None], budget_usd: float) -> Judged:
    """What comes of each domain on its model; a domain without one answers nothing."""
    placed = np.array([-1 if model is None else model for model in models])[judge.domain]
    rows = np.flatnonzero(placed >= 0)
    right = judge.score[rows, placed[rows]].sum()
    cost = float(judge.cost_usd[rows, placed[rows]].sum())
    # Costs of the half not seen differ a little from those of the half that was.
    return Judged(float(right) / len(judge), cost, cost <= 1.05 * budget_usd)


def run(matrix: Matrix, share: float, seed: int) -> Mapping[str, Judged]:
    """Every way on one split under one budget."""
    half = split(matrix.group, seed, share=0.5)
    learnt, judge = matrix.of(half), matrix.of(~half)
    best = int(learnt.score.mean(axis=0).argmax())
    budget = share * float(learnt.cost_usd[:, best].sum())
    allowed = share * float(judge.cost_usd[:, best].sum())
    problem = fleet_of(learnt, budget)
    plans: Mapping[str, Plan] = {
        "optimal": optimal(problem, PROVEN),
        "greedy": greedy(problem),
        "balanced": balanced(problem),
    }
    found = {name: judged(judge, plan.chosen, allowed) for name, plan in plans.items()}
    alone = [single_within(learnt, budget)] * len(matrix.domains)
    found["best single"] = judged(judge, alone, allowed)
    draws = np.random.default_rng(seed)
    drawn = [
        judged(judge, draws.integers(len(matrix.models), size=len(alone)).tolist(), allowed)
        for _ in range(RANDOM_DRAWS)
    ]
    found["random"] = Judged(
        mean(each.accuracy for each in drawn),
        mean(each.cost_usd for each in drawn),
        all(each.within for each in drawn),
    )
    return found


class Row(NamedTuple):
    """The mean over all splits of one way under one budget of one matrix."""

    matrix: str
    budget: float
    way: str
    accuracy: float
    cost_usd: float
    within: float


def rows_of(matrix: Matrix, seeds: Sequence[int]) -> list[Row]:
    rows = []
    for share in BUDGETS:
        runs = [run(matrix, share, seed) for seed in seeds]
        for way in WAYS:
            own = [each[way] for each in runs]
            rows.append(
                Row(
                    matrix.name,
                    share,
                    way,
                    mean(each.accuracy for each in own),
                    mean(each.cost_usd for each in own),
                    mean(each.within for each in own),
                )
            )
    return rows


def table(rows: Sequence[Row]) -> str:
    lines = ["matrix    budget  way           accuracy   USD    budget kept"]
    lines += [
        f"{row.matrix:<9} {row.budget:6.0%}  {row.way:<12} {row.accuracy:8.2%} {row.cost_usd:7.3f}"
        f"  {row.within:8.0%}"
        for row in rows
    ]
    return "\n".join(lines)


WIDTH, HEIGHT, EDGE = 360, 240, 40
COLOURS = ("#0b6e4f", "#c45a00", "#5b3fa0", "#1f5fa8", "#777777")


def plot(rows: Sequence[Row]) -> str:
    """Accuracy over budget, one panel per matrix, one line per way, as SVG."""
    names = list(dict.fromkeys(row.matrix for row in rows))
    panels = [
        _panel(place, [r for r in rows if r.matrix == name]) for place, name in enumerate(names)
    ]
    legend = [
        f'<text x="{EDGE + 90 * place}" y="{HEIGHT + 20}" fill="{colour}">{way}</text>'
        for place, (way, colour) in enumerate(zip(WAYS, COLOURS, strict=True))
    ]
    size = f'width="{WIDTH * len(names)}" height="{HEIGHT + 30}"'
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    )
    ground = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([opening, ground, *panels, *legend, "</svg>", ""])


def _panel(place: int, rows: Sequence[Row]) -> str:
    low = min(row.accuracy for row in rows)
    high = max(row.accuracy for row in rows)
    left = place * WIDTH + EDGE

    def spot(row: Row) -> tuple[float, float]:
        across = BUDGETS.index(row.budget) / (len(BUDGETS) - 1)
        up = (row.accuracy - low) / ((high - low) or 1.0)
        return left + across * (WIDTH - 2 * EDGE), HEIGHT - EDGE - up * (HEIGHT - 2 * EDGE)

    parts = [f'<text x="{left}" y="20">{rows[0].matrix}: accuracy by budget</text>']
    for way, colour in zip(WAYS, COLOURS, strict=True):
        spots = [spot(row) for row in rows if row.way == way]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for share in BUDGETS:
        x = left + BUDGETS.index(share) / (len(BUDGETS) - 1) * (WIDTH - 2 * EDGE)
        parts.append(f'<text x="{x - 12:.0f}" y="{HEIGHT - 18}">{share:.0%}</text>')
    for accuracy, y in ((low, HEIGHT - EDGE), (high, EDGE)):
        parts.append(f'<text x="{left - 36}" y="{y}">{accuracy:.0%}</text>')
    return "\n".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plot", type=Path, help="write the picture to this file")
    asked = parser.parse_args(argv)
    rows: list[Row] = []
    for name in MATRICES:
        matrix = read_matrix(asked.folder / f"{name}.parquet", by_task=name == "mmlupro")
        rows += rows_of(matrix, SEEDS)
    print(table(rows))
    if asked.plot is not None:
        asked.plot.write_text(plot(rows), "utf-8")


if __name__ == "__main__":
    main()
