"""How good is each model at what I ask, before traffic finds out?"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from pointsman.app.calibration import report
from pointsman.app.calibration.cases import Case, read_cases
from pointsman.app.calibration.desk import CannotCalibrate, Desk
from pointsman.app.calibration.estimate import Pricing, estimated, unpriced
from pointsman.app.calibration.local import LocalDesk
from pointsman.app.calibration.remote import RemoteDesk
from pointsman.app.calibration.run import Calibration, Plan
from pointsman.app.commands.arguments import positive
from pointsman.app.commands.asking import KEY_VARIABLE, URL_VARIABLE
from pointsman.app.commands.refusing import EXIT_WRONG_USE, refused
from pointsman.app.config import load
from pointsman.app.configuration import Configuration
from pointsman.app.running import Running
from pointsman.core.errors import ConfigError, StoreError
from pointsman.core.fleet import Model

EXIT_INCOMPLETE = 1
LOOK_S = 1.0

DESCRIPTION = f"""\
Put prompts to every model of the fleet, judge the answers, and let that teach the router.

FILE holds one JSON object per line: "prompt" (or "messages"), what a good answer is, and, if you
like, "agent", "task_type", "max_tokens" and "request" (further fields, such as temperature). A good
answer is one of
  "answer"       a text or number, or a list of which any will do: matched without case and wrapping
  "json_schema"  a schema that the answer, a JSON document, must fit
  "judge"        true or what it must do, for the model of --judge to rate; "reference" helps it

While a gateway runs, name it with --url (or {URL_VARIABLE}), so that it learns at once; when it has
keys, {KEY_VARIABLE} holds one with the role admin. Without, the prompts are put from here, and
the next gateway that is started on the same data directory has learned it. What was judged is not
asked again when the command is repeated."""

EPILOG = """\
exit status: 0 all is judged, 1 something is missing (run it again), 2 wrong use, or not confirmed

examples:
  pointsman calibrate prompts.jsonl --config fleet.yaml --dry-run
  pointsman calibrate prompts.jsonl --config fleet.yaml --yes --max-usd 2
  pointsman calibrate prompts.jsonl --url http://127.0.0.1:8080 --judge openai/gpt-4o --yes"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("file", type=Path, help="prompts as JSON lines")
    parser.add_argument("--config", type=Path, help="YAML file; default: what serve would use")
    parser.add_argument("--url", help="the gateway that runs")
    parser.add_argument("--model", action="append", help="only this model; may be repeated")
    parser.add_argument("--judge", metavar="MODEL", help="who rates what needs a judge")
    parser.add_argument("--max-tokens", type=positive, default=1024, help="default: 1024")
    parser.add_argument(
        "--parallel", type=positive, default=4, help="prompts at a time per model (default: 4)"
    )
    parser.add_argument(
        "--max-usd", type=_usd, help="stop before more is spent; leaves out unknown prices"
    )
    parser.add_argument("--again", action="store_true", help="ask also what was judged before")
    parser.add_argument("--yes", action="store_true", help="do not ask whether to spend it")
    parser.add_argument("--dry-run", action="store_true", help="say what it would cost, and stop")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    try:
        cases = read_cases(args.file)
        url = args.url or (None if args.config else os.environ.get(URL_VARIABLE))
        place = url or load(args.config, os.environ)
        return asyncio.run(_calibrate(args, cases, place))
    except ConfigError as error:
        return refused(error, as_json=args.json)
    except (CannotCalibrate, StoreError) as error:
        print(f"pointsman calibrate: {error}", file=sys.stderr)
        return EXIT_WRONG_USE
    except KeyboardInterrupt:
        print("stopped; run it again to go on from here", file=sys.stderr)
        return EXIT_INCOMPLETE


async def _calibrate(
    args: argparse.Namespace, cases: Sequence[Case], place: str | Configuration
) -> int:
    async with _desk(place) as desk:
        plan = _plan(args, cases, await desk.models())
        for line in report.before(plan):
            print(line, file=sys.stderr)
        if args.dry_run:
            return 0
        if not (args.yes or _confirmed(plan)):
            return EXIT_WRONG_USE
        calibration = Calibration(desk, plan, progress=_Progress(len(cases) * len(plan.models)))
        try:
            await calibration.run()
        finally:
            _print(calibration, as_json=args.json)
    return 0 if calibration.complete else EXIT_INCOMPLETE


@asynccontextmanager
async def _desk(place: str | Configuration) -> AsyncIterator[Desk]:
    """The gateway at an address, or one of our own."""
    if isinstance(place, str):
        yield RemoteDesk(place, os.environ.get(KEY_VARIABLE))
        return
    await asyncio.to_thread(_refuse_beside_a_gateway, place)
    running = Running(place, load=lambda *_: place)
    async with running.running():
        yield LocalDesk(running)


def _refuse_beside_a_gateway(configuration: Configuration) -> None:
    """A gateway that runs would not learn what another process writes into its store."""
    server = configuration.server
    host = "127.0.0.1" if server.host in {"0.0.0.0", "::", ""} else server.host  # noqa: S104 - read
    connection = HTTPConnection(host, server.port, timeout=LOOK_S)
    try:
        connection.request("GET", "/readyz")
        connection.getresponse().read()
    except (OSError, HTTPException):
        return
    finally:
        connection.close()
    address = f"http://{host}:{server.port}"
    raise CannotCalibrate(
        f"something answers at {address}: pass --url {address}, so that it learns at once, "
        "or stop it first"
    )


def _plan(args: argparse.Namespace, cases: Sequence[Case], fleet: Sequence[Model]) -> Plan:
    by_id = {model.id: model for model in fleet}
    wanted = args.model or list(by_id)
    unknown = sorted({*wanted, *([args.judge] if args.judge else [])} - by_id.keys())
    if unknown:
        known = ", ".join(by_id) or "none"
        raise CannotCalibrate(f"the fleet has no model {', '.join(unknown)}; it has {known}")
    if args.judge is None and any(case.good is None for case in cases):
        line = next(case.line for case in cases if case.good is None)
        raise CannotCalibrate(f"line {line} needs a judge: name a model with --judge")
    models = [by_id[name] for name in dict.fromkeys(wanted)]
    pricing = Pricing(args.max_tokens, by_id[args.judge] if args.judge else None)
    if args.max_usd is not None:
        # What cannot be counted cannot be kept within a budget.
        blind = unpriced(cases, models, pricing)
        models = [model for model in models if model.id not in blind]
        if blind:
            names = ", ".join(blind)
            print(f"left out, since what it costs is unknown: {names}", file=sys.stderr)
    if not models:
        raise CannotCalibrate("no model is left to ask; the price of each is unknown")
    return Plan(cases, models, pricing, args.parallel, args.max_usd, args.again)


def _confirmed(plan: Plan) -> bool:
    """Whether this may be spent. What costs nothing needs no word."""
    unknown = unpriced(plan.cases, plan.models, plan.pricing)
    if not unknown and not estimated(plan.cases, plan.models, plan.pricing).most_usd:
        return True
    if not sys.stdin.isatty():
        print("not confirmed: pass --yes, and --max-usd to bound it", file=sys.stderr)
        return False
    return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}


class _Progress:
    """Prints how far it has come, every twentieth of the way."""

    def __init__(self, total: int) -> None:
        self._step = max(1, total // 20)
        self._next = self._step

    def __call__(self, calibration: Calibration) -> None:
        if calibration.done >= self._next:
            self._next = calibration.done + self._step
            print(report.progress(calibration), file=sys.stderr, flush=True)


def _print(calibration: Calibration, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_document(calibration), indent=2))
        return
    print("\n".join(report.table(calibration)))
    if calibration.stopped:
        print("stopped: the next answer might have cost more than --max-usd leaves")


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not (amount.is_finite() and amount >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of US dollars, such as 2.50")
    return amount
