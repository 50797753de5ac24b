"""Which model goes first for this request, who stands by, and who is out?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pointsman.core.assignment.records import TRIED
from pointsman.core.balance import Near, Pick, pick, pick_for_session, share_of_session
from pointsman.core.balance import propensity as propensity_of
from pointsman.core.decision import Candidate, ReasonCode, Rejection, Selection, Task
from pointsman.core.eligibility import cost_objection, request_objection, tokens_held
from pointsman.core.exploration import Exploration
from pointsman.core.fleet import Agent, Model
from pointsman.engine.health import Health
from pointsman.engine.load import Load
from pointsman.engine.registry import Snapshot
from pointsman.engine.sessions import Sessions
from pointsman.engine.shortlist import Shortlist, Stay

LEAST_BAD = frozenset({ReasonCode.BREAKER_OPEN, ReasonCode.UNAVAILABLE})
"""Objections that are waived for one model when they are all that stands against serving."""


class Choice(NamedTuple):
    """Candidates in the order in which to try them, empty when no model can serve.

    `entitled` are those of whom one could have been taken to learn about it, best score first;
    empty when the request may not be spent on that.
    """

    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...]
    propensity: float = 1.0
    panic: bool = False
    explored: bool = False
    entitled: Sequence[Candidate] = ()
    band: float | None = None


class _Taken(NamedTuple):
    """Who goes first, by its place among those that are able; the rest as in `Choice`."""

    place: int
    propensity: float
    explored: bool = False
    entitled: Sequence[Candidate] = ()


class _Trial(NamedTuple):
    """The place of the tried model among those that are able, and its share of the requests."""

    place: int
    share: float


class Chooser:
    """Puts what is known of models on paper together with how they are doing right now.

    `exploration` spends a few requests on learning; None: no request is. `sessions` knows where
    conversations are; None: all go where their name sends them.
    """

    def __init__(
        self,
        load: Load,
        health: Health,
        exploration: Exploration | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._load = load
        self._health = health
        self._exploration = exploration
        self._sessions = sessions

    def choose(
        self,
        snapshot: Snapshot,
        agent: Agent,
        task: Task,
        selection: Selection,
        session: str | None,
        draws: Callable[[], float],
    ) -> Choice:
        """The choice at this moment; all its chance comes from `draws`. Changes nothing."""
        shortlist = snapshot.shortlists.of(agent, task, selection)
        places, rejections = self._able(shortlist, task, selection)
        if not places:
            return self._least_bad(shortlist, rejections, tokens_held(task))
        stay = self._stay(snapshot, shortlist, session)
        if stay is not None and stay.place in places and shortlist.holds(stay, best=places[0]):
            taken = _Taken(places.index(stay.place), 1.0)
        else:
            explores = self._exploration if stay is None else None
            trial = None
            if snapshot.trials and stay is None:
                trial = _trial(snapshot, shortlist, places)
            if trial is None:
                taken = self._taken(shortlist, places, task, session, draws, explores)
            else:
                taken = self._on_trial(trial, shortlist, places, task, session, draws)
        ordered = shortlist.starting_at(places[taken.place], stay)
        if rejections:
            out = {rejection.model_id for rejection in rejections}
            ordered = tuple([c for c in ordered if c.model_id not in out])
        # By position, as all that is made for every request.
        return Choice(
            ordered,
            shortlist.rejections + rejections,
            taken.propensity,
            False,
            taken.explored,
            taken.entitled,
            shortlist.band,
        )

    def acted_on(self, agent: Agent, task: Task, selection: Selection, choice: Choice) -> None:
        """Such a request is really served so. Called at once, before anything else is chosen."""
        if self._exploration is not None and choice.entitled:
            explored = choice.candidates[0].model_id if choice.explored else None
            self._exploration.decided(agent, task, selection, choice.entitled, explored)

    def objects_now(self, model: Model, task: Task) -> bool:
        """True when `model` is in trouble, full, or too dear, at this moment."""
        return bool(
            self._health.objection(model)
            or self._load.objection(model, tokens_held(task))
            or cost_objection(task, model)
        )

    def bars_repeat(self, model: Model, task: Task) -> bool:
        """True when `model`, which has just failed, must not be tried again by the same request.

        Its rest is no bar: whoever repeats waits as long as the model has asked.
        """
        barred = self._load.objection(model, tokens_held(task)) or cost_objection(task, model)
        return barred is not None or self._health.tripped(model)

    def _able(
        self, shortlist: Shortlist, task: Task, selection: Selection
    ) -> tuple[Sequence[int], tuple[Rejection, ...]]:
        """The places of the models that can take the request now, and why the others cannot."""
        unasked, tokens = shortlist.all_take(task), tokens_held(task)
        if (
            unasked
            and self._health.untroubled
            and (not shortlist.limited or self._load.all_take(shortlist.limited, tokens))
        ):
            return range(len(shortlist.models)), ()
        places: list[int] = []
        rejections: list[Rejection] = []
        for place, model in enumerate(shortlist.models):
            # A caller that pins a model knows it; our estimate of its window must not overrule. But
            # what may be spent is the caller's own word.
            objects = cost_objection if model.id == selection.pinned else request_objection
            fits = None if unasked else objects(task, model)
            objection = fits or self._health.objection(model) or self._load.objection(model, tokens)
            if objection is None:
                places.append(place)
            else:
                score = shortlist.candidates[place].score
                rejections.append(Rejection(model.id, objection, score))
        return places, tuple(rejections)

    def _stay(self, snapshot: Snapshot, shortlist: Shortlist, session: str | None) -> Stay | None:
        """The incumbent of a conversation, unless it is new or another model was asked for."""
        agent, _, selection = shortlist.kind
        if session is None or self._sessions is None or selection.pinned is not None:
            return None
        incumbent = self._sessions.incumbent(agent.id, session)
        return None if incumbent is None else snapshot.shortlists.stay(shortlist, incumbent)

    def _taken(
        self,
        shortlist: Shortlist,
        places: Sequence[int],
        task: Task,
        session: str | None,
        draws: Callable[[], float],
        exploration: Exploration | None,
    ) -> _Taken:
        near, ids = shortlist.near_of(places)
        if exploration is None:
            place, propensity = self._pick(near, ids, task, session, draws)
            return _Taken(place, propensity)
        able = shortlist.at(places)
        agent, _, selection = shortlist.kind
        offer = exploration.offer(agent, task, selection, able)
        if offer is None:
            place, propensity = self._pick(near, ids, task, session, draws)
            return _Taken(place, propensity, False, able)
        explored = draws() < offer.probability
        if explored:
            place = offer.place
            propensity = self._usual(near, ids, task, session, place)
        else:
            place, propensity = self._pick(near, ids, task, session, draws)
        # That of the mixture of both ways, whichever was gone.
        propensity *= 1.0 - offer.probability
        if place == offer.place:
            propensity += offer.probability
        return _Taken(place, propensity, explored, able)

    def _on_trial(
        self,
        trial: _Trial,
        shortlist: Shortlist,
        places: Sequence[int],
        task: Task,
        session: str | None,
        draws: Callable[[], float],
    ) -> _Taken:
        """The tried model for its share of requests, whole conversations; others for the rest."""
        drawn = draws() if session is None else share_of_session(session)
        rest = (*places[: trial.place], *places[trial.place + 1 :])
        if not rest:
            return _Taken(trial.place, 1.0)
        if drawn < trial.share:
            return _Taken(trial.place, trial.share)
        near, ids = shortlist.near_of(rest)
        place, propensity = self._pick(near, ids, task, session, draws)
        return _Taken(place + (place >= trial.place), propensity * (1.0 - trial.share))

    def _pick(
        self,
        near: Near,
        model_ids: Sequence[str],
        task: Task,
        session: str | None,
        draws: Callable[[], float],
    ) -> Pick:
        """Who of the near-best goes first."""
        if near.within == 1:
            return Pick(0, 1.0)
        if session is not None:
            return pick_for_session(session, model_ids)
        if near.equals == 1 and not self._load.in_flight(model_ids[0]):
            return Pick(0, 1.0)  # What `pick` says of a best one that is idle, whatever it draws.
        return pick(near, self._load.queues(model_ids, streamed=task.stream), draws)

    def _usual(
        self, near: Near, model_ids: Sequence[str], task: Task, session: str | None, place: int
    ) -> float:
        """How probable it is that the one at `place` is picked, in [0, 1]."""
        if place >= near.within:
            return 0.0
        if session is not None:
            return 1.0 / near.within
        return propensity_of(near, self._load.queues(model_ids, streamed=task.stream), place)

    def _least_bad(
        self, shortlist: Shortlist, rejections: tuple[Rejection, ...], tokens: int
    ) -> Choice:
        """Nobody is able. If only trouble stands against it, try whoever is due back first."""
        by_id = {model.id: model for model in shortlist.models}
        waived = [
            rejection
            for rejection in rejections
            if rejection.objection.code in LEAST_BAD
            and not self._health.untouchable(by_id[rejection.model_id])
            and self._load.objection(by_id[rejection.model_id], tokens) is None
        ]
        if not waived:
            return Choice((), shortlist.rejections + rejections, band=shortlist.band)
        least = min(waived, key=lambda rejection: rejection.objection.retry_after_s or 0.0)
        chosen = next(c for c in shortlist.candidates if c.model_id == least.model_id)
        others = tuple(rejection for rejection in rejections if rejection is not least)
        all_out = shortlist.rejections + others
        return Choice((chosen,), all_out, panic=True, band=shortlist.band)


def _trial(snapshot: Snapshot, shortlist: Shortlist, places: Sequence[int]) -> _Trial | None:
    """What the agent tries with such requests, if that model is able now."""
    trying = snapshot.trials.get(shortlist.kind.agent.id)
    if trying is None or trying.model_id not in shortlist.model_ids:
        return None
    place = shortlist.model_ids.index(trying.model_id)
    # The term is there exactly where a request asks for what assignments are made for.
    terms = shortlist.candidates[place].terms
    if place not in places or not terms or terms[-1].name != TRIED:
        return None
    return _Trial(places.index(place), trying.share)
