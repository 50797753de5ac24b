"""What is scarce, how much of it does a pair use, and how much is left?

Every rule that binds several agents together is a `Limit`: the sum of what the chosen pairs use
must not exceed its capacity. So each way of assigning needs to know one kind of rule only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from math import isclose

from pointsman.core.assignment.problem import Known, Matrix, Problem, ShareOf

TOLERANCE = 1e-9
"""What a sum may be over its capacity, as a share of it: rounding, and nothing else."""


class LimitKind(StrEnum):
    """What a limit is about, for programs."""

    REQUESTS = "requests_per_min"
    TOKENS = "tokens_per_min"
    IN_FLIGHT = "in_flight"
    EXCLUSIVE = "exclusive"
    PROVIDER_SHARE = "provider_share"
    APART = "apart"
    BUDGET = "budget_usd_per_day"
    LATENCY = "mean_latency_s"
    MOVES = "max_moves"


WHOLE = frozenset(LimitKind) - {LimitKind.PROVIDER_SHARE, LimitKind.BUDGET, LimitKind.LATENCY}
"""What a person writes down in whole numbers."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One scarce thing: pairs with one of `models` use of it, together at most `capacity`.

    What a pair uses is `per_agent[agent]`, or `per_pair[agent][model]` where it depends on both.
    Where `only` is given, it is about these agents, and others use nothing of it.
    """

    kind: LimitKind
    subject: str
    capacity: float
    models: tuple[int, ...]
    per_agent: Sequence[float] = ()
    per_pair: Matrix = ()
    only: frozenset[int] | None = None

    def use(self, agent: int, model: int) -> float:
        """What `agent` uses of it on `model`, which is one of `models`."""
        return self.per_pair[agent][model] if self.per_pair else self.per_agent[agent]

    @property
    def slack(self) -> float:
        return TOLERANCE * max(1.0, self.capacity)


def limits_of(problem: Problem) -> tuple[Limit, ...]:
    """Every limit of the problem, those of the whole fleet first: they are full most often."""
    return (
        *_fleet_wide(problem),
        *_shares(problem),
        *_capacities(problem),
        *_apart(problem),
    )


def _capacities(problem: Problem) -> Iterator[Limit]:
    requests = [agent.load.requests_per_min for agent in problem.agents]
    tokens = [agent.load.tokens_per_min for agent in problem.agents]
    ones = [1.0] * len(problem.agents)
    for m, model in enumerate(problem.models):
        if model.requests_per_min is not None:
            yield Limit(LimitKind.REQUESTS, model.id, model.requests_per_min, (m,), requests)
        if model.tokens_per_min is not None:
            yield Limit(LimitKind.TOKENS, model.id, model.tokens_per_min, (m,), tokens)
        if model.in_flight is not None:
            # Little's law: what is under way is what arrives in the time that one takes.
            durations = problem.expected.duration_s
            busy = [each * row[m] / 60.0 for each, row in zip(requests, durations, strict=True)]
            yield Limit(LimitKind.IN_FLIGHT, model.id, model.in_flight, (m,), busy)
        if model.exclusive:
            yield Limit(LimitKind.EXCLUSIVE, model.id, 1.0, (m,), ones)


def _shares(problem: Problem) -> Iterator[Limit]:
    by_load = problem.rules.share_of is ShareOf.LOAD
    weights = [agent.load.requests_per_min if by_load else 1.0 for agent in problem.agents]
    for provider, share in problem.rules.provider_shares.items():
        models = problem.of_provider(provider)
        capacity = share * sum(weights)
        yield Limit(LimitKind.PROVIDER_SHARE, provider, capacity, models, weights)


def _apart(problem: Problem) -> Iterator[Limit]:
    offers = {provider: problem.of_provider(provider) for provider in problem.providers()}
    for group in problem.rules.apart:
        members = [0.0] * len(problem.agents)
        for agent in group.agents:
            members[agent] = 1.0
        for provider, models in offers.items():
            subject = f"{group.name} on {provider}"
            yield Limit(
                LimitKind.APART, subject, float(group.at_most), models, members, (), group.agents
            )


def _fleet_wide(problem: Problem) -> Iterator[Limit]:
    everything = tuple(range(len(problem.models)))
    rules, expected = problem.rules, problem.expected
    if rules.budget_usd_per_day is not None:
        daily = [agent.load.requests_per_day for agent in problem.agents]
        # A pair without a price is barred; a manual one is not, and is reported as unpriced.
        costs = _weighted(daily, expected.usd_per_request, unknown=0.0)
        yield Limit(LimitKind.BUDGET, "fleet", rules.budget_usd_per_day, everything, (), costs)
    if rules.mean_latency_s is not None:
        weights = [agent.importance for agent in problem.agents]
        waits = _weighted(weights, expected.latency_s, unknown=slowest_s(problem))
        capacity = rules.mean_latency_s * sum(weights)
        yield Limit(LimitKind.LATENCY, "fleet", capacity, everything, (), waits)
    if rules.max_moves is not None:
        moved = [_moves(problem, agent) for agent in range(len(problem.agents))]
        yield Limit(LimitKind.MOVES, "fleet", float(rules.max_moves), everything, (), moved)


def _weighted(weights: Sequence[float], matrix: Known, *, unknown: float) -> Matrix:
    return [
        [weight * (unknown if each is None else each) for each in row]
        for weight, row in zip(weights, matrix, strict=True)
    ]


def slowest_s(problem: Problem) -> float:
    """The longest latency that is known of any pair: what an unknown one is taken for."""
    return max((s for row in problem.expected.latency_s for s in row if s is not None), default=0.0)


def _moves(problem: Problem, agent: int) -> Sequence[float]:
    """1 for every model that `agent` would have to leave a good place for."""
    needs = problem.agents[agent]
    count = len(problem.models)
    if needs.manual is not None or needs.current is None:
        return [0.0] * count
    if problem.bar(agent, needs.current) is not None:
        return [0.0] * count
    return [float(model != needs.current) for model in range(count)]


class Rooms:
    """What is left of every limit while agents are placed; manual ones are placed from the start.

    What people decided may be too much already: then nothing is left, and nothing is owed.
    """

    __slots__ = ("_members", "_shared", "_slack", "left", "limits")

    def __init__(self, problem: Problem, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        self.left = [limit.capacity for limit in limits]
        self._slack = [limit.slack for limit in limits]
        # By model, with what each agent uses: looking that up is most of what placing costs.
        self._shared: list[list[tuple[int, Sequence[float]]]] = [[] for _ in problem.models]
        self._members: dict[int, dict[int, list[tuple[int, Sequence[float]]]]] = {}
        for number, limit in enumerate(limits):
            self._index(number, limit)
        for agent, needs in enumerate(problem.agents):
            if needs.manual is not None:
                self.take(agent, needs.manual)
        self.left = [max(0.0, left) for left in self.left]

    def as_they_are(self) -> Rooms:
        """The same rooms, to be filled differently."""
        other = copy(self)
        other.left = list(self.left)
        return other

    def _index(self, number: int, limit: Limit) -> None:
        if limit.only is not None:
            for agent in limit.only:
                by_model = self._members.setdefault(agent, {})
                for model in limit.models:
                    by_model.setdefault(model, []).append((number, limit.per_agent))
            return
        columns = list(zip(*limit.per_pair, strict=True))
        for model in limit.models:
            uses = columns[model] if columns else limit.per_agent
            self._shared[model].append((number, uses))

    def _on(self, agent: int, model: int) -> Sequence[tuple[int, Sequence[float]]]:
        members = self._members.get(agent)
        if members is None:
            return self._shared[model]
        return [*self._shared[model], *members.get(model, ())]

    def take(self, agent: int, model: int) -> None:
        for number, uses in self._on(agent, model):
            self.left[number] -= uses[agent]

    def give_back(self, agent: int, model: int) -> None:
        for number, uses in self._on(agent, model):
            self.left[number] += uses[agent]

    def fits(self, agent: int, model: int, reserved: Sequence[float] = ()) -> bool:
        """Whether there is room for `agent` on `model` beside what is reserved of each limit."""
        left, slack = self.left, self._slack
        for number, uses in self._on(agent, model):
            use = uses[agent]
            if reserved and reserved[number]:
                use += reserved[number]
            if use > left[number] + slack[number]:
                return False
        return True

    def in_the_way(self, agent: int, model: int) -> Iterator[int]:
        """The numbers of the limits that have no room for `agent` on `model`."""
        for number, uses in self._on(agent, model):
            if uses[agent] > self.left[number] + self._slack[number]:
                yield number


def overloaded(problem: Problem, limits: Sequence[Limit]) -> Iterator[tuple[Limit, float]]:
    """The limits that manual assignments alone exceed, and by how much."""
    manual = [(a, n.manual) for a, n in enumerate(problem.agents) if n.manual is not None]
    for limit in limits:
        used = sum(limit.use(agent, model) for agent, model in manual if model in limit.models)
        if used > limit.capacity + limit.slack and not isclose(used, limit.capacity):
            yield limit, used - limit.capacity
