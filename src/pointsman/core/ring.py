"""Who was chosen last, for whom, and with which score?"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from pointsman.core.decision import Decision


class Chosen(NamedTuple):
    """What is remembered of a decision, made `at_s` seconds after 1970.

    `model_id` is None when no model could serve the request; `score` is in [0, 1].
    """

    at_s: float
    agent_id: str
    model_id: str | None
    score: float
    explored: bool


def chosen_of(decision: Decision) -> Chosen:
    # By position: this is on the path of requests.
    at_s = decision.at.timestamp()
    if not decision.candidates:
        return Chosen(at_s, decision.agent_id, None, 0.0, decision.explored)
    first = decision.candidates[0]
    return Chosen(at_s, decision.agent_id, first.model_id, first.score, decision.explored)


class DecisionRing:
    """The last of them, for display alone: nothing is decided or counted from it.

    One takes some 150 bytes: whole decisions, with every candidate, took 1,600.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._made: deque[Chosen] = deque(maxlen=most)

    def add(self, chosen: Chosen) -> None:
        self._made.append(chosen)

    def add_older(self, chosen: Chosen) -> bool:
        """Add one from before all others; False when there is no room for it."""
        if len(self._made) == self._most:
            return False
        self._made.appendleft(chosen)
        return True

    def latest(self, limit: int) -> tuple[Chosen, ...]:
        """At most `limit` of them, the newest first."""
        return tuple(islice(reversed(self._made), limit))
