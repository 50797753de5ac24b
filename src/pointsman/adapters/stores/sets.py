"""Which candidates stand in many decisions, and how does one decision refer to them?

Requests that look alike share the very same candidates (`engine/shortlist.py`), in changing order
and, while some are in trouble, fewer of them. So a set of candidates is kept once, with the
rejections that stand for all such requests; a decision names the set, the places of its own
candidates in it, and the rejections that hold for this request only.

While a scorer learns, few of the candidates differ from one moment to the next. Such a set says
only what is new and refers to an earlier one, its base, for the rest.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import takewhile
from typing import NamedTuple

from pointsman.core.decision import Candidate, Decision, ReasonCode, Rejection

_Tuples = tuple[tuple[Candidate, ...], tuple[Rejection, ...]]

STANDING = frozenset(
    {
        ReasonCode.NOT_REQUESTED,
        ReasonCode.DRAINED,
        ReasonCode.NOT_ALLOWED,
        ReasonCode.MISSING_CAPABILITY,
    }
)
"""Objections that hold for every such request; what comes after the first other one does not."""

FOLLOWERS = 2
"""So many sets that refer to the same base are remembered: they are how scores went on, and what
they were before is not asked for again. Those of an hour would take some 2 MB."""


class CandidateSet(NamedTuple):
    """Candidates and standing rejections as they are stored; `id` is a hash of all the rest.

    Where there is a base, a number among the candidates stands for the one at that place in it.
    """

    id: int
    candidates_json: str
    rejections_json: str
    base_id: int | None = None


class Reference(NamedTuple):
    """What a decision says of its set.

    `base` is the set that it refers to in turn, if it does. `order` is the JSON list of its
    candidates' places, None when they are all the set has and in its order. `rejections` is the
    JSON of those that do not stand in the set, None without any.
    """

    set: CandidateSet
    base: CandidateSet | None
    order: str | None
    rejections: str | None


class _Known:
    """A set that was referred to lately. It keeps its candidates alive, hence their identities."""

    __slots__ = ("base", "candidates", "followers", "places", "set", "standing")

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        standing: tuple[Rejection, ...],
        encoded: CandidateSet,
        base: _Known | None,
    ) -> None:
        self.candidates = candidates
        self.standing = standing
        self.set = encoded
        self.base = base
        self.followers: deque[_Known] = deque()
        self.places = {id(candidate): place for place, candidate in enumerate(candidates)}

    def reference(self, order: str | None, rejections: str | None) -> Reference:
        return Reference(self.set, self.base.set if self.base else None, order, rejections)

    def order_of(self, candidates: Sequence[Candidate]) -> list[int] | None:
        """The places of `candidates`, None when one of them is not in this set."""
        places = self.places
        try:
            return [places[id(candidate)] for candidate in candidates]
        except KeyError:
            return None


class CandidateSets:
    """Refers to candidates that it has seen lately by identity, so most are encoded once.

    Remembers at most `size` sets and as many sequences. Forgetting costs nothing but time: the
    same candidates, encoded again, are the same set.
    """

    __slots__ = ("_homes", "_json", "_known", "_seen", "_size")

    def __init__(self, json: Callable[[object], str], size: int = 128) -> None:
        self._json = json
        self._size = size
        self._seen: OrderedDict[tuple[int, int], tuple[_Tuples, Reference]] = OrderedDict()
        self._known: deque[_Known] = deque()
        self._homes: dict[int, _Known] = {}

    def reference(self, decision: Decision) -> Reference:
        key = (id(decision.candidates), id(decision.rejections))
        seen = self._seen.get(key)
        if seen is not None:
            return seen[1]
        reference = self._reference(decision.candidates, decision.rejections)
        if reference.rejections is None:
            # With rejections of its own, both sequences were made for this request alone.
            self._seen[key] = ((decision.candidates, decision.rejections), reference)
            if len(self._seen) > self._size:
                self._seen.popitem(last=False)
        return reference

    def _reference(
        self, candidates: tuple[Candidate, ...], rejections: tuple[Rejection, ...]
    ) -> Reference:
        standing = tuple(takewhile(lambda each: each.objection.code in STANDING, rejections))
        own = rejections[len(standing) :]
        own_json = self._json(own) if own else None
        home = self._homes.get(id(candidates[0])) if candidates else None
        if home is not None and home.standing == standing:
            order = home.order_of(candidates)
            if order is not None:
                whole = order == list(range(len(home.candidates)))
                return home.reference(None if whole else self._json(order), own_json)
        return self._new(candidates, standing).reference(None, own_json)

    def _new(self, candidates: tuple[Candidate, ...], standing: tuple[Rejection, ...]) -> _Known:
        base = self._base_of(candidates)
        said: Sequence[Candidate | int] = candidates
        if base is not None:
            said = [base.places.get(id(candidate), candidate) for candidate in candidates]
        base_id = base.set.id if base else None
        made = _encoded(self._json(said), self._json(standing), base_id)
        known = _Known(candidates, standing, made, base)
        self._known.append(known)
        for candidate in candidates:
            self._homes[id(candidate)] = known
        if base is not None:
            base.followers.append(known)
            if len(base.followers) > FOLLOWERS:
                self._forget(base.followers[0])
        if len(self._known) > self._size:
            self._forget(self._known[0])
        return known

    def _base_of(self, candidates: tuple[Candidate, ...]) -> _Known | None:
        """A whole set that has at least half of these, if one is known."""
        homes = (self._homes.get(id(candidate)) for candidate in candidates)
        home = next((each for each in homes if each is not None), None)
        if home is None:
            return None
        base = home.base or home
        shared = sum(id(candidate) in base.places for candidate in candidates)
        return base if 2 * shared >= len(candidates) else None

    def _forget(self, known: _Known) -> None:
        """Let go of a set, and of all sequences that refer to it: they keep its candidates."""
        self._known.remove(known)
        if known.base is not None:
            known.base.followers.remove(known)
        for candidate in known.candidates:
            if self._homes.get(id(candidate)) is known:
                del self._homes[id(candidate)]
        seen = self._seen
        for key in [key for key, (_, found) in seen.items() if found.set is known.set]:
            del seen[key]


def _encoded(candidates: str, rejections: str, base_id: int | None) -> CandidateSet:
    """The id has 63 bits: among a million sets, two alike have a chance of one in 10^7."""
    text = f"{candidates}\n{rejections}"
    if base_id is not None:
        text += f"\n{base_id}"
    digest = blake2b(text.encode(), digest_size=8).digest()
    return CandidateSet(int.from_bytes(digest) >> 1, candidates, rejections, base_id)
