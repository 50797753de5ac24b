"""Which models are to be left alone for now, why, and until when?

One owner for every reason to leave a model alone: a circuit breaker per model counts what blames
the endpoint; rests follow what blames capacity (a model), a catalogue entry (a model) or a key (the
whole provider). A rest is only ever extended, each one in a row lasts longer, and what ends the row
is a success of an attempt that began after it: an older one says nothing about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pointsman.core.admission import Breaker, BreakerPolicy, Circuit
from pointsman.core.decision import Objection, ReasonCode
from pointsman.core.errors import Blame, FailureKind, UpstreamError
from pointsman.core.fleet import Model
from pointsman.engine.ports import Clock


class _RestPolicy(NamedTuple):
    """The first rest in seconds, and the longest; each in a row is twice the one before."""

    first_s: float
    most_s: float


_RESTS: Mapping[FailureKind, _RestPolicy] = {
    FailureKind.RATE_LIMITED: _RestPolicy(1.0, 60.0),
    FailureKind.OVERLOADED: _RestPolicy(1.0, 30.0),
    FailureKind.KEY_REJECTED: _RestPolicy(15.0, 300.0),
    FailureKind.KEY_FORBIDDEN: _RestPolicy(15.0, 300.0),
    FailureKind.BILLING: _RestPolicy(30.0, 600.0),
    FailureKind.MODEL_NOT_FOUND: _RestPolicy(15.0, 300.0),
    FailureKind.MODEL_GONE: _RestPolicy(60.0, 3600.0),
    FailureKind.WRONG_ADDRESS: _RestPolicy(15.0, 300.0),
}

PANIC_PAUSE_S = 1.0
"""Where every model rests, one rest is broken no more often: each call with a refused key may bring
the provider to lock the account."""

MAX_ASKED_REST_S = 300.0
"""The longest rest that an upstream's Retry-After may impose."""


@dataclass(slots=True)
class _Rest:
    """A rest of a model or of a provider's key; `since` is when it was last asked for.

    `broken` is when an attempt last went there all the same.
    """

    kind: FailureKind
    since: float
    until: float
    in_a_row: int
    broken: float = float("-inf")


class Trial(NamedTuple):
    """An attempt as its model's health sees it; `probes` is the breaker whose probe it is."""

    model: Model
    began: float
    probes: Breaker | None


class Condition(NamedTuple):
    """How a model stands, for people: `until_s` is how long its present trouble lasts."""

    circuit: Circuit
    reason: str = ""
    until_s: float = 0.0


_WELL = Condition(Circuit.CLOSED)


class Health:
    """Breakers and rests of all models that have had trouble; the others cost nothing."""

    def __init__(self, clock: Clock, policy: BreakerPolicy) -> None:
        self._clock = clock
        self._policy = policy
        self._breakers: dict[str, Breaker] = {}
        self._rests: dict[str, _Rest] = {}

    def reconfigure(self, policy: BreakerPolicy) -> None:
        """Breakers made from now on follow `policy`; those there are keep what they have seen."""
        self._policy = policy

    @property
    def untroubled(self) -> bool:
        """True when no model has to be asked about: the common case, worth a short cut."""
        return not self._rests and not self._breakers

    def objection(self, model: Model) -> Objection | None:
        """Why `model` is to be left alone now, or None."""
        now = self._clock.monotonic()
        breaker = self._breakers.get(model.id)
        wait_s = breaker.wait_s(now) if breaker else 0.0
        if wait_s > 0.0:
            words = f"circuit breaker open for another {wait_s:.1f} s"
            return Objection(ReasonCode.BREAKER_OPEN, words, wait_s)
        for key in (model.id, model.provider):
            rest = self._rests.get(key)
            if rest is not None and rest.until > now:
                return _rest_objection(rest, rest.until - now)
        return None

    def begin(self, model: Model) -> Trial:
        """An attempt on `model` starts; its end must be reported once."""
        breaker = self._breakers.get(model.id)
        probes = breaker if breaker is not None and breaker.begin() else None
        now = self._clock.monotonic()
        for place in (model.id, model.provider) if self._rests else ():
            rest = self._rests.get(place)
            if rest is not None:
                rest.broken = now
        return Trial(model, now, probes)

    def untouchable(self, model: Model) -> bool:
        """True while nobody may go there, even if all else fails: somebody just has, or is there.

        Then a breaker's probe is under way, or a rest was broken less than `PANIC_PAUSE_S` ago.
        """
        rests = (self._rests.get(place) for place in (model.id, model.provider))
        least = self._clock.monotonic() - PANIC_PAUSE_S
        return self.probing(model) or any(rest and rest.broken > least for rest in rests)

    def tripped(self, model: Model) -> bool:
        """True when the breaker of `model` is not closed, due for a probe or not."""
        breaker = self._breakers.get(model.id)
        return breaker is not None and breaker.circuit is not Circuit.CLOSED

    def probing(self, model: Model) -> bool:
        """True while a probe of `model` is under way."""
        breaker = self._breakers.get(model.id)
        return breaker is not None and breaker.circuit is Circuit.PROBING

    def succeeded(self, trial: Trial) -> None:
        """An attempt ended well. What is forgiven is forgotten."""
        model = trial.model
        breaker = self._breakers.get(model.id)
        if breaker is not None:
            breaker.succeeded(is_probe=breaker is trial.probes)
            if breaker.spotless:
                del self._breakers[model.id]
        for place in (model.id, model.provider) if self._rests else ():
            rest = self._rests.get(place)
            if rest is not None and rest.since < trial.began:
                del self._rests[place]

    def failed(self, trial: Trial, error: UpstreamError) -> None:
        """An attempt failed; what that means depends on whom it blames."""
        model, kind = trial.model, error.kind
        breaker = self._breakers.get(model.id)
        is_probe = breaker is not None and breaker is trial.probes
        if kind.blames is Blame.ENDPOINT:
            breaker = breaker or self._new_breaker(model)
            breaker.failed(self._clock.monotonic(), is_probe=is_probe)
            return
        if breaker is not None:
            breaker.undecided(is_probe=is_probe)
        if kind in _RESTS:
            place = model.provider if kind.blames is Blame.KEY else model.id
            self._rest(place, kind, error.retry_after_s)

    def condition(self, model: Model) -> Condition:
        """How `model` stands now, in words."""
        breaker = self._breakers.get(model.id)
        circuit = breaker.circuit if breaker else Circuit.CLOSED
        objection = self.objection(model)
        if objection is None:
            return _WELL if circuit is Circuit.CLOSED else Condition(circuit)
        return Condition(circuit, objection.words, objection.retry_after_s or 0.0)

    def circuits(self) -> Mapping[str, str]:
        """The breaker state of every model that has one."""
        return {model_id: breaker.circuit.value for model_id, breaker in self._breakers.items()}

    def keep_only(self, model_ids: frozenset[str], providers: frozenset[str]) -> None:
        """Forget models and providers that are no longer configured."""
        known = model_ids | providers
        self._breakers = {k: v for k, v in self._breakers.items() if k in model_ids}
        self._rests = {k: v for k, v in self._rests.items() if k in known}

    def forgive(self, provider: str) -> None:
        """The address or key of a provider was changed: what held against the old one is void."""
        mine = f"{provider}/"
        self._breakers = {k: v for k, v in self._breakers.items() if not k.startswith(mine)}
        self._rests = {
            k: v for k, v in self._rests.items() if k != provider and not k.startswith(mine)
        }

    def _new_breaker(self, model: Model) -> Breaker:
        breaker = self._breakers[model.id] = Breaker(self._policy)
        return breaker

    def _rest(self, place: str, kind: FailureKind, asked_s: float | None) -> None:
        now = self._clock.monotonic()
        rest = self._rests.get(place)
        in_a_row = 1 if rest is None else rest.in_a_row + (rest.until <= now)
        policy = _RESTS[kind]
        lasts_s = min(policy.first_s * 2.0 ** min(in_a_row - 1, 16), policy.most_s)
        if asked_s is not None:
            lasts_s = min(asked_s, MAX_ASKED_REST_S)
        until = now + lasts_s
        if rest is not None and rest.until > until:
            kind, until = rest.kind, rest.until
        broken = float("-inf") if rest is None else rest.broken
        self._rests[place] = _Rest(kind, now, until, in_a_row, broken)


def _rest_objection(rest: _Rest, wait_s: float) -> Objection:
    """A full model must be spared; a misconfigured one may be tried if nothing else is left."""
    spared = rest.kind.blames is Blame.CAPACITY
    code = ReasonCode.RESTING if spared else ReasonCode.UNAVAILABLE
    return Objection(code, f"resting for another {wait_s:.1f} s after {rest.kind.code}", wait_s)
