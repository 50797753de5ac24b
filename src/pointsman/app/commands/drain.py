"""Which models are out of service, what would happen without one, and who takes one out?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from urllib.parse import quote

from pointsman.app.commands.asking import WHERE, Document, Gateway, add_gateway_arguments
from pointsman.app.commands.refusing import refused
from pointsman.core.errors import ConfigError

DESCRIPTION = f"""\
Take a model of a running gateway out of service, and put it back: it is chosen for no request that
does not name it, and what it answers now it ends. Without MODEL tell which are out.

{WHERE} Draining takes the role admin."""

EPILOG = """\
exit status: 0 done, 2 refused

examples:
  pointsman drain                                          which models are out
  pointsman drain acme/large --dry-run                     whom it concerns, and where they would go
  pointsman drain acme/large --reason "a new card"
  pointsman drain acme/large --back                        put it back into service"""

MOST_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("model", nargs="?", metavar="MODEL", help="as provider/name")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    parser.add_argument("--reason", default="", help="why, for the audit log")
    parser.add_argument("--force", action="store_true", help="also where agents are left without")
    parser.add_argument("--back", action="store_true", help="put it back into service")
    add_gateway_arguments(parser)


def run(args: argparse.Namespace) -> int:
    try:
        answer = _asked(Gateway(args.url), args)
    except ConfigError as error:
        return refused(error, as_json=args.json, success=False)
    print(json.dumps(answer, indent=2) if args.json else "\n".join(_told(answer)))
    return 0


def _asked(gateway: Gateway, args: argparse.Namespace) -> Document:
    if args.model is None:
        return gateway.ask("GET", "/drains")
    if args.back:
        return gateway.ask("DELETE", f"/drains/{quote(args.model)}")
    body = {"model_id": args.model, "reason": args.reason, "force": args.force}
    return gateway.ask("POST", "/drains", body=body, dry_run="true" if args.dry_run else None)


def _told(answer: Document) -> Iterator[str]:
    if "drains" in answer:
        for each in answer["drains"]:
            since = f"{each['model_id']}  since {each['since']}, by {each['drained_by']}"
            yield f"{since}: {each['reason']}" if each["reason"] else since
        if not answer["drains"]:
            yield "every model is in service"
        return
    yield answer["message"]
    if "blast" in answer:
        yield from _blast(answer["blast"])


def _blast(blast: Document) -> Iterator[str]:
    share = "none of the" if not blast["share"] else f"{blast['share']:.1%} of all"
    yield f"  {share} attempts of the last hour; {blast['in_flight']} answers under way"
    if blast["only_here"]:
        yield f"  nothing else has {', '.join(blast['only_here'])}"
    for each in blast["receivers"]:
        over = f", over its limit of {each['limit_per_min']}" if each["over_limit"] else ""
        more = f"{each['more_per_min']:.2g} more a minute to {each['now_per_min']:.2g}"
        yield f"  {each['model_id']} takes over {each['agents']} agents: {more}{over}"
    for move in blast["moves"][:MOST_SHOWN]:
        where = move["to_model_id"] or "nowhere"
        words = f" ({move['words']})" if move["words"] else ""
        yield f"  {move['agent_id']:24} {move['tie']:9} -> {where}{words}"
    if blast["total_moves"] > MOST_SHOWN:
        yield f"  and {blast['total_moves'] - MOST_SHOWN} agents more"
