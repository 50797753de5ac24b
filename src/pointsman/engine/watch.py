"""Who looks at how things go, again and again, and sees to it that somebody is told?

One look: take what happened, count it, read the numbers, judge, decide what to tell; then alerts,
their history and the notifications are kept in one transaction, and only then is anything sent.
A store that fails delays what is kept and told, it does not stop the watch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from pointsman.core.alert_budget import Spending
from pointsman.core.alert_counted import Counted, Onward
from pointsman.core.alert_counts import USD, Counts
from pointsman.core.alert_groups import Said
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import Alert, Event, Key, Now
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_plan import AlertPlan
from pointsman.core.alert_report import Gauge, Report, worst
from pointsman.core.alert_rules import Rule, lines
from pointsman.core.alert_silences import Silence
from pointsman.core.alert_usual import Usual
from pointsman.core.errors import StoreError
from pointsman.engine.alert_gauges import Gauges
from pointsman.engine.alert_keeping import Keeping
from pointsman.engine.alert_lapsing import give_back
from pointsman.engine.alert_ports import AlertStore, EntryQuery
from pointsman.engine.alert_standing import KEPT_AFTER_END, Alerts
from pointsman.engine.heard import Heard
from pointsman.engine.measured_gauges import MEASURED, Measured, Readings
from pointsman.engine.ports import Clock
from pointsman.engine.recalling import Records, Wanted, count_again, recall, waits_of
from pointsman.engine.sharing import Sharing
from pointsman.engine.steps import in_steps

TIDIED_EVERY_S = 60.0
LEARNED_EVERY_S = 3_600.0
LEARNS_AGAIN_S = 60.0
"""The same when the record could not be read."""
TRIES = 6
"""So many looks wait for a store that cannot be read, before the watch begins without it."""

log = logging.getLogger(__name__)


class Senses(NamedTuple):
    """What there is to look at: what is heard, what can be read, and what was recorded."""

    heard: Heard
    gauges: Gauges
    records: Records


class Looks(NamedTuple):
    """How watching itself goes: looks taken, notifications made, how long looks took, in seconds.

    `spent_s` is that of all of them, `last_s` that of the last. `last_at` is when it was begun, or
    when it was last made sure that another gateway looks.
    """

    taken: int = 0
    last_s: float = 0.0
    last_at: datetime | None = None
    notifications: int = 0
    spent_s: float = 0.0


class Watch:
    """Takes looks. Belongs to one event loop; one look at a time, after `restore`."""

    def __init__(
        self, alerts: Alerts, store: AlertStore, keeping: Keeping, senses: Senses, clock: Clock
    ) -> None:
        self.alerts = alerts
        self.looks = Looks()
        self._store = store
        self._keeping = keeping
        self._heard, self._gauges, self._records = senses
        self._clock = clock
        self._usual: Mapping[Scope, Usual] = {}
        self._spending = Spending(alerts.plan.budgets, clock.now())
        self._unheard_until: datetime | None = clock.now()
        """Until then what happened has to be read; from then on it is heard."""
        self._owed_until: datetime | None = None
        """Where the record could not be read: what was spent before is not counted yet."""
        self.sharing: Sharing | None = None
        """The part of this gateway among those that share their alerts; None: there are none."""
        self._restored = False
        self._tries_left = TRIES
        self._must_recall = True
        self._onward: Onward | None = None
        self._recall_s = float("-inf")
        self._tidied_s = float("-inf")
        self._judgement = Judgement((), alerts.log, Counts())
        self.rules_changed()

    @property
    def series(self) -> int:
        """How many scopes are counted."""
        return len(self._judgement.counts)

    def strangers(self, rule: Rule) -> list[tuple[ScopeKind, str]]:
        """Whom a rule names though nobody here is called so: of those it would never tell."""
        declared = self._gauges.declared(shared=self.sharing is not None)
        named = ((ScopeKind(kind), each) for kind, ids in rule.only.items() for each in sorted(ids))
        return [(kind, each) for kind, each in named if each not in declared.get(kind, (each,))]

    def replan(self, plan: AlertPlan) -> None:
        """Watch by this plan from the next look on."""
        before, self.alerts.plan = self.alerts.plan, plan
        if plan.budgets != before.budgets:
            self._spending = Spending(plan.budgets, self._clock.now())
            self._must_recall = True
        self.rules_changed()

    def rules_changed(self, *, anew: bool = False) -> None:
        """Judge by the rules in force from the next look on; `anew`: count anew, too."""
        self.alerts.rule_anew()
        rules = self.alerts.enabled()
        absolute, relative = lines(rules)
        counts = self._judgement.counts
        if anew or (counts.lines, counts.factors) != (absolute, relative):
            # What was counted before cannot be held against other lines: it is read back.
            counts = self._counts(absolute, relative)
            self._must_recall = True
        self._judgement = Judgement(rules, self.alerts.log, counts)
        self._metrics = frozenset(each.metric for rule in rules for each in rule.conditions)

    def _counts(self, absolute: Sequence[float], relative: Sequence[float]) -> Counts:
        counts = Counts(absolute, relative)
        counts.onward = self._onward
        return counts

    async def restore(self) -> None:
        """Take up where the last process stopped. Raises `StoreError`, then it may be repeated."""
        now, alerts = self.now(), self.alerts
        kept, silences, newest = await asyncio.to_thread(
            _stored, self._store, now.at - KEPT_AFTER_END
        )
        alerts.restore(kept, now)
        alerts.silences.update({each.id: each for each in silences})
        for entry in newest:
            alerts.follow(entry.id)
        self._restored = True
        live = sum(each.is_live for each in alerts.log.all())
        if live:
            log.info("alerts taken up where they were left", extra={"alerts": live})

    async def hear(self) -> None:
        """Take in what has happened, so that little of it waits in memory for the next look."""
        if not self.alerts.plan.enabled:
            # Whoever watches again reads it back.
            self._must_recall = True
            self._heard.outcomes()
            self._heard.decisions()
        elif self._restored and not self._must_recall:
            await self._take_in(self.now())

    async def look(self) -> None:
        """Look once, and keep and tell what came of it."""
        begun_s = self._clock.monotonic()
        if not self._restored and not await self._try_to_restore():
            return
        if self.sharing is not None and not await self._takes_part(self.sharing):
            self.looks = self.looks._replace(last_at=self.now().at)
            return
        if self._must_recall or begun_s >= self._recall_s:
            await self._recall()
        now = self.now()
        await self._take_in(now)
        if self.sharing is not None:
            await self._take_in_reports(self.sharing, now)
        events: list[Event] = []
        await self._judge(now, events)
        await give_back(self.alerts, self._store, now)
        notifications = await self._tell(now, events)
        if now.s - self._tidied_s >= TIDIED_EVERY_S:
            self._tidied_s = now.s
            self._judgement.counts.forget(now.s)
            async for _ in in_steps(self.alerts.tidying(now), self._clock.monotonic):
                pass
        await self._keeping.keep(now)
        took_s = self._clock.monotonic() - begun_s
        self.looks = Looks(
            self.looks.taken + 1,
            took_s,
            now.at,
            self.looks.notifications + notifications,
            self.looks.spent_s + took_s,
        )

    # Among several gateways ------------------------------------------------------------------

    def share(self, sharing: Sharing) -> None:
        """Be one of several gateways, of which one judges."""
        self.sharing = sharing
        self._onward = self._judgement.counts.onward = Onward()

    async def _takes_part(self, sharing: Sharing) -> bool:
        """Whether this gateway judges now; where another does, that was told what is seen here."""
        if not sharing.judges:
            await self._follow(sharing)
        elif sharing.anew:
            await self._lead(sharing)
        elif sharing.tells:
            await self._hear_people()
        return sharing.judges

    async def _lead(self, sharing: Sharing) -> None:
        """Take up what the one before found and told. Raises `StoreError`."""
        await self._keeping.keep(self.now())
        await self._adopt()
        await sharing.told(self.now().s)  # it is in the record, and counted from there
        self.rules_changed(anew=True)
        sharing.anew = False

    async def _hear_people(self) -> None:
        """Take up what people did at other gateways."""
        now = self.now()
        try:
            found = await asyncio.to_thread(_stored, self._store, now.at - KEPT_AFTER_END)
        except StoreError as error:
            log.warning("what people did at other gateways cannot be read: %s", error)
            return
        self.alerts.hear(found[0], found[1], now)

    async def _follow(self, sharing: Sharing) -> None:
        """Tell who judges what was seen here, and know what it found. Raises `StoreError`."""
        now = self.now()
        # What happens from now on is heard; what happened before is for the one that judges.
        self._must_recall, self._unheard_until = False, None
        await self._take_in(now)
        await self._keeping.keep(now)
        rows, tails = self._onward.take() if self._onward is not None else ([], {})
        counts = self._judgement.counts
        counted = Counted(counts.lines, counts.factors, rows, tails)
        await sharing.tell(Report(sharing.name, counted, await self._own_gauges(now)))
        await self._adopt()

    async def _own_gauges(self, now: Now) -> list[Gauge]:
        measured = Measured(self._judgement.counts, self._usual, self._spending)
        readings: Readings = {}
        reading = self._gauges.reading(now, measured, self._metrics - MEASURED, readings)
        async for _ in in_steps(reading, self._clock.monotonic):
            pass
        return [
            Gauge(metric, scope, value)
            for scope, values in readings.items()
            for metric, value in values.items()
        ]

    async def _adopt(self) -> None:
        now = self.now()
        found = await asyncio.to_thread(_stored, self._store, now.at - KEPT_AFTER_END)
        self.alerts.adopt(found[0], found[1], now)
        for entry in found[2]:
            self.alerts.follow(entry.id)

    async def _take_in_reports(self, sharing: Sharing, now: Now) -> None:
        if self._onward is not None:
            self._onward.take()  # what was counted here is judged here
        for report in await sharing.told(now.s) if sharing.tells else ():
            self._judgement.counts.fold_counted(now.s, report.counted)
            for row in report.counted.rows:
                self._spending.bill(row.agent_id, now.at, row.counts[USD])

    # What there is to see --------------------------------------------------------------------

    async def _take_in(self, now: Now) -> None:
        outcomes = self._heard.outcomes()
        for outcome in outcomes if self._spending.budgets else ():
            self._spending.spend(outcome)
        folding = self._judgement.counts.folding(now.s, outcomes)
        async for _ in in_steps(folding, self._clock.monotonic):
            pass
        self._gauges.note(self._heard.decisions(), now.s)

    async def _judge(self, now: Now, events: list[Event]) -> None:
        measured = Measured(self._judgement.counts, self._usual, self._spending)
        readings: Readings = {}
        reading = self._gauges.reading(now, measured, self._metrics, readings)
        async for _ in in_steps(reading, self._clock.monotonic):
            pass
        if self.sharing is not None:
            worst(readings, self.sharing.gauges(now.s, self.alerts.plan.interval_s))
        self.alerts.members = self._gauges.members()
        self._judgement.declared = self._gauges.declared(shared=self.sharing is not None)
        looking = self._judgement.looking(now, readings, events)
        async for _ in in_steps(looking, self._clock.monotonic):
            pass

    async def _tell(self, now: Now, events: list[Event]) -> int:
        """Decide what to tell, and hand all that happened to who keeps it."""
        alerts, said = self.alerts, Said([], [])
        known: list[Alert] = []
        async for those in in_steps(alerts.log.every(), self._clock.monotonic):
            known += those
        telling = alerts.teller.telling(now, known, alerts.wishes(), alerts.members, said)
        async for _ in in_steps(telling, self._clock.monotonic):
            pass
        # One that has changed and is told is kept once.
        touched: dict[Key, Alert] = {}
        happened = chain((event.alert for event in events), said.heard)
        async for each in in_steps(happened, self._clock.monotonic):
            touched[each.key] = each
        kept = ((key, alerts.kept(each, now)) for key, each in touched.items())
        lines = (alerts.entry(event) for event in events)
        self._keeping.add(
            {key: each async for key, each in in_steps(kept, self._clock.monotonic)},
            [each async for each in in_steps(lines, self._clock.monotonic)],
            said.notifications,
        )
        return len(said.notifications)

    async def _try_to_restore(self) -> bool:
        """Whether to go on: who judges without knowing what was told before tells it again."""
        try:
            await self.restore()
        except StoreError as error:
            self._tries_left -= 1
            if self.sharing is not None and not self.sharing.judges:
                self._tries_left = TRIES
            log.warning("what alerts stood at cannot be read: %s", error)
            return self._tries_left <= 0
        return True

    async def _recall(self) -> None:
        """Read what is usual; and what happened that was not heard, or counted otherwise."""
        now, anew = self.now(), self._must_recall
        self._must_recall = False
        if anew:
            self._begin_anew(now.at)
        counts, owed = self._judgement.counts, self._owed_until
        wanted = Wanted(self._spending.budgets, waits=bool(counts.factors), lately=anew)
        try:
            found = await recall(self._records, owed or now.at, wanted)
        except StoreError as error:
            self._recall_s = now.s + LEARNS_AGAIN_S
            log.warning("what happened before cannot be read back, trying again: %s", error)
            return
        self._recall_s, self._owed_until = now.s + LEARNED_EVERY_S, None
        self._usual, counts.usual_s = found.usual, waits_of(found.usual)
        if owed is None:
            self._spending.at_least(found.spent)
        else:
            self._spending.add(found.spent)
        if anew:
            count_again(counts, found.lately, now)

    def _begin_anew(self, now: datetime) -> None:
        """Nothing is counted yet: what was not heard has to be read, until when it was not."""
        self._owed_until = self._unheard_until or now
        if self._unheard_until is None:
            # What was heard so far is in the record, and counted from there.
            self._heard.outcomes()
        self._unheard_until = None
        self._spending = Spending(self.alerts.plan.budgets, now)

    def now(self) -> Now:
        return Now(self._clock.monotonic(), self._clock.now())


def _stored(
    store: AlertStore, since: datetime
) -> tuple[Sequence[Kept], Sequence[Silence], Sequence[Entry]]:
    """What was kept, and the newest line of the history."""
    return store.alerts(since), store.silences(since), store.entries(EntryQuery(limit=1))
