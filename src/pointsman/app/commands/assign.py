"""Which standing model should every agent of this configuration have, and why?"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pointsman.app.clock import SystemClock
from pointsman.app.commands.asking import WHERE, add_gateway_arguments
from pointsman.app.commands.assigning import check_not_live, run_live
from pointsman.app.commands.refusing import refused
from pointsman.app.config import load
from pointsman.app.configuration import Configuration
from pointsman.app.plan_views import (
    front_record,
    front_text,
    moves_text,
    plan_record,
    plan_text,
    relaxation_text,
    shadows_text,
)
from pointsman.app.standing_plan import read_plan
from pointsman.app.storing import recorded
from pointsman.core.assignment.explanation import explained, words_of_explanation
from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.pareto import front
from pointsman.core.assignment.plan import Plan
from pointsman.core.assignment.relaxation import relaxation
from pointsman.core.assignment.shadow import shadows
from pointsman.core.errors import ConfigError, Problem, RequestError, StoreError
from pointsman.engine.assign import Stated, stated, without
from pointsman.engine.ports import Comparing, Scorer
from pointsman.engine.replay import Replay
from pointsman.engine.scoring import new_scorer
from pointsman.engine.solving import picked

DESCRIPTION = """\
Work out which model each declared agent should stand on, for the fleet as a whole: under its
budget, the limits of its models and every other rule of the configuration. Nothing is changed,
unless --live asks a running gateway to put the plan in place.

What models are expected to be like is what the configuration declares and, where this gateway has
served before, what it has seen of them."""

EPILOG = f"""\
strategies:
  greedy     each agent in turn takes its best model that has room
  balanced   the same, 5 points off per agent that a model already has
  optimal    the best plan there is, or one within the stated gap
  pareto     the plans that no other beats in all of quality, latency and cost

exit status: 0 everybody has a model, 1 somebody has none, 2 mistakes in what was given

examples:
  pointsman assign fleet.yaml
  pointsman assign fleet.yaml --explain coder
  pointsman assign fleet.yaml --json > plan.json
  pointsman assign fleet.yaml --strategy pareto --point knee --json > plan.json
  pointsman assign fleet.yaml --standing plan.json     what has changed, and who moves
  pointsman assign fleet.yaml --standing plan.json --without lab/large
  pointsman assign --live --dry-run                    what the running gateway would change
  pointsman assign --live --reason "prices have fallen"
  pointsman assign --live --undo run_019dbaa3be48d6c7b2f

{WHERE}"""

STRATEGIES = ("greedy", "balanced", "optimal", "pareto")
EAGER_S = 60.0
PUBLISHED_AFTER_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "config", nargs="?", type=Path, help="YAML file; none: what serve would use"
    )
    parser.add_argument("--strategy", choices=STRATEGIES, default="optimal", help="how to decide")
    parser.add_argument(
        "--point", metavar="PLAN", help="with --strategy pareto: take this plan of it, or `knee`"
    )
    parser.add_argument(
        "--explain", metavar="AGENT", help="why this agent stands where it does, and what else"
    )
    parser.add_argument(
        "--standing",
        type=Path,
        metavar="PLAN",
        help="a plan as --json wrote it: who stands where now, so that only those move who gain; "
        "left out: the plan that the configuration names",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="MODEL",
        help="as if this model did not answer; may be given more than once",
    )
    parser.add_argument(
        "--within", type=float, default=10.0, metavar="S", help="longest time to solve in seconds"
    )
    parser.add_argument(
        "--declared-only", action="store_true", help="leave aside what this gateway has seen"
    )
    live = parser.add_argument_group("a running gateway")
    live.add_argument("--live", action="store_true", help="ask the gateway, and put it in place")
    live.add_argument("--dry-run", action="store_true", help="with --live: change nothing")
    live.add_argument("--reason", default="", help="with --live: why, for the history")
    live.add_argument("--undo", metavar="RUN", help="with --live: put back what this run changed")
    live.add_argument(
        "--force", action="store_true", help="with --undo: also where that breaks rules of now"
    )
    add_gateway_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if args.live:
        return run_live(args)
    try:
        check_not_live(args)
        _check_wish(args)
        configuration = load(args.config, os.environ)
    except ConfigError as error:
        return refused(error, as_json=args.json, sound=False)
    try:
        effort = Effort(within_s=args.within)
        fleet = _stated(configuration, args)
        agent = _agent(fleet, args.explain)
    except (ValueError, StoreError) as error:
        print(f"pointsman assign: {error}", file=sys.stderr)
        return 2
    try:
        plan = _plan(fleet, args, effort)
    except RequestError as error:
        print(f"pointsman assign: --{error}", file=sys.stderr)
        return 2
    if plan is None:
        return _show_front(fleet, as_json=args.json)
    if agent is not None:
        print("\n".join(words_of_explanation(fleet.problem, explained(fleet.problem, plan, agent))))
    elif args.json:
        print(json.dumps(plan_record(fleet, plan), indent=2))
    else:
        _show(fleet, plan, effort)
    return 1 if plan.unplaced else 0


def _check_wish(args: argparse.Namespace) -> None:
    """Raises `ConfigError` for what does not go together, or is no time."""
    front_only = args.strategy == "pareto" and args.point is None
    if args.point is not None and args.strategy != "pareto":
        words, remedy = f"{args.strategy} has no points", "add --strategy pareto, or leave it out"
        raise ConfigError([Problem("--point", words, remedy)])
    if args.explain is not None and front_only:
        words, remedy = "a front puts nobody anywhere", "add --point, or leave it out"
        raise ConfigError([Problem("--explain", words, remedy)])
    if not 0.0 < args.within < math.inf:
        words, remedy = f"{args.within:g} is no such time", "give a positive number of seconds"
        raise ConfigError([Problem("--within", words, remedy)])


def _plan(fleet: Stated, args: argparse.Namespace, effort: Effort) -> Plan | None:
    """None where a front is asked for and no point of it."""
    problem = fleet.problem
    if args.strategy == "pareto":
        return picked(fleet, front(problem), args.point).plan if args.point is not None else None
    if args.strategy == "optimal":
        return optimal(problem, effort)
    return greedy(problem) if args.strategy == "greedy" else balanced(problem)


def _show(fleet: Stated, plan: Plan, effort: Effort) -> None:
    """What more would bring is only known of a plan that is meant to be of the highest value."""
    parts = [plan_text(fleet, plan), moves_text(fleet, plan)]
    if plan.unplaced:
        parts.append(relaxation_text(fleet, relaxation(fleet.problem, effort)))
    if plan.gap is not None:
        parts.append(shadows_text(fleet, shadows(fleet.problem, plan, effort)))
    print("\n\n".join(part for part in parts if part))


def _show_front(fleet: Stated, *, as_json: bool) -> int:
    points = front(fleet.problem)
    print(
        json.dumps(front_record(fleet, points), indent=2) if as_json else front_text(fleet, points)
    )
    return 1 if points[0].plan.unplaced else 0


def _agent(fleet: Stated, asked: str | None) -> int | None:
    names = [agent.id for agent in fleet.agents]
    if asked is not None and asked not in names:
        known = ", ".join(names) or "none"
        raise ValueError(f"--explain: no agent {asked!r} is declared and online; known: {known}")
    return None if asked is None else names.index(asked)


def _stated(configuration: Configuration, args: argparse.Namespace) -> Stated:
    scorer = new_scorer(configuration.policy.scoring)
    if not args.declared_only:
        _remember(configuration, scorer)
    if isinstance(scorer, Comparing):
        scorer.declare(configuration.fleet.models.keys())
    standing = configuration.expectations.standing
    if args.standing is not None:
        standing = _standing(args.standing)
    found = stated(
        configuration.fleet,
        configuration.expectations,
        scorer,
        configuration.policy.strategy,
        standing,
    )
    return without(found, args.without)


def _remember(configuration: Configuration, scorer: Scorer) -> None:
    """Let the scorer know what this gateway has seen, if it has ever served."""
    clock, store = SystemClock(), recorded(configuration.store, configuration.server.data_dir)
    if store is None:
        return
    try:
        replay = Replay(store, clock, clock.now(), scorer=scorer, eager_s=EAGER_S)
        asyncio.run(replay.run())
        # Within a second whatever was learned takes effect; here nobody would tick again.
        scorer.tick(clock.now().timestamp() + PUBLISHED_AFTER_S)
    finally:
        store.close()


def _standing(path: Path) -> Mapping[str, str]:
    try:
        return read_plan(path)
    except ValueError as error:
        remedy = "give a file that `pointsman assign --json` wrote"
        raise ValueError(f"--standing {path}: {error}; {remedy}") from error
