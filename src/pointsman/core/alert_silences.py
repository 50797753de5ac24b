"""Who has asked not to be told of which alerts, and until when?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.patterns import MAX_CHARS, pattern

MAX_MATCHERS = 20


class Operator(StrEnum):
    """How a matcher compares, as Alertmanager writes it; expressions match the whole value."""

    IS = "="
    IS_NOT = "!="
    LIKE = "=~"
    NOT_LIKE = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label. A label that an alert does not have counts as ''.

    Raises `ValueError` for a name that is empty, what is too long, and an expression that is none
    or could take too long to compare.
    """

    name: str
    value: str
    operator: Operator = Operator.IS
    _like: re.Pattern[str] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_CHARS:
            raise ValueError(f"the name of a label has 1 to {MAX_CHARS} characters")
        if len(self.value) > MAX_CHARS:
            raise ValueError(f"what {self.name} is compared to has {MAX_CHARS} characters at most")
        if self.operator in (Operator.LIKE, Operator.NOT_LIKE):
            object.__setattr__(self, "_like", pattern(self.value))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it holds. Of what a label says no more is compared than an expression may be."""
        value = labels.get(self.name, "")
        if self._like is not None:
            is_like = self._like.fullmatch(value[:MAX_CHARS]) is not None
            return is_like is (self.operator is Operator.LIKE)
        return (value == self.value) is (self.operator is Operator.IS)

    def __str__(self) -> str:
        return f'{self.name}{self.operator}"{self.value}"'


_WRITTEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*\Z", re.DOTALL)


def matcher(text: str) -> Matcher:
    """The matcher that is written so: `model=openai/gpt-4o`, `agent=~"coder.*"`.

    Raises `ValueError` when it is none.
    """
    found = _WRITTEN.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no matcher; write label=value, label!=value or label=~value")
    name, operator, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return Matcher(name, value, Operator(operator))


class SilenceState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that all `matchers` match are not told between two instants, in UTC.

    Such an alert is judged and recorded as ever. Raises `ValueError` without a matcher, when none
    of them keeps an alert out, or where the end is not after the beginning.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    updated_at: datetime

    def __post_init__(self) -> None:
        if not 0 < len(self.matchers) <= MAX_MATCHERS:
            raise ValueError(f"a silence has 1 to {MAX_MATCHERS} matchers")
        if all(each.matches({}) for each in self.matchers):
            raise ValueError("these matchers match every alert; name what is to be silent")
        if self.ends_at <= self.starts_at:
            raise ValueError("a silence ends after it starts")
        if not self.author:
            raise ValueError("a silence says who asked for it")

    def state(self, now: datetime) -> SilenceState:
        if now < self.starts_at:
            return SilenceState.PENDING
        return SilenceState.ACTIVE if now < self.ends_at else SilenceState.EXPIRED

    def covers(self, labels: Mapping[str, str], now: datetime) -> bool:
        """Whether an alert with these labels is silent now."""
        if self.state(now) is not SilenceState.ACTIVE:
            return False
        return all(each.matches(labels) for each in self.matchers)


class Ack(NamedTuple):
    """Somebody has taken care of an alert's episode `alert_id`, until `until` at the latest.

    While it holds, nobody is reminded; that it gets worse, or ends, is told all the same.
    """

    alert_id: str
    by: str
    at: datetime
    until: datetime
    comment: str = ""

    def holds(self, alert_id: str, now: datetime) -> bool:
        return alert_id == self.alert_id and now < self.until


def silenced_by(
    silences: Iterable[Silence], labels: Mapping[str, str], now: datetime
) -> tuple[str, ...]:
    """The ids of the silences that cover an alert with these labels now."""
    return tuple(silence.id for silence in silences if silence.covers(labels, now))
