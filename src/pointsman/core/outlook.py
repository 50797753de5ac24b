"""Where is a value going, and which of its points are unlike what is usual at their time?

What is usual at a time of the day, or of the week, is the median of the other days or weeks at that
time, and how far values stray from it is told by the median absolute deviation (times 1.4826, which
makes it a standard deviation where errors are normal): neither is moved by the outliers that are
looked for. Without what is usual at each time, a line is laid through the values by least squares;
what is ahead is that line and what is usual at each time, with the interval in which one more value
would lie 19 times of 20. A line promises nothing: it says how it would be if all went on as it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, median
from typing import NamedTuple

DAY_S = 86_400
WEEK_S = 7 * DAY_S

LEAST_SEASONS = 4
"""Of fewer days or weeks nothing is usual: each point is judged by the others of its time."""
LEAST_POINTS = 12
"""Through fewer no line is laid."""

USUAL_SPREADS = 4.0
"""So many deviations from what is usual are still usual: of normal errors one in 16,000 is not."""
LEAST_SPREAD = 0.05
"""Of what is usual: where values never stray at all, so much is still no wonder."""
NORMAL = 1.4826
TWO_SIDED = 1.959964
"""Of the normal distribution 19 of 20 lie within so many standard deviations."""

Values = Sequence[float | None]


class Course(NamedTuple):
    """Values of steps of `step_s` seconds, the first from `first_s` seconds since 1970 on.

    None where nothing is known. No value is below `least` or above `most`.
    """

    values: Values
    first_s: int
    step_s: int
    least: float = 0.0
    most: float = float("inf")


class Range(NamedTuple):
    """What is expected, and between what it would be no wonder."""

    expected: float
    low: float
    high: float


class Trend(NamedTuple):
    """By how much a day a value rises, between what that is 19 times of 20."""

    per_day: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether it rises, or falls, beyond doubt."""
        return self.low > 0.0 or self.high < 0.0


class Outlook(NamedTuple):
    """What can be said of a course; `season_s` is None where nothing is usual at any time yet.

    `usual` has a range for each value, None where too little is known of its time, and `unusual`
    the places of the values that are outside. `trend` is None, and `ahead` empty, where there are
    too few values.
    """

    season_s: int | None
    usual: tuple[Range | None, ...]
    unusual: tuple[int, ...]
    trend: Trend | None
    ahead: tuple[Range, ...]


def outlook(course: Course, steps_ahead: int) -> Outlook:
    """What the course says, and of so many steps beyond its end."""
    season_s = season(course)
    usual = _usual(course, season_s) if season_s else (None,) * len(course.values)
    unusual = tuple(
        place
        for place, (value, told) in enumerate(zip(course.values, usual, strict=True))
        if value is not None and told is not None and not told.low <= value <= told.high
    )
    line = _line(course, season_s)
    if line is None:
        return Outlook(season_s, usual, unusual, None, ())
    return Outlook(season_s, usual, unusual, line.trend(), line.ahead(steps_ahead))


def season(course: Course) -> int | None:
    """The length of what comes again: a week where there are enough, else a day, else None."""
    known = [place for place, value in enumerate(course.values) if value is not None]
    if not known:
        return None
    lasted_s = (known[-1] - known[0] + 1) * course.step_s
    for length_s in (WEEK_S, DAY_S):
        if lasted_s >= LEAST_SEASONS * length_s and course.step_s < length_s:
            return length_s
    return None


def _phase(course: Course, place: int, season_s: int | None) -> int:
    """The time of the day or week of a point; without a season all are alike."""
    length_s = season_s or course.step_s
    return (course.first_s + place * course.step_s) % length_s // course.step_s


def _by_phase(course: Course, season_s: int) -> dict[int, list[tuple[int, float]]]:
    found: dict[int, list[tuple[int, float]]] = {}
    for place, value in enumerate(course.values):
        if value is not None:
            phase = _phase(course, place, season_s)
            found.setdefault(phase, []).append((place, value))
    return found


def _usual(course: Course, season_s: int) -> tuple[Range | None, ...]:
    by_phase = _by_phase(course, season_s)
    strays = [
        abs(value - median([each for _, each in those]))
        for those in by_phase.values()
        for _, value in those
    ]
    everywhere = NORMAL * median(strays)
    found: list[Range | None] = []
    for place in range(len(course.values)):
        those = by_phase.get(_phase(course, place, season_s), ())
        others = [value for at, value in those if at != place]
        found.append(_range(course, others, everywhere))
    return tuple(found)


def _range(course: Course, others: Sequence[float], everywhere: float) -> Range | None:
    """What the others of a time say of it; `everywhere` is how far values stray at all times."""
    if len(others) < LEAST_SEASONS - 1:
        return None
    middle = median(others)
    own = NORMAL * median([abs(value - middle) for value in others])
    wide = USUAL_SPREADS * max(own, everywhere, LEAST_SPREAD * abs(middle))
    return Range(middle, max(course.least, middle - wide), min(course.most, middle + wide))


def _offsets(course: Course, season_s: int | None) -> Mapping[int, float]:
    """By how much each time of the season differs from all times; empty without a season.

    By the points of the course and beyond its end.
    """
    if season_s is None:
        return {}
    by_phase = _by_phase(course, season_s)
    overall = median([value for those in by_phase.values() for _, value in those])
    return {
        phase: median([value for _, value in those]) - overall for phase, those in by_phase.items()
    }


class _Line(NamedTuple):
    """A line through what is left without the offsets of the season, and how it was laid."""

    course: Course
    season_s: int | None
    offsets: Mapping[int, float]
    slope: float
    middle: tuple[float, float]
    spread: float
    points: int
    squares: float

    @property
    def _reach(self) -> float:
        """How many standard deviations 19 of 20 lie within, with so few values (Student's t)."""
        return TWO_SIDED + (TWO_SIDED**3 + TWO_SIDED) / (4 * (self.points - 2))

    def trend(self) -> Trend:
        a_day = DAY_S / self.course.step_s
        off = self._reach * self.spread / sqrt(self.squares)
        return Trend(self.slope * a_day, (self.slope - off) * a_day, (self.slope + off) * a_day)

    def ahead(self, steps: int) -> tuple[Range, ...]:
        first = len(self.course.values)
        return tuple(self._at(place) for place in range(first, first + steps))

    def _at(self, place: int) -> Range:
        course, (x, y) = self.course, self.middle
        offset = self.offsets.get(_phase(course, place, self.season_s), 0.0)
        value = y + self.slope * (place - x) + offset
        away = (place - x) ** 2 / self.squares
        off = self._reach * self.spread * sqrt(1 + 1 / self.points + away)
        low, middle, high = (
            min(course.most, max(course.least, told)) for told in (value - off, value, value + off)
        )
        return Range(middle, low, high)


def _line(course: Course, season_s: int | None) -> _Line | None:
    offsets = _offsets(course, season_s)
    points = [
        (place, value - offsets.get(_phase(course, place, season_s), 0.0))
        for place, value in enumerate(course.values)
        if value is not None
    ]
    if len(points) < LEAST_POINTS:
        return None
    x, y = fmean(place for place, _ in points), fmean(value for _, value in points)
    squares = sum((place - x) ** 2 for place, _ in points)
    slope = sum((place - x) * (value - y) for place, value in points) / squares
    left = sum((value - y - slope * (place - x)) ** 2 for place, value in points)
    spread = sqrt(left / (len(points) - 2))
    return _Line(course, season_s, offsets, slope, (x, y), spread, len(points), squares)
