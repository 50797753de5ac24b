"""Which models may serve such requests, best first?

Requests of one agent look alike: the same agent, the same needs, the same kind of `model` field. So
what can be said of all of them is worked out once per configuration and remembered: who is eligible
for good, the scores until the scorer has changed its mind. What remains per request is whether this
one fits, and how the models are doing right now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from operator import ge
from typing import NamedTuple

from pointsman.core.balance import Near, band_for, near_best
from pointsman.core.capability import requirements
from pointsman.core.decision import Candidate, Rejection, Saving, Selection, Task
from pointsman.core.eligibility import standing_objection, tokens_held
from pointsman.core.expectation import brevity_of, size_of
from pointsman.core.fleet import Agent, Fleet, Limits, Model
from pointsman.core.stickiness import saving, staying
from pointsman.core.utility import weights_of
from pointsman.engine.ports import Scores
from pointsman.engine.sessions import Incumbent

MAX_SHORTLISTS = 1024
MAX_ENTRIES = 20_480
"""Callers can vary their needs at will. So many kinds of request are remembered, and so many models
on all their lists together; beyond that, the kind that was not asked for longest is forgotten."""

MAX_ORDERS = 64
"""Orders remembered per list; in a larger band of near-equals some are made anew each time."""

NO_LIMITS = Limits()

NOBODY_ELSE = float("-inf")
"""The band of a pinned model: not even an equal shares its traffic."""


class Kind(NamedTuple):
    """What requests that look alike have in common; of the task only what a score may depend on."""

    agent: Agent
    task: Task
    selection: Selection


class Stay(NamedTuple):
    """The incumbent of a conversation, its place, and its candidate with what staying is worth."""

    incumbent: Incumbent
    place: int
    candidate: Candidate


Worth = Callable[[Agent, Task, Selection, Candidate, Saving], float]
"""By how much a candidate's score would rise with such a saving (`Scores.worth`)."""


Standby = Callable[[Agent, Selection], tuple[str, ...]]
"""The ids of the models that come next when the first one fails, whatever their scores."""


def nobody(agent: Agent, selection: Selection) -> tuple[str, ...]:
    """The others come as their scores are."""
    del agent, selection
    return ()


class Shortlist:
    """Candidates by falling score (a pinned model first), and the models that are out anyway.

    `near` says who is near enough to the best to share its traffic or its load, and `limited`
    those of the models that can be full. `band` is how far below the best that reaches, None where
    a model was named. Scores are those of `generation`; when they are replaced, so are the tuples,
    so whoever holds one holds what it was. Who stands by (`standby`, ids) comes right behind
    whoever is first.
    """

    __slots__ = (
        "_band",
        "_least_output",
        "_least_window",
        "_near_ids",
        "_orders",
        "_picky",
        "_stays",
        "band",
        "candidates",
        "generation",
        "kind",
        "limited",
        "model_ids",
        "models",
        "near",
        "rejections",
        "standby",
    )

    def __init__(
        self,
        kind: Kind,
        candidates: tuple[Candidate, ...],
        models: tuple[Model, ...],
        rejections: tuple[Rejection, ...],
        band: float,
        generation: int,
    ) -> None:
        self.kind = kind
        self.rejections = rejections
        self._band = band
        self.band = None if band == NOBODY_ELSE else band
        self.limited = tuple([model for model in models if model.limits != NO_LIMITS])
        self._least_window = min((m.context_window for m in models if m.context_window), default=0)
        outputs = (m.max_output_tokens for m in models if m.max_output_tokens)
        self._least_output = min(outputs, default=0)
        self._picky = any(model.unsupported for model in models)
        self.standby: tuple[str, ...] = ()
        self.models = models
        self.model_ids = tuple(model.id for model in models)
        self._rank(candidates, generation)

    def rescored(self, changed: Mapping[int, Candidate], generation: int) -> None:
        """The candidates at some places have other scores; the others are kept as they are."""
        candidates = list(self.candidates)
        for place, candidate in changed.items():
            candidates[place] = candidate
        if self._band != NOBODY_ELSE and not _falling(candidates):
            places = sorted(range(len(candidates)), key=lambda place: -candidates[place].score)
            candidates = [candidates[place] for place in places]
            self.models = tuple([self.models[place] for place in places])
            self.model_ids = tuple([self.model_ids[place] for place in places])
        self._rank(tuple(candidates), generation)

    def _rank(self, candidates: tuple[Candidate, ...], generation: int) -> None:
        self.candidates = candidates
        self.generation = generation
        self.near = near_best(candidates, self._band)
        self._near_ids = self.model_ids[: self.near.within]
        self._orders: dict[tuple[int, Incumbent | None], tuple[Candidate, ...]] = {}
        self._stays: dict[Incumbent, Stay] = {}

    def all_take(self, task: Task) -> bool:
        """True when no candidate can object to this request: the common case, in constant time."""
        if self._picky or task.max_cost_usd is not None:
            return False
        if self._least_window and tokens_held(task) > self._least_window:
            return False
        return not self._least_output or (task.max_output_tokens or 0) <= self._least_output

    def near_of(self, places: Sequence[int]) -> tuple[Near, Sequence[str]]:
        """Who of the candidates at `places`, which rise, is near the best of them; their ids."""
        if len(places) == len(self.candidates):
            return self.near, self._near_ids
        near = near_best(self.at(places), self._band)
        return near, [self.model_ids[place] for place in places[: near.within]]

    def at(self, places: Sequence[int]) -> Sequence[Candidate]:
        """The candidates at `places`, which rise."""
        if len(places) == len(self.candidates):
            return self.candidates
        return [self.candidates[place] for place in places]

    def stay(self, incumbent: Incumbent, worth: Worth) -> Stay | None:
        """What it is worth to stay with the incumbent of a conversation; None: it is not here."""
        stay = self._stays.get(incumbent)
        if stay is None and incumbent.model_id in self.model_ids:
            place = self.model_ids.index(incumbent.model_id)
            candidate, cached_tokens = self.candidates[place], incumbent.cached_tokens
            saved = saving(self.models[place].price, cached_tokens)
            kept = staying(candidate, worth(*self.kind, candidate, saved), cached_tokens)
            stay = Stay(incumbent, place, kept)
            if len(self._stays) < MAX_ORDERS:
                self._stays[incumbent] = stay
        return stay

    def holds(self, stay: Stay, best: int) -> bool:
        """Whether a conversation stays, while the one at `best` is the best that is able."""
        return self.candidates[best].score - stay.candidate.score <= self._band

    def starting_at(self, place: int, stay: Stay | None = None) -> tuple[Candidate, ...]:
        """The candidates with the one at `place` first and the others in their order."""
        key = (place, stay.incumbent if stay else None)
        order = self._orders.get(key)
        if order is None:
            order = self.candidates
            if stay is not None:
                order = (*order[: stay.place], stay.candidate, *order[stay.place + 1 :])
            if place:
                order = (order[place], *order[:place], *order[place + 1 :])
            if self.standby:
                order = _behind_the_first(order, self.standby)
            if len(self._orders) < MAX_ORDERS:
                self._orders[key] = order
        return order


class Shortlists:
    """All shortlists of one fleet, made when first asked for."""

    def __init__(
        self, fleet: Fleet, scores: Scores, band: float, standby: Standby = nobody
    ) -> None:
        self._fleet = fleet
        self._standby = standby
        self._scores = scores
        self._band = band
        strengths = (model.strengths.items() for model in fleet.models.values())
        self._declared = frozenset(name for each in strengths for name, value in each if value > 0)
        self._most = max(1, min(MAX_SHORTLISTS, MAX_ENTRIES // max(1, len(fleet.models))))
        self._made: OrderedDict[tuple[object, ...], Shortlist] = OrderedDict()

    def of(self, agent: Agent, task: Task, selection: Selection) -> Shortlist:
        # What no model has makes none better than another, so it makes no kind of its own either.
        prefers = task.prefers & self._declared if task.prefers else task.prefers
        key = (
            agent.id,
            task.type,
            task.type_probability is None,
            task.needs,
            prefers,
            task.min_context,
            task.stream,
            size_of(task.prompt_tokens),
            brevity_of(task.max_output_tokens),
            selection,
        )
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(Kind(agent, _alike(task, prefers), selection))
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        elif found.generation != self._scores.generation:
            self._refresh(found)
        self._made.move_to_end(key)
        return found

    def stay(self, shortlist: Shortlist, incumbent: Incumbent) -> Stay | None:
        """What it is worth to stay with the incumbent; None when it is not on the list."""
        return shortlist.stay(incumbent, self._scores.worth)

    def _make(self, kind: Kind) -> Shortlist:
        agent, _, selection = kind
        eligible, rejections = self._sifted(kind)
        scored = [(self._scores.score(*kind, model), model) for model in eligible]
        if selection.pinned is None:
            band = band_for(weights_of(agent, selection).quality, self._band)
            scored.sort(key=lambda pair: -pair[0].score)
        else:
            band = NOBODY_ELSE
            wanted = (selection.pinned, *selection.fallbacks)
            scored.sort(key=lambda pair: wanted.index(pair[1].id))
        candidates = tuple([candidate for candidate, _ in scored])
        models = tuple([model for _, model in scored])
        made = Shortlist(kind, candidates, models, rejections, band, self._scores.generation)
        made.standby = self._standby(agent, selection) if selection.pinned is None else ()
        return made

    def _refresh(self, shortlist: Shortlist) -> None:
        """Score anew what may have changed. What has not stays the very same object."""
        generation, kind = self._scores.generation, shortlist.kind
        touched = self._scores.changed_since(shortlist.generation)
        changed: dict[int, Candidate] = {}
        for place, model in enumerate(shortlist.models):
            if touched is not None and model.id not in touched:
                continue
            candidate = self._scores.score(*kind, model)
            if candidate != shortlist.candidates[place]:
                changed[place] = candidate
        if changed:
            shortlist.rescored(changed, generation)
        else:
            shortlist.generation = generation

    def _sifted(self, kind: Kind) -> tuple[tuple[Model, ...], tuple[Rejection, ...]]:
        """The models that are eligible, and why the others are not."""
        agent, task, selection = kind
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


def _alike(task: Task, prefers: frozenset[str]) -> Task:
    """The task as all requests of its kind have it, so that no score can depend on the rest."""
    return Task(
        type=task.type,
        prompt_tokens=size_of(task.prompt_tokens),
        max_output_tokens=brevity_of(task.max_output_tokens),
        needs=task.needs,
        prefers=prefers,
        min_context=task.min_context,
        stream=task.stream,
        type_probability=1.0 if task.inferred else None,
    )


def _falling(candidates: Sequence[Candidate]) -> bool:
    """True when no candidate scores higher than the one before it."""
    scores = [candidate.score for candidate in candidates]
    return all(map(ge, scores, scores[1:]))


def _behind_the_first(
    order: tuple[Candidate, ...], standby: Sequence[str]
) -> tuple[Candidate, ...]:
    """The first as it is, then those that stand by in their order, then all others in theirs."""
    first, *others = order
    rank = {model_id: number for number, model_id in enumerate(standby)}
    others.sort(key=lambda candidate: rank.get(candidate.model_id, len(rank)))
    return (first, *others)
