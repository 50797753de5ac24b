"""What would a candidate score if one thing about it were otherwise?

A record says of every candidate what its score was made of. That is enough to reckon the score
anew with another latency, price or success, by the arithmetic of the profile that made it: the
names of its terms say which that was. A score that this does not give back is left alone, so what
comes of it never rests on other arithmetic than the decision itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.assignment.records import ASSIGNED, TRIED
from pointsman.core.capability import HALF_CHEAP_USD_PER_MTOK
from pointsman.core.classic import measured_terms
from pointsman.core.decision import Candidate, Estimate, Term
from pointsman.core.expectation import DECLARED_SPEED_WEIGHT
from pointsman.core.stickiness import TERM as STAYING
from pointsman.core.utility import cheapness, speed

TOLERANCE = 1e-9

DEAREST = 1e6
"""A cost in US dollars that is as good as unknown: nothing is left of its cheapness."""


LEADS = frozenset({ASSIGNED, TRIED, STAYING})
"""The names of terms that come of where an agent or a conversation is, not of the model."""


class Quantity(StrEnum):
    """What may be otherwise about a model. Strengths are those that are declared."""

    LATENCY = "latency"
    COST = "cost"
    QUALITY = "quality"
    RELIABILITY = "reliability"
    PRICE = "price"
    CAPABILITY = "capability"
    REQUIRED = "required"
    PREFERRED = "preferred"
    CONTEXT = "context"
    HIGH_ACCURACY = "high_accuracy"
    LOW_LATENCY = "low_latency"


class Lever(NamedTuple):
    """One quantity of a candidate: what it is now, None when unknown, and at best.

    `LATENCY` in seconds, `COST` in US dollars per request, `PRICE` per million tokens; all others
    in [0, 1]. `candidate` gives the candidate as it would be scored with another value.
    """

    quantity: Quantity
    now: float | None
    best: float
    candidate: Callable[[float], Candidate]


def levers(candidate: Candidate) -> tuple[Lever, ...]:
    """Everything about `candidate` that its score depends on, as far as the record shows.

    What it leads by, having been assigned or having a conversation, is taken as it was.
    """
    plain, leads = bare(candidate)
    arithmetic = _ARITHMETIC.get(plain.terms[0].name if plain.terms else "")
    found = arithmetic(plain) if arithmetic is not None else ()
    if not leads:
        return found
    return tuple(each._replace(candidate=_leading(each.candidate, leads)) for each in found)


def bare(candidate: Candidate) -> tuple[Candidate, tuple[Term, ...]]:
    """The candidate as its profile scores it, and by what it leads beyond that."""
    terms = candidate.terms
    count = len(terms)
    while count and terms[count - 1].name in LEADS:
        count -= 1
    leads = terms[count:]
    if not leads:
        return candidate, ()
    score = candidate.score - sum(term.value for term in leads)
    return candidate._replace(score=score, terms=terms[:count]), leads


def parted(candidate: Candidate) -> tuple[Candidate, Term | None]:
    """The candidate as it is scored for any request, and what staying is worth to this one."""
    *terms, last = candidate.terms or (Term("", 0.0),)
    if last.name != STAYING:
        return candidate, None
    return candidate._replace(score=candidate.score - last.value, terms=tuple(terms)), last


def _leading(
    rescored: Callable[[float], Candidate], leads: tuple[Term, ...]
) -> Callable[[float], Candidate]:
    def with_leads(value: float) -> Candidate:
        candidate = rescored(value)
        for lead in leads:
            candidate = _led(candidate, lead)
        return candidate

    return with_leads


def _led(candidate: Candidate, lead: Term) -> Candidate:
    """With what it leads by. A standing assignment lifts no score above 1."""
    if lead.name == ASSIGNED:
        lead = lead._replace(value=min(lead.weight or lead.value, 1.0 - candidate.score))
    return candidate._replace(score=candidate.score + lead.value, terms=(*candidate.terms, lead))


class _Expected(NamedTuple):
    """What a score of the profile `posterior` was made of."""

    candidate: Candidate
    estimate: Estimate
    swift: float
    cheap: float

    def rescored(
        self,
        *,
        reliability: float | None = None,
        quality: float | None = None,
        latency_s: float | None = None,
        cost_usd: float | None = None,
    ) -> Candidate:
        """The candidate with the given quantities; the others are as they were."""
        before, swift, cheap = self.estimate, self.swift, self.cheap
        if latency_s is not None and before.latency_s is not None and before.budget_s is not None:
            told = before.timed / (before.timed + DECLARED_SPEED_WEIGHT)
            swift += told * (speed(latency_s, before.budget_s))
            swift -= told * (speed(before.latency_s, before.budget_s))
        if cost_usd is not None:
            cheap = cheapness(cost_usd)
        reliable = before.reliability if reliability is None else reliability
        good = before.quality if quality is None else quality
        success, quick, cheaply, failures = self.candidate.terms
        quick = _worth(quick, swift)
        cheaply = _worth(cheaply, cheap)
        lost = (reliable - 1.0) * (quick.value + cheaply.value)
        terms = (
            _worth(success, reliable * good),
            quick,
            cheaply,
            failures._replace(value=lost),
        )
        estimate = before._replace(
            success=reliable * good,
            reliability=reliable,
            quality=good,
            latency_s=before.latency_s if latency_s is None else latency_s,
            cost_usd=before.cost_usd if cost_usd is None else cost_usd,
        )
        return _summed(self.candidate, terms, estimate)


def _of_posterior(candidate: Candidate) -> tuple[Lever, ...]:
    estimate, names = candidate.estimate, [term.name for term in candidate.terms]
    if estimate is None or names != ["success", "speed", "cheapness", "failures"]:
        return ()
    quick = candidate.terms[1]
    swift = quick.value / quick.weight if quick.weight else 0.0
    made = _Expected(candidate, estimate, swift, cheapness(estimate.cost_usd))
    if abs(made.rescored().score - candidate.score) > TOLERANCE:
        return ()
    found = [
        Lever(Quantity.QUALITY, estimate.quality, 1.0, lambda it: made.rescored(quality=it)),
        Lever(
            Quantity.RELIABILITY,
            estimate.reliability,
            1.0,
            lambda it: made.rescored(reliability=it),
        ),
        Lever(Quantity.COST, estimate.cost_usd, 0.0, lambda it: made.rescored(cost_usd=it)),
    ]
    if estimate.latency_s is not None and estimate.budget_s is not None:
        swifter = Lever(
            Quantity.LATENCY, estimate.latency_s, 0.0, lambda it: made.rescored(latency_s=it)
        )
        found.insert(0, swifter)
    return tuple(found)


def _of_classic(candidate: Candidate) -> tuple[Lever, ...]:
    """Lifetime averages; before enough was seen, what is declared counts alone."""
    fit, *measured = candidate.terms
    if not measured:
        return _of_paper(candidate)
    estimate = candidate.estimate
    if estimate is None or estimate.latency_s is None or not fit.weight:
        return ()
    now = {
        Quantity.LATENCY: estimate.latency_s,
        Quantity.RELIABILITY: estimate.reliability,
        Quantity.CAPABILITY: fit.value / fit.weight,
    }

    def rescored(quantity: Quantity, value: float) -> Candidate:
        latency_s, reliable, strength = {**now, quantity: value}.values()
        terms = measured_terms(strength, reliable, latency_s)
        after = estimate._replace(success=reliable, reliability=reliable, latency_s=latency_s)
        return _summed(candidate, terms, after)

    if abs(rescored(Quantity.LATENCY, estimate.latency_s).score - candidate.score) > TOLERANCE:
        return ()  # other weights or thresholds than the usual ones
    best = {Quantity.LATENCY: 0.0}
    return tuple(
        Lever(quantity, value, best.get(quantity, 1.0), partial(rescored, quantity))
        for quantity, value in now.items()
    )


def _of_paper(candidate: Candidate) -> tuple[Lever, ...]:
    """A score by what is declared: each term is its weight times how much of it there is."""
    return tuple(
        _declared(candidate, place)
        for place, term in enumerate(candidate.terms)
        if term.weight and (term.name == "cheapness" or term.name in _STRENGTHS)
    )


def _declared(candidate: Candidate, place: int) -> Lever:
    term = candidate.terms[place]
    amount = term.value / term.weight

    def rescored(amount: float) -> Candidate:
        terms = list(candidate.terms)
        terms[place] = _worth(term, amount)
        return _summed(candidate, tuple(terms), candidate.estimate)

    if term.name != "cheapness":
        return Lever(Quantity(term.name), amount, 1.0, rescored)

    def priced(price: float) -> Candidate:
        return rescored(1.0 / (1.0 + price / HALF_CHEAP_USD_PER_MTOK))

    now = HALF_CHEAP_USD_PER_MTOK * (1.0 / amount - 1.0) if amount else None
    return Lever(Quantity.PRICE, now, 0.0, priced)


_STRENGTHS = frozenset(
    {"required", "preferred", "context", "high_accuracy", "low_latency", "capability"}
)

_ARITHMETIC: Mapping[str, Callable[[Candidate], tuple[Lever, ...]]] = MappingProxyType(
    {"success": _of_posterior, "capability": _of_classic, "required": _of_paper}
)
"""By the name of the first term of a score: how it was made."""


def _worth(term: Term, amount: float) -> Term:
    """The term with so much of it, in [0, 1]. What its words told of may hold no longer."""
    value = term.weight * amount
    return term if value == term.value else term._replace(value=value, detail="")


def _summed(before: Candidate, terms: tuple[Term, ...], estimate: Estimate | None) -> Candidate:
    total = sum(term.value for term in terms)
    return Candidate(before.model_id, max(0.0, total), terms, estimate)
