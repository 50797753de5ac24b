"""Which plans can a person choose between, when quality, latency and cost pull apart?

The best quality under every one of a row of budgets and of bounds on the mean latency (the
ε-constraint method; Haimes, Lasdon and Wismer, 1971), so that points between the corners of the
front are found, too. What another point beats in everything is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from pointsman.core.assignment.limits import slowest_s
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import Method, Plan, plan_of
from pointsman.core.assignment.problem import Matrix, Problem

EFFORT_EACH = Effort(within_s=1.0, gap=1e-3)
BUDGETS = 5
BOUNDS = 3
TIE = 0.01
"""What the other two count against the one that is sought: only where plans are else alike."""

ALIKE = 1e-9


class Point(NamedTuple):
    """A plan that no other point beats in all of quality, latency and cost.

    `quality` in [0, 1] and `latency_s` are means over the agents, weighted by importance; where a
    latency is unknown, the longest known is taken. The `knee` is the point nearest to the best of
    all three, each measured from its best to its worst on the front.
    """

    plan: Plan
    quality: float
    latency_s: float
    usd_per_day: float
    knee: bool = False


class _Aims(NamedTuple):
    """What counts how much for a plan."""

    quality: float
    speed: float
    thrift: float


def front(
    problem: Problem, effort: Effort = EFFORT_EACH, *, budgets: int = BUDGETS, bounds: int = BOUNDS
) -> tuple[Point, ...]:
    """The points, dearest first, with one knee. Deterministic unless the time is too short.

    Models without a known price are left out, as under any budget. What it costs to switch does not
    count: a point is where to go, however far that is.
    """
    priced = _priced(problem)
    best, fastest, cheapest = (
        _point(priced, _Aims(*(1.0 if aim == own else TIE for own in range(3))), effort)
        for aim in range(3)
    )
    found = [best, fastest, cheapest]
    for budget in _steps(cheapest.usd_per_day, best.usd_per_day, budgets):
        for bound in _steps(fastest.latency_s, best.latency_s, bounds):
            within = _within(priced, budget, bound)
            found.append(_point(within, _Aims(1.0, TIE, TIE), effort))
    points = sorted(_undominated(found), key=lambda point: -point.usd_per_day)
    return _with_knee([_as_scored(priced, point) for point in points])


def _as_scored(problem: Problem, point: Point) -> Point:
    """The point with its plan told in scores, as any plan is, and not in what it was aimed at.

    It is not meant to be of the highest score, so nothing is said of how far it is from that.
    """
    return point._replace(plan=plan_of(problem, point.plan.chosen, Method.PARETO))


def _priced(problem: Problem) -> Problem:
    """The problem with a budget that binds nobody, where it has none: so every price is known."""
    budget = problem.rules.budget_usd_per_day
    if budget is None:
        budget = sum(max(row, default=0.0) for row in _daily(problem))
    return replace(problem, rules=replace(problem.rules, budget_usd_per_day=budget))


def _within(problem: Problem, budget: float, bound_s: float) -> Problem:
    rules = problem.rules
    mean_s = bound_s if rules.mean_latency_s is None else min(bound_s, rules.mean_latency_s)
    given = rules.budget_usd_per_day
    usd = budget if given is None else min(budget, given)
    return replace(problem, rules=replace(rules, budget_usd_per_day=usd, mean_latency_s=mean_s))


def _steps(low: float, high: float, count: int) -> Iterator[float]:
    """From low to high; in equal factors where there is something to multiply."""
    for step in range(count):
        share = step / max(1, count - 1)
        if low > 0.0:
            yield low * (high / low) ** share * (1.0 + ALIKE)
        else:
            yield low + share * (high - low)


def _daily(problem: Problem) -> Matrix:
    """Expected cost per day of every pair; 0 where the price is unknown, which nobody is given."""
    return [
        [(each or 0.0) * needs.load.requests_per_day for each in row]
        for needs, row in zip(problem.agents, problem.expected.usd_per_request, strict=True)
    ]


def _latency(problem: Problem) -> Matrix:
    slowest = slowest_s(problem)
    return [
        [slowest if each is None else each for each in row] for row in problem.expected.latency_s
    ]


def _point(problem: Problem, aims: _Aims, effort: Effort) -> Point:
    daily, latency = _daily(problem), _latency(problem)
    aimed = replace(
        problem,
        scores=_aimed_at(problem, aims, daily, latency),
        agents=tuple(replace(needs, switch_cost=0.0) for needs in problem.agents),
    )
    plan = optimal(aimed, effort)
    placed = [(agent, model) for agent, model in enumerate(plan.chosen) if model is not None]
    whole = sum(problem.agents[agent].importance for agent, _ in placed) or 1.0
    quality = problem.expected.quality
    mean = sum(problem.agents[a].importance * quality[a][m] for a, m in placed) / whole
    waits = sum(problem.agents[a].importance * latency[a][m] for a, m in placed) / whole
    return Point(plan, mean, waits, sum(daily[a][m] for a, m in placed))


def _aimed_at(problem: Problem, aims: _Aims, daily: Matrix, latency: Matrix) -> Matrix:
    """Scores in [0, 1] by quality, speed and thrift; a dollar counts alike whoever spends it."""
    weights = [needs.importance for needs in problem.agents]
    dearest = max(
        (usd / w for w, row in zip(weights, daily, strict=True) for usd in row), default=0
    )
    slowest = slowest_s(problem)
    whole = sum(aims)
    return [
        [
            (
                aims.quality * quality
                + aims.speed * (1.0 - (wait / slowest if slowest else 0.0))
                + aims.thrift * (1.0 - (usd / weight / dearest if dearest else 0.0))
            )
            / whole
            for quality, wait, usd in zip(qualities, waits, costs, strict=True)
        ]
        for weight, qualities, waits, costs in zip(
            weights, problem.expected.quality, latency, daily, strict=True
        )
    ]


def _undominated(points: Sequence[Point]) -> list[Point]:
    """Those that place the most agents and are beaten by none; one of those that are alike."""
    most = max(point.plan.placed for point in points)
    kept: list[Point] = []
    for number, point in enumerate(points):
        others = (other for place, other in enumerate(points) if place != number)
        if point.plan.placed == most and not any(_beats(other, point, most) for other in others):
            kept.append(point)
    return list({(p.quality, p.latency_s, p.usd_per_day): p for p in reversed(kept)}.values())


def _beats(other: Point, point: Point, most: int) -> bool:
    """Whether `other` is at least as good in everything and better in something."""
    if other.plan.placed < most:
        return False
    ahead = (
        other.quality - point.quality,
        point.latency_s - other.latency_s,
        point.usd_per_day - other.usd_per_day,
    )
    return min(ahead) >= 0.0 and max(ahead) > 0.0


def _with_knee(points: Sequence[Point]) -> tuple[Point, ...]:
    ranges = [
        _range(point.quality for point in points),
        _range(point.latency_s for point in points),
        _range(point.usd_per_day for point in points),
    ]

    def distance(point: Point) -> float:
        short = (
            (ranges[0][1] - point.quality) / ranges[0][2],
            (point.latency_s - ranges[1][0]) / ranges[1][2],
            (point.usd_per_day - ranges[2][0]) / ranges[2][2],
        )
        return sum(each * each for each in short)

    knee = min(range(len(points)), key=lambda place: (distance(points[place]), place))
    return tuple(point._replace(knee=place == knee) for place, point in enumerate(points))


def _range(values: Iterable[float]) -> tuple[float, float, float]:
    """The least, the most, and what lies between; 1 where nothing does, to divide by."""
    known = list(values)
    low, high = min(known), max(known)
    return low, high, (high - low) or 1.0
