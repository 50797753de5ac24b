"""Does each kind of evidence teach what it is evidence of, and nothing else?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import BROKEN, answered, failed, judged

from pointsman.core.adaptive_policy import AdaptivePolicy
from pointsman.core.decision import Feedback, Outcome
from pointsman.core.errors import Blame, FailureKind
from pointsman.core.experience import Experience
from pointsman.core.fleet import Usage
from pointsman.core.records import ModelRecord

POLICY = AdaptivePolicy()
BLAMELESS = [kind for kind in FailureKind if kind.blames is not Blame.ENDPOINT]


def experience(*outcomes: Outcome, policy: AdaptivePolicy = POLICY) -> Experience:
    seen = Experience(policy)
    for number, outcome in enumerate(outcomes):
        seen.learn(outcome, float(number))
    return seen


def known(seen: Experience, model: str = "p/m", now: float = 0.0) -> ModelRecord:
    record = seen.models.come_up(model)
    seen.publish(record, max(now, record.answered.at, record.judged.at))
    return record


def judge(seen: Experience, *feedback: Feedback) -> None:
    for number, each in enumerate(feedback):
        seen.judge(each, float(number))


@pytest.mark.parametrize("kind", BLAMELESS)
def test_a_failure_that_says_nothing_of_the_endpoint_counts_nowhere(kind: FailureKind) -> None:
    seen = experience(failed(kind=kind))
    assert not seen.learn(failed(kind=kind), 0.0)
    assert seen.models.get("p/m") is None


def test_failures_lower_the_reliability_and_answers_raise_it() -> None:
    assert known(experience()).reliability == POLICY.reliable
    good = known(experience(*[answered()] * 20)).reliability
    bad = known(experience(*[answered()] * 19, failed())).reliability
    assert bad < POLICY.reliable < good


@given(st.lists(st.booleans(), max_size=60))
@settings(deadline=None)
def test_evidence_grows_with_outcomes_unless_a_change_was_noticed(endings: list[bool]) -> None:
    seen = Experience(POLICY)
    before, epoch = 0.0, 0
    for complete in endings:
        seen.learn(answered() if complete else failed(), 0.0)
        record = known(seen)
        if record.answered_epoch == epoch:
            assert record.reliability_count > before
        before, epoch = record.reliability_count, record.answered_epoch
        assert 0.0 < record.reliability < 1.0
        assert record.reliability_count <= POLICY.reliability_most


def test_a_model_that_was_reliable_is_so_again_after_a_few_answers() -> None:
    seen = experience(*[answered()] * 200, *[failed()] * 5)
    fallen = known(seen)
    assert fallen.recovery is not None
    assert fallen.reliability < 0.7
    for number in range(4):
        seen.learn(answered(), 260.0 + number)
    risen = known(seen)
    assert risen.recovery is None
    assert risen.reliability > 0.95
    assert risen.reliability_doubt == 0.0


def test_time_makes_a_fallen_model_worth_a_trial_and_not_trusted() -> None:
    seen = experience(*[answered()] * 200, *[failed()] * 5)
    at_once, later = known(seen, now=205.0), known(seen, now=300.0)
    assert at_once is later
    assert later.reliability < 0.8
    assert later.reliability_doubt > 0.1


def test_a_model_that_falls_twice_is_remembered_as_it_was_at_its_best() -> None:
    seen = experience(*[answered()] * 200, *[failed()] * 5)
    before = known(seen).recovery
    for number in range(60):
        seen.learn(failed() if number % 2 else answered(), 300.0 + number)
    for number in range(40):
        seen.learn(failed(), 400.0 + number)
    after = known(seen).recovery
    assert before is not None
    assert after is not None
    assert after.before == before.before > 0.97


def test_one_that_heals_by_and_by_is_no_longer_held_to_be_ill() -> None:
    seen = experience(*[failed()] * 30, *[failed(), answered()] * 10)
    for number in range(200):
        seen.learn(answered(), 60.0 + number)
    assert known(seen).recovery is None
    assert known(seen).reliability > 0.9


def test_a_model_that_turns_out_better_than_believed_has_nothing_to_recover_from() -> None:
    doubtful = AdaptivePolicy(reliable=0.3, reliable_weight=100.0)
    record = known(experience(*[answered()] * 20, policy=doubtful))
    assert record.answered_epoch == 2, "the change was noticed, and noticed again"
    assert record.recovery is None


def test_an_answer_says_nothing_of_its_quality() -> None:
    record = known(experience(*[answered()] * 500))
    assert (record.surplus, record.judged_count) == (0.0, 0.0)


def test_after_a_change_only_what_followed_it_counts() -> None:
    seen = experience(*[answered()] * 200, *[failed()] * 6)
    record = known(seen)
    assert record.answered_epoch >= 1
    assert record.reliability_count < 10
    assert record.reliability < 0.7


def test_evidence_of_another_agent_is_void_after_a_change_too() -> None:
    seen = experience(*[answered(agent="b")] * 50, *[failed()] * 6)
    other = seen.tags.get(("b", None, "p/m"))
    assert other is not None
    assert other.answered_epoch < known(seen).answered_epoch
    seen.learn(failed(agent="b"), 60.0)
    assert (other.answered.good, other.answered.total) == (0.0, 1.0)


def test_streams_are_timed_to_their_first_token_even_if_they_fail_later() -> None:
    late = failed()._replace(first_token_s=0.3, total_s=9.0)
    record = known(experience(late, answered(took_s=0.3)))
    assert record.levels[1].count > 1.9
    assert record.times[1][0] == pytest.approx(0.3, rel=0.15)
    assert record.levels[0].count == 0.0
    assert known(experience(failed())).levels[1].count == 0.0


def test_a_plain_answer_is_timed_as_if_it_were_of_usual_length() -> None:
    short, long = Usage(100, 200), Usage(100, 2000)
    slow = known(experience(answered(took_s=4.5, streamed=False, usage=short)))
    same = known(experience(answered(took_s=40.5, streamed=False, usage=long)))
    assert slow.times[0][0] == pytest.approx(same.times[0][0])


@pytest.mark.parametrize("usage", [None, Usage(10, 0)])
def test_a_plain_answer_of_unknown_length_is_timed_as_it_is(usage: Usage | None) -> None:
    record = known(experience(answered(took_s=4.5, streamed=False, usage=usage)))
    assert record.levels[0].mean == pytest.approx(1.504, abs=0.01)


def test_a_plain_answer_that_failed_is_not_timed() -> None:
    assert known(experience(failed(streamed=False))).levels[0].count == 0.0


def test_five_times_slower_is_noticed_within_five_requests() -> None:
    seen = experience(*[answered(took_s=0.4)] * 100)
    for _ in range(5):
        seen.learn(answered(took_s=2.0), 100.0)
    assert known(seen).times[1][0] == pytest.approx(2.0, rel=0.2)


def test_usual_token_counts_move_in_steps() -> None:
    seen = experience(answered(usage=Usage(1000, 100)))
    agent = seen.tokens.get(("a", None))
    assert agent is not None
    assert seen.all_changed()
    assert not seen.all_changed(), "it is told once"
    seen.learn(answered(usage=Usage(1001, 100)), 1.0)
    assert agent.used_prompt == 1000.0
    assert not seen.all_changed()
    for _ in range(20):
        seen.learn(answered(usage=Usage(2000, 100)), 2.0)
    assert agent.used_prompt > 1500.0
    assert seen.all_changed()


def test_a_model_that_says_more_than_others_is_known_for_it() -> None:
    chatty = [answered(usage=Usage(100, 400), model="p/chatty")] * 10
    terse = [answered(usage=Usage(100, 100), model="p/terse")] * 10
    mixed = [each for pair in zip(chatty, terse, strict=True) for each in pair]
    seen = experience(*mixed)
    assert known(seen, "p/chatty").length.mean > 1.4
    assert known(seen, "p/terse").length.mean < 0.6


def test_judgements_are_compared_with_how_hard_their_topic_is() -> None:
    """Who serves only hard topics is not worse than who serves only easy ones."""
    seen = Experience(POLICY)
    for number in range(400):
        easy, hard = number % 20 != 0, number % 2 == 0
        for model in ("p/both", "p/easy"):
            seen.judge(judged(easy, model=model, kind="easy"), 0.0)
        for model in ("p/both", "p/hard"):
            seen.judge(judged(hard, model=model, kind="hard"), 0.0)
    surplus = {model: known(seen, f"p/{model}").surplus for model in ("both", "easy", "hard")}
    naive = 0.95 - 0.5
    assert surplus["easy"] - surplus["hard"] < 0.5 * naive


def test_a_change_of_quality_in_one_type_leaves_the_other_types_alone() -> None:
    seen = Experience(POLICY)
    for _ in range(100):
        judge(seen, judged(True, kind="maths"), judged(True, kind="poems"))
    judge(seen, *[judged(False, kind="maths")] * 30)
    record = known(seen)
    maths, poems = (seen.tags.get((None, kind, "p/m")) for kind in ("maths", "poems"))
    assert maths is not None
    assert poems is not None
    assert maths.judged.good / maths.judged.total < 0.4
    assert poems.judged.good / poems.judged.total == 1.0
    assert poems.judged_epoch == record.judged_epoch


def test_what_only_all_tags_together_show_is_a_change_of_the_model() -> None:
    seen = Experience(POLICY)
    kinds = [f"type {number}" for number in range(40)]
    for _ in range(8):
        judge(seen, *[judged(True, agent=kind, kind=kind) for kind in kinds])
    judge(seen, *[judged(False, agent=kind, kind=kind) for kind in kinds])
    record = known(seen)
    assert record.judged_epoch >= 1
    assert record.judged_count < 60
    stale = [seen.tags.get((None, kind, "p/m")) for kind in kinds]
    assert any(tag and tag.judged_epoch < record.judged_epoch for tag in stale)
    judge(seen, *[judged(False, agent=kind, kind=kind) for kind in kinds])
    fresh = [seen.tags.get((None, kind, "p/m")) for kind in kinds]
    assert all(tag and tag.judged.good == 0.0 for tag in fresh)


def test_what_was_said_of_one_agent_is_no_change_of_all() -> None:
    seen = Experience(POLICY)
    judge(seen, *[judged(True, agent="happy")] * 200)
    seen.all_changed()
    before = known(seen).judged_count
    judge(seen, *[judged(False, agent="grumpy")] * 4)
    assert known(seen).judged_epoch == 0
    assert known(seen).judged_count > before


def test_made_up_agents_and_types_do_not_fill_the_memory() -> None:
    seen = Experience(AdaptivePolicy(most_tags=64))
    for number in range(10_000):
        name = f"made up {number}"
        seen.learn(answered(agent=name), float(number))
        seen.judge(judged(True, agent=name, kind=name), float(number))
    sizes = (len(seen.tags), len(seen.tokens), len(seen.hardness), len(seen.models))
    assert sizes == (64, 64, 64, 1)
    assert seen.forgotten() == {"p/m"}
    assert seen.forgotten() == set()
    assert seen.all_changed()
    assert not seen.tokens.forgotten


def test_a_model_never_heard_of_is_as_reliable_as_believed() -> None:
    record = known(experience(failed(kind=BROKEN, model="p/other")))
    assert (record.reliability, record.reliability_count) == (POLICY.reliable, 0.0)


def test_a_second_word_takes_the_place_of_the_first() -> None:
    corrected, straight = Experience(POLICY), Experience(POLICY)
    for seen in (corrected, straight):
        judge(seen, *[judged(number % 3 > 0, kind="maths") for number in range(12)])
    corrected.judge(judged(False, kind="maths"), 12.0)
    corrected.judge(judged(True, kind="maths")._replace(revises=0.0), 12.0)
    straight.judge(judged(True, kind="maths"), 12.0)
    for key in ((None, "maths", "p/m"), ("a", None, "p/m"), ("a", "maths", "p/m")):
        once, twice = straight.tags.get(key), corrected.tags.get(key)
        assert once is not None
        assert twice is not None
        assert twice.judged.total == pytest.approx(once.judged.total)
        assert twice.judged.good == pytest.approx(once.judged.good)
    assert known(corrected).judged_count == pytest.approx(known(straight).judged_count)
    assert known(corrected).surplus == pytest.approx(known(straight).surplus, abs=0.03)


def test_the_same_word_again_changes_nothing() -> None:
    seen = Experience(POLICY)
    judge(seen, *[judged(number % 2 > 0) for number in range(6)])
    before = (known(seen, now=6.0).surplus, known(seen, now=6.0).judged_count)
    seen.judge(judged(True)._replace(revises=1.0), 6.0)
    assert (known(seen, now=6.0).surplus, known(seen, now=6.0).judged_count) == before


def test_what_was_said_of_a_model_that_is_forgotten_cannot_be_revised() -> None:
    seen = Experience(POLICY)
    seen.judge(judged(True)._replace(revises=0.0), 0.0)
    assert known(seen).judged_count == 0.0
    tag = seen.tags.get(("a", None, "p/m"))
    assert tag is not None
    assert (tag.judged.good, tag.judged.total) == (0.0, 0.0)


def test_second_thoughts_on_more_answers_than_count_put_nothing_out_of_range() -> None:
    seen = Experience(POLICY)
    answers = 2 * int(POLICY.quality_most)
    for _ in range(answers):
        seen.judge(judged(True, kind="maths"), 0.0)
    for _ in range(answers):
        seen.judge(judged(False, kind="maths")._replace(revises=1.0), 0.0)
    assert known(seen).surplus >= -1.0
    seen.judge(judged(True, kind="maths"), 1.0)
    assert 0.0 <= seen.usual <= 1.0
    for topic in (("a", None), (None, "maths")):
        assert -1.0 <= seen.hardness.come_up(topic).used <= 0.0
    for tag in ((None, "maths", "p/m"), ("a", None, "p/m"), ("a", "maths", "p/m")):
        counts = seen.tags.come_up(tag).judged
        assert 0.0 <= counts.good <= counts.total


def test_one_absurd_usage_does_not_decide_what_requests_usually_cost() -> None:
    honest = answered(usage=Usage(400, 100))
    lie = answered(model="p/liar", usage=Usage(10**9, 10**9))
    seen = experience(*[honest] * 50, lie)
    usual = seen.tokens.come_up(("a", None))
    assert usual.prompt < 700
    assert usual.completion < 400
    later = experience(*[honest] * 50, lie, *[honest] * 300).tokens.come_up(("a", None))
    assert later.prompt == pytest.approx(400, rel=0.1)


def test_requests_that_are_long_are_soon_known_to_be() -> None:
    usual = experience(*[answered(usage=Usage(120_000, 50))] * 20).tokens.come_up(("a", None))
    assert usual.prompt == pytest.approx(120_000, rel=0.1)


def test_a_claim_of_endless_tokens_makes_no_answer_instant() -> None:
    honest = answered(usage=Usage(50, 400), took_s=2.0, streamed=False)
    liar = answered(model="p/liar", usage=Usage(50, 10**9), took_s=2.0, streamed=False)
    seen = experience(*[honest, liar] * 30)
    (honest_s, *_), _ = known(seen, now=60.0).times
    (liar_s, *_), _ = known(seen, "p/liar", now=60.0).times
    assert honest_s == pytest.approx(2.0 * 225 / 425, rel=0.05)
    assert liar_s > 0.07


def test_how_long_models_take_that_are_gone_says_nothing_of_those_that_are_there() -> None:
    slow = [answered(model="p/slow", took_s=30.0, streamed=False)] * 5
    swift = [answered(model="p/swift", took_s=0.5, streamed=False)] * 5
    alone, both = experience(*swift), experience(*swift, *slow)
    assert both.usual_s[0] > 2.0 * alone.usual_s[0]
    assert both.declare({"p/swift"})
    assert both.usual_s == pytest.approx(alone.usual_s)
    both.learn(answered(model="p/slow", took_s=60.0, streamed=False), 20.0)
    both.learn(answered(model="p/gone", took_s=60.0, streamed=False), 20.0)
    assert both.usual_s == pytest.approx(alone.usual_s)
    assert not both.declare({"p/swift"}), "nothing is new"
    assert both.declare({"p/swift", "p/slow"}), "what was seen of it is still known"
    assert both.usual_s[0] > 2.0 * alone.usual_s[0]
    assert both.declare({"p/new"})
    assert both.usual_s == [0.0, 0.0]
