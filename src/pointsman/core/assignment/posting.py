"""What does a decision change for one agent, and how is it taken back?

Every decision says which places an agent has from now on: its primary, who stands by, what is tried
and what it comes back to. So all of them change assignments in one way, and are undone in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from pointsman.core.assignment.records import (
    PINNED,
    Assignment,
    Change,
    Described,
    Match,
    Means,
    Place,
    Roll,
    Status,
    Trial,
    place_of,
    primary_of,
)
from pointsman.core.errors import Conflict

Places = tuple[Place, ...]


class Facts(NamedTuple):
    """What is known of a pair when it is brought together."""

    match: Match
    described: Described


FactsOf = Callable[[str, str], Facts]
"""Of an agent and a model, by their ids."""


class Stamp(NamedTuple):
    """When a decision is made, by whom, and in which run."""

    at: datetime
    by: str
    run_id: str


def planned(before: Places, models: Sequence[str], *, pinned: bool = False) -> Places:
    """The places after a plan that puts the agent on the first of `models`; the others stand by.

    Where a person put it, it stays, with what that overrides. A trial goes on while the model that
    it is compared with stays. A model that the agent is `pinned` to is its by hand.
    """
    held = tuple(place for place in before if is_held(place))
    if not models:
        return held
    primary, spares = models[0], models[1:]
    first = held or (_pinned(primary) if pinned else _planned(primary),)
    behind = {place.model_id for place in before if place.status is Status.OVERRIDDEN and held}
    tried = tuple(
        place
        for place in before
        if place.status is Status.TESTING and primary_of(before) == primary != place.model_id
    )
    taken = {place.model_id for place in (*first, *tried)}
    spare = [model for model in spares if model not in taken]
    # What an override hides may stand by for it, as any other model.
    ready = tuple(
        _hidden(model, rank)
        if model in behind
        else Place(model, Status.INACTIVE, Means.FALLBACK, rank)
        for rank, model in enumerate(spare, start=1)
    )
    hidden = tuple(_hidden(model) for model in sorted(behind.difference(spare)))
    return (*first, *ready, *hidden, *tried)


def overridden(before: Places, model_id: str, notes: str, until: datetime | None) -> Places:
    """The places after a person puts the agent on `model_id`. A trial ends."""
    words = "" if notes == PINNED else notes  # that is for the configuration to say
    first = Place(model_id, Status.ACTIVE, Means.MANUAL, 0, words, until)
    others = tuple(
        replaced
        for place in before
        if place.model_id != model_id and (replaced := _behind(place)) is not None
    )
    return (first, *_ranked(others))


def released(before: Places) -> Places:
    """The places after a person lets go: where the agent was before, else where it is."""
    held = next((place for place in before if is_held(place)), None)
    if held is None:
        return before
    back = next((place for place in before if place.status is Status.OVERRIDDEN), None)
    first = _planned((back or held).model_id)
    spares = (place for place in before if place.means is Means.FALLBACK)
    return (first, *_ranked(tuple(p for p in spares if p.model_id != first.model_id)))


def expired(before: Places, now: datetime, *, nowhere: bool = False) -> Places:
    """The places after an override has ended, if its time is over by `now`.

    All is as it was before it; who was `nowhere` then is nowhere again.
    """
    held = next((p for p in before if is_held(p) and p.until and p.until <= now), None)
    if held is None:
        return before
    return withdrawn(before, held.model_id) if nowhere else released(before)


def is_override(change: Change) -> bool:
    """Whether in this change a person took an agent from where no person had put it."""
    return any(map(is_held, change.after)) and not any(map(is_held, change.before))


def withdrawn(before: Places, model_id: str) -> Places:
    """The places after this primary is taken away: where the agent was before, else nowhere."""
    if primary_of(before) != model_id:
        return before
    waits = any(place.status is Status.OVERRIDDEN for place in before)
    return released(before) if waits else ()


def without(before: Places, place: Place) -> Places:
    """The places after this one of them has ended.

    Released by a person, the agent is where it was before; without any other primary it has no
    places at all. What was tried, stood by or waited for a release is gone, and nothing else.
    """
    if is_held(place):
        return released(before)
    if place.rank == 0:
        return ()
    return _ranked(tuple(each for each in before if each.model_id != place.model_id))


def tried(before: Places, model_id: str, trial: Trial, means: Means, notes: str) -> Places:
    """The places while `model_id` is tried; another trial ends.

    Raises `Conflict` where the agent stands on that model, or on none: nothing can be compared.
    """
    primary = primary_of(before)
    if primary is None:
        raise Conflict(
            f"The agent stands on no model yet: there is nothing to compare {model_id} with.",
            param="agent_id",
            code="nothing_standing",
        )
    if primary == model_id:
        words = f"The agent stands on {model_id} already: there is nothing to try."
        raise Conflict(words, param="model_id", code="already_standing")
    place = Place(model_id, Status.TESTING, means, None, notes, trial=trial)
    others = (p for p in untried(before) if p.model_id != model_id)
    return (*_ranked(tuple(others)), place)


def untried(before: Places) -> Places:
    """The places after a trial has ended with nothing to show for it."""
    return tuple(place for place in before if place.status is not Status.TESTING)


def adopted(before: Places) -> Places:
    """The places after the tried model has proved itself; the one it replaces stands by first."""
    proved = next(place for place in before if place.status is Status.TESTING)
    source = primary_of(before)
    spares = [place.model_id for place in before if place.means is Means.FALLBACK]
    models = [proved.model_id, *([source] if source else []), *spares]
    return planned((), list(dict.fromkeys(models)))


def settled(
    own: Sequence[Assignment], places: Places, facts: Callable[[str], Facts], stamp: Stamp
) -> tuple[Assignment, ...]:
    """The agent's assignments once it has `places` and no others; what does not change stays.

    One that means nothing any more is among them: it says what the model was used for.
    """
    wanted = {place.model_id: place for place in places}
    found: list[Assignment] = []
    for each in own:
        place = wanted.pop(each.model_id, None) or Place(each.model_id, Status.INACTIVE, each.means)
        found.append(_moved(each, place, facts, stamp))
    return tuple(found)


def begun(
    agent_id: str,
    missing: Sequence[Place],
    facts: Callable[[str], Facts],
    stamp: Stamp,
) -> tuple[Assignment, ...]:
    """Assignments for places on models that the agent never had."""
    return tuple(
        Assignment(
            agent_id,
            place.model_id,
            place.status,
            place.means,
            at=stamp.at,
            changed_at=stamp.at,
            by=stamp.by,
            run_id=stamp.run_id,
            rank=place.rank,
            match=facts(place.model_id).match,
            described=facts(place.model_id).described,
            notes=place.notes,
            until=place.until,
            trial=place.trial,
        )
        for place in missing
    )


class Changed(NamedTuple):
    """What changes for an agent, and all its assignments after it; also those that are no more."""

    change: Change
    after: tuple[Assignment, ...]


def differing(roll: Roll, wanted: Mapping[str, Places]) -> dict[str, Places]:
    """Of the places that are wanted those of agents that have others now."""
    return {name: each for name, each in wanted.items() if set(roll.places(name)) != set(each)}


def changed(roll: Roll, agent_id: str, places: Places, facts: FactsOf, stamp: Stamp) -> Changed:
    """What changes when the agent gets these places."""
    before = roll.places(agent_id)
    change = Change(agent_id, before, places, _gain(before, places, agent_id, facts))
    return Changed(change, _those_of(roll, agent_id, places, facts, stamp))


def _those_of(
    roll: Roll, agent_id: str, places: Places, facts: FactsOf, stamp: Stamp
) -> tuple[Assignment, ...]:
    def of_model(model_id: str) -> Facts:
        return facts(agent_id, model_id)

    own = roll.of(agent_id)
    known = {each.model_id for each in own}
    missing = [place for place in places if place.model_id not in known]
    return (*settled(own, places, of_model, stamp), *begun(agent_id, missing, of_model, stamp))


def _moved(
    each: Assignment, place: Place, facts: Callable[[str], Facts], stamp: Stamp
) -> Assignment:
    if place_of(each) == place:
        return each
    taken_up = place.rank is not None or place.status is Status.TESTING
    known = facts(each.model_id) if taken_up else Facts(each.match, each.described)
    anew = (place.status, place.means) != (each.status, each.means)
    return replace(
        each,
        status=place.status,
        means=place.means,
        at=stamp.at if anew else each.at,
        changed_at=stamp.at,
        by=stamp.by,
        run_id=stamp.run_id,
        rank=place.rank,
        match=known.match,
        described=known.described,
        notes=place.notes,
        until=place.until,
        trial=place.trial,
    )


def _gain(before: Places, after: Places, agent_id: str, facts: FactsOf) -> float | None:
    source, target = primary_of(before), primary_of(after)
    if source is None or target is None or source == target:
        return None
    return facts(agent_id, target).match.score - facts(agent_id, source).match.score


def _hidden(model_id: str, rank: int | None = None) -> Place:
    """What a person took the agent from: it comes back there, and it may stand by meanwhile."""
    return Place(model_id, Status.OVERRIDDEN, Means.AUTO, rank)


def _planned(model_id: str) -> Place:
    return Place(model_id, Status.ACTIVE, Means.AUTO, 0)


def _pinned(model_id: str) -> Place:
    return Place(model_id, Status.ACTIVE, Means.MANUAL, 0, PINNED)


def is_held(place: Place) -> bool:
    """Whether a person put the agent there, and not the configuration."""
    return place.rank == 0 and place.means is Means.MANUAL and place.notes != PINNED


def _behind(place: Place) -> Place | None:
    """What a place becomes behind what a person decided; None: it is gone."""
    if place.rank == 0:
        return None if is_held(place) else _hidden(place.model_id)
    return None if place.status is Status.TESTING else place


def _ranked(places: Places) -> Places:
    """Those that stand by without gaps in their order; the others as they are."""
    ranks = iter(range(1, len(places) + 1))
    return tuple(p._replace(rank=next(ranks)) if p.rank else p for p in places)
