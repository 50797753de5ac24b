"""How many attempts failed, were slow or cost what, in the last minute, five, fifteen, thirty?

For judging alone, and so kept apart from the statistics for people: exact counts, of any of these
windows, at the price of two look-ups. A series keeps its running totals as they were at earlier
looks; what happened within a window is the difference of two of them.

Time is that of a clock that never runs backwards: what is counted at one look has happened since
the look before. A wall clock that is set has no part in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pointsman.core.alert_counted import Counted, Onward, Tail
from pointsman.core.alert_metrics import LONGEST_SILENCE_S, Scope, ScopeKind
from pointsman.core.decision import Outcome
from pointsman.core.errors import Blame, FailureKind

OTHER: Final = "__other__"

ATTEMPTS, JUDGED, FAULTS, ANSWERS, WAITS = range(5)
USD, UNPRICED, PROMPT_TOKENS, CACHED_TOKENS = range(5, 9)
_FIRST_LINE = 9
"""The columns of a row of counts; from here on, how many waits reached each of the lines."""

MINUTE_S = 60.0
LONGEST_S = 1_800.0
_FINE_S = 300.0
_FINE_STEP_S = 5.0
_COARSE_STEP_S = 60.0
_SLACK_S = 1.0
"""Looks come a little early and a little late; a window must not hold one less for that."""

FORGOTTEN_S = LONGEST_SILENCE_S
"""Of whom nothing was heard for so long, nothing is kept."""

_FAULTS = frozenset(kind for kind in FailureKind if kind.blames is Blame.ENDPOINT)
REFUSALS = frozenset(
    {
        FailureKind.KEY_REJECTED,
        FailureKind.KEY_FORBIDDEN,
        FailureKind.BILLING,
        FailureKind.MODEL_NOT_FOUND,
        FailureKind.MODEL_GONE,
        FailureKind.WRONG_ADDRESS,
    }
)
"""What will not pass by itself: somebody has to mend a key, a bill or a name."""

Row = list[float]


class Series:
    """What happened to one scope. `heard_s` is when something last did."""

    __slots__ = ("_at", "_looks", "_looks_s", "heard_s", "totals")

    def __init__(self, width: int, at_s: float) -> None:
        self.totals: Row = [0] * width
        self.heard_s = at_s
        self._at = at_s
        self._looks_s: list[float] = []
        self._looks: list[Sequence[float]] = []

    def add(self, at_s: float, row: Row) -> None:
        """Count what has happened since the look before `at_s`, which never falls."""
        if at_s > self._at:
            self._remember(at_s)
        totals = self.totals
        for column, count in enumerate(row):
            if count:
                totals[column] += count
        self.heard_s = at_s

    def _remember(self, at_s: float) -> None:
        """Keep the totals as they are; fewer of the past than of the last minutes."""
        looks_s, looks = self._looks_s, self._looks
        if len(looks_s) > 1 and self._at - looks_s[-2] < _FINE_STEP_S:
            looks_s.pop()
            looks.pop()
        looks_s.append(self._at)
        looks.append(tuple(self.totals))
        self._at = at_s
        place = bisect_right(looks_s, at_s - _FINE_S - MINUTE_S)
        if place > 2 and looks_s[place - 1] - looks_s[place - 3] < _COARSE_STEP_S:
            del looks_s[place - 2], looks[place - 2]
        if len(looks_s) > 1 and looks_s[1] <= at_s - LONGEST_S:
            old = bisect_right(looks_s, at_s - LONGEST_S) - 1
            del looks_s[:old], looks[:old]

    def since(self, at_s: float, window_s: float) -> Sequence[float] | None:
        """The totals as they were when the window began; None: it began before everything."""
        begun_s = at_s - window_s + _SLACK_S
        if self._at <= begun_s:
            return self.totals
        place = bisect_right(self._looks_s, begun_s)
        return self._looks[place - 1] if place else None

    def count(self, at_s: float, window_s: float, column: int) -> float:
        """How much of one column the window holds, when it ends at `at_s`."""
        before = self.since(at_s, window_s)
        return self.totals[column] - (before[column] if before is not None else 0)


class Counts:
    """The counts of all scopes.

    `lines` are the waits, in rising order and in seconds, whose reaching is counted; `factors` the
    same as multiples of what is usual for the scope, which `usual_s` says. At most `most` scopes
    are told apart; all beyond share `OTHER`, one for each kind of scope.
    """

    def __init__(
        self, lines: Sequence[float] = (), factors: Sequence[float] = (), *, most: int = 20_000
    ) -> None:
        self.lines = tuple(sorted(lines))
        self.factors = tuple(sorted(factors))
        self.usual_s: Mapping[Scope, float] = {}
        self._most = most
        self._width = _FIRST_LINE + len(self.lines) + len(self.factors)
        self._series: dict[ScopeKind, dict[str, Series]] = {kind: {} for kind in ScopeKind}
        self._counted: dict[ScopeKind, Sequence[tuple[Scope, Series]]] = {}
        self._count_of_series = 0
        self._faults: dict[str, int] = {}
        self._refusals: dict[str, int] = {}
        self.onward: Onward | None = None
        """Where what is counted here is gathered for another who judges; None: nowhere."""

    def fold(self, at_s: float, outcomes: Iterable[Outcome]) -> None:
        """Count attempts that ended since the last look, oldest first; `at_s` never falls."""
        for _ in self.folding(at_s, outcomes):
            pass

    def folding(self, at_s: float, outcomes: Iterable[Outcome]) -> Iterator[None]:
        """The same, a little with every step."""
        rows: dict[tuple[str, str], Row] = {}
        refused = dict(self._refusals) if self.onward is not None else {}
        for place, outcome in enumerate(outcomes, 1):
            # 2 model_id, 3 agent_id, 5 failure: by number, since this is done for every attempt.
            key = outcome[3], outcome[2]
            row = rows.get(key)
            if row is None:
                row = rows[key] = [0] * self._width
            self._count(row, outcome)
            if not place % 64:
                yield
        for (agent_id, model_id), row in rows.items():
            self._add(at_s, agent_id, model_id, row)
            yield
        if self.onward is not None:
            self.onward.add(rows, self._tails(rows, refused))

    def _tails(
        self, rows: Mapping[tuple[str, str], Row], refused: Mapping[str, int]
    ) -> Mapping[str, Tail]:
        """How the attempts that were just counted ended, by model."""
        answered: dict[str, bool] = {}
        faults: dict[str, int] = {}
        for (_, model_id), row in rows.items():
            answered[model_id] = answered.get(model_id, False) or row[ANSWERS] > 0
            faults[model_id] = faults.get(model_id, 0) + int(row[FAULTS])
        found = {}
        for model_id, any_answer in answered.items():
            in_a_row, refusals = faults[model_id], self._refusals.get(model_id, 0)
            if any_answer:
                in_a_row = self._faults.get(model_id, 0)
            else:
                refusals -= refused.get(model_id, 0)
            found[model_id] = Tail(any_answer, in_a_row, refusals)
        return found

    def fold_counted(self, at_s: float, others: Counted) -> None:
        """Count what another gateway has counted since it last said so.

        What it has not counted, because its rules have other lines, counts as not reached.
        """
        alike = (others.lines, others.factors) == (self.lines, self.factors)
        for agent_id, model_id, counts in others.rows:
            row = list(counts) if alike else self._in_my_lines(others, counts)
            self._add(at_s, agent_id, model_id, row)
        for model_id, tail in others.tails.items():
            for known, count in ((self._faults, tail.faults), (self._refusals, tail.refusals)):
                if tail.answered:
                    known.pop(model_id, None)
                if count:
                    known[model_id] = known.get(model_id, 0) + count

    def _in_my_lines(self, others: Counted, counts: Sequence[float]) -> Row:
        theirs = iter(counts[_FIRST_LINE:])
        by_line = dict(zip(others.lines, theirs, strict=False))
        by_factor = dict(zip(others.factors, theirs, strict=False))
        return [
            *counts[:_FIRST_LINE],
            *(by_line.get(line, 0) for line in self.lines),
            *(by_factor.get(factor, 0) for factor in self.factors),
        ]

    def _count(self, row: Row, outcome: Outcome) -> None:
        row[ATTEMPTS] += 1
        self._count_result(row, outcome[2], outcome[5])
        wait_s = _wait_s(outcome)
        if wait_s is not None:
            row[WAITS] += 1
            for place in range(bisect_right(self.lines, wait_s)):
                row[_FIRST_LINE + place] += 1
            if self.factors:
                self._count_factors(row, outcome, wait_s)
        usage, cost = outcome[9], outcome[10]
        if usage is not None:
            row[PROMPT_TOKENS] += usage[0]
            row[CACHED_TOKENS] += usage[2]
        if cost is not None:
            row[USD] += float(cost)
        elif outcome[5] is None or usage is not None:
            row[UNPRICED] += 1

    def _count_result(self, row: Row, model_id: str, failure: FailureKind | None) -> None:
        if failure is None:
            row[JUDGED] += 1
            row[ANSWERS] += 1
            # Most models have no row of failures to end, and this is done for every attempt.
            if self._faults:
                self._faults.pop(model_id, None)
            if self._refusals:
                self._refusals.pop(model_id, None)
        elif failure in _FAULTS:
            row[JUDGED] += 1
            row[FAULTS] += 1
            self._faults[model_id] = self._faults.get(model_id, 0) + 1
        elif failure in REFUSALS:
            self._refusals[model_id] = self._refusals.get(model_id, 0) + 1

    def _count_factors(self, row: Row, outcome: Outcome, wait_s: float) -> None:
        """Against what is usual of the model: it is the model that is slow, whoever waits."""
        usual_s = self.usual_s.get(Scope(ScopeKind.MODEL, outcome[2]))
        if not usual_s:
            return
        first = _FIRST_LINE + len(self.lines)
        for place in range(bisect_right(self.factors, wait_s / usual_s)):
            row[first + place] += 1

    def _add(self, at_s: float, agent_id: str, model_id: str, row: Row) -> None:
        provider = model_id.partition("/")[0]
        self._of(ScopeKind.GLOBAL, "", at_s).add(at_s, row)
        self._of(ScopeKind.PROVIDER, provider, at_s).add(at_s, row)
        self._of(ScopeKind.MODEL, model_id, at_s).add(at_s, row)
        self._of(ScopeKind.AGENT, agent_id, at_s).add(at_s, row)

    def _of(self, kind: ScopeKind, name: str, at_s: float) -> Series:
        known = self._series[kind]
        series = known.get(name)
        if series is None:
            if self._count_of_series >= self._most and name != OTHER:
                return self._of(kind, OTHER, at_s)
            series = known[name] = Series(self._width, at_s)
            self._counted.pop(kind, None)
            self._count_of_series += 1
        return series

    def forget(self, at_s: float, after_s: float = FORGOTTEN_S) -> None:
        """Drop those of whom nothing was heard for so long."""
        self._counted.clear()
        for known in self._series.values():
            old = [name for name, series in known.items() if series.heard_s < at_s - after_s]
            for name in old:
                del known[name]
            self._count_of_series -= len(old)
        models = self._series[ScopeKind.MODEL]
        for rows in (self._faults, self._refusals):
            for model_id in [name for name in rows if name not in models]:
                del rows[model_id]

    def drop(self, scopes: Iterable[Scope]) -> None:
        """Forget all that is counted of these, failures in a row included: they are gone."""
        for kind, name in scopes:
            if self._series[kind].pop(name, None) is not None:
                self._count_of_series -= 1
                self._counted.pop(kind, None)
            if kind is ScopeKind.MODEL:
                self._faults.pop(name, None)
                self._refusals.pop(name, None)

    # Reading ---------------------------------------------------------------------------------

    def scopes(self, kind: ScopeKind) -> Sequence[Scope]:
        """Those of one kind of which anything is known."""
        return [Scope(kind, name) for name in self._series[kind]]

    def counted(self, kind: ScopeKind) -> Sequence[tuple[Scope, Series]]:
        """The same with their series; what is returned never changes."""
        found = self._counted.get(kind)
        if found is None:
            found = [(Scope(kind, name), series) for name, series in self._series[kind].items()]
            self._counted[kind] = found
        return found

    def series(self, scope: Scope) -> Series | None:
        return self._series[scope.kind].get(scope.id)

    def line(self, wait_s: float) -> int:
        """The column of the waits that reached this line; `ValueError` if nobody counts them."""
        return _FIRST_LINE + self.lines.index(wait_s)

    def factor(self, times: float) -> int:
        """The column of the waits that reached so many times the usual; `ValueError` likewise."""
        return _FIRST_LINE + len(self.lines) + self.factors.index(times)

    def faults_in_a_row(self, model_id: str) -> int:
        """Failures since the model's last answer that its endpoint is to blame for."""
        return self._faults.get(model_id, 0)

    def refusals_in_a_row(self, model_id: str) -> int:
        """Answers since its last good one that somebody has to mend a key, a bill or a name."""
        return self._refusals.get(model_id, 0)

    def __len__(self) -> int:
        return self._count_of_series


def _wait_s(outcome: Outcome) -> float | None:
    """How long the caller waited: for a stream's first token, for a complete plain answer."""
    if outcome[6]:
        return outcome[8]
    return outcome[7] if outcome[5] is None else None
