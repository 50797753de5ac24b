"""Does Prometheus see what happened, under the names that the documentation promises?"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from pointsman.adapters.metrics import Metrics
from pointsman.adapters.metrics.recent import MOST_AGENTS
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.steps import STEP_S
from pointsman.engine.tally import Tally

DOC = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Figures:
    """A ledger's counters."""

    def __init__(self) -> None:
        self.written = 7
        self.dropped = {"decision": 1, "outcome": 2}
        self.not_durable = 8
        self.failing_since: float | None = None
        self.queued = 3


class Engine:
    def in_flight(self) -> Mapping[str, int]:
        return {"p/one": 4}

    def circuits(self) -> Mapping[str, str]:
        return {"p/one": "open"}

    def config_version(self) -> str:
        return "cfg_7"

    def backlog(self) -> Mapping[str, float] | None:
        return {"records": 7, "behind_s": 1.5, "lost_decisions": 2, "lost_outcomes": 3}

    def telemetry_dropped(self) -> int:
        return 6

    def crowded_out(self) -> int:
        return 9

    def log_records_dropped(self) -> int:
        return 5


GOOD = Outcome(
    "dec_1", 2, "p/two", "a", NOON, None, True, 2.0, 0.3, Usage(100, 20, 60), Decimal("0.25")
)
BAD = GOOD._replace(model_id="p/one", failure=FailureKind.SERVER_ERROR, usage=None, attempt=1)
HARMLESS = BAD._replace(model_id="p/two", failure=FailureKind.INVALID_REQUEST, cost_usd=None)


def decision_of(agent_id: str) -> Decision:
    chosen = (Candidate("p/one", 0.5, ()),)
    return Decision("dec_1", "r", NOON, agent_id, Task(), Strategy.COST, chosen, (), 1.0, "cfg")


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.decided(decision_of("build\ner"))
    tally.learn(BAD)
    tally.learn(GOOD)
    tally.refused("model_not_found")
    return tally


@pytest.fixture
def statistics() -> LiveStatistics:
    statistics = LiveStatistics(OneNoon())
    for each in (BAD, GOOD, HARMLESS):
        statistics.ended(each)
    statistics.answered(0.002)
    return statistics


def openmetrics(body: bytes) -> list[Metric]:
    return list(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]


class OneNoon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 130.5

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a scrape slept {seconds} s")


def metrics_of(
    tally: Tally | None = None,
    statistics: LiveStatistics | None = None,
    figures: Figures | None = None,
    version: str = "1.2.3",
) -> Metrics:
    return Metrics(
        tally or Tally(),
        statistics or LiveStatistics(OneNoon()),
        figures or Figures(),
        Engine(),
        version=version,
        monotonic=OneNoon().monotonic,
    )


async def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, _ = await metrics.render("")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain_text(body.decode())
        for sample in family.samples
    }


@pytest.fixture
def metrics(tally: Tally, statistics: LiveStatistics) -> Metrics:
    return metrics_of(tally, statistics)


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("pointsman_requests_total", {"agent": "build\ner"}, 1),
        ("pointsman_decisions_total", {"strategy": "cost"}, 1),
        ("pointsman_refused_requests_total", {"code": "model_not_found"}, 1),
        ("pointsman_attempts_total", {"model": "p/one", "result": "server_error"}, 1),
        ("pointsman_attempts_total", {"model": "p/two", "result": "ok"}, 1),
        ("pointsman_fallbacks_total", {"model": "p/one"}, 1),
        ("pointsman_prompt_tokens_total", {"model": "p/two"}, 100),
        ("pointsman_cached_prompt_tokens_total", {"model": "p/two"}, 60),
        ("pointsman_cost_usd_total", {"model": "p/two"}, 0.25),
        ("pointsman_attempt_duration_seconds_count", {"model": "p/two"}, 1),
        ("pointsman_attempt_duration_seconds_bucket", {"model": "p/two", "le": "1.0"}, 0),
        ("pointsman_attempt_duration_seconds_bucket", {"model": "p/two", "le": "2.5"}, 1),
        ("pointsman_first_token_seconds_sum", {"model": "p/two"}, 0.3),
        ("pointsman_in_flight_attempts", {"model": "p/one"}, 4),
        ("pointsman_circuit", {"model": "p/one", "pointsman_circuit": "open"}, 1),
        ("pointsman_circuit", {"model": "p/one", "pointsman_circuit": "closed"}, 0),
        ("pointsman_ledger_queued_records", {}, 3),
        ("pointsman_ledger_written_records_total", {}, 7),
        ("pointsman_ledger_dropped_records_total", {"record": "outcome"}, 2),
        ("pointsman_ledger_not_durable_answers_total", {}, 8),
        ("pointsman_store_crowded_out_decisions_total", {}, 9),
        ("pointsman_ledger_failing_seconds", {}, 0),
        ("pointsman_log_records_dropped_total", {}, 5),
        ("pointsman_telemetry_dropped_records_total", {}, 6),
        ("pointsman_build_info", {"version": "1.2.3"}, 1),
        ("pointsman_config_info", {"version": "cfg_7"}, 1),
        ("pointsman_agent_attempts_total", {"agent": "a"}, 3),
        ("pointsman_agent_answers_total", {"agent": "a"}, 1),
        ("pointsman_agent_faults_total", {"agent": "a"}, 1),
        ("pointsman_agent_completion_tokens_total", {"agent": "a"}, 20),
        ("pointsman_agent_cost_usd_total", {"agent": "a"}, 0.5),
        ("pointsman_agent_unpriced_answers_total", {"agent": "a"}, 0),
        ("pointsman_database_behind_records", {}, 7),
        ("pointsman_database_behind_seconds", {}, 1.5),
        ("pointsman_spool_lost_records_total", {"record": "outcome"}, 3),
    ],
)
async def test_a_scrape_shows_what_happened(
    metrics: Metrics, name: str, labels: dict[str, str], value: float
) -> None:
    assert (await samples(metrics))[name, frozenset(labels.items())] == value


ONE_MINUTE = {"window": "1m"}
MEDIAN = {"window": "5m", "quantile": "0.5"}


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("pointsman_recent_attempts", {"model": "p/two", **ONE_MINUTE}, 2),
        ("pointsman_recent_success_ratio", {"model": "p/two", **ONE_MINUTE}, 1),
        ("pointsman_recent_success_ratio", {"model": "p/one", **ONE_MINUTE}, 0),
        ("pointsman_recent_duration_seconds", {"model": "p/two", **MEDIAN}, 2.0),
        ("pointsman_recent_first_token_seconds", {"model": "p/two", **MEDIAN}, 0.3),
        ("pointsman_recent_inter_token_seconds", {"model": "p/two", **MEDIAN}, 1.7 / 19),
        ("pointsman_recent_slow_ratio", {"model": "p/two", "seconds": "0.5", **ONE_MINUTE}, 0),
        ("pointsman_recent_overhead_seconds", MEDIAN, 0.002),
        ("pointsman_agent_recent_attempts", {"agent": "a", **ONE_MINUTE}, 3),
        ("pointsman_agent_recent_success_ratio", {"agent": "a", **ONE_MINUTE}, 0.5),
        ("pointsman_agent_recent_duration_seconds", {"agent": "a", **MEDIAN}, 2.0),
        ("pointsman_agent_recent_first_token_seconds", {"agent": "a", **MEDIAN}, 0.3),
    ],
)
async def test_a_scrape_shows_the_last_minutes(
    metrics: Metrics, name: str, labels: dict[str, str], value: float
) -> None:
    seen = (await samples(metrics))[name, frozenset(labels.items())]
    assert seen == pytest.approx(value, rel=0.011)


async def test_of_what_did_not_happen_there_is_no_sample(metrics: Metrics) -> None:
    """A quantile of nothing is not zero."""
    seen = {name for name, labels in await samples(metrics) if ("model", "p/one") in labels}
    assert "pointsman_recent_attempts" in seen
    assert "pointsman_recent_duration_seconds" not in seen


async def test_names_from_outside_cannot_break_the_page() -> None:
    """A label's value is quoted, whatever it holds."""
    names = ['a"b', "a\\b", 'a"} 1\npointsman_fake{x="', "a\nb", "ä🚂", ""]
    tally, statistics = Tally(), LiveStatistics(OneNoon())
    for name in names:
        tally.learn(GOOD._replace(model_id=name))
        statistics.ended(GOOD._replace(model_id=name, agent_id=name))
    metrics = metrics_of(tally, statistics)
    seen = await samples(metrics)
    for name in names:
        assert seen["pointsman_cost_usd_total", frozenset({("model", name)})] == 0.25
        assert seen["pointsman_agent_attempts_total", frozenset({("agent", name)})] == 1
    assert not any(name == "pointsman_fake" for name, _ in seen)
    body, _ = await metrics.render(OPENMETRICS)
    assert len(openmetrics(body)) > 20


async def test_ten_thousand_made_up_agents_cost_no_more_than_the_cap() -> None:
    tally, statistics = Tally(), LiveStatistics(OneNoon())
    for number in range(10_000):
        name = f"made_up_{number}"
        tally.decided(decision_of(name))
        statistics.ended(GOOD._replace(agent_id=name))
    seen = await samples(metrics_of(tally, statistics))
    by_name = Counter(name for name, _ in seen)
    assert by_name["pointsman_requests_total"] == 1_001
    assert by_name["pointsman_agent_attempts_total"] == 1_001
    assert by_name["pointsman_agent_recent_attempts"] == 2 * MOST_AGENTS
    assert len(seen) < 12_000
    other = frozenset({("agent", "__other__")})
    assert seen["pointsman_agent_attempts_total", other] == 9_000


class Others:
    """Everybody else on the event loop: counts how often they get their turn."""

    def __init__(self) -> None:
        self.turns = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)

    def stop(self) -> None:
        self._task.cancel()


async def test_others_get_their_turn_while_a_long_page_is_read() -> None:
    tally, statistics = Tally(), LiveStatistics(OneNoon())
    for number in range(200):
        tally.learn(GOOD._replace(model_id=f"p/{number}"))
        statistics.ended(GOOD._replace(model_id=f"p/{number}"))
    ticks = count()
    metrics = Metrics(
        tally,
        statistics,
        Figures(),
        Engine(),
        version="1",
        monotonic=lambda: next(ticks) * 2 * STEP_S,  # every step is a long one
    )
    others = Others()
    await metrics.render("")
    others.stop()
    assert others.turns > 2_000


async def test_what_happens_during_a_scrape_breaks_nothing() -> None:
    tally, statistics = Tally(), LiveStatistics(OneNoon())
    for number in range(300):
        statistics.ended(GOOD._replace(model_id=f"p/{number}"))
    ticks = count()
    metrics = Metrics(
        tally,
        statistics,
        Figures(),
        Engine(),
        version="1",
        monotonic=lambda: next(ticks) * 2 * STEP_S,
    )

    async def traffic() -> None:
        for number in count():
            fresh = GOOD._replace(model_id=f"q/{number}", agent_id=f"agent_{number}")
            tally.decided(decision_of(fresh.agent_id))
            tally.learn(fresh)
            tally.learn(fresh._replace(failure=FailureKind.RESET))
            statistics.ended(fresh)
            await asyncio.sleep(0)

    task = asyncio.create_task(traffic())
    seen = await samples(metrics)
    task.cancel()
    assert seen["pointsman_recent_attempts", frozenset({("model", "p/7"), ("window", "1m")})] == 1


async def test_a_failing_store_shows_for_how_long() -> None:
    figures = Figures()
    figures.failing_since = 100.0
    seen = await samples(metrics_of(figures=figures))
    assert seen["pointsman_ledger_failing_seconds", frozenset()] == 30.5


async def test_openmetrics_is_spoken_to_who_asks_for_it(metrics: Metrics) -> None:
    body, content_type = await metrics.render(OPENMETRICS)
    assert content_type.startswith(b"application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert any(family.name == "pointsman_circuit" for family in openmetrics(body))
    body, content_type = await metrics.render("text/plain")
    assert content_type.startswith(b"text/plain")


async def test_two_servers_in_one_process_share_nothing(tally: Tally) -> None:
    first, second = metrics_of(tally, version="1"), metrics_of(version="2")
    assert await samples(first) != await samples(second)


async def test_the_documentation_lists_exactly_what_is_exposed(metrics: Metrics) -> None:
    body = (await metrics.render(OPENMETRICS))[0]
    suffix = {"counter": "_total", "info": "_info"}
    exposed = {family.name + suffix.get(family.type, "") for family in openmetrics(body)}
    text = DOC.read_text()
    # Those of alerts have a test of their own.
    rows = re.findall(r"^\| `(pointsman_(?!alert)\w+)` \| (\w+) \|", text, re.MULTILINE)
    process = set(re.findall(r"`(process_\w+)`", text))
    assert {name for name, _ in rows} | process == exposed
    assert len(rows) == len({name for name, _ in rows})


async def test_the_documentation_says_the_type_of_each(metrics: Metrics) -> None:
    body = (await metrics.render(""))[0].decode()
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", body, re.MULTILINE))
    rows = re.findall(
        r"^\| `((?!pointsman_alert|alertmanager)\w+)` \| (\w+) \|", DOC.read_text(), re.MULTILINE
    )
    for name, kind in rows:
        assert types[name] == kind, name
