"""Scenario 2: are a thousand decisions a minute made, while all that watches goes on?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from random import Random
from typing import NamedTuple

import uvloop

from pointsman.adapters.providers.simulated.personas import AGENTS
from pointsman.app.loadtest.arrivals import Arrivals, ClosedLoop, OpenLoop
from pointsman.app.loadtest.calling import Caller
from pointsman.app.loadtest.measured import Measured
from pointsman.app.loadtest.requests import Traffic, usual_asks
from pointsman.app.loadtest.run import Bounds, LoadTest
from pointsman.app.loadtest.validation.checks import Check, at_least, at_most, holds
from pointsman.app.loadtest.validation.listening import Listener
from pointsman.app.loadtest.validation.stand import Stand, stand, wait_for

DECISIONS = 1_000
SECONDS = 60.0
SHORT = 10
"""The short form has so many times fewer, in so many times less time."""

MOST_GROWTH_MB = 16.0
"""After the first half: what a minute's figures take, and room for the allocator."""

MOST_LATER_S = 3.0
"""The last request comes when its time is over, and takes a while."""

STORED_WITHIN_S = 10.0
TIMEOUT_S = 30.0
BURST_CALLERS = 16
BURST_S = 3.0


class Load(NamedTuple):
    """What came of a load, and the memory of the gateway half-way."""

    measured: Measured
    half_mb: float | None


def put_on(place: Stand, arrivals: Arrivals, bounds: Bounds, *, streamed: float = 0.3) -> Load:
    """Requests of all agents, some of them streamed."""
    half_mb: float | None = None

    def look(_: Measured, at_s: float) -> None:
        nonlocal half_mb
        if half_mb is None and at_s >= bounds.duration_s / 2:
            half_mb = place.rss_mb()

    traffic = Traffic(
        usual_asks(),
        Random(1),  # noqa: S311 - draws prompts, not secrets
        agents={agent.id: 1.0 for agent in AGENTS},
        streamed=streamed,
        fields={"max_tokens": 16},
    )
    test = LoadTest(
        Caller(place.url, {}, TIMEOUT_S),
        traffic,
        arrivals,
        bounds,
        random=Random(2),  # noqa: S311 - draws gaps, not secrets
        tick=look,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return Load(runner.run(test.run()), half_mb)


def run(*, short: bool = False) -> Sequence[Check]:
    wanted, seconds = (DECISIONS // SHORT, SECONDS / SHORT) if short else (DECISIONS, SECONDS)
    with (
        stand(time_scale=0.2, alerts={"interval_s": 1}) as place,
        closing(Listener(place.url)) as listener,
    ):
        looks = place.metric("pointsman_alert_looks_total") or 0.0
        bounds = Bounds(seconds * 1.5, requests=wanted)
        measured, half_mb = put_on(place, OpenLoop(wanted / seconds, poisson=False), bounds)
        end_mb = place.rss_mb()
        stored = wait_for(
            lambda: (place.metric("pointsman_ledger_written_records_total") or 0) >= 2 * wanted,
            STORED_WITHIN_S,
        )
        looked = (place.metric("pointsman_alert_looks_total") or 0.0) - looks
        counted = place.metric("pointsman_requests_total")
        events = _changes(listener)
    took_s = max(measured.seconds) + 1
    grown = None if half_mb is None or end_mb is None else max(0.0, end_mb - half_mb)
    return [
        at_least(
            "decisions routed and answered", wanted, measured.done - measured.failed, "of them"
        ),
        at_most("seconds it took", seconds + MOST_LATER_S, took_s, "s"),
        holds("metrics: requests counted", str(wanted), f"{counted or 0:.0f}", counted == wanted),
        holds("records kept", f"≥ {2 * wanted}", "all" if stored else "fewer", bool(stored)),
        at_least("alerts: looks taken meanwhile", 0.5 * seconds, looked, "looks"),
        at_least(
            "dashboard: events with other figures than the one before",
            0.5 * seconds,
            events,
            "events",
        ),
        _memory(grown),
    ]


def _memory(grown_mb: float | None) -> Check:
    name = "memory grown in the second half"
    if grown_mb is None:
        return Check(name, f"≤ {MOST_GROWTH_MB:g} MB", "this system does not say", None)
    return at_most(name, MOST_GROWTH_MB, grown_mb, "MB")


def _changes(listener: Listener) -> int:
    """How many events told of other figures than the one before."""
    told = [each.overview["now"] for each in listener.told]
    return sum(one != other for one, other in pairwise(told))


def routes_per_s(place: Stand) -> float:
    """How many requests are routed and answered in a second by callers who ask again at once."""
    measured, _ = put_on(place, ClosedLoop(BURST_CALLERS), Bounds(BURST_S), streamed=0.0)
    return (measured.done - measured.failed) / BURST_S
