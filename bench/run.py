"""Does pointsman keep its promises of speed? Ratios against the floor and the peers, in one run.

    make bench                               what is installed
    make bench ARGS="--install-peers"        install the peers first
    make bench ARGS="--quick"                shorter rounds, no install size: to try a change

How to read the tables: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from bench import gateway, servers, startup, statistics
from bench.choices import decide
from bench.measure import Round, Shape, WrongAnswers, ask, interleaved
from bench.peers import PEERS
from bench.report import Row, judged, promises, stack_table
from bench.servers import Cores, NotStarted, Server

GROWTH_REQUESTS = 100_000
WARM_UP = Shape(connections=16, seconds=1.5)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one server in one round")
    parser.add_argument("--gap-ms", type=float, default=2.0, help="between the chunks of a stream")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--install-peers", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, help="write every round there as well")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.seconds = 3, 1.0
    return given


@contextmanager
def running(start: Callable[[], Server], name: str, absent: list[str]) -> Iterator[Server | None]:
    """A server for as long as the block runs, or None and a note when it does not start."""
    try:
        server = start()
    except (NotStarted, OSError) as error:
        absent.append(f"{name}: did not start: {error}")
        yield None
        return
    try:
        yield server
    finally:
        server.stop()


def subjects(
    given: argparse.Namespace, url: str, cores: Cores, stack: ExitStack, absent: list[str]
) -> list[Server]:
    """The floors, pointsman and the peers that are there, all running."""
    starts: dict[str, Callable[[], Server]] = {
        "floor": lambda: servers.floor(url, cores.server),
        "lean floor": lambda: servers.lean_floor(url, cores.server),
        "routes only": lambda: gateway.start_routes_only(url, cores.server),
        "pointsman": lambda: gateway.start(url, cores.server),
    }
    for peer in [] if given.no_peers else PEERS:
        if given.install_peers:
            peer.install()
        if why := peer.absence():
            absent.append(f"{peer.NAME}: {why}")
            continue
        starts[peer.NAME] = lambda peer=peer: peer.start(url, cores.server)  # type: ignore[misc]
    entered = [stack.enter_context(running(starts[n], n, absent)) for n in starts]
    return [server for server in entered if server]


def measured(
    given: argparse.Namespace, cores: Cores, direct: Server, found: Sequence[Server]
) -> Mapping[str, Mapping[str, list[Round]]]:
    """Every server in every shape: shape → server → rounds."""
    for server in found:
        try:
            ask(server, cores.load, WARM_UP)
        except WrongAnswers as error:
            print(f"  {error}", file=sys.stderr)
    shapes = {
        "plain": Shape(16, given.seconds),
        "stream": Shape(16, given.seconds, stream=True),
        "single": Shape(1, given.seconds),
    }
    results = {}
    for name, shape in shapes.items():
        print(f"measuring: {name}, {given.rounds} rounds", file=sys.stderr)
        asked = [direct, *found] if name == "single" else found
        results[name] = interleaved(asked, cores.load, shape, rounds=given.rounds)
    return results


def growth_mb(url: str, cores: Cores) -> float:
    """By how much the resident memory of a new server grows from its start on, pools and all."""
    server = gateway.start(url, cores.server)
    try:
        before_mb = server.rss_mb()
        ask(server, cores.load, Shape(16, 600), requests=GROWTH_REQUESTS)
        return server.rss_mb() - before_mb
    finally:
        server.stop()


def install_row() -> Row:
    sizes = startup.installed_mb()
    largest = ", ".join(f"{name} {mb:.0f}" for name, mb in list(sizes.items())[:8])
    return Row("base install", sum(sizes.values()), "MB", 200, note=largest)


def own_figures(
    given: argparse.Namespace, url: str, cores: Cores, absent: list[str]
) -> Iterator[Row]:
    """What is measured of pointsman alone. What cannot be is noted and left out."""
    made: dict[str, Callable[[], Row]] = {
        "growth": lambda: Row("RSS growth over 100,000 requests", growth_mb(url, cores), "MB", 10),
        "import": lambda: Row("import pointsman", startup.import_s(startup.IMPORTED), "s", 0.5),
        "imports": lambda: Row(
            "import all that serves", startup.import_s(startup.SERVED), "s", 0.5
        ),
        "start": lambda: Row(
            "start to first answer", startup.first_answer_s(url, cores.server), "s", 2
        ),
        "install": install_row,
    }
    if given.quick:
        del made["install"]
    for name, row in made.items():
        try:
            yield row()
        except (NotStarted, WrongAnswers, subprocess.CalledProcessError) as error:
            absent.append(f"{name}: {error}")


def statistics_figures(absent: list[str]) -> list[Row]:
    """What measuring itself costs."""
    try:
        return statistics.measured()
    except subprocess.CalledProcessError as error:
        absent.append(f"statistics: {error}")
        return []


def main() -> None:
    given = arguments()
    cores = Cores.of_this_machine()
    absent: list[str] = []
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {cores}"
    )
    with ExitStack() as stack:
        stack.enter_context(servers.machine_to_itself())
        direct = servers.upstream(cores.upstream, given.gap_ms)
        stack.callback(direct.stop)
        url = f"http://127.0.0.1:{direct.port}/v1"
        found = subjects(given, url, cores, stack, absent)
        at_start = {server.name: server.rss_mb() for server in found}
        results = measured(given, cores, direct, found)
        print(f"\n{stack_table(results, at_start)}\n")
        rows = [*promises(results, at_start), *own_figures(given, url, cores, absent)]
        rows += decide.rows(rounds=3 if given.quick else 7)
        rows += statistics_figures(absent)
        print(judged(rows))
    versions = {peer.NAME: peer.version() for peer in PEERS if peer.NAME in at_start}
    for name, version in versions.items():
        print(f"peer: {name} {version}")
    for line in absent:
        print(f"not measured: {line}")
    if given.json:
        rounds_of = {
            shape: {name: [asdict(each) for each in rounds] for name, rounds in by_name.items()}
            for shape, by_name in results.items()
        }
        document = {"peers": versions, "not_measured": absent, **rounds_of}
        given.json.write_text(json.dumps(document, indent=1), "utf-8")
    sys.exit(0 if all(row.kept for row in rows) else 1)


if __name__ == "__main__":
    main()
