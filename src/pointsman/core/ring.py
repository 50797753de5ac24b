"""Who was chosen last, for whom, and with which score?"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
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

    In columns, of which one takes 33 bytes: whole decisions, with every candidate, took 1,600.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._at_s, self._scores, self._explored = array("d"), array("d"), array("b")
        self._agents: deque[str] = deque(maxlen=most)
        self._models: deque[str | None] = deque(maxlen=most)

    def add(self, chosen: Chosen) -> None:
        at_s, agent_id, model_id, score, explored = chosen
        if len(self._at_s) == self._most:
            del self._at_s[0], self._scores[0], self._explored[0]
        self._at_s.append(at_s)
        self._scores.append(score)
        self._explored.append(explored)
        self._agents.append(agent_id)
        self._models.append(model_id)

    def add_older(self, chosen: Chosen) -> bool:
        """Add one from before all others; False when there is no room for it."""
        if len(self._at_s) == self._most:
            return False
        at_s, agent_id, model_id, score, explored = chosen
        self._at_s.insert(0, at_s)
        self._scores.insert(0, score)
        self._explored.insert(0, explored)
        self._agents.appendleft(agent_id)
        self._models.appendleft(model_id)
        return True

    def latest(self, limit: int) -> tuple[Chosen, ...]:
        """At most `limit` of them, the newest first."""
        return tuple(islice(self._newest_first(), limit))

    def _newest_first(self) -> Iterator[Chosen]:
        columns = zip(
            reversed(self._at_s),
            reversed(self._agents),
            reversed(self._models),
            reversed(self._scores),
            reversed(self._explored),
            strict=True,
        )
        for at_s, agent_id, model_id, score, explored in columns:
            yield Chosen(at_s, agent_id, model_id, score, bool(explored))
