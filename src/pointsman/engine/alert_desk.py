"""What may people do about alerts: take one, silence many, write rules?

What is done is in force at once and kept before anybody is answered. Where the store fails, whoever
asked is told so, and nothing is changed. Each act is a line of the audit log, and so is one that
came to nothing after that was written. Rules and silences are changed by one at a time.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import NamedTuple

from pointsman.core.alert_log import Alert, Now
from pointsman.core.alert_memory import Entry, Step
from pointsman.core.alert_plan import Origin
from pointsman.core.alert_routes import channels_of
from pointsman.core.alert_rules import Rule, too_many_lines
from pointsman.core.alert_silences import Ack, Matcher, Silence
from pointsman.core.alert_words import all_labels
from pointsman.core.errors import StoreError
from pointsman.engine.alert_deeds import Deed, Deeds, ack_facts, rule_facts, silence_facts
from pointsman.engine.alert_keeping import Keeping
from pointsman.engine.alert_ports import AlertStore, EntryQuery, StoredRule
from pointsman.engine.alert_standing import Alerts, Standing
from pointsman.engine.audit import Audit
from pointsman.engine.dry_run import Trial, Tried, tried
from pointsman.engine.history_ports import AuditStore
from pointsman.engine.ports import Clock
from pointsman.engine.recalling import Records as Happenings
from pointsman.engine.steps import in_steps
from pointsman.engine.watch import Watch

log = logging.getLogger(__name__)

MOST_SILENCES = 1_000
MOST_RULES = 500

NOT_KEPT = "what is to be kept of alerts cannot be written, so nothing was changed"

_ACT_OF = {Step.ACKED: "ack", Step.UNACKED: "unack"}


class RuleInForce(NamedTuple):
    """A rule, who wrote it, and as what it is stored if it was written through the API."""

    rule: Rule
    origin: Origin
    stored: StoredRule | None = None


class Asked(NamedTuple):
    """What somebody wants to be silent; `id` of the silence that is changed, '' for a new one."""

    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str = ""
    id: str = ""


class Records(NamedTuple):
    """What outlives the process: alerts, what happened, and what people did."""

    alerts: AlertStore
    happened: Happenings
    audit: AuditStore


class Desk:
    """Where people's wishes about alerts are taken. Belongs to one event loop.

    `read` makes a rule of its name and its stored document and raises `ValueError` when that does
    not work. `watch` judges by the rules that are in force.
    """

    def __init__(
        self,
        alerts: Alerts,
        keeping: Keeping,
        records: Records,
        clock: Clock,
        *,
        random: Random,
        read: Callable[[str, str], Rule],
        watch: Watch,
    ) -> None:
        self.alerts = alerts
        self.keeping = keeping
        self.watch = watch
        self._store, self._record, acts = records
        self._deeds = Deeds(Audit(acts, clock, random))
        self._clock = clock
        self._random = random
        self._read = read
        self._stored: dict[str, StoredRule] = {}
        self._changing = asyncio.Lock()
        """Held from looking at a rule or silence until what became of it is in force."""

    # Alerts ----------------------------------------------------------------------------------

    async def ack(self, alert_id: str, by: str, lasting: timedelta, comment: str = "") -> bool:
        """Somebody has taken an open alert; False when none has this id. Raises `StoreError`."""
        alert = await self._found(alert_id)
        if alert is None or not alert.is_live:
            return False
        now = self.now()
        await self._note(alert, Ack(alert.id, by, now.at, now.at + lasting, comment), now, by)
        return True

    async def unack(self, alert_id: str, by: str) -> bool:
        """Nobody has taken it any more; False when nobody had. Raises `StoreError`."""
        alert = await self._found(alert_id)
        if alert is None or self.alerts.ack_of(alert, self._clock.now()) is None:
            return False
        await self._note(alert, None, self.now(), by)
        return True

    async def _found(self, alert_id: str) -> Alert | None:
        """The alert, also one that another gateway has found a moment ago. Raises `StoreError`."""
        known = self.alerts.find(alert_id)
        if known is not None or self.watch.sharing is None:
            return known
        kept = await asyncio.to_thread(self._store.alert, alert_id)
        if kept is None or not kept.alert.is_live:
            return None
        return self.alerts.replace(kept, self.now())

    async def _note(self, alert: Alert, ack: Ack | None, now: Now, by: str) -> None:
        step = Step.UNACKED if ack is None else Step.ACKED
        comment = ack.comment if ack else ""
        details = {"comment": comment} if comment else {}
        line = self.alerts.line(alert, step, now.at)._replace(actor=by, details=details)
        before = self.alerts.ack_of(alert, now.at)
        facts = ack_facts(alert, before), ack_facts(alert, ack)
        deed = Deed(by, f"alert.{_ACT_OF[step]}", alert.id, *facts, comment)
        self.alerts.take(alert, ack)  # a look that tells meanwhile shall know of it
        try:
            kept = self.alerts.kept(alert, now)
            await self._deeds.do(deed, partial(asyncio.to_thread, self._store.take, kept, line))
        except StoreError as error:
            self.alerts.take(alert, before)
            raise StoreError(f"{NOT_KEPT}: {error}") from error

    def known(self, *, live_only: bool = False) -> list[Alert]:
        """All alerts; those of the last hour that are resolved among them, or not."""
        return [each for each in self.alerts.log.all() if each.is_live or not live_only]

    async def standing(self, wanted: Iterable[Alert]) -> list[Standing]:
        """How these alerts stand, in words; others are served while it is worked out."""
        standing = self.alerts.standing(wanted, self._clock.now())
        return [each async for each in in_steps(standing, self._clock.monotonic)]

    def channels_of(self, alert: Alert) -> tuple[str, ...]:
        """Through which channels an alert would be told now."""
        labels = all_labels(alert, self.alerts.rule(alert.rule))
        now = self._clock.now()
        return channels_of(self.alerts.plan.routes, labels, alert.severity, alert.type, now)

    async def history(self, query: EntryQuery) -> Sequence[Entry]:
        """Lines of the history, newest first. Raises `StoreError`."""
        return await asyncio.to_thread(self._store.entries, query)

    # Silences --------------------------------------------------------------------------------

    def silences(self) -> list[Silence]:
        """Those that last, are to come, or ended within the last hour; by when they start."""
        found = self.alerts.silences.values()
        return sorted(found, key=lambda each: (each.starts_at, each.id))

    async def hides(self, silence: Silence) -> int:
        """How many open alerts a silence keeps from being told now."""
        now, rule = self._clock.now(), self.alerts.rule
        covered = (
            silence.covers(all_labels(each, rule(each.rule)), now)
            for each in self.known(live_only=True)
            if each.is_open
        )
        return sum([each async for each in in_steps(covered, self._clock.monotonic)])

    async def silence(self, asked: Asked, by: str) -> Silence:
        """Silence what is asked for, or change the silence with that id, as `by` wants.

        One that has ended is not changed: a new one takes its place. Raises `ValueError` when it
        makes no sense, `StoreError`.
        """
        async with self._changing:
            now = self._clock.now()
            before = self.alerts.silences.get(asked.id)
            is_over = before is None or before.ends_at <= now
            if is_over and len(self.alerts.silences) >= MOST_SILENCES:
                raise ValueError(f"there are {MOST_SILENCES} silences already; end some first")
            silence = Silence(
                id=self._new_id() if is_over else asked.id,
                matchers=asked.matchers,
                starts_at=asked.starts_at,
                ends_at=asked.ends_at,
                author=asked.author,
                comment=asked.comment,
                updated_at=now,
            )
            done = "set" if is_over else "change"
            await self._keep_silence(silence, None if is_over else before, by, done)
            return silence

    async def expire(self, silence_id: str, by: str) -> bool:
        """End a silence now; False when none that lasts has this id. Raises `StoreError`."""
        async with self._changing:
            now = self._clock.now()
            silence = self.alerts.silences.get(silence_id)
            if silence is None or silence.ends_at <= now:
                return False
            start = min(silence.starts_at, now - timedelta(microseconds=1))
            ended = Silence(
                silence.id,
                silence.matchers,
                start,
                now,
                silence.author,
                silence.comment,
                now,
            )
            await self._keep_silence(ended, silence, by, "end")
            return True

    async def _keep_silence(
        self, silence: Silence, before: Silence | None, by: str, done: str
    ) -> None:
        facts = None if before is None else silence_facts(before), silence_facts(silence)
        step = partial(asyncio.to_thread, self._store.keep_silence, silence, silence.updated_at)
        await self._deeds.do(Deed(by, f"silence.{done}", silence.id, *facts, silence.comment), step)
        self.alerts.silences[silence.id] = silence

    def _new_id(self) -> str:
        """In the form of a UUID, as those who know Alertmanager expect."""
        digits = f"{self._random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    # Rules -----------------------------------------------------------------------------------

    async def restore_rules(self) -> list[str]:
        """Take up the rules that were stored; what is wrong with those that cannot be.

        Raises `StoreError`.
        """
        async with self._changing:
            return self._take_up(await asyncio.to_thread(self._store.rules))

    def _take_up(self, kept: Sequence[StoredRule]) -> list[str]:
        wrong = []
        for stored in kept:
            self._stored[stored.name] = stored
            try:
                rule = self._read(stored.name, stored.document)
            except ValueError as error:
                wrong.append(f"{stored.name}: {error}")
                continue
            self.alerts.written[stored.name] = rule
        self.watch.rules_changed()
        return wrong

    async def refresh_rules(self) -> None:
        """Take up what was done to rules at other gateways. Raises `StoreError`."""
        async with self._changing:
            kept = await asyncio.to_thread(self._store.rules)
            if {each.name: each for each in kept} == self._stored:
                return
            self._stored.clear()
            self.alerts.written.clear()
            for mistake in self._take_up(kept):
                log.error("a rule of another gateway is not used: %s", mistake)

    def rules(self) -> list[RuleInForce]:
        """All rules in force, those that are turned off among them, by name."""
        return [
            RuleInForce(rule, origin, self._stored.get(name) if origin is Origin.API else None)
            for name, (rule, origin) in sorted(self.alerts.rules.items())
        ]

    def rule(self, name: str) -> RuleInForce | None:
        return next((each for each in self.rules() if each.rule.name == name), None)

    async def write_rule(self, name: str, document: str, by: str) -> RuleInForce:
        """Put a rule in force, in the place of a shipped one or one of the API with this name.

        Raises `ValueError` for a rule that is none, names whom there is not, stands in the
        configuration file, or is one too many; `StoreError`.
        """
        if name not in self.alerts.plan.rules:
            self._refuse_strangers(self._read(name, document))
        async with self._changing:
            return await self._write_rule(name, document, by)

    def _refuse_strangers(self, rule: Rule) -> None:
        for kind, stranger in self.watch.strangers(rule):
            words = f"rule.only.{kind}: no {kind} is declared as {stranger!r}, so it would never"
            raise ValueError(f"{words} fire; name one that is, or declare it first")

    async def _write_rule(self, name: str, document: str, by: str) -> RuleInForce:
        if name in self.alerts.plan.rules:
            raise ValueError(f"{name} stands in the configuration file, which has the last word")
        before = self._stored.get(name)
        if before is None and len(self._stored) >= MOST_RULES:
            raise ValueError(f"there are {MOST_RULES} rules already; remove some first")
        rule = self._read(name, document)
        others = [each.rule for each in self.rules() if each.rule.name != name]
        if too_many := too_many_lines([*others, rule]):
            raise ValueError(too_many)
        now = self._clock.now()
        stored = StoredRule(
            name,
            rule.type,
            rule.enabled,
            document,
            before.version + 1 if before else 1,
            before.created_at if before else now,
            before.created_by if before else by,
            now,
            by,
        )
        facts = None if before is None else rule_facts(before), rule_facts(stored)
        deed = Deed(by, "alert_rule.set", name, *facts)
        await self._deeds.do(deed, partial(asyncio.to_thread, self._store.keep_rule, stored))
        self._stored[name] = stored
        self.alerts.written[name] = rule
        self.watch.rules_changed()
        return RuleInForce(rule, Origin.API, stored)

    async def remove_rule(self, name: str, by: str) -> bool:
        """Forget a rule of the API; False when there is none. Raises `StoreError`.

        Where it had taken the place of a shipped one, that is in force again.
        """
        async with self._changing:
            stored = self._stored.get(name)
            if stored is None:
                return False
            deed = Deed(by, "alert_rule.delete", name, rule_facts(stored))
            await self._deeds.do(deed, partial(asyncio.to_thread, self._store.remove_rule, name))
            del self._stored[name]
            self.alerts.written.pop(name, None)
            self.watch.rules_changed()
            return True

    async def switch_rule(self, name: str, by: str, *, on: bool) -> RuleInForce:
        """Turn a rule on or off and leave what it says as it is.

        Raises `LookupError` when there is none; as `write_rule` does besides.
        """
        async with self._changing:
            found = self.rule(name)
            if found is None:
                raise LookupError(name)
            content = json.loads(found.stored.document) if found.stored else {}
            return await self._write_rule(name, json.dumps({**content, "enabled": on}), by)

    async def try_rule(self, name: str, document: str, days: float) -> tuple[RuleInForce, Tried]:
        """What a rule would have done these last days; without a document, the one in force.

        Raises `LookupError` when there is none, `ValueError` for a document that is no rule,
        `StoreError`.
        """
        if document:
            found = RuleInForce(self._read(name, document), Origin.API)
        else:
            known = self.rule(name)
            if known is None:
                raise LookupError(name)
            found = known
        until = self._clock.now()
        since = until - timedelta(days=days)
        plan = self.alerts.plan
        trial = Trial(found.rule, since, until, plan.interval_s, plan.budgets)
        return found, await tried(self._record, trial)

    def now(self) -> Now:
        """The present instant."""
        return Now(self._clock.monotonic(), self._clock.now())
