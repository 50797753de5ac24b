"""Does a gateway hold out for an hour of everything that can happen to it?

    python -m bench.soak --minutes 60             find the rate, run at 70 % of it
    python -m bench.soak --minutes 60 --rate 100  run at this rate
    python -m bench.soak --seconds 25 --rate 20   all of it in short, to try a change

A real gateway with a real PostgreSQL, in front of the simulated fleet over HTTP, asked in an open
loop, streamed and plain. Models fail, stall and are cut; two degrade and heal; the configuration
changes every minute; two dashboards are open; callers hang up; the database is restarted. Then
memory, descriptors, tasks and latency are judged, and all books are held against each other: each
answer against its row, and the callers' sums against the database's, the metrics' and the
analytics'. Exit status 1 when a limit is broken. What the limits are for: bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.soak.plan import LOAD_SHARE, Plan
from bench.soak.rates import sustainable
from bench.soak.running import Report, soak


def plan_of(given: argparse.Namespace) -> Plan:
    duration_s = given.seconds if given.seconds is not None else 60 * given.minutes
    return Plan(
        duration_s=duration_s,
        seed=given.seed,
        rate_per_s=given.rate,
        most_per_s=given.most_rate,
        browser=not given.no_browser,
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench.soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, help="in place of --minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--rate", type=float, help="requests per second; left out: 70 %% of what it can"
    )
    parser.add_argument("--most-rate", type=float, default=400.0, help="look no further than this")
    parser.add_argument("--no-browser", action="store_true", help="listen to events in its place")
    parser.add_argument("--json", type=Path, help="write everything there, samples included")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    plan = plan_of(given)
    if plan.rate_per_s is None:
        print("which rate can be sustained?", file=sys.stderr)
        plan = plan._replace(rate_per_s=LOAD_SHARE * sustainable(plan))
    began = datetime.now(UTC)
    report = soak(plan)
    print(shown(report))
    if given.json:
        machine = {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
            "began": began.isoformat(timespec="seconds"),
        }
        document = {"machine": machine, **report.document()}
        given.json.write_text(json.dumps(document, indent=1), "utf-8")
    return 0 if report.kept else 1


def shown(report: Report) -> str:
    """The report for people."""
    plan = report.plan
    head = (
        f"{plan.duration_s / 60:g} minutes at {plan.rate_per_s:.1f} requests/s, seed {plan.seed}, "
        f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    lines = [head, "", "| what | found | limit | |", "|---|---|---|---|"]
    for line in report.lines:
        sign = "" if line.kept is None else "kept" if line.kept else "BROKEN"
        lines.append(f"| {line.what} | {line.found} | {line.limit} | {sign} |")
    lines += ["", *report.words]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
