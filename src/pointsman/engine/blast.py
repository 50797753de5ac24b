"""What happens to whom when a model is drained?

Reckoned by the very lists that requests are served by, with the model drained: nobody is moved, and
nothing is remembered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.decision import Candidate, Rejection, Selection
from pointsman.core.fleet import Agent, AgentStatus, Fleet, Limits, Model
from pointsman.engine.health import Health
from pointsman.engine.matching import usual_task
from pointsman.engine.ports import Clock, Scores
from pointsman.engine.registry import Registry, Snapshot
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.steps import in_steps
from pointsman.engine.timeline import SCALES
from pointsman.engine.timeline_slots import Narrowing, agent_side, model_side

HOUR = SCALES[-1]
MOST_REASONS = 3


class Tie(StrEnum):
    """What ties an agent to the model: the first that holds."""

    PINNED = "pinned"
    ASSIGNED = "assigned"
    BEST = "best"
    TRAFFIC = "traffic"


class Move(NamedTuple):
    """Where an agent's usual requests go once the model is drained.

    `target` is None where nobody else can serve it, and the model itself where the configuration
    pins the agent to it: those stay. `words` say what is in the way. Scores are in [0, 1], without
    what standing somewhere adds; `requests` went to the model within the hour.
    """

    agent: Agent
    tie: Tie
    target: str | None
    score: float | None
    target_score: float | None
    requests: int
    words: str = ""


class Receiver(NamedTuple):
    """A model that takes requests over. Figures are per minute, of the last hour.

    `limit_per_min` None: no limit of requests is declared.
    """

    model_id: str
    agents: int
    now_per_min: float
    more_per_min: float
    limit_per_min: int | None


class Blast(NamedTuple):
    """The whole. `share` is the model's part of all attempts of the last hour, None without any.

    `only_here` are capabilities that no other model in service has.
    """

    model: Model
    moves: tuple[Move, ...]
    receivers: tuple[Receiver, ...]
    attempts: int
    share: float | None
    only_here: tuple[str, ...]
    lost: Limits

    @property
    def left_without(self) -> tuple[str, ...]:
        """The agents that nobody could serve any more."""
        return tuple(move.agent.id for move in self.moves if move.target is None)


class Around(NamedTuple):
    """The parts of a running router that say what would happen."""

    registry: Registry
    scores: Scores
    health: Health
    statistics: LiveStatistics
    clock: Clock


async def blast(model_id: str, around: Around) -> Blast:
    """What draining the model, which is declared, would do now."""
    timeline, fleet = around.statistics.timeline, around.registry.fleet
    model = fleet.models[model_id]
    await timeline.turn()
    whole, span_s = await timeline.whole(HOUR)
    here = Narrowing(models=frozenset({model_id}))
    asked = {
        name: sums.period.counts.attempts
        for name, sums in (await timeline.by(HOUR, agent_side, here)).items()
    }
    supposed = _Supposed(model, around, asked)
    moves: list[Move] = []
    async for agent in in_steps(fleet.agents.values(), around.clock.monotonic):
        move = supposed.move(agent)
        if move is not None:
            moves.append(move)
    moves.sort(key=lambda move: (move.target is not None, -move.requests, move.agent.id))
    busy = {
        name: sums.period.counts.attempts
        for name, sums in (await timeline.by(HOUR, model_side, Narrowing())).items()
    }
    attempts, everything = sum(asked.values()), whole.period.counts.attempts
    return Blast(
        model,
        tuple(moves),
        _receivers(moves, model_id, fleet, busy, span_s),
        attempts,
        attempts / everything if everything else None,
        _only_here(model, fleet.models.values()),
        model.limits,
    )


class _Supposed:
    """The fleet as it is and as it would be."""

    def __init__(self, model: Model, around: Around, asked: Mapping[str, int]) -> None:
        self._model = model
        self._around = around
        self._asked = asked
        self._now = around.registry.supposed()
        self._then = around.registry.supposed(model.id)

    def move(self, agent: Agent) -> Move | None:
        """None for an agent that has nothing to do with the model."""
        tie = self._tie(agent)
        if tie is None:
            return None
        requests = self._asked.get(agent.id, 0)
        if tie is Tie.PINNED:
            words = "pinned in the configuration: whoever names a model has it"
            return Move(agent, tie, self._model.id, None, None, requests, words)
        able, out = self._ranked(self._then, agent)
        score = self._score(agent, self._model)
        if not able:
            return Move(agent, tie, None, score, None, requests, _words(out))
        models = self._then.setup.fleet.models
        trouble = {
            each.model_id: found.words
            for each in able
            if (found := self._around.health.objection(models[each.model_id])) is not None
        }
        target = next((each for each in able if each.model_id not in trouble), able[0]).model_id
        target_score = self._score(agent, models[target])
        return Move(agent, tie, target, score, target_score, requests, trouble.get(target, ""))

    def _tie(self, agent: Agent) -> Tie | None:
        name, post = self._model.id, self._now.setup.posts.get(agent.id)
        at_work = agent.status is AgentStatus.ONLINE
        if agent.pinned is not None:
            return Tie.PINNED if agent.pinned == name else None
        if post is not None and post.model_id == name and at_work:
            return Tie.ASSIGNED
        if post is None and at_work:
            able, _ = self._ranked(self._now, agent)
            if able and able[0].model_id == name:
                return Tie.BEST
        return Tie.TRAFFIC if self._asked.get(agent.id) else None

    def _ranked(
        self, snapshot: Snapshot, agent: Agent
    ) -> tuple[tuple[Candidate, ...], tuple[Rejection, ...]]:
        selection = Selection(snapshot.setup.policy.strategy)
        found = snapshot.shortlists.of(agent, usual_task(agent), selection)
        return found.candidates, found.rejections

    def _score(self, agent: Agent, model: Model) -> float:
        selection = Selection(self._now.setup.policy.strategy)
        return self._around.scores.score(agent, usual_task(agent), selection, model).score


def _words(out: Iterable[Rejection]) -> str:
    """Why nobody else can serve, in words."""
    told = [f"{each.model_id}: {each.objection.words}" for each in out]
    more = len(told) - MOST_REASONS
    return "; ".join(told[:MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")


def _receivers(
    moves: Iterable[Move],
    model_id: str,
    fleet: Fleet,
    attempts: Mapping[str, int],
    span_s: float,
) -> tuple[Receiver, ...]:
    agents: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for move in moves:
        if move.target not in {None, model_id}:
            agents[str(move.target)] += 1
            requests[str(move.target)] += move.requests
    minutes = span_s / 60.0
    return tuple(
        Receiver(
            name,
            count,
            attempts.get(name, 0) / minutes if minutes else 0.0,
            requests[name] / minutes if minutes else 0.0,
            fleet.models[name].limits.requests_per_min,
        )
        for name, count in agents.most_common()
    )


def _only_here(model: Model, models: Iterable[Model]) -> tuple[str, ...]:
    others = [each for each in models if each.id != model.id and not each.drained]
    return tuple(
        name
        for name, strength in sorted(model.strengths.items())
        if strength > 0.0 and not any(each.strengths.get(name, 0.0) > 0.0 for each in others)
    )
