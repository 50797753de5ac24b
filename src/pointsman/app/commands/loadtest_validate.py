"""Does all of it work together on this machine, and how far from its targets is it?"""

from __future__ import annotations

import argparse
import json
import sys

from pointsman.app.loadtest.validation.all import SCENARIOS, alerts_per_min, carried_out
from pointsman.app.loadtest.validation.parts import measures
from pointsman.app.loadtest.validation.report import document, of_measures, of_scenario, summary
from pointsman.app.loadtest.validation.report import verdict as verdict_of

EXIT_FAILED = 1
TABLE = max(SCENARIOS) + 1

DESCRIPTION = f"""\
Show that all of it works together. A gateway of its own is started in front of the simulated fleet,
with a temporary folder for its data; no network is used, and nothing is left behind.

{chr(10).join(f"  {number}  {each.name}" for number, each in SCENARIOS.items())}
  {TABLE}  how long the parts take and how much they keep, beside what is asked of them

Scenario 5 looks through Chromium, where there is one; without, it is not run, which does not count
as passed. Times by the clock depend on what else the machine does."""

EPILOG = """\
exit status: 0 all that was run passed, 1 something failed, 2 wrong use

examples:
  pointsman loadtest validate                 all of it: some four minutes
  pointsman loadtest validate --only 3        the storm of alerts
  pointsman loadtest validate --short --json  the same in less time, for a program"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "--only",
        type=int,
        action="append",
        choices=[*SCENARIOS, TABLE],
        metavar="N",
        help="only this one; may be given more than once",
    )
    parser.add_argument("--short", action="store_true", help="fewer requests: about a minute")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    wanted = sorted(set(args.only or [*SCENARIOS, TABLE]))
    scenarios = []
    for number in wanted:
        if number == TABLE:
            continue
        print(f"{number}. {SCENARIOS[number].name} …", file=sys.stderr, flush=True)
        scenarios.append(carried_out(number, short=args.short))
        if not args.json:
            print("\n".join(of_scenario(scenarios[-1])), flush=True)
    found = []
    if TABLE in wanted:
        print(f"{TABLE}. times and memory …", file=sys.stderr, flush=True)
        found = measures(alerts_per_min(scenarios), short=args.short)
        if not args.json:
            print("\n".join(of_measures(found)))
    if args.json:
        print(json.dumps(document(scenarios, found), indent=2))
    else:
        print(summary(scenarios, found))
    return EXIT_FAILED if verdict_of(scenarios, found) is False else 0
