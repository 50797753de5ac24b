"""Does a score say what is to be expected, and does it take itself apart?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from lessons import answered, failed, judged

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.adaptive_policy import AdaptivePolicy
from pointsman.core.decision import (
    Candidate,
    Estimate,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Strategy,
    Task,
)
from pointsman.core.fleet import FREE, Agent, Model, Price, PriceState, Rate, Usage, Weights
from pointsman.core.utility import cheapness, speed

PRICE = Price(PriceState.KNOWN, Rate(Decimal(2)), Rate(Decimal(10)))
MODEL = Model("p/m", "p", "m", strengths={"coding": 0.9, "low_latency": 0.7}, price=PRICE)
CODER = Agent("a", requires=("coding",), latency_budget_s=2.0)
STREAM = Task(stream=True)
CHOICE = Selection()
QUALITY = Selection(weights=Weights(1.0, 0.0, 0.0))


def scored(
    scorer: AdaptiveScorer | None = None,
    *,
    agent: Agent = CODER,
    task: Task = STREAM,
    selection: Selection = CHOICE,
    model: Model = MODEL,
) -> Candidate:
    return (scorer or AdaptiveScorer()).score(agent, task, selection, model)


def estimated(
    scorer: AdaptiveScorer | None = None,
    *,
    agent: Agent = CODER,
    task: Task = STREAM,
    model: Model = MODEL,
) -> Estimate:
    estimate = scored(scorer, agent=agent, task=task, model=model).estimate
    assert estimate is not None
    return estimate


def taught(*news: Outcome | Feedback, then_s: float = 1e4) -> AdaptiveScorer:
    scorer = AdaptiveScorer()
    for each in news:
        if isinstance(each, Outcome):
            scorer.learn(each)
        else:
            scorer.judge(each)
    scorer.tick(answered(then_s).at.timestamp())
    return scorer


def test_before_anything_is_seen_what_is_declared_counts() -> None:
    estimate = estimated()
    assert estimate.quality == pytest.approx(0.9 * 0.9 + 0.1)
    assert estimate.reliability == AdaptivePolicy().reliable
    assert estimate.success == pytest.approx(estimate.quality * estimate.reliability)
    assert (estimate.latency_s, estimate.evidence) == (None, 0.0)
    assert estimate.uncertainty > 0.0


def test_terms_are_named_told_in_words_and_sum_to_the_score() -> None:
    candidate = scored(taught(*[answered()] * 3, failed()))
    names = [term.name for term in candidate.terms]
    assert names == ["success", "speed", "cheapness", "failures"]
    assert all(term.detail for term in candidate.terms)
    assert sum(term.value for term in candidate.terms) == pytest.approx(candidate.score, abs=1e-12)
    assert candidate.terms[3].value < 0.0


def test_of_a_model_without_a_profile_the_middle_is_believed() -> None:
    unknown = Model("p/m", "p", "m", profiled=False)
    assert estimated(model=unknown).quality == pytest.approx(0.9 * 0.5 + 0.1)
    half_known = replace(unknown, strengths={"coding": 0.9})
    assert estimated(model=half_known).quality == pytest.approx(0.9 * 0.9 + 0.1)


def test_what_is_known_of_a_price_is_what_is_expected() -> None:
    usual = 500 * 2e-6 + 200 * 10e-6
    assert estimated().cost_usd == pytest.approx(usual)
    flat = replace(MODEL, price=replace(PRICE, per_request_usd=Decimal("0.01")))
    assert estimated(model=flat).cost_usd == pytest.approx(usual + 0.01)
    assert estimated(model=replace(MODEL, price=FREE)).cost_usd == 0.0
    secret = scored(model=replace(MODEL, price=Price(PriceState.UNKNOWN)))
    assert secret.estimate is not None
    assert secret.estimate.cost_usd is None
    assert secret.terms[2].value == 0.0
    assert "taken as dear" in secret.terms[2].detail


def test_cost_follows_how_many_tokens_this_agent_and_this_model_use() -> None:
    scorer = taught(
        *[answered(usage=Usage(3000, 50))] * 60,
        *[answered(agent="b", usage=Usage(100, 2000))] * 60,
    )
    assert estimated(scorer).cost_usd == pytest.approx(3000 * 2e-6 + 50 * 10e-6, rel=0.1)
    assert estimated(scorer, agent=Agent("b")).cost_usd == pytest.approx(0.0202, rel=0.1)


def test_one_agent_pays_for_each_type_of_task_what_that_takes() -> None:
    short = [answered(usage=Usage(100, 20), kind="math")] * 30
    long = [answered(usage=Usage(3000, 900), kind="coding")] * 30
    scorer = taught(*[each for pair in zip(short, long, strict=True) for each in pair])
    cheap, dear = 100 * 2e-6 + 20 * 10e-6, 3000 * 2e-6 + 900 * 10e-6
    assert estimated(scorer, task=Task("math")).cost_usd == pytest.approx(cheap, rel=0.15)
    assert estimated(scorer, task=Task("coding")).cost_usd == pytest.approx(dear, rel=0.15)
    usual = estimated(scorer, task=Task()).cost_usd
    assert usual is not None
    assert cheap < usual < dear
    assert estimated(scorer, task=Task("poetry")).cost_usd == pytest.approx(usual, rel=0.3)


def test_of_a_type_seen_a_few_times_the_usual_length_is_taken() -> None:
    scorer = taught(*[answered(usage=Usage(100, 100))] * 30)
    before = estimated(scorer, task=Task("math")).cost_usd
    scorer.learn(answered(40.0, usage=Usage(9000, 900), kind="math"))
    scorer.tick(answered(60.0).at.timestamp())
    after = estimated(scorer, task=Task("math")).cost_usd
    assert before is not None
    assert after is not None
    assert after < 5 * before


def test_judgements_of_a_finer_type_tell_of_it_most_and_of_its_broad_type_too() -> None:
    said = [judged(True, kind="reasoning/physics"), judged(False, agent="b")]
    scorer = taught(*said * 20)
    physics, chemistry, maths = (
        estimated(scorer, agent=Agent("c"), task=Task(kind)).quality
        for kind in ("reasoning/physics", "reasoning/chemistry", "math")
    )
    assert physics > chemistry > maths


def test_a_model_never_tried_by_an_agent_inherits_the_length_of_its_answers() -> None:
    terse = [answered(model="p/terse", usage=Usage(100, 100))] * 60
    chatty = [answered(usage=Usage(100, 300))] * 60
    mixed = [each for pair in zip(terse, chatty, strict=True) for each in pair]
    scorer = taught(*mixed, *[answered(agent="b", model="p/terse", usage=Usage(100, 500))] * 60)
    cost_usd = estimated(scorer, agent=Agent("b")).cost_usd
    assert cost_usd is not None
    assert cost_usd > 100 * 2e-6 + 500 * 10e-6, "it says more than others do"


def test_streams_and_plain_answers_are_timed_apart() -> None:
    scorer = taught(*[answered(took_s=0.3)] * 20, *[answered(took_s=6.0, streamed=False)] * 20)
    stream, plain = estimated(scorer).latency_s, estimated(scorer, task=Task()).latency_s
    assert stream == pytest.approx(0.3, rel=0.1)
    assert plain == pytest.approx(6.0, rel=0.1)
    assert "to the first token" in scored(scorer).terms[1].detail
    assert "to the end" in scored(scorer, task=Task()).terms[1].detail


def test_a_long_answer_is_no_slow_one() -> None:
    """Where nobody says how long it may take, twenty milliseconds a token are half the mark."""
    leisurely = Agent("a", requires=("coding",))
    long, short = Usage(100, 2000), Usage(100, 100)
    one = taught(*[answered(took_s=0.5 + 0.02 * 2000, streamed=False, usage=long)] * 50)
    other = taught(*[answered(took_s=0.5 + 0.02 * 100, streamed=False, usage=short)] * 50)
    task = Task()
    slow, swift = (scored(each, agent=leisurely, task=task) for each in (one, other))
    assert slow.terms[1].value == pytest.approx(swift.terms[1].value, rel=0.05)


def test_a_declared_speed_gives_way_to_what_is_measured() -> None:
    fresh = scored().terms[1]
    assert fresh.value == pytest.approx(0.25 * 0.7)
    assert "not timed yet" in fresh.detail
    scorer = taught(*[answered(took_s=2.0)] * 50, then_s=1.0)
    assert scored(scorer).terms[1].value == pytest.approx(0.25 * 0.5, rel=0.05)


def test_what_is_known_with_this_agent_counts_more_than_with_others() -> None:
    scorer = taught(
        *[each for n in range(40) for each in (answered(n, agent="b"), failed(n))],
        then_s=41.0,
    )
    mine, others = estimated(scorer), estimated(scorer, agent=Agent("b"))
    stranger = estimated(scorer, agent=Agent("c"))
    assert mine.reliability < stranger.reliability < others.reliability


def test_judgements_overrule_the_paper_first_of_all_for_their_topic() -> None:
    news = [judged(False, kind="coding")] * 30 + [judged(True, kind="poems")] * 30
    scorer = taught(*news)
    coding, poems, other = (
        estimated(scorer, task=Task(type=kind), agent=Agent("a", requires=("coding",))).quality
        for kind in ("coding", "poems", "other")
    )
    assert coding < other < poems
    assert estimated(scorer, task=Task(type="poems")).quality > 0.5


def test_judgements_of_another_model_leave_the_paper_as_it_is() -> None:
    scorer = taught(*[judged(False, model="p/other")] * 30)
    assert estimated(scorer).quality == pytest.approx(estimated().quality)


def test_judgements_from_before_a_change_are_void() -> None:
    scorer = AdaptiveScorer(AdaptivePolicy(tag_weight=1000.0))
    kinds = [f"type {number}" for number in range(40)]
    for good in (True,) * 8 + (False,) * 3:
        for kind in kinds:
            scorer.judge(judged(good, agent=kind, kind=kind))
    scorer.judge(judged(True, agent="late", kind="late"))
    scorer.tick(answered(10.0).at.timestamp())
    assert scorer.score(Agent("x"), Task(type=kinds[0]), QUALITY, MODEL).score < 0.6


def test_uncertainty_shrinks_with_evidence() -> None:
    news = [each for n in range(50) for each in (answered(n), judged(n % 10 > 0, n))]
    assert estimated(taught(*news, then_s=51.0)).uncertainty < 0.5 * estimated().uncertainty


def test_a_saving_is_worth_what_it_adds_to_the_score() -> None:
    scorer = taught(*[answered(took_s=1.0)] * 50, then_s=1.0)
    candidate = scored(scorer)
    estimate = candidate.estimate
    assert estimate is not None
    assert estimate.cost_usd is not None
    assert estimate.latency_s is not None
    worth = scorer.worth(CODER, STREAM, CHOICE, candidate, Saving(usd=0.001))
    gain = cheapness(estimate.cost_usd - 0.001) - cheapness(estimate.cost_usd)
    assert worth == pytest.approx(0.15 * gain * estimate.reliability)
    worth = scorer.worth(CODER, STREAM, CHOICE, candidate, Saving(seconds=0.5))
    gain = speed(estimate.latency_s - 0.5, 2.0) - speed(estimate.latency_s, 2.0)
    assert worth == pytest.approx(0.25 * gain * estimate.reliability)


def test_a_saving_on_what_is_not_known_is_worth_nothing() -> None:
    scorer = AdaptiveScorer()
    secret = replace(MODEL, price=Price(PriceState.UNKNOWN))
    all_of_it = Saving(1.0, 10.0)
    candidate = scored(scorer, model=secret)
    assert scorer.worth(CODER, STREAM, CHOICE, candidate, all_of_it) == 0.0
    plain = candidate._replace(estimate=None)
    assert scorer.worth(CODER, STREAM, CHOICE, plain, all_of_it) == 0.0


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_better_model_scores_more_by_every_strategy(strategy: Strategy) -> None:
    worse = replace(MODEL, strengths={"coding": 0.2, "low_latency": 0.1})
    selection = Selection(strategy)
    assert scored(selection=selection).score > scored(selection=selection, model=worse).score


def test_what_nobody_asks_for_makes_no_model_good() -> None:
    """An empty list is full for the capability score, which would make all models alike here."""
    weak = replace(MODEL, strengths={"general": 0.3, "coding": 0.9})
    asks_nothing, prefers = Agent("any"), Agent("any", prefers=("general",))
    for agent in (asks_nothing, prefers):
        assert estimated(agent=agent, model=weak).quality == pytest.approx(0.9 * 0.3 + 0.1)
    both = Agent("any", requires=("coding",), prefers=("general",))
    quality = estimated(agent=both, model=weak).quality
    assert quality == pytest.approx(0.7 * 0.9 + 0.2 * 0.3 + 0.1), "as the capability score has it"


def test_a_model_of_unknown_speed_is_taken_to_be_as_swift_as_the_others() -> None:
    untold = replace(MODEL, id="p/new", strengths={"coding": 0.9})
    hurried = Selection(weights=Weights(0.0, 1.0, 0.0))

    def swift(scorer: AdaptiveScorer, model: Model = untold) -> float:
        return scored(scorer, model=model, selection=hurried).terms[1].value

    assert swift(AdaptiveScorer()) == 0.5, "nobody has been timed"
    slow = taught(answered(took_s=8.0))
    assert swift(slow) == pytest.approx(speed(8.0, 2.0))
    both = taught(answered(took_s=8.0), answered(model="p/o", took_s=0.5))
    assert swift(both) == pytest.approx(speed(2.0, 2.0)), "the geometric mean of both"
    assert "as swift as the others" in scored(both, model=untold).terms[1].detail
    assert swift(slow, replace(untold, strengths={"low_latency": 0.9})) == 0.9
    known = taught(answered(took_s=8.0), *[answered(model="p/new", took_s=0.1)] * 50, then_s=1.0)
    assert swift(known) > 0.9
