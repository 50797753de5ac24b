"""How is the simulated upstream started from the command line?"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pointsman.adapters.providers.simulated.asking import BadRequest
from pointsman.adapters.providers.simulated.directives import header_order
from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.models import SimulatedModels
from pointsman.adapters.providers.simulated.persona_file import personas_in
from pointsman.adapters.providers.simulated.personas import FLEET, Persona
from pointsman.adapters.providers.simulated.server import Simulator, uvicorn_server
from pointsman.app.commands.arguments import port
from pointsman.core.errors import ConfigError, Problem

_EXIT_WRONG_USE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `pointsman simulate`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=port, default=8100, help="port to listen on")
    parser.add_argument("--seed", type=int, default=0, help="the same seed behaves the same")
    parser.add_argument("--persona-file", type=Path, help="YAML or JSON; default: built-in fleet")
    parser.add_argument(
        "--time-scale", type=_scale, default=1.0, help="multiplies every duration; 0: at once"
    )
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        type=_failing,
        metavar="MODEL=FAULT[;after=N]",
        help="every request to MODEL shows FAULT; may be given more than once. "
        f"Faults: {', '.join(Fault)}",
    )
    parser.add_argument("--reliable", action="store_true", help="no fault unless it is ordered")
    parser.add_argument("--api-key", help="ask clients of /v1 for this bearer token")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted. Returns the exit status."""
    try:
        app = simulator(args)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return _EXIT_WRONG_USE
    names = ", ".join(app.models.personas)
    print(f"simulating {names}\non http://{args.host}:{args.port}/v1", file=sys.stderr)
    server = uvicorn_server(app, args.host, args.port)
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1


def simulator(args: argparse.Namespace) -> Simulator:
    """The application that the options describe. Raises `ConfigError`."""
    personas: Iterable[Persona] = personas_in(args.persona_file) if args.persona_file else FLEET
    if args.reliable:
        personas = [replace(persona, failures={}) for persona in personas]
    models = SimulatedModels(
        personas, seed=args.seed, started_s=time.monotonic(), time_scale=args.time_scale
    )
    if unknown := [name for name, _ in args.fail if name not in models.personas]:
        known = f"the models are {', '.join(models.personas)}"
        raise ConfigError([Problem("--fail", "no such model", known, name) for name in unknown])
    for name, order in args.fail:
        models.orders.place(name, order)
    return Simulator(models, api_key=args.api_key)


def _failing(text: str) -> tuple[str, Order]:
    name, _, fault = text.partition("=")
    try:
        return name, header_order(fault)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(f"{error}; faults are {', '.join(Fault)}") from error


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 <= scale < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return scale
