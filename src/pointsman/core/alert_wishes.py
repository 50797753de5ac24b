"""What do people want to be told, and how?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pointsman.core.alert_routes import Route
from pointsman.core.alert_rules import Rule
from pointsman.core.alert_silences import Ack, Silence


class Grouping(NamedTuple):
    """What belongs together and when it is told; times in seconds.

    Alerts with the same values of the labels `by` are one group. A new group waits `wait_s`; a told
    one is told again after `interval_s`, of what is new, or after `repeat_s` that it goes on (0:
    never). One notification tells of `most` alerts one by one and counts the others.
    """

    by: tuple[str, ...] = ("alert_type",)
    wait_s: float = 0.0
    interval_s: float = 60.0
    repeat_s: float = 14_400.0
    most: int = 100


class Wishes(NamedTuple):
    """What people want to be told, and how: all that telling depends on besides the alerts.

    `acks` are by fingerprint; `dashboard` is the address that links lead to, '' without.
    """

    rules: Mapping[str, Rule]
    routes: Sequence[Route] = ()
    grouping: Grouping = Grouping()
    silences: Sequence[Silence] = ()
    acks: Mapping[str, Ack] = {}
    dashboard: str = ""
