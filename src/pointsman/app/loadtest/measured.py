"""How did all requests go so far, overall, by the second, by agent and by model?"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from pointsman.app.loadtest.calling import Went
from pointsman.core.quantiles import Sketch

MOST_NAMES = 200
"""So many agents, models and kinds of failure are told apart; the rest are one."""

OTHERS = "(others)"


class Second:
    """What ended within one second of the run, and what had been sent in it."""

    __slots__ = ("failed", "felt", "first", "sent", "under_way")

    def __init__(self) -> None:
        self.sent = 0
        self.failed = 0
        self.under_way = 0
        self.felt = Sketch()
        self.first = Sketch()


class Share:
    """What fell to one agent or one model. Times in seconds, of answers that were right."""

    __slots__ = ("failed", "felt", "requests", "tokens")

    def __init__(self) -> None:
        self.requests = 0
        self.failed = 0
        self.tokens = 0
        self.felt = Sketch()


class Times(NamedTuple):
    """Durations in seconds, of answers that were right.

    `felt` counts from when a request was due, `served` from when it was sent, `first` until the
    first piece of a stream; `late` is how long after it was due a request was sent.
    """

    felt: Sketch
    served: Sketch
    first: Sketch
    late: Sketch


class Measured:
    """Everything that is known of a run. Memory grows with its seconds, not with its requests."""

    def __init__(self, began: float, warm_up_s: float = 0.0) -> None:
        self.began = began
        self.counts_from = began + warm_up_s
        self.times = Times(Sketch(), Sketch(), Sketch(), Sketch())
        self.seconds: dict[int, Second] = {}
        self.agents: dict[str, Share] = {}
        self.models: dict[str, Share] = {}
        self.faults: Counter[str] = Counter()
        self.sent = self.done = self.failed = self.not_sent = self.tokens = self.warming = 0

    @property
    def under_way(self) -> int:
        return self.sent - self.done

    def began_one(self, now: float) -> None:
        self.sent += 1
        second = self._second(now)
        second.sent += 1
        second.under_way = max(second.under_way, self.under_way)

    def missed_one(self) -> None:
        """A request was due and not sent, since too many were under way."""
        self.not_sent += 1

    def ended_one(self, went: Went) -> None:
        self.done += 1
        if went.due < self.counts_from:
            self.warming += 1
            return
        second = self._second(went.ended)
        shares = (_of(self.agents, went.agent or "default"), _of(self.models, went.model or "none"))
        for share in shares:
            share.requests += 1
        self.times.late.add(went.sent - went.due)
        if went.fault:
            self.failed += 1
            second.failed += 1
            name = went.fault if went.fault in self.faults or len(self.faults) < MOST_NAMES else ""
            self.faults[name or OTHERS] += 1
            for share in shares:
                share.failed += 1
            return
        self.tokens += went.tokens
        for share in shares:
            share.tokens += went.tokens
            share.felt.add(went.felt_s)
        self.times.felt.add(went.felt_s)
        self.times.served.add(went.served_s)
        second.felt.add(went.felt_s)
        if went.first is not None:
            first = went.first - went.due
            self.times.first.add(first)
            second.first.add(first)

    def _second(self, at: float) -> Second:
        number = int(at - self.began)
        if number not in self.seconds:
            self.seconds[number] = Second()
        return self.seconds[number]


def _of(shares: dict[str, Share], name: str) -> Share:
    if name not in shares and len(shares) >= MOST_NAMES:
        name = OTHERS
    if name not in shares:
        shares[name] = Share()
    return shares[name]
