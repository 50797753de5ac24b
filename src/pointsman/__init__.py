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
    from pointsman.core.decision import (
        Candidate,
        Decision,
        Estimate,
        Feedback,
        Objection,
        Outcome,
        ReasonCode,
        Rejection,
        Strategy,
        Task,
        Term,
    )
    from pointsman.core.errors import (
        AccessDenied,
        AttemptsSpent,
        Blame,
        ConfigError,
        FailureKind,
        NoEligibleModel,
        PointsmanError,
        Problem,
        RequestError,
        StoreError,
        UnknownAgent,
        UnknownModel,
        UpstreamError,
    )
    from pointsman.core.fleet import Usage
    from pointsman.engine.ports import StoredDecision

__all__ = [
    "AccessDenied",
    "AttemptsSpent",
    "Blame",
    "Candidate",
    "ConfigError",
    "Decision",
    "Estimate",
    "FailureKind",
    "Feedback",
    "NoEligibleModel",
    "Objection",
    "Outcome",
    "PointsmanError",
    "Problem",
    "ReasonCode",
    "Rejection",
    "Reply",
    "RequestError",
    "Router",
    "StoreError",
    "StoredDecision",
    "Strategy",
    "Stream",
    "Task",
    "Term",
    "UnknownAgent",
    "UnknownModel",
    "UpstreamError",
    "Usage",
    "__version__",
    "open",
]

__version__ = VERSION

_HOMES = (
    "pointsman.core.errors",
    "pointsman.core.decision",
    "pointsman.core.fleet",
    "pointsman.engine.ports",
    "pointsman.app.api",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            found = getattr(import_module(home), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'pointsman' has no attribute {name!r}")
