"""Does what was learned take effect when it should, and for whom it should?"""

from __future__ import annotations

from typing import Any

import pytest
from lessons import answered, at, failed, judged

from pointsman.core.adaptive import (
    MOST_CHANGES,
    MOST_FOLDED,
    MOST_PAPERS,
    MOST_WAITING,
    AdaptiveScorer,
)
from pointsman.core.adaptive_policy import AdaptivePolicy
from pointsman.core.decision import Candidate, Estimate, Selection, Task
from pointsman.core.drift import RateTest
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Agent, Model, Usage

POLICY = AdaptivePolicy()
AGENT = Agent("a", requires=("general",))
TASK, CHOICE = Task(stream=True), Selection()
MODEL = Model("p/m", "p", "m", strengths={"general": 0.8})
OTHER = Model("p/o", "p", "o", strengths={"general": 0.8})


def score(scorer: AdaptiveScorer, model: Model = MODEL) -> Candidate:
    return scorer.score(AGENT, TASK, CHOICE, model)


def estimate(scorer: AdaptiveScorer, model: Model = MODEL) -> Estimate:
    found = score(scorer, model).estimate
    assert found is not None
    return found


def now(seconds: float) -> float:
    return at(seconds).timestamp()


def used(*, until_s: int = 100) -> AdaptiveScorer:
    """A scorer that has seen `MODEL` answer once a second."""
    scorer = AdaptiveScorer()
    for second in range(until_s):
        scorer.tick(now(second))
        scorer.learn(answered(second))
    return scorer


@pytest.mark.parametrize(
    ("policy", "remedy"),
    [
        ({"half_life_s": 0.0}, "half-life must be positive"),
        ({"latency_most": 1.0}, "more than 1 observation"),
        ({"quality_most": 0.5}, "more than 1 observation"),
        ({"reliable": 1.0}, r"reliable must be in \(0, 1\), not 1.0"),
        ({"fit_weight": 0.0}, "weights must be positive"),
        ({"tag_weight": -1.0}, "weights must be positive"),
        ({"outcome_s": -0.1}, "must not be negative, not -0.1"),
        ({"publish_s": 0.0}, "publish_s and refresh_s"),
        ({"most_tags": 7}, "at least 8"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        AdaptivePolicy(**policy)


def test_answers_wait_for_the_next_tenth_of_a_second() -> None:
    scorer = used()
    scorer.learn(answered(99.01))
    before = scorer.generation, score(scorer)
    scorer.learn(answered(99.05, took_s=9.0))
    assert (scorer.generation, score(scorer)) == before
    scorer.tick(now(99.09))
    assert (scorer.generation, score(scorer)) == before
    scorer.tick(now(99.2))
    assert scorer.generation == before[0] + 1
    assert scorer.changed_since(before[0]) == frozenset({"p/m"})
    assert score(scorer).score < before[1].score


def test_a_failure_takes_effect_at_once() -> None:
    scorer = used()
    before = score(scorer).score
    scorer.learn(answered(99.01))
    scorer.learn(failed(99.02))
    assert score(scorer).score < before


def test_what_blames_others_changes_nothing() -> None:
    scorer = used()
    before = scorer.generation, score(scorer)
    scorer.learn(failed(99.01, FailureKind.RATE_LIMITED))
    assert (scorer.generation, score(scorer)) == before


def test_scores_follow_a_burst_before_it_grows_long_and_not_before() -> None:
    scorer = used()
    before = scorer.generation, score(scorer)
    for _ in range(MOST_FOLDED - 1):
        scorer.learn(answered(99.01))
        assert (scorer.generation, score(scorer)) == before
        assert len(scorer._waiting) < MOST_WAITING
    scorer.learn(answered(99.01))
    assert scorer.generation == before[0] + 1
    assert score(scorer) != before[1]


def test_a_score_follows_judgements() -> None:
    scorer = used()
    before = estimate(scorer).quality
    for second in range(100, 120):
        scorer.judge(judged(False, second))
    scorer.tick(now(121))
    assert estimate(scorer).quality < 0.5 * before


def test_evidence_fades_in_time_even_if_nothing_happens() -> None:
    scorer = used()
    before = scorer.generation, estimate(scorer).evidence
    scorer.tick(now(99 + POLICY.half_life_s))
    assert scorer.generation > before[0]
    assert estimate(scorer).evidence == pytest.approx(0.5 * before[1], rel=0.02)


def test_who_failed_is_trusted_again_after_a_while() -> None:
    scorer = used()
    for second in range(100, 110):
        scorer.learn(failed(second))
    bad = estimate(scorer).reliability
    scorer.tick(now(110 + 10 * POLICY.half_life_s))
    assert bad < 0.5
    assert estimate(scorer).reliability > 0.9


def test_what_has_faded_altogether_no_longer_changes() -> None:
    scorer = used()
    scorer.tick(now(30 * POLICY.half_life_s))
    before = scorer.generation
    scorer.tick(now(31 * POLICY.half_life_s))
    assert scorer.generation == before


def test_a_tick_costs_nothing_while_little_time_has_passed() -> None:
    scorer = used()
    scorer.tick(now(101))
    before = scorer.generation
    for tenth in range(10, 30):
        scorer.tick(now(100 + tenth / 10))
    assert scorer.generation == before


def test_of_long_ago_it_only_knows_that_much_has_changed() -> None:
    scorer = used()
    generation = scorer.generation
    for second in range(100, 100 + MOST_CHANGES + 1):
        scorer.learn(failed(second))
    assert scorer.changed_since(scorer.generation - 1) == frozenset({"p/m"})
    assert scorer.changed_since(generation) is None
    assert scorer.changed_since(scorer.generation + 5) == frozenset()


def test_usual_token_counts_concern_all_models() -> None:
    scorer = used()
    generation = scorer.generation
    for second in range(100, 160):
        scorer.learn(answered(second, usage=Usage(500, 4000)))
    assert scorer.changed_since(generation) is None


def test_a_model_that_is_configured_anew_is_looked_at_anew() -> None:
    scorer = used()
    weak = Model("p/m", "p", "m", strengths={"general": 0.1})
    assert score(scorer, weak).score < score(scorer).score
    assert score(scorer).score == used().score(AGENT, TASK, CHOICE, MODEL).score


def test_an_agent_that_is_configured_anew_is_looked_at_anew() -> None:
    scorer = used()
    coder = Agent("a", requires=("coding",))
    assert scorer.score(coder, TASK, CHOICE, MODEL).score < score(scorer).score
    same = Agent("a", requires=("general",))
    assert scorer.score(same, TASK, CHOICE, MODEL) == score(scorer)


def test_made_up_agents_and_types_do_not_fill_the_memory() -> None:
    scorer = AdaptiveScorer(AdaptivePolicy(most_tags=64))
    for number in range(10_000):
        name = f"made up {number}"
        scorer.learn(answered(number, agent=name))
        scorer.judge(judged(True, number, agent=name, kind=name))
    for number in range(MOST_PAPERS + 100):
        scorer.score(Agent(f"made up {number}"), TASK, CHOICE, MODEL)
    assert len(scorer._kinds) <= MOST_PAPERS + 1
    assert len(scorer._seen.tags) == 64


def test_models_beyond_the_memory_are_no_trouble() -> None:
    scorer = AdaptiveScorer(AdaptivePolicy(most_tags=8))
    scorer.learn(answered(0.0))
    for number in range(MOST_WAITING):
        scorer.learn(answered(0.01, model=f"p/{number}"))
    assert len(scorer._seen.models) == 8
    assert score(scorer).score > 0.0


def test_what_one_agent_says_does_not_undo_what_another_has_seen() -> None:
    scorer = AdaptiveScorer()
    for second in range(100):
        scorer.judge(judged(second % 5 != 0, second, agent="honest"))
    for second in range(100, 300):
        scorer.judge(judged(False, second, agent="hostile"))
    scorer.tick(now(301))
    honest, hostile = Agent("honest"), Agent("hostile")
    qualities = [
        each.quality
        for each in (
            scorer.score(agent, TASK, CHOICE, MODEL).estimate for agent in (honest, hostile)
        )
        if each is not None
    ]
    assert qualities[0] > 0.5
    assert qualities[1] < 0.2


def test_what_all_agents_say_is_a_change_of_the_model() -> None:
    scorer = AdaptiveScorer()
    for second in range(200):
        scorer.judge(judged(True, second, agent=f"agent {second % 2}"))
    for second in range(200, 300):
        scorer.judge(judged(False, second, agent=f"agent {second % 2}"))
    scorer.tick(now(301))
    other = scorer.score(Agent("agent 2"), TASK, CHOICE, MODEL).estimate
    assert other is not None
    assert other.quality < 0.4


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    scorer = used()
    before = score(scorer).score
    for second in range(10):
        scorer.learn(failed(second - 5_000))
    assert score(scorer).score < before


def bad_requests(scorer: AdaptiveScorer, outcomes: list[bool], took_s: float) -> int:
    """How many of its own requests until `MODEL`, so far the best, scores less than `OTHER`."""
    for number, complete in enumerate(outcomes):
        if score(scorer).score < score(scorer, OTHER).score:
            return number
        second = 200 + number
        scorer.learn(answered(second, took_s=took_s) if complete else failed(second))
        scorer.tick(now(second + 0.5))
    raise AssertionError("it was never left")


def rivals() -> AdaptiveScorer:
    scorer = used()
    for second in range(100, 200):
        scorer.learn(answered(second, model="p/o", took_s=0.6))
        scorer.learn(answered(second))
    scorer.tick(now(200))
    assert score(scorer).score > score(scorer, OTHER).score
    return scorer


def test_a_model_that_turns_five_times_slower_is_left_within_20_of_its_own_requests() -> None:
    assert bad_requests(rivals(), [True] * 20, took_s=2.0) <= 10


def test_a_model_that_fails_two_in_five_is_left_within_20_of_its_own_requests() -> None:
    outcomes = [True, False, True, False, True] * 4
    assert bad_requests(rivals(), outcomes, took_s=0.4) <= 20


def test_how_surely_a_change_must_be_seen_is_a_matter_of_policy() -> None:
    blind = AdaptivePolicy(failures=RateTest(odds=6.0, threshold=500.0))
    outcomes = [answered(n) for n in range(200)] + [failed(200 + n) for n in range(10)]
    kept = []
    for policy in (POLICY, blind):
        scorer = AdaptiveScorer(policy)
        for outcome in outcomes:
            scorer.learn(outcome)
        kept.append(estimate(scorer).reliability)
    assert kept[0] < 0.5 < kept[1]
