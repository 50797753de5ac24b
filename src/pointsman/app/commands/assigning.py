"""What does `pointsman assign --live` ask of a running gateway, and how does the answer read?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from pointsman.app.commands.asking import Document, Gateway
from pointsman.app.commands.refusing import refused
from pointsman.app.plan_views import NO_COST
from pointsman.core.assignment.plan import words_of_gap
from pointsman.core.errors import ConfigError, Problem

EXIT_FAILED = 1

MOST_S = 60.0
"""How long a gateway may be asked to solve."""

TIMEOUT_S = 240.0
"""The gateway gives up after three minutes, and says so; to go before it does helps nobody."""

ONLY_HERE: Mapping[str, object] = {"config": None, "standing": None, "declared_only": False}
"""Arguments that mean something only where a configuration is read, and what they are unset."""

ONLY_LIVE: Mapping[str, object] = {
    "dry_run": False,
    "reason": "",
    "undo": None,
    "force": False,
    "url": None,
}
"""Those that mean something only to a running gateway."""

NOT_WHILE_UNDOING: Mapping[str, object] = {
    "dry_run": False,
    "point": None,
    "without": [],
    "explain": None,
}
"""Those that would make something else of --undo than what it says."""

ONLY_WHILE_UNDOING: Mapping[str, object] = {"force": False}
"""Those that mean something only to --undo."""


def run_live(args: argparse.Namespace) -> int:
    """Ask, and print what it says. 0: everybody has a model, 1: somebody has none, or refused."""
    try:
        _check_live(args)
        gateway = Gateway(args.url, timeout_s=TIMEOUT_S)
        if args.explain is not None:
            answer = gateway.ask("GET", f"/agents/{quote(args.explain, safe='')}/assignment")
            text = "\n".join(answer["words"])
        elif args.undo is not None:
            path = f"/assignment-runs/{quote(args.undo, safe='')}/undo"
            body: Document = {"reason": args.reason, "force": args.force}
            answer = gateway.ask("POST", path, body=body)
            text = "\n".join(_run_lines(answer))
        else:
            answer = _plan(gateway, args)
            text = "\n".join(_plan_lines(answer))
    except ConfigError as error:
        refused(error, as_json=args.json)
        return EXIT_FAILED
    print(json.dumps(answer, indent=2) if args.json else text)
    return EXIT_FAILED if answer.get("unassigned") else 0


def check_not_live(args: argparse.Namespace) -> None:
    """Raises `ConfigError` for what only a gateway is asked."""
    _check(args, ONLY_LIVE, "means nothing without --live", "leave it out, or add --live")


def _check_live(args: argparse.Namespace) -> None:
    """Raises `ConfigError` for what a gateway is not asked, such as a time that is none."""
    if not 0.01 <= args.within <= MOST_S:
        words, remedy = f"{args.within:g} is no such time", f"give 0.01 to {MOST_S:g} seconds"
        raise ConfigError([Problem("--within", words, remedy)])
    remedy = "leave it out, or leave out --live"
    _check(args, ONLY_HERE, "means nothing to a running gateway", remedy)
    if args.undo is not None:
        _check(args, NOT_WHILE_UNDOING, "does not go with --undo", "leave one of them out")
    else:
        _check(args, ONLY_WHILE_UNDOING, "means nothing without --undo", "leave it out")


def _check(args: argparse.Namespace, unset: Mapping[str, object], words: str, remedy: str) -> None:
    problems = [
        Problem("a file" if name == "config" else f"--{name.replace('_', '-')}", words, remedy)
        for name, value in unset.items()
        if getattr(args, name) != value
    ]
    if problems:
        raise ConfigError(problems)


def _plan(gateway: Gateway, args: argparse.Namespace) -> Document:
    body: Document = {
        "strategy": args.strategy,
        "within_ms": round(1000 * args.within),
        "reason": args.reason,
        "without": args.without,
    }
    if args.point is not None:
        body["point"] = args.point
    dry = args.dry_run or bool(args.without)
    dry = dry or (args.strategy == "pareto" and args.point is None)
    told = {"dry_run": "true", "advice": "true"} if dry else {}
    return gateway.ask("POST", "/auto-assign-all", body=body, **told)


def _plan_lines(plan: Document) -> Iterator[str]:
    for each in plan["assignments"]:
        usd = each["usd_per_day"]
        cost = "unknown" if usd is None else f"{usd:.2f}"
        score = f"{each['match_score']:.2f}"
        yield f"{each['agent_id']}  {each['model_id']}  score {score}  USD/day {cost}"
    yield ""
    gap = plan["optimality_gap"]
    proven = "" if gap is None else f", {words_of_gap(gap)}"
    yield (
        f"{plan['strategy']}: {plan['total_assignments']} assigned, mean score "
        f"{plan['avg_match_score']:.2f}, {plan['usd_per_day']:.2f} USD per day{proven}"
    )
    if plan["total_assignments"] and not plan["usd_per_day"]:
        yield NO_COST
    for each in plan["unassigned"]:
        yield f"{each['agent_id']} has no model:"
        yield from (f"  {reason}" for reason in each["reasons"])
    yield from plan["notes"]
    for words in plan["broken_now"]:
        yield f"as it stands: {words}"
    for each in plan["moved"]:
        gain = "" if each["score_change"] is None else f" ({each['score_change']:+.2f} points)"
        sides = f"{each['old_model_id'] or 'no model'} -> {each['new_model_id'] or 'no model'}"
        yield f"moves {each['agent_id']}: {sides}{gain}"
    for point in plan["points"]:
        knee = "  <- knee" if point["knee"] else ""
        figures = f"quality {point['quality']:.2f}, {point['usd_per_day']:.2f} USD per day"
        yield f"{point['plan_id']}: {figures}{knee}"
    for name, words in (("relaxations", "would give"), ("more_would_bring", "would bring")):
        lines = (plan["advice"] or {}).get(name, [])
        if lines:
            yield f"what {words} more:"
            yield from (f"  {line}" for line in lines)
    yield "nothing was changed" if plan["dry_run"] else f"in force as {plan['run_id']}"


def _run_lines(answer: Document) -> Iterator[str]:
    for each in answer["changes"]:
        sides = f"{each['old_model_id'] or 'no model'} -> {each['new_model_id'] or 'no model'}"
        yield f"{each['agent_id']}: {sides}"
    run = answer["run"]
    yield f"{run['undoes']} is undone by {run['run_id']}"
