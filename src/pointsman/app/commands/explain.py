"""Why was a model chosen for a request, as told in a terminal?"""

from __future__ import annotations

import argparse
import json
from urllib.parse import quote

from pointsman.app.commands.asking import WHERE, Document, Gateway, add_gateway_arguments
from pointsman.app.commands.refusing import refused
from pointsman.app.commands.telling import told
from pointsman.core.errors import ConfigError, Problem

EXIT_FAILED = 1

DESCRIPTION = f"""\
Tell why a model was chosen: the scores and what they rest on, who was out, what it would have taken
for another model to go first, and what came of each attempt. ID is what the answer's header
x-pointsman-decision says.

{WHERE}"""

EPILOG = """\
examples:
  pointsman explain --last                        the latest decision
  pointsman explain --last --agent coder          the latest of one agent
  pointsman explain dec_019dbaa3be48d6c7b2f1a0e94 --against acme/large"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `pointsman explain`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("decision", nargs="?", metavar="ID", help="the decision's id")
    which.add_argument("--last", action="store_true", help="the latest one")
    parser.add_argument("--agent", metavar="ID", help="with --last: the latest of this agent")
    parser.add_argument(
        "--against", metavar="MODEL", help="whose chances to look at (default: the runner-up)"
    )
    add_gateway_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the explanation. Returns the exit status."""
    try:
        gateway = Gateway(args.url)
        decision_id = args.decision or _latest(gateway, args.agent)
        path = f"/decisions/{quote(decision_id, safe='')}"
        answer = gateway.ask("GET", path, against=args.against)
    except ConfigError as error:
        refused(error, as_json=args.json)
        return EXIT_FAILED
    print(json.dumps(answer, indent=2) if args.json else told(answer["decision"]))
    return 0


def _latest(gateway: Gateway, agent: str | None) -> str:
    found: list[Document] = gateway.ask("GET", "/decisions", limit=1, agent_id=agent)["decisions"]
    if not found:
        words = "nothing was decided yet"
        problem = Problem("--last", words, "send a request first", agent or "")
        raise ConfigError([problem], gateway.url)
    return str(found[0]["decision_id"])
