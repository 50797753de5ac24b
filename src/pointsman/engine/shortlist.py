"""Which models may serve such requests, best first?

Requests of one agent look alike: the same agent, the same needs, the same kind of `model` field. So
what can be said of all of them is worked out once per configuration and remembered: who is eligible
for good, the scores until the scorer has changed its mind. What remains per request is whether this
one fits, and how the models are doing right now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from pointsman.core.balance import near_best
from pointsman.core.capability import requirements
from pointsman.core.decision import Candidate, Rejection, Selection, Task
from pointsman.core.eligibility import standing_objection, tokens_held
from pointsman.core.fleet import Agent, Fleet, Model
from pointsman.engine.ports import Scorer

MAX_SHORTLISTS = 1024
MAX_ENTRIES = 20_480
"""Callers can vary their needs at will. So many kinds of request are remembered, and so many models
on all their lists together; beyond that, the kind that was not asked for longest is forgotten."""

MAX_ORDERS = 64
"""Orders remembered per list; in a larger band of near-equals some are made anew each time."""

NOBODY_ELSE = float("-inf")
"""The band of a pinned model: not even an equal shares its traffic."""


class Shortlist:
    """Candidates by falling score (a pinned model first), and the models that are out anyway.

    `eligible` are their models in the fleet's order, `generation` that of the scores. `near` is how
    many of the candidates are near enough to the best to share its traffic, and `limited` says
    whether any of them can be full.
    """

    __slots__ = (
        "_band",
        "_least_output",
        "_least_window",
        "_orders",
        "_picky",
        "candidates",
        "eligible",
        "generation",
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
        eligible: tuple[Model, ...],
        band: float,
        generation: int,
    ) -> None:
        by_id = {model.id: model for model in eligible}
        models = [by_id[candidate.model_id] for candidate in candidates]
        self.candidates = candidates
        self.rejections = rejections
        self.eligible = eligible
        self.generation = generation
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
            order = (self.candidates[place], *rest)
            if len(self._orders) < MAX_ORDERS:
                self._orders[place] = order
        return order


class Shortlists:
    """All shortlists of one fleet, made when first asked for."""

    def __init__(self, fleet: Fleet, scorer: Scorer, band: float) -> None:
        self._fleet = fleet
        self._scorer = scorer
        self._band = band
        strengths = (model.strengths.items() for model in fleet.models.values())
        self._declared = frozenset(name for each in strengths for name, value in each if value > 0)
        self._most = max(1, min(MAX_SHORTLISTS, MAX_ENTRIES // max(1, len(fleet.models))))
        self._made: OrderedDict[tuple[object, ...], Shortlist] = OrderedDict()

    def of(self, agent: Agent, task: Task, selection: Selection) -> Shortlist:
        # What no model has makes none better than another, so it makes no kind of its own either.
        prefers = task.prefers & self._declared if task.prefers else task.prefers
        key = (agent.id, task.type, task.needs, prefers, task.min_context, selection)
        found = self._made.get(key)
        if found is not None and found.generation == self._scorer.generation:
            self._made.move_to_end(key)
            return found
        alike = task._replace(prefers=prefers)
        made = self._made[key] = self._make(agent, alike, selection, found)
        self._made.move_to_end(key)
        if len(self._made) > self._most:
            self._made.popitem(last=False)
        return made

    def _make(
        self, agent: Agent, task: Task, selection: Selection, old: Shortlist | None
    ) -> Shortlist:
        """A list with the scores of now; `old` itself, down to its tuples, if they are the same."""
        generation = self._scorer.generation
        eligible, rejections = (
            self._sifted(agent, task, selection) if old is None else (old.eligible, old.rejections)
        )
        scored = [self._scorer.score(agent, task, selection, model) for model in eligible]
        if selection.pinned is None:
            scored.sort(key=lambda candidate: -candidate.score)
        else:
            wanted = (selection.pinned, *selection.fallbacks)
            scored.sort(key=lambda candidate: wanted.index(candidate.model_id))
        candidates = tuple(scored)
        if old is not None and candidates == old.candidates:
            old.generation = generation
            return old
        band = self._band if selection.pinned is None else NOBODY_ELSE
        return Shortlist(candidates, rejections, eligible, band, generation)

    def _sifted(
        self, agent: Agent, task: Task, selection: Selection
    ) -> tuple[tuple[Model, ...], tuple[Rejection, ...]]:
        """The models that are eligible, and why the others are not."""
        needs = requirements(agent, task)
        eligible: list[Model] = []
        rejections: list[Rejection] = []
        for model in self._fleet.models.values():
            objection = standing_objection(agent, needs, task.needs, selection, model)
            if objection is None:
                eligible.append(model)
            else:
                rejections.append(Rejection(model.id, objection))
        return tuple(eligible), tuple(rejections)
