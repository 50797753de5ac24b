"""How fast does PostgreSQL take what happened, and how soon does it give it back?

`python -m bench.postgres [--decisions 200000] [--rows 10000000]` starts a server of its own on this
machine, as the tests do, with every commit on the disk. It prints rows per second on the idempotent
path at batches of 1,000, how fast a spool drains into it, and what a page, an id and the end of a
day take; with `--rows`, charts, pages and retention of a database of so many over thirty days.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from bench.persistence import DAY_MS, DAYS, answering, counting_up, timed
from bench.records import NEVER, Changing, an_outcome, batch
from bench.servers import ROOT
from pointsman.adapters.stores.aggregate_rows import FIGURE_COLUMNS
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.partitions import make
from pointsman.adapters.stores.postgres.schema import move
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.spool.store import SpooledStore
from pointsman.core.decision import Decision, Outcome
from pointsman.engine.ports import DecisionQuery

sys.path.insert(0, str(ROOT / "tests"))
from database_server import DatabaseServer, sessions_of

BATCH = 1_000
DAY = datetime(2026, 3, 1, tzinfo=UTC)
DURABLE = {"shared_buffers": "256MB", "max_wal_size": "4GB", "fsync": "on"}
ROUNDS = 200

Records = Sequence[Decision | Outcome]


def decisions(count: int, day: int) -> list[Decision]:
    """So many decisions, spread over a day."""
    candidates, made = Changing(NEVER, 0), []
    numbers = (each for turn in range(count) for each in batch(turn, candidates))
    for place, record in enumerate(each for each in numbers if isinstance(each, Decision)):
        if place == count:
            break
        at = DAY + timedelta(days=day, milliseconds=place * 86_400_000 // count)
        name = f"dec_{int(at.timestamp() * 1000):011x}{record.id[15:]}"
        made.append(record._replace(id=name, at=at))
    return made


def with_outcomes(made: Sequence[Decision]) -> list[Decision | Outcome]:
    return [record for each in made for record in (each, an_outcome(each)._replace(at=each.at))]


def batches(records: Records) -> Iterator[Records]:
    return (records[start : start + BATCH] for start in range(0, len(records), BATCH))


def rows_per_s(append: Callable[[Records], None], records: Records) -> float:
    began = time.perf_counter()
    for each in batches(records):
        append(each)
    return len(records) / (time.perf_counter() - began)


def median_ms(work: Callable[[int], object]) -> float:
    took = []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        work(turn)
        took.append(time.perf_counter() - began)
    return 1000 * sorted(took)[ROUNDS // 2]


def told(what: str, value: str) -> None:
    print(f"{what:<58} {value:>20}", flush=True)


def cpu_s(server: DatabaseServer) -> tuple[float, float]:
    """What this process and the server have spent so far; a busy machine changes it little."""
    ticks = 0
    for pid in sessions_of(server.pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time(), ticks / os.sysconf("SC_CLK_TCK")


def writing(store: PostgresStore, server: DatabaseServer, count: int) -> None:
    alone = decisions(count, day=0)
    store.append(alone[:1])
    before = cpu_s(server)
    told("decisions: rows/s at batches of 1,000", f"{rows_per_s(store.append, alone):,.0f}")
    spent = [(now - then) / count * 1e6 for now, then in zip(cpu_s(server), before, strict=True)]
    told("  CPU per row, ours and the server's: µs", f"{spent[0]:.1f}, {spent[1]:.1f}")
    told("  all of them again", f"{rows_per_s(store.append, alone):,.0f}")
    both = with_outcomes(decisions(count, day=1))
    told("decisions and outcomes: rows/s", f"{rows_per_s(store.append, both):,.0f}")


def draining(url: str, count: int) -> None:
    records = with_outcomes(decisions(count, day=2))
    with tempfile.TemporaryDirectory() as folder:
        behind = PostgresStore(address_of(url))
        store = SpooledStore(Path(folder) / "spool.db", behind, max_bytes=10**10)
        began = time.perf_counter()
        told("into the spool: rows/s", f"{rows_per_s(store.append, records):,.0f}")
        while store.backlog().records:
            time.sleep(0.005)
        took = time.perf_counter() - began
        told("through the spool into PostgreSQL: rows/s", f"{len(records) / took:,.0f}")
        store.close()


def reading(store: PostgresStore) -> None:
    page = store.decisions(DecisionQuery(limit=50))
    ids = [each.decision.id for each in page]
    told("a page of 50, newest first: ms", f"{_page_ms(store, DecisionQuery(limit=50)):.1f}")
    one = DecisionQuery(limit=50, agent_id="agent-7")
    told("a page of 50 of one agent: ms", f"{_page_ms(store, one):.1f}")
    by_id = median_ms(lambda turn: store.decision(ids[turn % len(ids)]))
    told("one decision by its id: ms", f"{by_id:.1f}")
    began = time.perf_counter()
    gone = store.forget_before(DAY + timedelta(days=1))
    told(f"forgetting a day of {gone:,} decisions: s", f"{time.perf_counter() - began:.2f}")


def _page_ms(store: PostgresStore, query: DecisionQuery) -> float:
    return median_ms(lambda _: store.decisions(query))


_LARGE_DECISIONS = """
INSERT INTO ROUTING_DECISIONS (DECISION_ID, REQUEST_ID, TIMESTAMP, TASK_TYPE, CONTEXT_LENGTH,
    TASK_JSON, SELECTED_AGENT_ID, SELECTED_MODEL_ID, COMPOSITE_SCORE, STRATEGY, CANDIDATE_SET_ID,
    PROPENSITY, CONFIG_VERSION, ASKED_MODEL, PANIC)
SELECT 'dec_' || lpad(to_hex(AT_MS), 11, '0') || lpad(to_hex(I), 16, '0'),
    'req_' || lpad(to_hex(AT_MS), 11, '0') || lpad(to_hex(I), 13, '0'), AT_MS * 1000,
    'coding', 1234, '["coding",1234,null,["coding"],[],0,[]]', 'agent-' || (I % 20),
    'provider/model-' || (I % 12), 0.5, 'balanced', 7, 0.5, 'cfg_1', 'auto', 0
FROM (
    SELECT I, ($1::float8 + I * $2::float8)::bigint AS AT_MS
    FROM generate_series($3::bigint, $4::bigint - 1) I
) MADE
"""
_LARGE_OUTCOMES = """
INSERT INTO ROUTING_OUTCOMES (DECISION_ID, ATTEMPT, MODEL_ID, AGENT_ID, TIMESTAMP, STREAMED,
    TOTAL_S, FIRST_TOKEN_S, PROMPT_TOKENS, TOKENS_GENERATED, CACHED_TOKENS, CACHE_WRITE_TOKENS,
    AUDIO_TOKENS, USAGE_ESTIMATED, ACTUAL_COST, HTTP_STATUS, ERROR_MESSAGE)
SELECT DECISION_ID, 1, SELECTED_MODEL_ID, SELECTED_AGENT_ID, TIMESTAMP, 1,
    0.5 + 2 * random(), 0.3, 1234, 321, 100, 0, 0, 0, 0.0012, 200, ''
FROM ROUTING_DECISIONS WHERE DECISION_ID >= $1 AND DECISION_ID < $2
"""
_LARGE_SET = """
INSERT INTO ROUTING_CANDIDATE_SETS VALUES (7, '[["provider/model-1",0.5,[]]]', '[]', NULL)
ON CONFLICT DO NOTHING
"""
COUNTED_DAYS = 3
_FIGURES = ", ".join((*FIGURE_COLUMNS, "PACKED_PERIOD"))
_COPIED_FIGURES = f"""
INSERT INTO ROUTING_AGGREGATES (PERIOD_S, DIMENSION, DIMENSION_VALUE, STARTS_AT, {_FIGURES})
SELECT PERIOD_S, DIMENSION, DIMENSION_VALUE, STARTS_AT - $1::bigint * {DAY_MS}000, {_FIGURES}
FROM ROUTING_AGGREGATES, (SELECT min(STARTS_AT) AS FIRST FROM ROUTING_AGGREGATES
    WHERE PERIOD_S = 86400 AND DIMENSION = 'all' AND STARTS_AT > (
        SELECT min(STARTS_AT) FROM ROUTING_AGGREGATES WHERE PERIOD_S = 86400
    )) WHOLE
WHERE $1 > 0 AND STARTS_AT >= FIRST AND STARTS_AT < FIRST + {DAY_MS}000
ON CONFLICT DO NOTHING
"""


def large(rows: int) -> None:
    """Charts, pages and retention of a database of so many rows, over thirty days."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with DatabaseServer(DURABLE) as server:
        move(address_of(server.url()))
        store = PostgresStore(address_of(server.url()))
        count = rows // 2
        asyncio.run(filled(server.url(), count, now, range(DAYS - COUNTED_DAYS, DAYS)))
        counting_up(store, count * COUNTED_DAYS // DAYS, now)
        asyncio.run(filled(server.url(), count, now, range(DAYS - COUNTED_DAYS)))
        told("the database holds", f"{rows:,} rows")
        answering(store, now)
        oldest = now - timedelta(days=DAYS - 1)
        told("retention of a day", f"{timed(lambda: store.forget_before(oldest)):.2f} s")
        store.close()


async def filled(url: str, count: int, now: datetime, days: range) -> None:
    """Those of some days, of so many decisions and as many outcomes before now.

    To count up a month minute by minute takes longer than all else here: the figures of the days
    that were not counted are copies of the first of those that were, as the days are.
    """
    begin, step = 1000 * now.timestamp() - DAYS * DAY_MS, DAYS * DAY_MS / count
    session = await asyncpg.connect(url)
    try:
        await make(session, range(int(begin // DAY_MS), int(begin // DAY_MS) + DAYS + 2))
        await session.execute(_LARGE_SET)
        for part in days:
            first, after = count * part // DAYS, count * (part + 1) // DAYS
            ids = (f"dec_{int(begin + step * place):011x}" for place in (first, after))
            await session.execute(_LARGE_DECISIONS, begin, step, first, after)
            await session.execute(_LARGE_OUTCOMES, *ids)
            await session.execute(_COPIED_FIGURES, DAYS - COUNTED_DAYS - part)
        await session.execute("ANALYZE")
    finally:
        await session.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.postgres", description=__doc__)
    parser.add_argument("--decisions", type=int, default=200_000, help="so many a day")
    parser.add_argument("--rows", type=int, default=0, help="also one of so many rows")
    args = parser.parse_args()
    count = args.decisions
    with DatabaseServer(DURABLE) as server:
        move(address_of(server.url()))
        store = PostgresStore(address_of(server.url()))
        writing(store, server, count)
        draining(server.url(), count // 4)
        reading(store)
        store.close()
    if args.rows:
        large(args.rows)


if __name__ == "__main__":
    main()
