"""Does a wheel, an sdist or an editable install carry the dashboard?

Asked by hatchling whenever it builds; the answer is in `ui/build.py`.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the dashboard where its sources have changed since, and where Node.js is at hand."""

    PLUGIN_NAME = "custom"

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        script = Path(self.root, "ui", "build.py")
        if script.exists():
            runpy.run_path(str(script))["build_if_possible"](self.app.display_warning)
