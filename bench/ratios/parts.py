"""What do the parts cost that need no server: a decision, a plan, a look, a record, a page?"""

from __future__ import annotations

import gc
import itertools
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from bench.assignment import EXACT, as_it_is
from bench.choices.decide import WAYS, Traffic, document
from bench.fleets import Shape, fleet
from bench.ratios.ratio import Ratio, in_turns, ratio
from bench.records import Changing, batch
from bench.statistics import observe_all, record_all, scraped
from bench.traffic import FLEET, SMALL, outcomes
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import AlertLog, Now
from pointsman.core.alert_rules import lines
from pointsman.core.assignment.optimal import optimal
from pointsman.core.decision import Decision, Outcome

DECISIONS = 2_000
AGENTS = 1_000
ATTEMPTS = 10
BATCHES = 4
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LOOK_S = 10.0
PLAIN_TABLE = "CREATE TABLE KEPT (ID TEXT PRIMARY KEY, A, B, C, D, E, F, G) WITHOUT ROWID"
PLAIN_INSERT = "INSERT INTO KEPT VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
PLANS = Shape(100, 25, room=5.0, budget=0.9)

Part = Callable[[int], Ratio]


def decision(turns: int) -> Ratio:
    """A decision among 20 near-equals by a scorer that learns, and learning from its outcome."""
    traffic, text = Traffic(20, WAYS[0], per_second=1_000.0), document()
    traffic.round(DECISIONS)
    sides = in_turns(
        lambda: traffic.round(DECISIONS),
        lambda: [json.loads(text) for _ in range(DECISIONS)],
        turns,
    )
    per = (DECISIONS, DECISIONS)
    return ratio("decision among 20, learning", sides, per, at_most=1.3, against="4 KB of JSON")


def assignment(turns: int) -> Ratio:
    problem = fleet(PLANS, 0)
    sides = in_turns(
        lambda: optimal(problem, EXACT), lambda: as_it_is(problem, EXACT), max(2, turns // 2)
    )
    against = "the whole problem put to the solver"
    return ratio("assignment, 100 × 25 exactly", sides, (1, 1), at_most=1.6, against=against)


def recording(turns: int) -> Ratio:
    told = outcomes(FLEET)[:20_000]
    sides = in_turns(lambda: record_all(told), lambda: observe_all(told), turns)
    per = (len(told), len(told))
    against = "prometheus_client's own histograms and counters"
    return ratio("recording an attempt", sides, per, at_most=1.6, against=against)


def alert_tick(turns: int) -> Ratio:
    """One look at a fleet that is well, with what happened since the last one counted."""
    rules = list(DEFAULT_RULES.values())
    judgement = Judgement(rules, AlertLog(), Counts(*lines(rules)))
    looks = itertools.count()
    told = [
        Outcome("d", 1, f"p/m{n % 50}", f"a{n}", BEGINNING, None, False, 0.2)
        for n in range(AGENTS)
        for _ in range(ATTEMPTS)
    ]

    def look() -> None:
        at_s = next(looks) * LOOK_S
        now = Now(at_s, BEGINNING + timedelta(seconds=at_s))
        judgement.counts.fold(now.s, told)
        judgement.look(now, {})

    def count() -> None:
        counted: Counter[tuple[str, str]] = Counter()
        for each in told:
            counted[each.agent_id, each.model_id] += 1

    per = (len(told), len(told))
    against = "a counter by agent and model, per attempt"
    sides = in_turns(look, count, turns)
    return ratio(f"alert tick, {AGENTS:,} agents", sides, per, at_most=8.0, against=against)


def persistence(turns: int) -> Ratio:
    """Decisions of 20 candidates with their outcomes into the embedded store."""
    candidates, numbers = Changing(400, 20), itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "ours.db")
        plain = sqlite3.connect(Path(folder) / "plain.db")
        plain.execute("PRAGMA journal_mode = WAL")
        plain.execute(PLAIN_TABLE)
        with closing(store), closing(plain):
            made = [batch(next(numbers), candidates) for _ in range(turns + 1)]
            turn = iter(made), iter(made)
            sides = in_turns(
                lambda: store.append(next(turn[0])), lambda: _plainly(plain, next(turn[1])), turns
            )
    count = len(made[0]) // 2
    against = "two rows of eight columns by the driver alone"
    return ratio("persistence, a request", sides, (count, count), at_most=6.0, against=against)


def _plainly(kept: sqlite3.Connection, records: list[Decision | Outcome]) -> None:
    """Of each record as many fields as a table of the least use would have."""
    rows = [
        (f"{each[0]}{number % 2}", number, 0.5, 1.5, each.agent_id, "p/m", "balanced", "cfg_1")
        for number, each in enumerate(records)
    ]
    with kept:
        kept.executemany(PLAIN_INSERT, rows)


def metrics_page(turns: int) -> Ratio:
    """The page of a small fleet, all series of it."""
    built = scraped(SMALL)

    def page() -> bytes:
        return uvloop.run(built.metrics.render(""))[0]

    series = sum(1 for line in page().splitlines() if not line.startswith(b"#"))
    registry = CollectorRegistry()
    gauge = Gauge("baseline", "So many samples.", ("model", "window"), registry=registry)
    for number in range(series):
        gauge.labels(f"provider/model-{number}", "1m").set(number / 7)
    sides = in_turns(page, partial(generate_latest, registry), turns)
    against = "the encoder with as many samples"
    return ratio("metrics page, a series", sides, (series, series), at_most=5.0, against=against)


PARTS: tuple[Part, ...] = (
    decision,
    assignment,
    recording,
    alert_tick,
    persistence,
    metrics_page,
)


def measured(turns: int) -> Iterator[Ratio]:
    """All of them, one after the other."""
    for part in PARTS:
        gc.collect()
        yield part(turns)
