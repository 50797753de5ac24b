"""Is one agent one voice among the others, however much it says?"""

from __future__ import annotations

import pytest
from lessons import judged

from pointsman.core.adaptive_policy import AdaptivePolicy
from pointsman.core.experience import Experience
from pointsman.core.lending import MOST_LENT
from pointsman.core.records import ModelRecord

POLICY = AdaptivePolicy()


def published(seen: Experience) -> ModelRecord:
    record = seen.models.come_up("p/m")
    seen.publish(record, record.judged.at)
    return record


def test_one_agent_is_one_voice_however_much_it_says() -> None:
    seen = Experience(POLICY)
    for number in range(60):
        seen.judge(judged(True, agent=f"honest {number % 6}", kind="maths"), 0.0)
    for _ in range(1_000):
        seen.judge(judged(False, agent="liar", kind="maths"), 0.0)
    record, maths = published(seen), seen.tags.come_up((None, "maths", "p/m"))
    assert record.judged.total <= 60 + MOST_LENT
    assert maths.judged.good / maths.judged.total > 0.6
    own = seen.tags.come_up(("liar", "maths", "p/m"))
    assert own.judged.total > 900, "of itself it is believed"


def test_alone_an_agent_moves_what_all_believe_but_not_without_end() -> None:
    counted = []
    for times in (10, 30, 1_000):
        seen = Experience(POLICY)
        for _ in range(times):
            seen.judge(judged(True, agent="a"), 0.0)
        counted.append(published(seen).judged_count)
    assert counted == pytest.approx([10.0, MOST_LENT, MOST_LENT])


def test_a_second_thought_changes_what_all_believe_as_far_as_it_counted() -> None:
    seen = Experience(POLICY)
    for _ in range(100):
        seen.judge(judged(False), 0.0)
    before = seen.models.come_up("p/m").judged.good
    seen.judge(judged(True)._replace(revises=0.0), 0.0)
    assert seen.models.come_up("p/m").judged.good - before == pytest.approx(0.3)
    assert seen.tags.come_up(("a", None, "p/m")).judged.good == pytest.approx(1.0)


def test_what_fills_the_memory_of_a_model_counts_by_its_latest() -> None:
    policy = AdaptivePolicy(quality_most=100.0)
    seen = Experience(policy)
    for number in range(300):
        seen.judge(judged(number >= 150, agent=f"agent {number}"), 0.0)
    record = seen.models.come_up("p/m")
    assert record.judged.total <= 100.0
