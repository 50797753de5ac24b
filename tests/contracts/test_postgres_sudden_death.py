"""Is anything lost or doubled when gateway and database are killed, with the spool in between?

A child appends batches and says which ones it was promised; it and the server are killed at random
points, again and again, over one spool and one database. What this does not prove: what a disk
keeps when its power fails, since the kernel outlives everything here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from random import Random

import pytest
from test_postgres_store import rows_of

from database_server import DatabaseServer, NoDatabaseServer
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.spool.store import SpooledStore

LARGE = 1_000_000_000
LONGEST_LIFE_S = 0.25
DEATHS = 60
DEATH_S = 15.0
"""So long a death may take at most, and what comes before and after it, on a busy machine."""

APPENDER = """
import sys, random
from pathlib import Path
from store_contract import a_decision, an_outcome
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.spool.store import SpooledStore
path, url, start, seed = sys.argv[1:]
number, chance = int(start), random.Random(seed)
store = SpooledStore(Path(path), PostgresStore(address_of(url)), max_bytes=10**9)
print("ready", flush=True)
while True:
    size = chance.randint(1, 9)
    batch = range(number, number + size)
    store.append([r for n in batch for r in (a_decision(n), an_outcome(n))])
    number += size
    print(number, flush=True)
"""


class Deaths:
    """Kills by a plan that follows from a seed, and what was promised in spite of it."""

    def __init__(self, seed: int, server: DatabaseServer, spool: Path) -> None:
        self.chance = Random(seed)
        self.server = server
        self.spool = spool
        self.promised: list[range] = []
        self.server_deaths = 0

    def run(self, number: int) -> None:
        start = 1_000_000 * number
        child = self._child(start)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        killer = threading.Thread(target=self._kill_server_maybe)
        killer.start()
        threading.Event().wait(self.chance.uniform(0, LONGEST_LIFE_S))
        child.kill()
        # A line that was cut off by the kill is no promise that anybody has read.
        lines = child.stdout.read().rpartition(b"\n")[0].split()
        child.wait()
        child.stdout.close()
        killer.join()
        self.promised.append(range(start, int(lines[-1]) if lines else start))

    def _child(self, start: int) -> subprocess.Popen[bytes]:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        arguments = (str(self.spool), self.server.url(), str(start), str(self.chance.random()))
        return subprocess.Popen(
            [sys.executable, "-c", APPENDER, *arguments], stdout=subprocess.PIPE, env=environment
        )

    def _kill_server_maybe(self) -> None:
        """In half of the runs, and it is away for a while; this may outlast the child."""
        dies, within_s, away_s = (
            self.chance.random() < 0.5,
            self.chance.uniform(0, LONGEST_LIFE_S),
            self.chance.choice((0.0, 0.1)),
        )
        if not dies:
            return
        pause = threading.Event()
        pause.wait(within_s)
        self.server.kill()
        pause.wait(away_s)
        self.server.start()
        self.server_deaths += 1


def check(deaths: Deaths) -> None:
    url = deaths.server.url()
    store = SpooledStore(deaths.spool, PostgresStore(address_of(url)), max_bytes=LARGE)
    until = time.monotonic() + 60
    while store.backlog().records:
        assert time.monotonic() < until, store.backlog()
        threading.Event().wait(0.01)
    tally = store.tally()
    store.close()
    for table, which in (("DECISIONS", 0), ("OUTCOMES", 1)):
        found = rows_of(url, f"SELECT DECISION_ID FROM ROUTING_{table}")
        kept = [int(str(decision_id).removeprefix("dec_")) for (decision_id,) in found]
        assert len(kept) == len(set(kept)), "nothing is there twice"
        lost = {number for each in deaths.promised for number in each} - set(kept)
        assert not lost, "what was promised is there"
        assert tally["taken"][which] == tally["passed on"][which] == len(kept)
    assert tally["lost"].total == 0


def survive(seed: int, runs: int, folder: Path) -> None:
    print(f"seed {seed}")
    try:
        server = DatabaseServer()
    except NoDatabaseServer as error:
        pytest.skip(str(error))
    with server:
        move(address_of(server.url()))
        deaths = Deaths(seed, server, folder / "spool.db")
        for number in range(1, runs + 1):
            deaths.run(number)
        check(deaths)
        promised = sum(len(each) for each in deaths.promised)
        print(f"{runs} deaths of gateways, {deaths.server_deaths} of servers, {promised} promises")
        assert promised
        assert deaths.server_deaths


def test_a_few_sudden_deaths_cost_nothing(tmp_path: Path) -> None:
    survive(seed=5, runs=6, folder=tmp_path)


@pytest.mark.prove
@pytest.mark.timeout(DEATHS * DEATH_S)
@pytest.mark.parametrize("seed", [101, 102, 103, 104])
def test_many_sudden_deaths_cost_nothing(tmp_path: Path, seed: int) -> None:
    survive(seed=seed, runs=DEATHS, folder=tmp_path)
