"""What does one server cost per request, and how long does a caller wait?

CPU per request is the user and system time of the server's whole process tree over a run, divided
by the answers of that run: of all figures the one that a busy machine disturbs least. Servers take
turns in short rounds, so that a machine that slows down slows all of them; medians are compared.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.load import Report
from bench.servers import ROOT, Server


class WrongAnswers(Exception):
    """A server answered wrongly under load, so that its speed means nothing."""


@dataclass(frozen=True)
class Shape:
    """How a round asks."""

    connections: int
    seconds: float
    stream: bool = False


@dataclass(frozen=True)
class Round:
    """One server asked in one shape for one round."""

    report: Report
    cpu_s: float

    @property
    def cpu_us(self) -> float:
        return 1e6 * self.cpu_s / self.report.requests


def ask(
    server: Server, cores: frozenset[int], shape: Shape, *, requests: int | None = None
) -> Report:
    """Put load on a server from `cores`. Raises WrongAnswers unless every answer was whole."""
    command = [sys.executable, "-m", "bench.load", "--port", str(server.port)]
    command += ["--path", server.path, "--model", server.model]
    command += ["--connections", str(shape.connections), "--seconds", str(shape.seconds)]
    command += [argument for header in server.headers for argument in ("--header", header)]
    command += ["--requests", str(requests)] if requests else []
    command += ["--stream"] if shape.stream else []
    pin = ["taskset", "-c", ",".join(map(str, sorted(cores)))]
    done = subprocess.run([*pin, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongAnswers(f"{server.name}: the load generator failed: {done.stderr[-400:]}")
    report = Report(**json.loads(done.stdout))
    if report.errors or not report.requests:
        raise WrongAnswers(
            f"{server.name}: {dict(report.errors) or 'no answer at all'}{_end(server)}"
        )
    return report


def _end(server: Server) -> str:
    """How the server ended, when it has; empty while it runs."""
    status = server.process.poll()
    return "" if status is None else f"; it has ended with status {status}"


def one_round(server: Server, cores: frozenset[int], shape: Shape) -> Round:
    before_s = server.cpu_s()
    report = ask(server, cores, shape)
    return Round(report, server.cpu_s() - before_s)


def interleaved(
    servers: Sequence[Server], cores: frozenset[int], shape: Shape, *, rounds: int
) -> Mapping[str, list[Round]]:
    """Every server in turn, `rounds` times. One that answers wrongly is reported and left out."""
    found: dict[str, list[Round]] = {server.name: [] for server in servers}
    for _ in range(rounds):
        for server in [server for server in servers if server.name in found]:
            try:
                found[server.name].append(one_round(server, cores, shape))
            except WrongAnswers as error:
                print(f"  left out: {error}", file=sys.stderr)
                del found[server.name]
    return found


def median(rounds: Sequence[Round], figure: Callable[[Round], float]) -> float:
    return statistics.median(figure(each) for each in rounds)
