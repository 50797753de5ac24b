"""Pointsman sets the points: which model serves which request, and why.

`__all__` is the public Python API. It is imported when it is first used, so that importing a part
of the package costs that part only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pointsman.version import VERSION

if TYPE_CHECKING:
    from pointsman.app.api import Reply, Router, Stream, open  # noqa: A004 - `pointsman.open`
    from pointsman.core.decision import Candidate, Decision, Outcome, Rejection, Term
    from pointsman.core.errors import (
        AttemptsSpent,
        ConfigError,
        FailureKind,
        NoEligibleModel,
        PointsmanError,
        RequestError,
        StoreError,
        UpstreamError,
    )

__all__ = [
    "AttemptsSpent",
    "Candidate",
    "ConfigError",
    "Decision",
    "FailureKind",
    "NoEligibleModel",
    "Outcome",
    "PointsmanError",
    "Rejection",
    "Reply",
    "RequestError",
    "Router",
    "StoreError",
    "Stream",
    "Term",
    "UpstreamError",
    "__version__",
    "open",
]

__version__ = VERSION

_HOMES = ("pointsman.core.errors", "pointsman.core.decision", "pointsman.app.api")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            found = getattr(import_module(home), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'pointsman' has no attribute {name!r}")
