"""How is what was learned before a start known again?

The record is read in a thread, oldest first, in one pass for all who learn from it. For a moment it
goes as fast as it can; from then on a little at a time, because those who are being served share
one interpreter with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from threading import Event
from typing import NamedTuple

from pointsman.core.decision import Outcome
from pointsman.core.errors import StoreError
from pointsman.core.windows import LONGEST
from pointsman.engine.ports import Clock, Scorer, Store
from pointsman.engine.scoring import News
from pointsman.engine.steps import in_steps

OUTCOMES_OF = timedelta(days=1)
MOST_OUTCOMES = 100_000
"""Older ones, or more, would change nothing: evidence halves in minutes, and of a model some
hundred count."""

JUDGEMENTS_OF = timedelta(days=56)
MOST_JUDGEMENTS = 100_000
"""What is said of answers halves in a week."""

SLICE = 32
PAUSE_S = 0.001
"""After so many records, which take less than half a millisecond, others get their turn."""

CHUNK = 500
"""So many outcomes are handed over at a time: the more, the less it costs to count each."""

log = logging.getLogger(__name__)


class Replayed(NamedTuple):
    """What was read. `complete` is False where the store could not be read to the end."""

    outcomes: int
    judgements: int
    complete: bool = True


class Replay:
    """One pass over the record of what happened before `until`.

    `scorer` learns from it in another thread, so nobody else may use it meanwhile. `recent` is
    given the outcomes of the last hour on the event loop, some at a time, and takes them in in
    steps. Once `eager_s` seconds have passed it works in small slices.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        until: datetime,
        *,
        scorer: Scorer,
        recent: Callable[[Sequence[Outcome]], Iterator[None]] | None = None,
        eager_s: float = 0.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._until = until
        self._scorer = scorer
        self._recent = recent
        self._eager_until = clock.monotonic() + eager_s
        self._stopped = Event()

    async def run(self) -> Replayed:
        """Read it all. A store that cannot be read is a pity, no more."""
        loop = asyncio.get_running_loop()
        reading = asyncio.ensure_future(asyncio.to_thread(self._read, loop))
        try:
            return await asyncio.shield(reading)
        finally:
            self._stopped.set()
            await asyncio.wait({reading})

    def _read(self, loop: asyncio.AbstractEventLoop) -> Replayed:
        outcomes = judgements = 0
        chunk: list[Outcome] = []
        hour_began = self._until - timedelta(seconds=LONGEST.length_s)
        try:
            for news in self._in_slices(self._news()):
                if not isinstance(news, Outcome):
                    judgements += 1
                    self._scorer.judge(news)
                    continue
                outcomes += 1
                self._scorer.learn(news)
                if self._recent is not None and news.at >= hour_began:
                    chunk.append(news)
                if len(chunk) >= CHUNK:
                    self._pass_on(loop, chunk)
                    chunk = []
            self._pass_on(loop, chunk)
        except StoreError as error:
            log.warning("what happened before cannot be read back: %s", error)
            return Replayed(outcomes, judgements, complete=False)
        return Replayed(outcomes, judgements)

    def _news(self) -> Iterator[News]:
        """What happened before `until`, oldest first: the rest is learned as it happens."""
        outcomes = self._store.recent_outcomes(self._until - OUTCOMES_OF, MOST_OUTCOMES)
        judged = self._store.recent_feedback(self._until - JUDGEMENTS_OF, MOST_JUDGEMENTS)
        ended: Iterator[News] = (_typed(*each) for each in outcomes)
        for news in merge(ended, judged, key=_at):
            if news.at < self._until:
                yield news

    def _in_slices(self, news: Iterator[News]) -> Iterator[News]:
        for count, each in enumerate(news, 1):
            yield each
            if count % SLICE:
                continue
            hurry = self._clock.monotonic() < self._eager_until
            if self._stopped.is_set() if hurry else self._stopped.wait(PAUSE_S):
                return

    def _pass_on(self, loop: asyncio.AbstractEventLoop, outcomes: Sequence[Outcome]) -> None:
        """Have the loop count them, and wait for that: it has more important things to do."""
        recent = self._recent
        if recent is None or not outcomes:
            return

        async def take() -> None:
            async for _ in in_steps(recent(outcomes), self._clock.monotonic):
                pass

        asyncio.run_coroutine_threadsafe(take(), loop).result()


def _typed(outcome: Outcome, task_type: str | None) -> Outcome:
    return outcome if task_type is None else outcome._replace(task_type=task_type)


def _at(news: News) -> datetime:
    return news.at
