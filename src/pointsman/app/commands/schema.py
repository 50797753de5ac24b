"""What may stand in a configuration, and what does the control API answer, for other programs?"""

from __future__ import annotations

import argparse
import json
from typing import cast

from pointsman.adapters.http.control import ControlSource
from pointsman.app.starter import schema_text
from pointsman.version import VERSION

DESCRIPTION = """\
Print the JSON Schema of the configuration file, with a description of every key; with --openapi
the OpenAPI document of the control API, as a running gateway sends it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.add_argument("--openapi", action="store_true", help="that of the control API instead")


def run(args: argparse.Namespace) -> int:
    print(openapi_text() if args.openapi else schema_text(), end="")
    return 0


def openapi_text() -> str:
    """The OpenAPI document of the control API, as JSON."""
    # Costs some 20 MB and a tenth of a second, which the other document need not wait for.
    from pointsman.adapters.http.control.document import openapi_document  # noqa: PLC0415
    from pointsman.adapters.http.control.routes import application  # noqa: PLC0415

    document = openapi_document(application(cast("ControlSource", None), VERSION))
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
