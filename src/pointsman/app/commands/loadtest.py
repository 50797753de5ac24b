"""How does a server bear a load?"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import uvloop

from pointsman.app.commands.arguments import factor, positive, whole_number
from pointsman.app.commands.asking import DEFAULT_URL, KEY_VARIABLE, URL_VARIABLE
from pointsman.app.commands.refusing import refused
from pointsman.app.commands.writing import write_new
from pointsman.app.loadtest.arrivals import Arrivals, ClosedLoop, OpenLoop
from pointsman.app.loadtest.calling import Caller
from pointsman.app.loadtest.measured import Measured
from pointsman.app.loadtest.page import page
from pointsman.app.loadtest.report import as_document, milliseconds, progress, table
from pointsman.app.loadtest.requests import Ask, Traffic, read_asks, usual_asks
from pointsman.app.loadtest.run import Bounds, LoadTest
from pointsman.core.errors import ConfigError, Problem

EXIT_MISSED = 1
USUAL_PER_S = 10.0

DESCRIPTION = f"""\
Put a load on any OpenAI-compatible API and tell how long its callers waited.

With --rate requests come whether or not the last ones were answered (an open loop), and waiting is
counted from when a request was due: a server that stalls for a second is seen to make everybody
wait who came meanwhile. With --concurrency each of so many callers asks again once it has been
answered (a closed loop), which tells how much a server can do at most.

FILE of --prompts holds one JSON object per line: "prompt" or "messages" and, if you like, "agent",
"model", "max_tokens" and "request" (further fields). URL is the base of the API, with /v1 or
without; left out, {URL_VARIABLE}, else {DEFAULT_URL}. {KEY_VARIABLE} holds the key, where one is
needed. Durations count answers that were right; a stream that was cut is a failure."""

EPILOG = """\
exit status: 0 done, 1 a limit of --max-… was missed, 2 wrong use

examples:
  pointsman loadtest --rate 50 --duration 60 --stream 0.5 --html report.html
  pointsman loadtest http://127.0.0.1:9000 --concurrency 16 --requests 10000
  pointsman loadtest --rate 20 --agent coder=3 --agent support=1 --prompts prompts.jsonl
  pointsman loadtest --rate 100 --even --duration 30 --max-p99-ms 500 --max-failed 0.01 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("url", nargs="?", help="base of the API")
    load = parser.add_mutually_exclusive_group()
    load.add_argument(
        "--rate", type=_above_zero, help=f"requests per second (default: {USUAL_PER_S:g})"
    )
    load.add_argument("--concurrency", type=positive, help="callers that ask again and again")
    parser.add_argument("--even", action="store_true", help="gaps all alike; default: Poisson")
    parser.add_argument(
        "--duration", type=_above_zero, default=30.0, metavar="S", help="default: 30"
    )
    parser.add_argument("--requests", type=positive, help="end after so many")
    parser.add_argument(
        "--warm-up", type=factor, default=0.0, metavar="S", help="leave out what was due before"
    )
    parser.add_argument(
        "--timeout", type=_above_zero, default=60.0, metavar="S", help="default: 60"
    )
    parser.add_argument("--prompts", type=Path, metavar="FILE", help="what is asked, JSON lines")
    parser.add_argument("--model", default="auto", help="where a line names none (default: auto)")
    parser.add_argument(
        "--agent",
        type=_weighted,
        action="append",
        default=[],
        metavar="ID[=WEIGHT]",
        help="who asks, where a line names none; may be repeated",
    )
    parser.add_argument(
        "--stream", type=_share, nargs="?", const=1.0, default=0.0, help="share that is streamed"
    )
    parser.add_argument("--max-tokens", type=positive, help="longest answer, where no line says")
    parser.add_argument("--seed", type=whole_number, default=0, help="the same seed asks the same")
    parser.add_argument("--max-p99-ms", type=_above_zero, help="99 of 100 may wait no longer")
    parser.add_argument("--max-failed", type=_share, metavar="SHARE", help="no more may fail")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report with plots")
    parser.add_argument("--force", action="store_true", help="write over a report that is there")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    try:
        plan = _plan(args)
        test = _test(args, plan)
        measured = _carried_out(test)
        document = as_document(measured, plan)
        if args.html:
            write_new(args.html, page(document), force=args.force)
    except ConfigError as error:
        return refused(error, as_json=args.json)
    print(json.dumps(document, indent=2) if args.json else "\n".join(table(measured)))
    missed = list(_missed(args, measured))
    for words in missed:
        print(f"missed: {words}", file=sys.stderr)
    return EXIT_MISSED if missed else 0


def _plan(args: argparse.Namespace) -> dict[str, Any]:
    """What is to be done, as the report tells it. Raises `ConfigError`."""
    if args.html and not args.force and args.html.exists():
        problem = Problem(str(args.html), "the file exists", "give another path, or --force")
        raise ConfigError([problem], "--html")
    callers = args.concurrency
    return {
        "url": (args.url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).rstrip("/"),
        "rate_per_s": None if callers else args.rate or USUAL_PER_S,
        "gaps": None if callers else "even" if args.even else "Poisson",
        "concurrency": callers,
        "duration_s": args.duration,
        "most_requests": args.requests,
        "warm_up_s": args.warm_up,
        "timeout_s": args.timeout,
        "streamed_share": args.stream,
        "model": args.model,
        "agents": dict(args.agent) or None,
        "prompts": str(args.prompts) if args.prompts else None,
        "seed": args.seed,
    }


def _test(args: argparse.Namespace, plan: Mapping[str, Any]) -> LoadTest:
    asks: Sequence[Ask] = read_asks(args.prompts) if args.prompts else usual_asks()
    traffic = Traffic(
        asks,
        Random(f"{args.seed} what"),  # noqa: S311 - draws prompts, not secrets
        model=args.model,
        agents=plan["agents"],
        streamed=args.stream,
        fields={"max_tokens": args.max_tokens} if args.max_tokens else None,
    )
    arrivals: Arrivals = (
        ClosedLoop(args.concurrency)
        if args.concurrency
        else OpenLoop(plan["rate_per_s"], poisson=not args.even)
    )
    return LoadTest(
        _caller(plan["url"], args.timeout),
        traffic,
        arrivals,
        Bounds(args.duration, args.requests),
        random=Random(f"{args.seed} when"),  # noqa: S311 - draws gaps, not secrets
        warm_up_s=args.warm_up,
        tick=_progress(args.duration, args.requests),
    )


def _caller(url: str, timeout_s: float) -> Caller:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    try:
        return Caller(url, {"authorization": f"Bearer {key}"} if key else {}, timeout_s)
    except ValueError as error:
        problem = Problem("URL", f"cannot be asked: {error}", f"such as {DEFAULT_URL}", url)
        raise ConfigError([problem], "loadtest") from error


def _progress(duration_s: float, requests: int | None) -> Callable[[Measured, float], None]:
    """Tells how far it has come: on a terminal in place, elsewhere every ten seconds."""
    live = sys.stderr.isatty()
    ticks = 0

    def tick(measured: Measured, at_s: float) -> None:
        nonlocal ticks
        ticks += 1
        share = max(at_s / duration_s, measured.sent / requests if requests else 0.0)
        if live:
            print(f"\r{progress(measured, share)}\033[K", end="", file=sys.stderr, flush=True)
        elif ticks % 10 == 0:
            print(progress(measured, share), file=sys.stderr, flush=True)

    return tick


def _carried_out(test: LoadTest) -> Measured:
    async def carry_out() -> Measured:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, test.stop)
        return await test.run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        measured = runner.run(carry_out())
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return measured


def _missed(args: argparse.Namespace, measured: Measured) -> Sequence[str]:
    """The limits that were not kept. A run without a right answer keeps none."""
    found = []
    p99 = milliseconds(measured.times.felt)["p99"]
    if args.max_p99_ms is not None and (p99 is None or p99 > args.max_p99_ms):
        shown = "nobody was answered" if p99 is None else f"99 of 100 waited up to {p99:.1f} ms"
        found.append(f"{shown}; at most {args.max_p99_ms:g} ms was asked for")
    counted = measured.done - measured.warming + measured.not_sent + measured.under_way
    failed = measured.failed + measured.not_sent + measured.under_way
    if args.max_failed is not None and (not counted or failed / counted > args.max_failed):
        found.append(f"{failed} of {counted} failed; at most a share of {args.max_failed:g} may")
    return found


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, such as 2.5")
    return number


def _share(text: str) -> float:
    number = factor(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1, such as 0.5")
    return number


def _weighted(text: str) -> tuple[str, float]:
    name, has_weight, weight = text.rpartition("=")
    if not has_weight:
        return text, 1.0
    return name, _above_zero(weight)
