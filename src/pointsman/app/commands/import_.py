"""How does somebody come over from another gateway?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pointsman.app.commands.refusing import refused
from pointsman.app.commands.writing import write_new
from pointsman.app.litellm_import import Imported, convert
from pointsman.core.errors import ConfigError, Problem

DESCRIPTION = """\
Turn the configuration of another gateway into ours, and say what could not be carried over.

`litellm` reads the config.yaml of LiteLLM's proxy: model_list with its groups, keys from the
environment, prices, limits, router settings. Keys that stand in the file are not copied: they
become variables of the environment, and the notes name them."""

EPILOG = """\
The new configuration goes to standard output or --output, the notes to standard error.

example:
  pointsman import litellm config.yaml --output fleet.yaml && pointsman check fleet.yaml"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("source", choices=["litellm"], help="the gateway it was written for")
    parser.add_argument("file", type=Path, help="its configuration")
    parser.add_argument("--output", "-o", type=Path, help="write the new configuration here")
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument("--json", action="store_true", help="print configuration and notes as JSON")


def run(args: argparse.Namespace) -> int:
    try:
        imported = convert(_text(args.file))
        if args.output:
            write_new(args.output, imported.yaml_text, force=args.force)
    except ConfigError as error:
        return refused(error, as_json=args.json)
    if args.json:
        print(_as_json(imported))
        return 0
    if not args.output:
        print(imported.yaml_text, end="")
    for note in imported.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), "is not UTF-8 text", "save it as UTF-8")]) from error
    except OSError as error:
        problem = Problem(str(path), f"cannot be read: {error.strerror}", "check the path")
        raise ConfigError([problem]) from error


def _as_json(imported: Imported) -> str:
    notes = [
        {"path": note.path, "message": note.message, "remedy": note.remedy}
        for note in imported.notes
    ]
    return json.dumps({"configuration": imported.yaml_text, "notes": notes}, indent=2)
