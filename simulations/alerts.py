"""How often is somebody woken for nothing, and how soon for an outage?

A service that answers 97 % of its requests is sound; one that answers half of them is not. Attempts
come at random, at three rates, and the shipped rules look at them every ten seconds, with the same
arithmetic, state machine and telling as in a gateway; beside them a naive rule, "less than 95 % in
the last minute", with a cooldown of five minutes.

    make sim ARGS="alerts --seeds 20"
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from pointsman.app.plots import Line, Plot, svg
from pointsman.core.alert import Severity
from pointsman.core.alert_counts import FAULTS, JUDGED, MINUTE_S, Counts
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_groups import Teller
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import AlertLog, Now
from pointsman.core.alert_metrics import EVERYTHING
from pointsman.core.alert_routes import Route
from pointsman.core.alert_rules import lines
from pointsman.core.alert_wishes import Wishes
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind

RATES = (0.05, 0.5, 5.0)
SOUND, BROKEN = 0.97, 0.5
LOOK_S = 10.0
BEFORE_S, AFTER_S = 3_600.0, 1_800.0
COOLDOWN_S = 300.0
RULES = ("low_success_rate", "model_failure", "rapid_failures")
NAIVE = "naive"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
PLOTTED_S, STEP_S = 600, 10


class Notice(NamedTuple):
    """Somebody was told: when, by which rule, how grave."""

    at_s: float
    rule: str
    severity: str


class Run(NamedTuple):
    """One service: `rate` attempts a second, sound for so long, then broken for so long."""

    rate: float
    seed: int
    sound_s: float
    broken_s: float = 0.0


def attempts(run: Run) -> Iterator[tuple[float, bool]]:
    """When an attempt ended, and whether well."""
    chance = Random(f"{run.seed} {run.rate}")
    at_s = chance.expovariate(run.rate)
    while at_s < run.sound_s + run.broken_s:
        yield at_s, chance.random() < (SOUND if at_s < run.sound_s else BROKEN)
        at_s += chance.expovariate(run.rate)


def notices(run: Run) -> list[Notice]:
    """What was told, by the shipped rules and by the naive one."""
    rules = [DEFAULT_RULES[name] for name in RULES]
    counts = Counts(*lines(rules))
    judgement = Judgement(rules, AlertLog(), counts)
    teller, wishes = Teller(), Wishes(judgement.rules, [Route(("pager",))])
    found: list[Notice] = []
    naive_s = -COOLDOWN_S
    coming = attempts(run)
    upcoming = next(coming, None)
    for look in range(1, int((run.sound_s + run.broken_s) / LOOK_S) + 1):
        now = Now(look * LOOK_S, BEGINNING + timedelta(seconds=look * LOOK_S))
        batch = []
        while upcoming is not None and upcoming[0] <= now.s:
            batch.append(_outcome(well=upcoming[1]))
            upcoming = next(coming, None)
        counts.fold(now.s, batch)
        judgement.look(now, {})
        _, heard = teller.tell(now, judgement.log.all(), wishes, {})
        found += [Notice(now.s, a.rule, a.severity.name) for a in heard if a.is_open]
        judgement.log.forget(now)
        if now.s - naive_s >= COOLDOWN_S and _is_below(counts, now.s):
            naive_s = now.s
            found.append(Notice(now.s, NAIVE, Severity.WARNING.name))
    return found


def _outcome(*, well: bool) -> Outcome:
    failure = None if well else FailureKind.SERVER_ERROR
    return Outcome("d", 1, "acme/model", "agent", BEGINNING, failure, False, 0.2)


def _is_below(counts: Counts, now_s: float) -> bool:
    """What most dashboards alert on."""
    series = counts.series(EVERYTHING)
    if series is None:
        return False
    judged = series.count(now_s, MINUTE_S, JUDGED)
    return judged > 0 and 1.0 - series.count(now_s, MINUTE_S, FAULTS) / judged < 0.95


def noticed_s(found: Sequence[Notice], *, naive: bool) -> float:
    """How long after its beginning an outage was told; infinite where it was not."""
    times = [each.at_s for each in found if (each.rule == NAIVE) is naive]
    return min((at_s - BEFORE_S for at_s in times if at_s >= BEFORE_S), default=float("inf"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many of each (default: 20)")
    parser.add_argument("--hours", type=float, default=24.0, help="of sound service (default: 24)")
    parser.add_argument("--plot", type=Path, help="where to write the plot, as SVG")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    args = parser.parse_args()
    each = product(RATES, range(args.seeds))
    sound = [Run(rate, seed, args.hours * 3_600) for rate, seed in each]
    outages = [
        Run(rate, 1_000 + seed, BEFORE_S, AFTER_S)
        for rate, seed in product(RATES, range(5 * args.seeds))
    ]
    with ProcessPoolExecutor(args.jobs) as pool:
        quiet = list(pool.map(notices, sound))
        broken = list(pool.map(notices, outages))
    print(table(sound, quiet, outages, broken, args.hours / 24.0))
    if args.plot:
        args.plot.write_text(plot(outages, broken), "utf-8")


def table(
    sound: Sequence[Run],
    quiet: Sequence[Sequence[Notice]],
    outages: Sequence[Run],
    broken: Sequence[Sequence[Notice]],
    days: float,
) -> str:
    """What came of it, for each rate."""
    ours = "warnings a day | errors and critical a day | outage told, median (p90)"
    rows = [f"| req/s | {ours} | naive: notices a day | outage told |", "|---|---|---|---|---|---|"]
    for rate in RATES:
        told = [found for run, found in zip(sound, quiet, strict=True) if run.rate == rate]
        count = Counter(
            NAIVE if each.rule == NAIVE else each.severity for found in told for each in found
        )
        of_a_day = {name: number / (len(told) * days) for name, number in count.items()}
        grave = of_a_day.get("ERROR", 0.0) + of_a_day.get("CRITICAL", 0.0)
        soon, naive_soon = (
            sorted(
                noticed_s(found, naive=naive)
                for run, found in zip(outages, broken, strict=True)
                if run.rate == rate
            )
            for naive in (False, True)
        )
        rows.append(
            f"| {rate:g} | {of_a_day.get('WARNING', 0.0):.2f} | {grave:.2f} "
            f"| {median(soon):.0f} s ({soon[int(0.9 * len(soon))]:.0f} s) "
            f"| {of_a_day.get(NAIVE, 0.0):.1f} | {median(naive_soon):.0f} s |"
        )
    return "\n".join(rows)


def plot(outages: Sequence[Run], broken: Sequence[Sequence[Notice]]) -> str:
    """The share of outages that were noticed, by the time since they began."""
    shown = []
    for rate, naive in product(RATES, (False, True)):
        times = [
            noticed_s(found, naive=naive)
            for run, found in zip(outages, broken, strict=True)
            if run.rate == rate
        ]
        steps = range(0, PLOTTED_S + 1, STEP_S)
        shares = [sum(each <= step for each in times) / len(times) for step in steps]
        name = f"{'naive' if naive else 'shipped rules'}, {rate:g}/s"
        shown.append(Line(name, shares, [0.0] * len(shares)))
    return svg(
        Plot(
            title="How soon an outage to 50 % is told",
            across="seconds since it began",
            up="share of outages told",
            span=(0, PLOTTED_S),
            top=1.0,
            lines=shown,
            note='make sim ARGS="alerts --seeds 20 --plot docs/explanation/alerts-outage.svg"',
        )
    )


if __name__ == "__main__":
    main()
