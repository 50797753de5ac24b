"""What is the life of an alert?

One state machine for each rule and scope::

    (well) ──breach──▶ pending ──lasts for_s──▶ firing ◀──breach── recovering
       ▲                  │                        │                  ▲   │
       └──────well────────┘                        └───────well───────┘   │
                                     resolved ◀──lasts keep_firing_for_s──┘

Severity is no state: while an alert fires it rises at once and never falls; only resolving ends it.
Durations are measured on a clock that never runs backwards; instants are for people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_conditions import UNKNOWN, WELL, Figures, Finding
from pointsman.core.alert_metrics import Scope
from pointsman.core.alert_rules import NoData, Rule

STALE_S = 3_600.0
"""An alert of which nothing is measured any more is kept so long, then resolved for that reason."""

REMEMBERED_S = 3_600.0
"""So long a resolved alert is remembered, to know one that comes and goes."""

COMES_AND_GOES = 4
"""So many episodes within `REMEMBERED_S` are flapping."""

Key = tuple[str, Scope]
"""The rule's name and the scope."""


class State(StrEnum):
    """Where an alert is in its life. Who was never in trouble has none."""

    __hash__ = str.__hash__

    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    RESOLVED = "resolved"


_PENDING, _FIRING, _RECOVERING, _RESOLVED = State
"""By names of their own, since what an enumeration has is looked up in Python."""


class Now(NamedTuple):
    """One instant on two clocks: `s` never runs backwards, `at` is what people read, in UTC."""

    s: float
    at: datetime


class Alert(NamedTuple):
    """One alert of one rule about one scope, in its present or last episode.

    It is in `state` since `since_s`; `changed_at` is the same for people. The episode began at
    `starts_at` and is over at `ends_at`, where it is; `why` says for what reason. `known_s` is when
    anything was last measured. `episodes` are when the last few began to fire, the oldest first.
    `figures` are the evidence for the present severity, or the latest where it was not breached.
    """

    rule: str
    scope: Scope
    type: AlertType
    state: State
    severity: Severity
    since_s: float
    changed_at: datetime
    starts_at: datetime
    figures: Figures
    known_s: float
    ends_at: datetime | None = None
    why: str = ""
    episodes: tuple[float, ...] = ()

    @property
    def key(self) -> Key:
        return self.rule, self.scope

    @property
    def fingerprint(self) -> str:
        """The same for all episodes of this trouble, on every replica."""
        return fingerprint(self.rule, self.scope)

    @property
    def id(self) -> str:
        """The name of this episode."""
        milliseconds = int(self.starts_at.timestamp() * 1_000)
        return f"{self.fingerprint}-{milliseconds:x}"

    @property
    def is_open(self) -> bool:
        """It fires, for all but the one who waits for its end."""
        state = self.state
        return state is _FIRING or state is _RECOVERING

    @property
    def is_live(self) -> bool:
        """Pending or open: it has to be looked at until it is over."""
        return self.state is not _RESOLVED

    def is_flapping(self, now_s: float) -> bool:
        """Whether it came so often lately that each coming and going is no news."""
        episodes = self.episodes
        return len(episodes) >= COMES_AND_GOES and now_s - episodes[0] <= REMEMBERED_S


class Event(NamedTuple):
    """One step in the life of an alert, for the history. `before` is None at its beginning; where
    the state is the same, the severity has risen. `alert` is how it was after the step.
    """

    at: datetime
    before: State | None
    after: State
    alert: Alert
    severity_before: Severity | None = None


@lru_cache(maxsize=16_384)
def fingerprint(rule: str, scope: Scope) -> str:
    """A name for a rule and a scope, of letters and digits."""
    return blake2b(f"{rule}\0{scope.kind}\0{scope.id}".encode(), digest_size=10).hexdigest()


_made = tuple.__new__
"""As in `core/alert_conditions.py`: ten thousand may begin, or get worse, at once."""


def next_alert(
    rule: Rule, scope: Scope, before: Alert | None, found: Finding, now: Now
) -> Alert | None:
    """The alert after one look; None when there is none, or a pending one came to nothing."""
    if not found.known:
        found = _UNMEASURED[rule.no_data](rule)
    if before is None or before.state is _RESOLVED:
        return before if found.severity is None else _begun(rule, scope, before, found, now)
    if before.state is _PENDING:
        return _waited(rule, before, found, now)
    if found.severity is not None:
        return _fired(before, found, now)
    if not found.known:
        stale = now.s - before.known_s >= STALE_S
        return _resolved(before, now, "nothing was measured for an hour") if stale else before
    seen = before._replace(known_s=now.s, figures=found.figures or before.figures)
    if found.held:
        return seen if before.state is _FIRING else _moved(seen, _FIRING, now)
    if before.state is _FIRING and rule.keep_firing_for_s > 0:
        return _moved(seen, _RECOVERING, now)
    if before.state is _FIRING or now.s - before.since_s >= rule.keep_firing_for_s:
        return _resolved(seen, now, "well again")
    return seen


def ended(alert: Alert, now: Now, why: str) -> Alert | None:
    """The alert, over for a reason that no look gave; a pending one has never been."""
    return _resolved(alert, now, why) if alert.is_open else None


def event(before: Alert | None, after: Alert | None, now: Now) -> Event | None:
    """What is to be written into the history, None where nothing happened."""
    if before is after or (before is None and after is None):
        return None
    if after is None:
        assert before is not None  # noqa: S101 - one of them is there
        return Event(now.at, before.state, _RESOLVED, before._replace(why="passed"))
    if before is None or before.state is _RESOLVED is not after.state:
        return _made(Event, (now.at, None, after.state, after, None))
    if before.state is after.state and before.severity is after.severity:
        return None
    risen = before.severity if after.severity is not before.severity else None
    return _made(Event, (now.at, before.state, after.state, after, risen))


def _begun(rule: Rule, scope: Scope, before: Alert | None, found: Finding, now: Now) -> Alert:
    severity, _, figures, _ = found
    assert severity is not None  # noqa: S101 - the caller has looked
    assert figures is not None  # noqa: S101 - of what is breached there are figures
    episodes = () if before is None else before.episodes
    state = _PENDING
    if rule.for_s <= 0:
        state = _FIRING
        episodes = (*episodes, now.s)[-COMES_AND_GOES:] if episodes else (now.s,)
    return _made(
        Alert,
        (
            rule.name, scope, rule.type, state, severity, now.s, now.at, now.at, figures, now.s,
            None, "", episodes,
        ),
    )  # fmt: skip


def _counted(alert: Alert, now: Now) -> Alert:
    """One more episode began to fire."""
    return alert._replace(episodes=(*alert.episodes, now.s)[-COMES_AND_GOES:])


def _waited(rule: Rule, before: Alert, found: Finding, now: Now) -> Alert | None:
    if found.severity is None or found.figures is None:
        # One that has fired lately is remembered, to know it when it comes and goes.
        return _resolved(before, now, "passed") if before.episodes else None
    worse = before._replace(severity=found.severity, figures=found.figures, known_s=now.s)
    if now.s - before.since_s < rule.for_s:
        return worse
    return _counted(_moved(worse, _FIRING, now), now)


def _fired(before: Alert, found: Finding, now: Now) -> Alert:
    """It fires on, or again; the severity of an episode never falls."""
    severity = found.severity
    if severity is None or severity < before.severity:
        severity = before.severity
    figures = found.figures or before.figures
    after = _made(Alert, (*before[:4], severity, *before[5:8], figures, now.s, *before[10:]))
    return after if before.state is _FIRING else _moved(after, _FIRING, now)


def _moved(alert: Alert, state: State, now: Now) -> Alert:
    return alert._replace(state=state, since_s=now.s, changed_at=now.at)


def _resolved(alert: Alert, now: Now, why: str) -> Alert:
    over = _moved(alert, _RESOLVED, now)
    return over._replace(ends_at=max(now.at, alert.starts_at), why=why)


_NOTHING = Figures("nothing measured", 0.0, 0.0, 0.0, 0, 0.0, "")
_UNMEASURED: Mapping[NoData, Callable[[Rule], Finding]] = MappingProxyType(
    {
        NoData.KEEP: lambda _: UNKNOWN,
        NoData.RESOLVE: lambda _: WELL,
        NoData.FIRE: lambda rule: Finding(rule.least_severity, figures=_NOTHING),
    }
)


_NO_ALERTS: Mapping[Scope, Alert] = MappingProxyType({})


class AlertLog:
    """All alerts that are open, pending, or were resolved not long ago.

    `step` is called once for each rule and scope that is looked at; it returns what happened.
    """

    def __init__(self) -> None:
        self._alerts: dict[str, dict[Scope, Alert]] = {}

    def step(self, rule: Rule, scope: Scope, found: Finding, now: Now) -> Event | None:
        """Take note of what one look found."""
        return self.take(rule, scope, self.get(rule.name, scope), found, now)

    def take(
        self, rule: Rule, scope: Scope, before: Alert | None, found: Finding, now: Now
    ) -> Event | None:
        """The same for who has `before`, the alert of this rule and scope, at hand."""
        if before is None and found.severity is not None:
            # What most of very many have in common when they are in trouble at once.
            begun = _begun(rule, scope, None, found, now)
            self.restore(begun)
            return _made(Event, (now.at, None, begun.state, begun, None))
        after = next_alert(rule, scope, before, found, now)
        return None if after is before else self._put(before, after, now)

    def end(self, alert: Alert, now: Now, why: str) -> Event | None:
        """End an alert whose rule is gone, or that concerns nobody any more."""
        return self._put(alert, ended(alert, now, why), now)

    def restore(self, alert: Alert) -> None:
        """Take up an alert where it was left."""
        alerts = self._alerts.get(alert.rule)
        if alerts is None:
            alerts = self._alerts[alert.rule] = {}
        alerts[alert.scope] = alert

    def clear(self) -> None:
        """Let go of everything."""
        self._alerts.clear()

    def forget(self, now: Now) -> None:
        """Let go of what was resolved long ago."""
        for _ in self.forgetting(now):
            pass

    def forgetting(self, now: Now) -> Iterator[str]:
        """The same, a rule with every step."""
        for rule in tuple(self._alerts):
            alerts = self._alerts[rule]
            old = [
                scope
                for scope, alert in alerts.items()
                if alert.state is _RESOLVED and now.s - alert.since_s > REMEMBERED_S
            ]
            for scope in old:
                del alerts[scope]
            yield rule

    def _put(self, before: Alert | None, after: Alert | None, now: Now) -> Event | None:
        if after is not None:
            self.restore(after)
        elif before is not None:
            del self._alerts[before.rule][before.scope]
        return event(before, after, now)

    def get(self, rule: str, scope: Scope) -> Alert | None:
        alerts = self._alerts.get(rule)
        return None if alerts is None else alerts.get(scope)

    def rules(self) -> Iterable[str]:
        """The names of the rules of which any alert was ever known."""
        return self._alerts.keys()

    def known(self, rule: str) -> Mapping[Scope, Alert]:
        """All alerts of one rule, resolved ones among them, by scope."""
        return self._alerts.get(rule, _NO_ALERTS)

    def all(self) -> Iterator[Alert]:
        """Every alert that is known, resolved ones among them."""
        for alerts in self._alerts.values():
            yield from alerts.values()

    def every(self) -> Iterator[list[Alert]]:
        """The same, those of one rule with every step; between steps they may change."""
        for rule in tuple(self._alerts):
            yield list(self.known(rule).values())

    def of(self, rule: str) -> list[Alert]:
        """The alerts of one rule that are pending or open."""
        alerts = self._alerts.get(rule)
        resolved = _RESOLVED
        return [each for each in alerts.values() if each.state is not resolved] if alerts else []
