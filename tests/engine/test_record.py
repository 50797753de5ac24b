"""Is what we write down of an attempt true, also where the upstream said little?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from fakes import BEST, World
from scripted import NOON, USAGE

from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import FREE, Model, Price, PriceState, Rate, Usage
from pointsman.engine.attempt import Ending
from pointsman.engine.ports import StoredDecision
from pointsman.engine.record import NEVER_REACHED, outcome_of

RATE = Rate(Decimal(1_000_000))
PRICED = replace(BEST, price=Price(PriceState.KNOWN, RATE, RATE))
GIFT = replace(BEST, price=FREE)


def written(ending: Ending, model: Model = PRICED, *, streamed: bool = True) -> Outcome:
    world = World(model)
    decision = world.service.decide(world.ask())
    return outcome_of(decision, model, 1, NOON, ending, streamed=streamed)


def ending(
    error: UpstreamError | None = None,
    first_token_s: float | None = None,
    usage: Usage | None = None,
    chars: int = 0,
) -> Ending:
    return Ending(error, 1.0, first_token_s, usage, None, chars)


def test_reported_tokens_are_taken_as_they_are() -> None:
    outcome = written(ending(None, 0.5, USAGE, 999))
    assert outcome.usage == USAGE
    assert outcome.cost_usd == 15


def test_tokens_that_were_not_reported_are_estimated_and_marked() -> None:
    outcome = written(ending(None, 0.5, None, chars=9))
    assert outcome.usage == Usage(100, 3, estimated=True)
    assert outcome.cost_usd == 103


def test_only_a_stream_has_a_first_token() -> None:
    assert written(ending(None, 0.5, USAGE)).first_token_s == 0.5
    plain = written(ending(None, 0.5, None, chars=9), streamed=False)
    assert plain.first_token_s is None
    assert plain.usage == Usage(100, 3, estimated=True)


def test_a_failure_keeps_its_kind_status_and_words() -> None:
    error = UpstreamError(FailureKind.SERVER_ERROR, "boom", status=500)
    outcome = written(ending(error))
    assert (outcome.failure, outcome.status, outcome.message) == (error.kind, 500, "boom")
    assert outcome.usage is None


@pytest.mark.parametrize("kind", [k for k in FailureKind if k in NEVER_REACHED])
def test_what_never_reached_the_upstream_cost_nothing(kind: FailureKind) -> None:
    assert written(ending(UpstreamError(kind))).cost_usd == 0


@pytest.mark.parametrize(
    ("model", "error", "cost"),
    [
        (PRICED, UpstreamError(FailureKind.RATE_LIMITED, status=429), 0),
        (PRICED, UpstreamError(FailureKind.FIRST_TOKEN_TIMEOUT), None),
        (PRICED, UpstreamError(FailureKind.CANCELLED), None),
        (GIFT, UpstreamError(FailureKind.CANCELLED), 0),
        (BEST, UpstreamError(FailureKind.CANCELLED), None),
    ],
)
def test_what_a_failed_attempt_cost_is_known_unknown_or_nothing(
    model: Model, error: UpstreamError, cost: int | None
) -> None:
    assert written(ending(error), model).cost_usd == cost


def test_what_broke_off_is_billed_for_what_it_gave() -> None:
    outcome = written(ending(UpstreamError(FailureKind.RESET), 0.5, None, chars=8))
    assert outcome.cost_usd == 102


@pytest.mark.parametrize("cost", ["NaN", "sNaN", "Infinity", "9E+999999", "-9E+999999"])
def test_a_cost_that_cannot_be_reckoned_with_is_unknown(cost: str) -> None:
    usage = USAGE._replace(reported_cost_usd=Decimal(cost))
    assert written(ending(None, 0.5, usage)).cost_usd is None


def test_a_cost_that_cannot_be_computed_is_unknown() -> None:
    dear = Rate(Decimal("9E+999999"))
    model = replace(BEST, price=Price(PriceState.KNOWN, dear, dear))
    assert written(ending(None, 0.5, USAGE), model).cost_usd is None


def test_a_request_costs_what_its_attempts_cost_together_if_all_are_known() -> None:
    world = World(PRICED)
    decision = world.service.decide(world.ask())
    known = written(ending(None, 0.5, USAGE))
    unknown = known._replace(cost_usd=None)
    assert StoredDecision(decision, (known, known)).cost_usd == 30
    assert StoredDecision(decision, (known, unknown)).cost_usd is None
    assert StoredDecision(decision, ()).cost_usd == 0
