"""Which model would serve a prompt, as told in a terminal?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pointsman.app.commands.asking import WHERE, Document, Gateway, add_gateway_arguments
from pointsman.app.commands.refusing import refused
from pointsman.app.commands.telling import told
from pointsman.core.errors import ConfigError, Problem

EXIT_FAILED = 1

DESCRIPTION = f"""\
Tell which model a running gateway would choose for a prompt now, and why. No model is called and
nothing is recorded. PROMPT is text, a file with text or with the JSON of a chat request, or - for
standard input.

{WHERE}"""

EPILOG = """\
examples:
  pointsman route "Prove that there are infinitely many primes."
  pointsman route --agent coder --model auto:cost request.json
  pointsman route --seed dec_019dbaa3be48d6c7b2f1a0e94 "Hello"    drawn as that one was"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `pointsman route`."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("prompt", metavar="PROMPT", help="text, a file, or - for standard input")
    parser.add_argument("--agent", metavar="ID", help="who asks")
    parser.add_argument("--model", help="the name to ask for (default: auto, or the file's)")
    parser.add_argument("--session", metavar="NAME", help="the conversation it belongs to")
    parser.add_argument("--stream", action="store_true", help="as if the answer were streamed")
    parser.add_argument(
        "--seed", help="16 hexadecimal digits, or a decision's id: draw as that one was drawn"
    )
    parser.add_argument(
        "--against", metavar="MODEL", help="whose chances to look at (default: the runner-up)"
    )
    add_gateway_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print what would be decided. Returns the exit status."""
    try:
        body = _body(args)
        gateway = Gateway(args.url)
        answer = gateway.ask("POST", "/route", body=body, seed=args.seed, against=args.against)
    except ConfigError as error:
        refused(error, as_json=args.json)
        return EXIT_FAILED
    print(json.dumps(answer, indent=2) if args.json else told(answer["decision"], dry=True))
    return 0


def _body(args: argparse.Namespace) -> Document:
    """The chat request that the arguments describe. Raises `ConfigError`."""
    body = _request_in(_text(args.prompt))
    body["model"] = args.model or body.get("model") or "auto"
    if args.stream:
        body["stream"] = True
    wishes = {"agent": args.agent, "session": args.session}
    given = {name: value for name, value in wishes.items() if value}
    if given:
        before = body.get("pointsman")
        body["pointsman"] = {**(before if isinstance(before, dict) else {}), **given}
    return body


def _request_in(text: str) -> Document:
    """A chat request, or one made of a prompt."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict) and "messages" in found:
        return found
    return {"messages": [{"role": "user", "content": text}]}


def _text(prompt: str) -> str:
    if prompt == "-":
        return sys.stdin.read()
    if not _is_file(prompt):
        return prompt
    try:
        return Path(prompt).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(prompt, "is not UTF-8 text", "save it as UTF-8")]) from error
    except OSError as error:
        problem = Problem(prompt, f"cannot be read: {error.strerror}", "check who may read it")
        raise ConfigError([problem]) from error


def _is_file(prompt: str) -> bool:
    try:
        return Path(prompt).is_file()
    except (OSError, ValueError):
        return False  # too long, or of no shape, to be the name of one
