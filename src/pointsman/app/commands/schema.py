"""What may stand in a configuration, for editors and other programs?"""

from __future__ import annotations

import argparse

from pointsman.app.starter import schema_text

DESCRIPTION = "Print the JSON Schema of the configuration file, with a description of every key."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION


def run(_args: argparse.Namespace) -> int:
    print(schema_text(), end="")
    return 0
