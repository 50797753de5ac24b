"""Do the procedures and views that people call in PostgreSQL say and do what is true?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from assignment_store_contract import NOON, an_assignment
from store_contract import FAILED
from test_postgres_store import ended, made_at, rows_of

from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.core.assignment.records import (
    Assignment,
    Described,
    Match,
    Run,
    RunKind,
    RunState,
    Status,
)
from pointsman.engine.ports import AssignmentQuery

CALLS, CALLERS = 800, 40


@pytest.fixture
def store(upgraded_database: str) -> Iterator[PostgresStore]:
    store = PostgresStore(address_of(upgraded_database))
    yield store
    store.close()


def keep(store: PostgresStore, *assignments: Assignment) -> None:
    run = Run("run_1", NOON, RunKind.PLAN, RunState.APPLIED, "me", "cfg", (), NOON)
    store.assignments.keep(run, assignments)


def stands(
    agent_id: str, model_id: str, score: float, status: Status = Status.ACTIVE
) -> Assignment:
    return replace(
        an_assignment(agent_id, model_id),
        status=status,
        rank=0 if status is Status.ACTIVE else None,
        match=Match(score),
        described=Described(agent_capabilities=("coding",)),
    )


def call(database: str, statement: str, *values: Any) -> None:
    async def once() -> None:
        session = await asyncpg.connect(database)
        try:
            await session.execute(statement, *values)
        finally:
            await session.close()

    asyncio.run(once())


UPDATE = "CALL SP_UPDATE_ASSIGNMENT_METRICS($1, $2, $3)"


def test_eight_hundred_concurrent_calls_count_eight_hundred(
    store: PostgresStore, upgraded_database: str
) -> None:
    assignment = stands("builder", "p/one", 0.5)
    keep(store, assignment)

    async def caller(number: int) -> None:
        session = await asyncpg.connect(upgraded_database)
        for turn in range(CALLS // CALLERS):
            await session.execute(UPDATE, assignment.id, int(turn % 4 != 0), 100.0 + number)
        await session.close()

    async def all_at_once() -> None:
        await asyncio.gather(*(caller(number) for number in range(CALLERS)))

    asyncio.run(all_at_once())
    found = store.assignments.assignment(assignment.id)
    assert found is not None
    assert (found.usage.requests, found.usage.successes) == (800, 600)
    assert found.usage.mean_latency_s == pytest.approx((100 + (CALLERS - 1) / 2) / 1000)
    assert rows_of(upgraded_database, "SELECT FAILED_REQUESTS FROM AGENT_MODEL_ASSIGNMENTS") == [
        (200,)
    ]


def test_an_unknown_assignment_is_an_error(upgraded_database: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="no assignment asg_0"):
        call(upgraded_database, UPDATE, "asg_0", 1, 5.0)


@pytest.mark.parametrize(
    ("strategy", "model", "score"),
    [("speed", "p/fast", 70.0), ("quality", "p/sure", 100.0), ("balanced", "p/fits", 90.0)],
)
def test_a_recommendation_follows_its_strategy(
    store: PostgresStore, upgraded_database: str, strategy: str, model: str, score: float
) -> None:
    fast, sure, fits = (
        stands("a", "p/fast", 0.7),
        stands("b", "p/sure", 0.6),
        stands("c", "p/fits", 0.9),
    )
    keep(store, fast, sure, fits, stands("d", "p/idle", 0.99, Status.INACTIVE))
    for _ in range(4):
        call(upgraded_database, UPDATE, fast.id, 0, 50.0)
    call(upgraded_database, UPDATE, fast.id, 1, 50.0)
    call(upgraded_database, UPDATE, sure.id, 1, 900.0)
    for turn in range(10):
        call(upgraded_database, UPDATE, fits.id, int(turn > 0), 500.0)
    asked = f"SELECT * FROM SP_GET_ROUTING_RECOMMENDATION('coding', '{strategy}')"
    ((_, chosen, _, said),) = rows_of(upgraded_database, asked)
    assert (chosen, said) == (model, pytest.approx(score))
    nobody = asked.replace("coding", "cooking")
    assert rows_of(upgraded_database, nobody) == []


def test_a_strategy_that_nobody_knows_is_an_error(upgraded_database: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="no strategy is called luck"):
        rows_of(upgraded_database, "SELECT * FROM SP_GET_ROUTING_RECOMMENDATION(NULL, 'luck')")


def test_who_has_no_model_gets_the_best_that_stands_by(
    store: PostgresStore, upgraded_database: str
) -> None:
    keep(
        store,
        stands("a", "p/one", 0.9),
        stands("a", "p/two", 0.95, Status.INACTIVE),
        stands("b", "p/one", 0.4, Status.INACTIVE),
        stands("b", "p/two", 0.8, Status.INACTIVE),
        stands("c", "p/one", 0.8, Status.OVERRIDDEN),
        stands("c", "p/two", 0.8, Status.INACTIVE),
    )
    call(upgraded_database, "CALL SP_AUTO_ASSIGN_MODELS()")
    active = "SELECT AGENT_ID, MODEL_ID FROM AGENT_MODEL_ASSIGNMENTS WHERE STATUS = 'ACTIVE'"
    assert rows_of(upgraded_database, f"{active} ORDER BY 1") == [("a", "p/one"), ("b", "p/two")]
    assert len(store.assignments.listed(AssignmentQuery()).assignments) == 6
    noted = "SELECT ACTOR, ACTION, AFTER_JSON FROM AUDIT_LOG WHERE ACTION LIKE '%.auto'"
    assert rows_of(upgraded_database, noted) == [
        ("pointsman", "assignments.auto", '{"assigned": 1}')
    ]


def test_the_views_add_up_what_was_kept(store: PostgresStore, upgraded_database: str) -> None:
    now = datetime.now(UTC)
    made = [made_at(now, n, model_id="p/one") for n in range(4)]
    store.append(
        [
            *made,
            *(ended(each, model_id="p/one", total_s=0.5) for each in made[:3]),
            ended(made[3], model_id="p/one", total_s=0.25, **FAILED),
            ended(made[3], model_id="p/standby", attempt=2, total_s=0.25),
        ]
    )
    keep(store, stands("builder", "p/one", 0.75))
    analytics = "SELECT DECISIONS, SUCCESS_PERCENT, FALLBACK_PERCENT, AVG_LATENCY_MS"
    found = rows_of(upgraded_database, f"{analytics} FROM V_ROUTING_ANALYTICS_24H")
    assert [tuple(map(float, row)) for row in found] == [(4, 100, 25, 500)]  # type: ignore[arg-type]
    pairs = "SELECT MODEL_ID, USES FROM V_TOP_AGENT_MODEL_PAIRS ORDER BY USES DESC"
    assert rows_of(upgraded_database, pairs) == [("p/one", 4), ("p/standby", 1)]
    summary = "SELECT AGENT_ID, MODELS, AVG_MATCH_SCORE FROM V_AGENT_ASSIGNMENTS_SUMMARY"
    assert rows_of(upgraded_database, summary) == [("builder", 1, 75.0)]
    performance = "SELECT MODEL_ID, AGENTS FROM V_MODEL_ASSIGNMENT_PERFORMANCE"
    assert rows_of(upgraded_database, performance) == [("p/one", 1)]
