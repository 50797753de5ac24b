"""What may people and programs ask about the router itself, under /api/v1/model-router?"""

from pointsman.adapters.http.control.access import ROLE_KEY, ControlApi, Role
from pointsman.adapters.http.control.source import (
    ConfigView,
    ControlSource,
    LiveModel,
)

__all__ = [
    "ROLE_KEY",
    "ConfigView",
    "ControlApi",
    "ControlSource",
    "LiveModel",
    "Role",
]
