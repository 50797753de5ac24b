"""Which model has served a conversation, and how much of it may be cached there?

In memory only: after a restart every conversation goes where its name sends it, which is where it
began if the same models are near the best.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from pointsman.core.fleet import Usage
from pointsman.core.stickiness import CacheLives, about
from pointsman.engine.ports import Clock

MOST = 10_000
"""So many conversations are remembered; beyond that, the longest silent one is forgotten."""


class Incumbent(NamedTuple):
    """The model that serves a conversation, and about how much of that it has in its cache now."""

    model_id: str
    cached_tokens: int


class _Served(NamedTuple):
    model_id: str
    cached_tokens: int
    at_s: float


class Sessions:
    """The conversations of late. One name with two agents is two conversations."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._served: OrderedDict[tuple[str, str], _Served] = OrderedDict()
        self._caches = CacheLives()

    def served(
        self, agent_id: str, session: str, model_id: str, usage: Usage | None, took_s: float = 0.0
    ) -> None:
        """`model_id` has just given the next answer of a conversation, in `took_s` seconds."""
        key, cached_tokens = (agent_id, session), usage.cached_tokens if usage else 0
        now_s, before = self._clock.monotonic(), self._served.get(key)
        if usage is not None and before is not None and before.model_id == model_id:
            pause_s = now_s - took_s - before.at_s
            self._caches.paused(model_id, pause_s, before.cached_tokens, cached_tokens)
        self._served[key] = _Served(model_id, cached_tokens, now_s)
        self._served.move_to_end(key)
        if len(self._served) > MOST:
            self._served.popitem(last=False)

    def incumbent(self, agent_id: str, session: str) -> Incumbent | None:
        """Who serves the conversation; None when it is new, or was forgotten."""
        served = self._served.get((agent_id, session))
        if served is None:
            return None
        life_s = self._caches.life_s(served.model_id)
        warm = self._clock.monotonic() - served.at_s < life_s
        return Incumbent(served.model_id, about(served.cached_tokens) if warm else 0)
