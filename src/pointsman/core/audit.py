"""Who changed what, when, from what and to what?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

ITSELF = "pointsman"
"""Who acts where nobody asked: the gateway."""


class Act(NamedTuple):
    """One administrative act. Its `id` begins with the time, so that ids rise with it.

    `actor` is the name of the key that was shown, or `ITSELF`. `action` is made of a kind of
    subject and what was done, as `log_level.set`. `before` and `after` hold what changed, each None
    where there was or is nothing; secrets are never in them.
    """

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""

    @property
    def kind(self) -> str:
        """The kind of its subject."""
        return self.action.partition(".")[0]


class KeyOnRecord(NamedTuple):
    """What may be told of a key: `sha256` is its digest in lower-case hexadecimal.

    `agents` are those it may speak for; empty means all.
    """

    sha256: str
    name: str
    role: str
    agents: tuple[str, ...] = ()


def act_id(at: datetime, seed: int) -> str:
    """The id of an act at `at`; `seed` of 64 bits tells it from others of that millisecond."""
    return f"act_{int(at.timestamp() * 1000):011x}{seed:016x}"
