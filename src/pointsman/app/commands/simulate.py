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
from pointsman.app.commands.arguments import factor, port, whole_number
from pointsman.app.commands.refusing import refused
from pointsman.app.listening import address_of, listening_at
from pointsman.core.errors import ConfigError, Problem

DESCRIPTION = """\
Serve simulated models over HTTP, as an upstream that speaks OpenAI's chat completions under /v1.

Each model has a character: how good and how fast it is, what it costs, how often it fails. With
--fail every request to a model shows one fault (a status, a stall, a stream that is cut), so that
it can be seen what a gateway does about it. A fault may have values behind it: after=5 (chunks),
bytes=120, status=402, retry_after=0.5."""

EPILOG = """\
examples:
  pointsman simulate                                      twelve models on 127.0.0.1:8100
  pointsman simulate --reliable --time-scale 0            no fault and no waiting
  pointsman simulate --fail 'atlas-large=cut;after=3'     each of its streams is cut
  pointsman simulate --persona-file mine.yaml --seed 7    models of your own"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `pointsman simulate`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    parser.add_argument("--port", type=port, default=8100, help="default: 8100")
    parser.add_argument(
        "--seed", type=whole_number, default=0, help="the same seed behaves the same (default: 0)"
    )
    parser.add_argument("--persona-file", type=Path, help="YAML or JSON; default: built-in fleet")
    parser.add_argument(
        "--time-scale", type=factor, default=1.0, help="multiplies every duration; 0: at once"
    )
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        type=_failing,
        metavar="MODEL=FAULT[;NAME=N]",
        help="every request to MODEL shows FAULT; may be given more than once. "
        f"Faults: {', '.join(Fault)}",
    )
    parser.add_argument("--reliable", action="store_true", help="no fault unless it is ordered")
    parser.add_argument("--api-key", help="ask clients of /v1 for this bearer token")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted. Returns the exit status."""
    try:
        app = simulator(args)
        listening = listening_at(args.host, args.port, "the command line")
    except ConfigError as error:
        return refused(error)
    names = ", ".join(app.models.personas)
    print(f"simulating {names}\non http://{address_of(listening)}/v1", file=sys.stderr)
    server = uvicorn_server(app)
    try:
        server.run(sockets=[listening])
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
    kind = fault.partition(";")[0].strip()
    if kind not in list(Fault):
        known = ", ".join(Fault)
        raise argparse.ArgumentTypeError(f"{kind!r} is no fault: give MODEL= and one of {known}")
    try:
        return name, header_order(fault)
    except BadRequest as error:
        known = "after, bytes, status, retry_after"
        raise argparse.ArgumentTypeError(f"{error}: a fault takes {known}") from error
