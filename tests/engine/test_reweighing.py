"""Are the last requests decided with other weights as they would be, and nothing else changed?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pointsman.core.decision import Candidate, Decision, Estimate, Strategy, Task
from pointsman.core.fleet import FREE, Agent, Fleet, Model, Weights
from pointsman.engine.decide import Ask
from pointsman.engine.ports import StoredDecision
from pointsman.engine.registry import Setup
from pointsman.engine.reweighing import Expected, reweighed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = Candidate("a/good", 0.9, (), Estimate(0.99, 1.0, 0.99, 2.0, 0.02))
FAST = Candidate("b/fast", 0.8, (), Estimate(0.80, 1.0, 0.80, 0.5, None))
MODELS = [Model(each.model_id, "p", "m", price=FREE) for each in (GOOD, FAST)]
SETUP = Setup(Fleet([Agent("coder")], MODELS, "v1"), {})
SPEED = Weights(quality=0.0, latency=1.0, cost=0.0)


def decision(place: int, agent: str = "coder", asked: str = "auto") -> StoredDecision:
    made = Decision(
        f"dec_00000000000{place:016x}", "r", NOON, agent, Task(), Strategy.BALANCED,
        (GOOD, FAST), (), 1.0, "v0", asked_model=asked, band=0.05,
    )  # fmt: skip
    return StoredDecision(made, ())


def by_weights(ask: Ask, seed: int) -> Decision:
    """Speed for whoever wants it, every third by chance as the seed has it; nobody for the last."""
    weights = ask.selection.weights
    fast = weights is not None and weights.latency > 0.5 and seed % 3 != 0
    chosen = () if seed == 99 else ((FAST, GOOD) if fast else (GOOD, FAST))
    return decision(seed).decision._replace(candidates=chosen)


async def test_each_is_decided_twice_with_its_own_seed_and_counted() -> None:
    records = [decision(place) for place in range(6)]
    found = await reweighed(records, SPEED, SETUP, by_weights, lambda: 0.0)
    assert (found.decided, found.left_out, found.changed) == (6, 0, 4)
    assert found.moves == {("a/good", "b/fast"): 4}
    assert found.models == {"a/good": (6, 2), "b/fast": (0, 4)}
    assert found.before == pytest.approx(Expected(0.99, 2.0, 0.02))
    assert found.after.success == pytest.approx((2 * 0.99 + 4 * 0.8) / 6)
    assert found.after.latency_s == pytest.approx(1.0)
    assert found.after.cost_usd == 0.02, "of those whose cost is known"


async def test_who_cannot_be_decided_any_more_is_left_out() -> None:
    records = [decision(1, agent="gone"), decision(2, asked="a/gone"), decision(99), decision(3)]
    found = await reweighed(records, SPEED, SETUP, by_weights, lambda: 0.0)
    assert (found.decided, found.left_out, found.changed) == (1, 3, 0)
    nobody = await reweighed([], SPEED, SETUP, by_weights, lambda: 0.0)
    assert (nobody.decided, nobody.before) == (0, Expected(None, None, None))
