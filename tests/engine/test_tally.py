"""Does the tally count everything once, in bounded memory?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.engine.tally import OK, OTHER, Histogram, Tally

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_outcome(model: str = "p/m", decision: str = "dec_1", **changes: Any) -> Outcome:
    outcome = Outcome(
        decision, 1, model, "a", NOON, None, True, 2.0, 0.3, Usage(100, 20, 60), Decimal("0.01")
    )
    return outcome._replace(**changes)


def failed(kind: FailureKind, model: str = "p/m", decision: str = "dec_1") -> Outcome:
    return an_outcome(
        model, decision, failure=kind, usage=None, cost_usd=Decimal(0), first_token_s=None
    )


def a_decision(
    agent: str, strategy: Strategy = Strategy.BALANCED, *, panic: bool = False
) -> Decision:
    chosen = (Candidate("p/m", 0.5, ()),)
    return Decision(
        "dec_1", "r", NOON, agent, Task(), strategy, chosen, (), 1.0, "cfg", None, "", panic
    )


def test_answers_add_up_per_model() -> None:
    tally = Tally()
    tally.learn(an_outcome())
    tally.learn(an_outcome(cost_usd=Decimal("0.000000000001")))
    model = tally.models["p/m"]
    assert model.results == {OK: 2}
    assert (model.prompt_tokens, model.completion_tokens, model.cached_tokens) == (200, 40, 120)
    assert model.cost_usd == Decimal("0.010000000001")
    assert model.latency.total == 4.0


def test_an_answer_without_a_known_cost_is_counted_apart() -> None:
    tally = Tally()
    tally.learn(an_outcome(cost_usd=None))
    tally.learn(an_outcome(cost_usd=None, failure=FailureKind.TRUNCATED))
    tally.learn(an_outcome(cost_usd=None, failure=FailureKind.RESET, usage=None))
    assert tally.models["p/m"].unpriced_answers == 2
    assert tally.models["p/m"].cost_usd == 0


def test_a_quick_failure_does_not_make_a_model_look_fast() -> None:
    tally = Tally()
    tally.learn(failed(FailureKind.CONNECT_FAILED))
    model = tally.models["p/m"]
    assert model.results == {"connect_failed": 1}
    assert model.latency.cumulative()[-1] == ("+Inf", 0)
    assert model.first_token.cumulative()[-1] == ("+Inf", 0)


def test_only_streams_have_a_first_token() -> None:
    tally = Tally()
    tally.learn(an_outcome(streamed=False))
    assert tally.models["p/m"].first_token.cumulative()[-1] == ("+Inf", 0)
    tally.learn(an_outcome())
    assert tally.models["p/m"].first_token.cumulative()[-1] == ("+Inf", 1)


def test_a_fallback_is_counted_for_the_model_that_was_left() -> None:
    tally = Tally()
    tally.learn(failed(FailureKind.SERVER_ERROR, "p/one", "dec_1"))
    tally.learn(failed(FailureKind.SERVER_ERROR, "p/one", "dec_1"))
    tally.learn(an_outcome("p/two", "dec_1"))
    tally.learn(an_outcome("p/two", "dec_2"))
    assert tally.models["p/one"].fallbacks == 1
    assert tally.models["p/two"].fallbacks == 0


def test_a_failure_that_leads_nowhere_is_no_fallback() -> None:
    tally = Tally()
    tally.learn(failed(FailureKind.CANCELLED, "p/one", "dec_1"))
    tally.learn(an_outcome("p/two", "dec_1"))
    assert tally.models["p/one"].fallbacks == 0


def test_requests_whose_last_attempt_failed_are_not_remembered_for_ever() -> None:
    tally = Tally()
    for n in range(5_000):
        tally.learn(failed(FailureKind.SERVER_ERROR, "p/m", f"dec_{n}"))
    assert len(tally._failed_on) <= 1_024


def test_decisions_are_counted_by_agent_and_strategy() -> None:
    tally = Tally()
    tally.decided(a_decision("a"))
    tally.decided(a_decision("a", Strategy.COST, panic=True))
    tally.refused("model_not_found")
    assert tally.requests_by_agent["a"].value == 2
    assert tally.decisions_by_strategy["cost"].value == 1
    assert tally.panic_decisions == 1
    assert tally.refusals_by_code["model_not_found"].value == 1


def test_keys_beyond_the_cap_share_one() -> None:
    tally = Tally(max_models=2, max_agents=2, max_codes=1)
    for name in ("one", "two", "three", "four", "one"):
        tally.learn(an_outcome(f"p/{name}"))
        tally.decided(a_decision(name))
    assert set(tally.models) == {"p/one", "p/two", OTHER}
    assert tally.models[OTHER].results == {OK: 2}
    assert {key: count.value for key, count in tally.requests_by_agent.items()} == {
        "one": 2,
        "two": 1,
        OTHER: 2,
    }


@given(st.lists(st.floats(0, 1_000, allow_nan=False)))
def test_a_histogram_counts_every_observation_at_its_bound(values: list[float]) -> None:
    histogram = Histogram((0.5, 1.0, 10.0))
    for value in values:
        histogram.observe(value)
    counts = dict(histogram.cumulative())
    assert counts["+Inf"] == len(values)
    assert counts["1.0"] == sum(value <= 1.0 for value in values)
