"""What may people and programs ask about the router itself, under /api/v1/model-router?"""

from pointsman.adapters.http.auth import KEY_IN_SCOPE
from pointsman.adapters.http.control.access import PREFIX, ControlApi
from pointsman.adapters.http.control.events import HOLDER_IN_SCOPE
from pointsman.adapters.http.control.source import (
    Change,
    ConfigView,
    ControlSource,
    Counted,
    LiveModel,
    Purpose,
)

__all__ = [
    "HOLDER_IN_SCOPE",
    "KEY_IN_SCOPE",
    "PREFIX",
    "Change",
    "ConfigView",
    "ControlApi",
    "ControlSource",
    "Counted",
    "LiveModel",
    "Purpose",
]
