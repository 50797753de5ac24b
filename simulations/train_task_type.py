"""How well are task types told apart by words, and with which weights?

Learns from real prompts and from phrases written for the purpose, reports accuracy on groups of
texts that it has not seen, and with `--write` writes the model that pointsman ships.

    python -m simulations.train_task_type FOLDER            folder of the outcome matrices
    python -m simulations.train_task_type FOLDER --write
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pointsman.core import task_type
from pointsman.core.fleet import broad_type
from pointsman.core.task_type import LinearModel, TypeGuess
from simulations.linear_text import Fit, Fitted, fitted, found_in
from simulations.outcomes_data import Ints, Prompt, alike, read_prompts, split
from simulations.task_phrases import PHRASES, filled

FILES = ("zeroeval", "mmlupro", "routellm")
SEEDS = range(3)
COPIES = 30
"""How often each phrase is filled."""

TASKS: Mapping[str, str] = {
    "coding": "crux",
    "math/word_problem": "gsm gsm8k_responses",
    "math/competition": "math-l5",
    "math/textbook": (
        "math abstract_algebra college_mathematics elementary_mathematics high_school_mathematics "
        "high_school_statistics"
    ),
    "reasoning/physics": (
        "physics college_physics conceptual_physics high_school_physics astronomy"
    ),
    "reasoning/chemistry": "chemistry college_chemistry high_school_chemistry",
    "reasoning/engineering": "engineering electrical_engineering",
    "question_answering/biology": "biology college_biology high_school_biology",
    "question_answering/business": (
        "business business_ethics management marketing professional_accounting"
    ),
    "question_answering/computing": (
        "computer_science college_computer_science computer_security high_school_computer_science "
        "machine_learning"
    ),
    "question_answering/economics": (
        "economics econometrics high_school_macroeconomics high_school_microeconomics"
    ),
    "question_answering/health": (
        "health anatomy clinical_knowledge college_medicine human_aging human_sexuality "
        "medical_genetics nutrition professional_medicine virology"
    ),
    "question_answering/history": (
        "history high_school_european_history high_school_us_history high_school_world_history "
        "prehistory"
    ),
    "question_answering/law": "law international_law jurisprudence professional_law",
    "question_answering/philosophy": (
        "philosophy formal_logic logical_fallacies moral_disputes moral_scenarios world_religions"
    ),
    "question_answering/psychology": ("psychology high_school_psychology professional_psychology"),
}
"""Which tasks of the matrices are of which type; of all others no finer one is told."""

TYPE_OF_TASK = {task: kind for kind, tasks in TASKS.items() for task in tasks.split()}
ANY_KNOWLEDGE = "question_answering"

A_FUNCTION = "def f(numbers):\n    return [n for n in numbers if n > 0]"
"""What stands for code where no real prompt has any."""

PHRASE_WEIGHT = 40.0
"""What all fillings of a phrase count together; a real prompt counts 1."""

_OPTIONS = re.compile(r"\n(?:[A-J]\. .*|Answer:)\s*")
_SENTENCE = re.compile(r"[A-Z][^.?!\n]{20,300}[.?!](?=\s|$)")
_FUNCTION = re.compile(r"\[PYTHON\]\n(.*?)\nassert", re.DOTALL)


class Example(NamedTuple):
    """A text of a type. Texts of one `group` are alike or fill the same phrase."""

    text: str
    type: str
    group: str
    real: bool


def real_prompts(folder: Path) -> Iterator[tuple[str, Prompt]]:
    """All prompts with the names of the matrices that they are of."""
    return ((name, each) for name in FILES for each in read_prompts(folder / f"{name}.parquet"))


def real_examples(prompts: Sequence[Prompt], groups: Ints) -> Iterator[Example]:
    """The real prompts, every other of those with options without them."""
    for place, (prompt, group) in enumerate(zip(prompts, groups, strict=True)):
        text = _OPTIONS.sub("\n", prompt.text).strip() if place % 2 else prompt.text
        kind = TYPE_OF_TASK.get(prompt.task.replace(" ", "_"), ANY_KNOWLEDGE)
        yield Example(text, kind, f"text {group}", real=True)


def told(example: Example) -> str:
    """What a text tells before it asks."""
    if example.type == "coding":
        return ""
    sentences = _SENTENCE.findall(_OPTIONS.sub("\n", example.text))
    return " ".join(sentence for sentence in sentences[:4] if not sentence.endswith("?"))


def written_examples(real: Sequence[Example]) -> Iterator[Example]:
    """The phrases, each filled several times."""
    functions = [found[1] for example in real if (found := _FUNCTION.search(example.text))]
    functions = functions or [A_FUNCTION]
    passages = [passage for example in real if (passage := told(example))]
    seed = 0
    for kind, phrases in PHRASES.items():
        for phrase in phrases:
            texts = {filled(phrase, passages, functions, seed + copy) for copy in range(COPIES)}
            seed += COPIES
            group = f"phrase {phrase}"
            yield from (Example(text, kind, group, real=False) for text in sorted(texts))


def importance(examples: Sequence[Example]) -> list[float]:
    """How much each example counts."""
    sizes = Counter(example.group for example in examples if not example.real)
    return [1.0 if e.real else PHRASE_WEIGHT / sizes[e.group] for e in examples]


def trained(examples: Sequence[Example], fit: Fit) -> Fitted:
    found = found_in([example.text for example in examples])
    types = [example.type for example in examples]
    return fitted(found, types, importance(examples), fit)


def guesses(model: LinearModel, examples: Sequence[Example]) -> list[TypeGuess]:
    return [model.guess(words) for words in found_in([example.text for example in examples])]


class Report:
    """Counts of what was guessed for what."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels
        self.counts: Counter[tuple[str, str, bool]] = Counter()
        self.right: list[tuple[float, bool]] = []
        self.finer: list[bool] = []

    def add(self, example: Example, guess: TypeGuess) -> None:
        kind, said = broad_type(example.type), broad_type(guess.type or "none")
        self.counts[kind, said, example.real] += 1
        self.right.append((guess.probability, guess.type is not None and said == kind))
        if guess.type not in (None, said):
            self.finer.append(guess.type == example.type)

    def lines(self, *, real: bool) -> Iterator[str]:
        columns = [*self.labels, "none"]
        yield "".join(["".ljust(20), *(name[:9].rjust(10) for name in columns), "   recall"])
        for label in self.labels:
            row = [self.counts[label, column, real] for column in columns]
            if any(row):
                recall = row[columns.index(label)] / sum(row)
                cells = "".join(f"{n:10d}" for n in row)
                yield f"{label:20}{cells}   {recall:.3f}"
        named = [(kind, guess, n) for (kind, guess, r), n in self.counts.items() if r is real]
        total = sum(n for _, _, n in named)
        said = sum(n for _, guess, n in named if guess != "none")
        right = sum(n for kind, guess, n in named if kind == guess)
        shares = said / total, right / said, right / total
        yield "named {:.3f}, of these right {:.3f}, of all {:.3f}".format(*shares)

    def finer_line(self) -> str:
        """How often a finer type was named, and how often that was right."""
        share = len(self.finer) / len(self.right)
        return f"a finer type named {share:.3f}, of these right {np.mean(self.finer):.3f}"

    def calibration(self) -> Iterator[str]:
        """How often what was named was right, by how probable it was said to be."""
        bounds = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
        for low, high in pairwise(bounds):
            inside = [(p, right) for p, right in self.right if low <= p < high]
            if inside:
                said, true = np.mean(np.array(inside, dtype=float), axis=0)
                yield f"said {said:.2f}: right {true:.2f} of {len(inside)}"


def tested(examples: Sequence[Example], fit: Fit, seeds: Sequence[int]) -> Report:
    """Trains on 70 % of the groups and guesses the others, once per seed."""
    report = Report(sorted(PHRASES))
    names = {group: place for place, group in enumerate(dict.fromkeys(e.group for e in examples))}
    groups = np.array([names[example.group] for example in examples])
    for seed in seeds:
        learnt = split(groups, seed)
        model = trained([e for e, s in zip(examples, learnt, strict=True) if s], fit).model()
        unseen = [e for e, s in zip(examples, learnt, strict=True) if not s]
        for example, guess in zip(unseen, guesses(model, unseen), strict=True):
            report.add(example, guess)
    return report


def comments(report: Report) -> list[str]:
    """What the file says of itself."""
    *_, real = report.lines(real=True)
    *_, written = report.lines(real=False)
    return [
        "The weights of core/task_type.py. Generated, do not edit:",
        "    python -m simulations.train_task_type FOLDER --write",
        "Learnt from WildEval/ZeroEval (Apache-2.0; texts of GSM8K, MATH and CRUXEval: MIT),",
        "TIGER-AI-Lab/MMLU-Pro (Apache-2.0), lm-sys/RouteLLM (Apache-2.0; texts of MMLU: MIT) and",
        "the phrases in simulations/task_phrases.py. Only single words and pairs are kept.",
        f"Unseen groups of real prompts: {real}; {report.finer_line()}.",
        f"Unseen phrases: {written}.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="of zeroeval, mmlupro and routellm.parquet")
    parser.add_argument("--write", action="store_true", help="write the model that is shipped")
    arguments = parser.parse_args()
    prompts = [prompt for _, prompt in real_prompts(arguments.folder)]
    real = list(real_examples(prompts, alike([prompt.text for prompt in prompts])))
    examples = [*real, *written_examples(real)]
    report = tested(examples, Fit(), SEEDS)
    for part in (True, False):
        print("real prompts" if part else "phrases", *report.lines(real=part), sep="\n")
    print(report.finer_line(), *report.calibration(), sep="\n")
    if arguments.write:
        path = Path(task_type.__file__).with_suffix(".tsv")
        path.write_text(trained(examples, Fit()).written(comments(report)), "utf-8")
        print(f"wrote {path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
