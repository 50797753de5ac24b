"""How does somebody get a first configuration file?"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pointsman.app.commands.refusing import refused
from pointsman.app.commands.writing import write_new
from pointsman.app.starter import FILE_NAME, SCHEMA_NAME, schema_text, starter_text
from pointsman.core.errors import ConfigError

DESCRIPTION = """\
Write a commented configuration that is valid as it is, and beside it the JSON Schema by which an
editor explains and completes it. Nothing is overwritten unless --force is given."""

EPILOG = """\
examples:
  pointsman init                     pointsman.yaml in this folder
  pointsman init config/fleet.yaml   somewhere else
  pointsman init -                   to standard output, without the schema"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("path", nargs="?", type=Path, default=Path(FILE_NAME), help="where to")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument("--json", action="store_true", help="print as JSON what was written where")


def run(args: argparse.Namespace) -> int:
    if str(args.path) == "-":
        text = starter_text()
        print(json.dumps({"configuration": text}, indent=2) if args.json else text.rstrip("\n"))
        return 0
    schema = args.path.parent / SCHEMA_NAME
    try:
        write_new(args.path, starter_text(), force=args.force)
        # The schema is ours whatever stands there: it belongs to the installed version.
        write_new(schema, schema_text(), force=True)
    except ConfigError as error:
        return refused(error, as_json=args.json)
    if args.json:
        print(json.dumps({"written": [str(args.path), str(schema)]}, indent=2))
    else:
        print(f"Wrote {args.path}. Edit it, then: pointsman check {args.path}")
    return 0
