"""Which models may serve such requests, best first?

Requests of one agent look alike: the same agent, the same needs, the same kind of `model` field. So
what can be said of all of them is worked out once per configuration and remembered; what remains
per request is whether this one fits, and how the models are doing right now.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.core.balance import near_best
from pointsman.core.capability import requirements
from pointsman.core.decision import Candidate, Rejection, Selection, Task
from pointsman.core.eligibility import standing_objection, tokens_held
from pointsman.core.fleet import Agent, Fleet, Model
from pointsman.engine.ports import Scorer

MAX_SHORTLISTS = 1024
"""Callers can vary their needs at will; beyond so many kinds of request we start afresh."""

NOBODY_ELSE = float("-inf")
"""The band of a pinned model: not even an equal shares its traffic."""


class Shortlist:
    """Candidates by falling score (a pinned model first), and the models that are out anyway.

    `near` is how many of the candidates are near enough to the best to share its traffic, and
    `limited` says whether any of them can be full.
    """

    __slots__ = (
        "_band",
        "_least_output",
        "_least_window",
        "_orders",
        "_picky",
        "candidates",
        "limited",
        "model_ids",
        "models",
        "near",
        "rejections",
    )

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        rejections: tuple[Rejection, ...],
        models: Sequence[Model],
        band: float,
    ) -> None:
        self.candidates = candidates
        self.rejections = rejections
        self.models = tuple(models)
        self.model_ids = tuple(model.id for model in models)
        self.near = near_best(candidates, band)
        self.limited = any(model.limits.max_in_flight for model in models)
        self._band = band
        self._orders = {0: candidates}
        self._least_window = min((m.context_window for m in models if m.context_window), default=0)
        outputs = (m.max_output_tokens for m in models if m.max_output_tokens)
        self._least_output = min(outputs, default=0)
        self._picky = any(model.unsupported for model in models)

    def all_take(self, task: Task) -> bool:
        """True when no candidate can object to this request: the common case, in constant time."""
        if self._picky or (self._least_window and tokens_held(task) > self._least_window):
            return False
        return not self._least_output or (task.max_output_tokens or 0) <= self._least_output

    def near_from(self, places: Sequence[int]) -> int:
        """How many of the candidates at `places` are near the best of them."""
        return near_best([self.candidates[place] for place in places], self._band)

    def starting_at(self, place: int) -> tuple[Candidate, ...]:
        """The candidates with the one at `place` first and the others in their order."""
        order = self._orders.get(place)
        if order is None:
            rest = self.candidates[:place] + self.candidates[place + 1 :]
            order = self._orders[place] = (self.candidates[place], *rest)
        return order


class Shortlists:
    """All shortlists of one fleet, made when first asked for."""

    def __init__(self, fleet: Fleet, scorer: Scorer, band: float) -> None:
        self._fleet = fleet
        self._scorer = scorer
        self._band = band
        self._made: dict[tuple[object, ...], Shortlist] = {}

    def of(self, agent: Agent, task: Task, selection: Selection) -> Shortlist:
        key = (agent.id, task.type, task.needs, task.prefers, task.min_context, selection)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= MAX_SHORTLISTS:
                self._made.clear()
            found = self._made[key] = self._make(agent, task, selection)
        return found

    def _make(self, agent: Agent, task: Task, selection: Selection) -> Shortlist:
        needs = requirements(agent, task)
        scored: list[tuple[Candidate, Model]] = []
        rejections: list[Rejection] = []
        for model in self._fleet.models.values():
            objection = standing_objection(agent, needs, task.needs, selection, model)
            if objection is None:
                scored.append((self._scorer.score(agent, task, selection, model), model))
            else:
                rejections.append(Rejection(model.id, objection))
        if selection.pinned is None:
            scored.sort(key=lambda pair: -pair[0].score)
        else:
            wanted = (selection.pinned, *selection.fallbacks)
            scored.sort(key=lambda pair: wanted.index(pair[1].id))
        candidates = tuple(candidate for candidate, _ in scored)
        band = self._band if selection.pinned is None else NOBODY_ELSE
        return Shortlist(candidates, tuple(rejections), [model for _, model in scored], band)
