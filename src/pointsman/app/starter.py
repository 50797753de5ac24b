"""What does somebody who starts with pointsman find in the first configuration file?

`pointsman init` writes it together with its schema, so that an editor explains it offline and in
the words of the installed version.
"""

from __future__ import annotations

import json
from importlib.resources import files

from pointsman.app.settings import schema

FILE_NAME = "pointsman.yaml"
SCHEMA_NAME = "pointsman.schema.json"


def starter_text() -> str:
    """The commented first configuration. It is valid as it is, with any environment."""
    return files("pointsman.app").joinpath("starter.yaml").read_text("utf-8")


def schema_text() -> str:
    """The JSON Schema of the configuration, as it is published and written beside the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
