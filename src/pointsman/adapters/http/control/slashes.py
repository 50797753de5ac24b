"""How does an id with a slash in it stand in a path?

As `%2F`: `/agents/team%2Fcoder/data` is about the agent `team/coder`. A path is decoded before it
is parted into its ids, so until then such a slash is something else.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

KEPT = "\ufdd0"
"""Stands for it meanwhile; Unicode keeps this free for such uses, so no id contains it."""

_ENCODED = re.compile("%2f", re.IGNORECASE)


def unparted(raw_path: bytes) -> str | None:
    """The path decoded, in which a slash of an id parts nothing; None when it has no such slash."""
    parts = _ENCODED.split(raw_path.decode("latin-1"))
    return KEPT.join(map(unquote, parts)) if len(parts) > 1 else None


def put_back(ids: MutableMapping[str, Any]) -> None:
    """Give ids their slashes, once it is known which parts of the path are some."""
    for name, value in ids.items():
        if isinstance(value, str):
            ids[name] = value.replace(KEPT, "/")
