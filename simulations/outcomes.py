"""How well does pointsman choose on real outcomes, against simpler and cleverer ways?

Reads the outcome matrices in a folder (see `outcomes_data`) and prints two reports. *Offline*: on
grouped splits, all models' answers to the learnt part are known; the trade between cost and
accuracy on the rest (`outcomes_ways`). *Online*: one answer per prompt (`outcomes_stream`).

    python -m simulations.outcomes FOLDER                     both reports, seeds 0 to 11
    python -m simulations.outcomes FOLDER --only offline --matrix mmlupro --seeds 100-103
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from simulations.outcomes_bandits import BANDITS, fixed, reached
from simulations.outcomes_data import Matrix, read_matrix
from simulations.outcomes_stream import Run, Setting, Stream
from simulations.outcomes_ways import STRANGE, WAYS, Result, Way, offline, types_of

T = TypeVar("T")

MATRICES = ("mmlupro", "zeroeval", "routellm")
FINE = frozenset({"routellm"})
"""Matrices whose two domains are no more than two exams: agents are their finer tasks."""

SETTINGS: Mapping[str, Setting] = {
    "pointsman as shipped": Setting(),
    "  one answer in five is judged": Setting(judged=0.2),
    "  judged 200 prompts later": Setting(late=200),
    "  no exploration": Setting(explore=0.0),
    "  30 calibration prompts": Setting(calibration=30),
    "  no calibration": Setting(calibration=0),
    "nothing declared, nothing inferred": Setting(declared=False),
}
INFERRED = "nothing declared, task type inferred"


def online(matrix: Matrix, seed: int) -> dict[str, Run]:
    """All settings, and the simple ways, over one order."""
    runs = {name: Stream(matrix, seed, setting).run() for name, setting in SETTINGS.items()}
    runs[INFERRED] = Stream(matrix, seed, Setting(declared=False)).run(types_of(matrix))
    for name, (choice, by_domain) in BANDITS.items():
        runs[name] = Run(reached(matrix, seed, choice, by_domain=by_domain))
    return runs | {name: Run(share) for name, share in fixed(matrix, seed).items()}


def offline_lines(results: Sequence[Mapping[str, Result]]) -> Iterator[str]:
    heads = ("NAIQ", "NAIQ, log hull", "accuracy", "cost saved", "accuracy gained")
    yield f"{'':40}" + "".join(f"{head:>17}" for head in heads)
    for way in results[0]:
        rows = [result[way] for result in results]
        cells = (
            spread([row.naiq for row in rows]),
            spread([row.naiq_log for row in rows]),
            spread([row.accuracy for row in rows]),
            spread([row.saved.cost for row in rows]),
            spread([row.saved.accuracy for row in rows]),
        )
        yield f"{way:40}" + "".join(f"{cell:>17}" for cell in cells)


def online_lines(results: Sequence[Mapping[str, Run]]) -> Iterator[str]:
    yield f"{'':46}{'share of the way':>17}{'least':>8}{'explored':>10}"
    for name in results[0]:
        shares = [result[name].share for result in results]
        explored = np.mean([result[name].explored for result in results])
        yield f"{name:46}{spread(shares):>17}{min(shares):>8.3f}{explored:>10.4f}"


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds."""
    return f"{np.mean(values):.4f} ± {np.std(values):.4f}"


def described(matrix: Matrix) -> str:
    best = int(matrix.score.mean(axis=0).argmax())
    return (
        f"{matrix.name}: {len(matrix)} prompts in {len(set(matrix.group.tolist()))} groups, "
        f"{len(matrix.models)} models, {len(matrix.domains)} domains; "
        f"best single {matrix.models[best]} {matrix.score[:, best].mean():.4f}, "
        f"random {matrix.score.mean():.4f}, oracle {matrix.score.max(axis=1).mean():.4f}"
    )


def all_ways() -> tuple[Way, ...]:
    # Only here, so that the rest can be run and tested without scikit-learn.
    from simulations.outcomes_text import TEXT_WAYS  # noqa: PLC0415 - see above

    return (*WAYS[:2], STRANGE, *TEXT_WAYS, *WAYS[2:])


def reports(
    matrix: Matrix, seeds: Sequence[int], jobs: int, only: str | None = None
) -> Iterator[str]:
    """The lines of one matrix, as they are worked out."""
    yield described(matrix)
    if matrix.is_priced and only != "online":
        yield "offline"
        yield from offline_lines(in_turn(partial(offline, matrix, all_ways()), seeds, jobs))
    if only != "offline":
        yield "online"
        yield from online_lines(in_turn(partial(online, matrix), seeds, jobs))


def in_turn(work: Callable[[int], T], seeds: Sequence[int], jobs: int) -> list[T]:
    """What `work` gives for each seed, in so many processes."""
    if jobs == 1:
        return [work(seed) for seed in seeds]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, seeds))


def seeds_of(text: str) -> range:
    """`0-11` or `7`."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m simulations.outcomes", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="of the matrices and prices.csv")
    parser.add_argument("--only", choices=("offline", "online"))
    parser.add_argument("--matrix", choices=MATRICES, action="append")
    parser.add_argument("--seeds", type=seeds_of, default=range(12), metavar="FIRST-LAST")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(argv)
    # Only here, as above.
    from simulations.unseen_types import unseen_types  # noqa: PLC0415 - see above

    types = unseen_types(arguments.folder)
    for name in arguments.matrix or MATRICES:
        matrix = read_matrix(arguments.folder / f"{name}.parquet", by_task=name in FINE)
        matrix = replace(matrix, types=types[name].by_turns, strange_types=types[name].as_strange)
        for line in reports(matrix, arguments.seeds, arguments.jobs, arguments.only):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
