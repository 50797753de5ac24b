"""Which command was meant?

Each command is a module with `add_arguments` and `run`, imported only when it is used.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

from pointsman.version import VERSION

EPILOG = """\
first steps:
  pointsman serve                 a gateway on 127.0.0.1:8080, simulated when no key is set
  pointsman init                  write a commented configuration to start from
  pointsman check fleet.yaml      find every mistake in it
  pointsman serve fleet.yaml      serve it

Each command explains itself with --help."""


EXIT_UNREAD = 128 + signal.SIGPIPE


class _Command(NamedTuple):
    name: str
    summary: str


COMMANDS = (
    _Command("serve", "serve the gateway"),
    _Command("check", "find every mistake in a configuration"),
    _Command("assign", "work out which standing model every agent should have"),
    _Command("init", "write a commented configuration to start from"),
    _Command("import", "turn another gateway's configuration into ours"),
    _Command("keys", "make API keys for callers"),
    _Command("explain", "tell why a model was chosen"),
    _Command("route", "tell which model would be chosen, calling none"),
    _Command("drain", "take a model out of service, and see beforehand whom that concerns"),
    _Command("alerts", "tell what is wrong now, take care of it, see how it is told"),
    _Command("calibrate", "learn from prompts how good each model is, before traffic does"),
    _Command("simulate", "serve simulated models over HTTP, faults included"),
    _Command("loadtest", "put a load on any OpenAI-compatible API, and tell how it went"),
    _Command("loadtest validate", "show that all of it works together"),
    _Command("db", "look after the database: status, upgrade, backup, forget, sql"),
    _Command("export", "write down decisions or outcomes as CSV, NDJSON or Parquet"),
    _Command("schema", "print the JSON Schema of the configuration, or the API's OpenAPI"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed, 2 wrong use or a mistake in the configuration.

    141 when whoever read our output (head, less) has had enough, as of programs that the signal
    for it ends.
    """
    try:
        try:
            return _run(argv)
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        # What is left goes nowhere: the interpreter would complain that it cannot be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNREAD


def _run(argv: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="pointsman",
        description="Sets the points for fleets of LLM agents: chooses a model for every request.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pointsman {VERSION}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    arguments = _of_two_words(arguments)
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS:
        subparser = subparsers.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == chosen:
            _module(name).add_arguments(subparser)
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return 2
    status: int = _module(args.command).run(args)
    return status


def _of_two_words(arguments: list[str]) -> list[str]:
    """The same with the name of a command as one argument, also where it is of two words."""
    two = " ".join(arguments[:2])
    return [two, *arguments[2:]] if two in {each.name for each in COMMANDS} else arguments


def _module(command: str) -> Any:
    name = f"{command}_" if command == "import" else command.replace(" ", "_")
    return import_module(f"pointsman.app.commands.{name}")
