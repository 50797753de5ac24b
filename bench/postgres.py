"""How fast does PostgreSQL take what happened, and how soon does it give it back?

`python -m bench.postgres [--decisions 200000]` starts a server of its own on this machine, as the
tests do, with every commit on the disk. It prints rows per second on the idempotent path at batches
of 1,000, how fast a spool drains into it, and what a page, an id and the end of a day take.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.records import NEVER, Changing, an_outcome, batch
from bench.servers import ROOT
from pointsman.adapters.stores.postgres.address import address_of
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


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.postgres", description=__doc__)
    parser.add_argument("--decisions", type=int, default=200_000, help="so many a day")
    count = parser.parse_args().decisions
    with DatabaseServer(DURABLE) as server:
        move(address_of(server.url()))
        store = PostgresStore(address_of(server.url()))
        writing(store, server, count)
        draining(server.url(), count // 4)
        reading(store)
        store.close()


if __name__ == "__main__":
    main()
