"""For every kind of failure: who is affected by it, and is nobody else?"""

from __future__ import annotations

import pytest
from fakes import BEST, NEXT, World, model

from pointsman.core.admission import BreakerPolicy
from pointsman.core.decision import Task
from pointsman.core.errors import AttemptsSpent, FailureKind, UpstreamError
from pointsman.engine.policy import Policy, RetryPolicy

Kind = FailureKind
NOBODY, MODEL_RESTS, MODEL_IS_FULL, PROVIDER_RESTS, BREAKER, ENTRY = (
    "nobody",
    "the model rests and may be tried in need",
    "the model is spared",
    "the provider rests",
    "the model's breaker",
    "the catalogue entry",
)

AFFECTED = {
    Kind.INVALID_REQUEST: NOBODY,
    Kind.UNPROCESSABLE: NOBODY,
    Kind.REQUEST_TOO_LARGE: NOBODY,
    Kind.CONTENT_FILTER: NOBODY,
    Kind.CANCELLED: NOBODY,
    Kind.DEADLINE: NOBODY,
    Kind.KEY_REJECTED: PROVIDER_RESTS,
    Kind.KEY_FORBIDDEN: PROVIDER_RESTS,
    Kind.BILLING: PROVIDER_RESTS,
    Kind.MODEL_NOT_FOUND: MODEL_RESTS,
    Kind.MODEL_GONE: MODEL_RESTS,
    Kind.WRONG_ADDRESS: MODEL_RESTS,
    Kind.UNSUPPORTED_PARAMETER: ENTRY,
    Kind.UNSUPPORTED_INPUT: NOBODY,
    Kind.CONTEXT_TOO_LONG: ENTRY,
    Kind.RATE_LIMITED: MODEL_IS_FULL,
    Kind.OVERLOADED: MODEL_IS_FULL,
    Kind.SERVER_ERROR: BREAKER,
    Kind.BAD_GATEWAY: BREAKER,
    Kind.UNAVAILABLE: BREAKER,
    Kind.GATEWAY_TIMEOUT: BREAKER,
    Kind.UNEXPECTED_STATUS: BREAKER,
    Kind.NAME_UNRESOLVED: BREAKER,
    Kind.CONNECT_FAILED: BREAKER,
    Kind.CONNECT_TIMEOUT: BREAKER,
    Kind.TLS_FAILED: BREAKER,
    Kind.RESET: BREAKER,
    Kind.FIRST_TOKEN_TIMEOUT: BREAKER,
    Kind.STALLED: BREAKER,
    Kind.TOTAL_TIMEOUT: BREAKER,
    Kind.TRUNCATED: BREAKER,
    Kind.EMPTY: BREAKER,
    Kind.MALFORMED: BREAKER,
    Kind.STREAM_ERROR: BREAKER,
    Kind.INTERNAL: NOBODY,
}

LEFT_ALONE = {
    NOBODY: ("", ""),
    ENTRY: ("", ""),
    MODEL_RESTS: ("unavailable", ""),
    MODEL_IS_FULL: ("resting", ""),
    PROVIDER_RESTS: ("unavailable", "unavailable"),
    BREAKER: ("breaker_open", ""),
}
"""Why the model, and another one of its provider, are left alone afterwards."""

WORDS = "This model's maximum context length is 1024 tokens"


def test_every_kind_of_failure_has_its_row() -> None:
    assert set(AFFECTED) == set(FailureKind)


@pytest.mark.parametrize("kind", list(FailureKind), ids=lambda kind: kind.code)
async def test_a_failure_affects_whom_it_blames_and_nobody_else(kind: FailureKind) -> None:
    world = World(
        BEST,
        NEXT,
        model("a/sibling", 0.5, window=99_999),
        policy=Policy(band=0.0, retry=RetryPolicy(per_model=1), breaker=BreakerPolicy(failures=1)),
    )
    world.fails("a/best", UpstreamError(kind, WORDS, status=418, param="logprobs"))
    asks = world.ask(task=Task(parameters=frozenset({"logprobs"})))
    if kind.movable:
        assert (await world.chat(asks)).model.id in ("b/next", "a/sibling")
    else:
        with pytest.raises(AttemptsSpent):
            await world.serve(asks)
    affected = AFFECTED[kind]
    assert world.ledger.outcomes[0].failure is kind
    assert world.ledger.outcomes[0].status == 418
    left_alone = (world.why_not("a/best"), world.why_not("a/sibling"))
    assert left_alone == LEFT_ALONE[affected]
    assert world.why_not("b/next") == ""
    assert world.registry.corrected() == (frozenset({"a/best"} if affected is ENTRY else ()))
    assert ("a/best" in world.health.circuits()) == (affected is BREAKER)
    world.at_rest()


@pytest.mark.parametrize("kind", list(FailureKind), ids=lambda kind: kind.code)
async def test_what_nobody_is_to_blame_for_changes_nothing_however_often(
    kind: FailureKind,
) -> None:
    world = World(BEST, NEXT, policy=Policy(band=0.0, retry=RetryPolicy(max_attempts=1)))
    world.fails("a/best", UpstreamError(kind, status=418), times=100)
    for _ in range(100):
        if world.why_not("a/best"):
            break
        with pytest.raises(AttemptsSpent):
            await world.serve()
    assert bool(world.why_not("a/best")) == (AFFECTED[kind] not in (NOBODY, ENTRY))
