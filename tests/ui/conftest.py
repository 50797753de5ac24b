"""What do the tests of the dashboard need: its built files, a browser, a gateway to look at?"""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

BUILD = Path(__file__).resolve().parents[2] / "ui" / "build.py"


@pytest.fixture(scope="session")
def building() -> dict[str, Any]:
    """The names of `ui/build.py`; left out where there is no Node.js."""
    names = runpy.run_path(str(BUILD))
    try:
        names["_npm"]()
    except names["CannotBuild"] as reason:
        left_out(str(reason))
    return names


def left_out(reason: str) -> None:
    """Skip, or fail where every test is wanted."""
    if os.environ.get("POINTSMAN_EVERY_TEST"):
        pytest.fail(reason)
    pytest.skip(reason)
