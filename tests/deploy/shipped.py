"""What is shipped for those who run pointsman, read for the tests of it?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pointsman.app.config import Configuration, parse

SECRETS = {
    "database_url": "postgresql://pointsman:secret@database:5432/pointsman",
    "admin_key": "pm-an-admin-of-the-tests",
    "agents_key": "pm-agents-of-the-tests",
}


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def with_its_secrets(path: Path, mounted: str, folder: Path) -> Configuration:
    """The configuration in a file, its secrets from `folder` in place of `mounted`."""
    for name, value in SECRETS.items():
        (folder / name).write_text(value + "\n", "utf-8")
    text = path.read_text("utf-8").replace(f"file:{mounted}", f"file:{folder}/")
    assert "file:/run" not in re.sub(r"#.*", "", text)
    return parse(text, {"HOME": str(folder)})


def outlasts(stop_s: float, configuration: Configuration, before_s: float = 0.0) -> bool:
    """Whether the longest answer ends by itself before its process would be killed."""
    grace_s = configuration.server.shutdown_grace_s
    longest_s = configuration.policy.timeouts.total_s
    return stop_s > before_s + grace_s and grace_s - 2.0 > longest_s


def mounts(container: Mapping[str, Any]) -> dict[str, bool]:
    """Where something is mounted, and whether it can be written to."""
    return {each["mountPath"]: not each.get("readOnly") for each in container["volumeMounts"]}
