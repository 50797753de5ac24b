"""What does watching cost, and what do ten thousand alerts at once?

python -m bench.alerts
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pointsman.core.alert_counts import Counts
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_groups import Said, Teller
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import Alert, AlertLog, Now
from pointsman.core.alert_metrics import ScopeKind
from pointsman.core.alert_routes import Route
from pointsman.core.alert_rules import lines
from pointsman.core.alert_wishes import Wishes
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LOOK_S = 10.0
MODELS = 50
ATTEMPTS = 25


class Stopwatch:
    """Seconds of this process's time, by what they were spent on."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.spent[what] = self.spent.get(what, 0.0) + time.process_time() - begun


def looks(agents: int, outages: tuple[bool, ...]) -> Iterator[tuple[Stopwatch, int, int]]:
    """For each look, in an outage or not: what it cost, alerts that began, messages."""
    rules = list(DEFAULT_RULES.values())
    judgement = Judgement(rules, AlertLog(), Counts(*lines(rules)))
    teller, wishes = Teller(), Wishes(judgement.rules, [Route(("pager",))])
    for number, failing in enumerate(outages):
        now = Now(number * LOOK_S, BEGINNING + timedelta(seconds=number * LOOK_S))
        failure = FailureKind.SERVER_ERROR if failing else None
        batch = [
            Outcome("d", 1, f"p/m{n % MODELS}", f"a{n}", BEGINNING, failure, False, 0.2)
            for n in range(agents)
            for _ in range(ATTEMPTS)
        ]
        gc.collect()
        watch = Stopwatch()
        with watch.on("counting"):
            judgement.counts.fold(now.s, batch)
        with watch.on("judging"):
            events = judgement.look(now, {})
        with watch.on("telling"):
            notifications, _ = teller.tell(now, judgement.log.all(), wishes, {})
        yield watch, len(events), len(notifications)


def longest_steps(rules: int, outages: tuple[bool, ...]) -> Iterator[tuple[int, float, float]]:
    """For each look of so many rules on 50 models: open alerts, seconds, and the longest step.

    The loop serves others between two steps, so that is as long as a look makes anybody wait.
    """
    like = DEFAULT_RULES["model_failure"]
    made = [replace(like, name=f"rule-{number}") for number in range(rules)]
    judgement = Judgement(made, AlertLog(), Counts(*lines(made)))
    judgement.declared = {ScopeKind.MODEL: {f"p/m{n}" for n in range(MODELS)}}
    teller, wishes = Teller(), Wishes(judgement.rules, [Route(("pager",))])
    for number, failing in enumerate(outages):
        now = Now(number * LOOK_S, BEGINNING + timedelta(seconds=number * LOOK_S))
        failure = FailureKind.SERVER_ERROR if failing else None
        batch = [
            Outcome("d", 1, f"p/m{n}", "a", BEGINNING, failure, False, 0.2)
            for n in range(MODELS)
            for _ in range(ATTEMPTS)
        ]
        gc.collect()
        took = [*_steps(judgement.counts.folding(now.s, batch))]
        took += _steps(judgement.looking(now, {}, []))
        known: list[Alert] = []
        took += _steps(_gathering(judgement.log, known))
        took += _steps(teller.telling(now, known, wishes, {}, Said([], [])))
        yield len(known), sum(took), max(took)


def _gathering(log: AlertLog, known: list[Alert]) -> Iterator[None]:
    for those in log.every():
        known += those
        yield


def _steps(work: Iterable[object]) -> Iterator[float]:
    """The seconds of each step, the last included."""
    steps, going = iter(work), True
    while going:
        begun = time.thread_time()
        going = next(steps, steps) is not steps
        yield time.thread_time() - begun


def main() -> None:
    gc.set_threshold(50_000, 20, 100)  # as `pointsman serve` has it
    print("| agents | look | alerts that begin | messages | counting | judging | telling |")
    print("|---|---|---|---|---|---|---|")
    for agents in (1_000, 10_000):
        names = ("well", "well", "outage", "outage goes on")
        for name, (watch, began, messages) in zip(
            names, looks(agents, (False, False, True, True)), strict=True
        ):
            costs = " | ".join(f"{1e3 * spent:.1f} ms" for spent in watch.spent.values())
            print(f"| {agents:,} | {name} | {began:,} | {messages} | {costs} |")
    print("\n| rules on 50 models | alerts | a look | longest step |\n|---|---|---|---|")
    for rules in (1_000, 10_000):
        for alerts, seconds, longest in longest_steps(rules, (True, True, False)):
            print(f"| {rules:,} | {alerts:,} | {seconds:.2f} s | {1e3 * longest:.0f} ms |")
    print(f"\neach with {ATTEMPTS} attempts since the look before; times are of the processor")


if __name__ == "__main__":
    main()
