"""How does what the record says teach again, at a start and when other scoring is wanted?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from pointsman.app.wiring import Wired
from pointsman.core.decision import Outcome
from pointsman.engine.policy import Scoring
from pointsman.engine.ports import DecisionQuery
from pointsman.engine.replay import Replay
from pointsman.engine.scoring import new_scorer

FEW_DECISIONS = 20
"""So many are read back at a time, in a few milliseconds of a thread."""

log = logging.getLogger(__name__)


class Relearning:
    """Whoever does so for `parts`. `wanted` tells how models are to be scored from now on."""

    def __init__(self, parts: Wired, wanted: Callable[[], Scoring]) -> None:
        self._parts = parts
        self._wanted = wanted
        self._reading = asyncio.Lock()
        self.scoring = wanted()
        """The profile that decides now."""

    @property
    def going_on(self) -> bool:
        """True while the record is being read for a scorer that will take over."""
        return self._reading.locked()

    async def remember(self, readable: Awaitable[None], eager_s: float) -> None:
        """Learn again what was learned before this start, once the store can be read.

        For so many seconds as fast as it can be, then so that requests are served meanwhile.
        """
        try:
            await readable
            await self._rescore(restored=self._parts.statistics.recalling, eager_s=eager_s)
            await self._redisplay()
        except Exception:  # here a task begins: who begins to learn anew serves too
            log.exception("what was learned before could not be learned again")

    async def switch(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Score as is wanted now; the record teaches the new scorer first, once it is `settled`."""
        try:
            await settled()
            await self._rescore()
        except Exception:  # here a task begins: the scorer that decided so far goes on
            log.exception("the scoring could not be changed")

    async def _redisplay(self) -> None:
        """Show the decisions before this start again, a few at a time."""
        parts, older_than, shown = self._parts, None, True
        while shown:
            query = DecisionQuery(limit=FEW_DECISIONS, before=older_than)
            page = await asyncio.to_thread(parts.store.decisions, query)
            shown = bool(page) and parts.statistics.redisplayed(each.decision for each in page)
            older_than = page[-1].decision.id if page else None

    async def _rescore(
        self,
        *,
        restored: Callable[[Sequence[Outcome]], Iterator[None]] | None = None,
        eager_s: float = 0.0,
    ) -> None:
        """Let a new scorer that knows the record take over."""
        async with self._reading:
            parts, begun = self._parts, self._parts.clock.monotonic()
            scoring = self._wanted()
            scorer = new_scorer(scoring)
            replay = Replay(
                parts.store,
                parts.clock,
                parts.clock.now(),
                scorer=scorer,
                recent=restored,
                eager_s=eager_s,
            )
            read = await parts.scorer.hand_over(scorer, replay.run())
            self.scoring = scoring
            facts = {
                "scoring": scoring.value,
                "outcomes": read.outcomes,
                "judgements": read.judgements,
                "seconds": round(parts.clock.monotonic() - begun, 3),
            }
            log.info("models are scored by what the record says", extra=facts)
