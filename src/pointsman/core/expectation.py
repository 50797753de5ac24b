"""What is to be expected of a model for one kind of request, and what is that worth?

A score is what an answer is expected to be worth::

    quality weight × reliability × quality
    + latency weight × reliability × speed + cost weight × reliability × cheapness

since an answer that never comes is neither quick nor cheap. Each factor is a belief that begins
with what is declared and follows what was seen, the more so the more was seen lately.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from pointsman.core.capability import (
    CONTEXT_WEIGHT,
    PREFERRED_WEIGHT,
    REQUIRED_WEIGHT,
    Requirements,
    requirements,
)
from pointsman.core.decision import Candidate, Estimate, Saving, Selection, Task, Term
from pointsman.core.experience import START_TOKENS, USUAL_TOKENS, Experience, bounded
from pointsman.core.fleet import Agent, Model, PriceState, Weights, types_of
from pointsman.core.posterior import deviation, shrunk
from pointsman.core.records import ModelRecord, Tag, TagRecord, TokenRecord, Topic
from pointsman.core.utility import PACE_S_PER_TOKEN, cheapness, speed, weights_of

UNKNOWN = 0.5
"""What is expected of a capability of which nothing is declared, or a speed while none is known."""

GENERALIST = ("general",)
"""What is wanted where nobody says what is."""

DECLARED_SPEED_DEVIATION = 0.25
DECLARED_SPEED_WEIGHT = 1.0
"""How far a declared speed may be off, and how many timed answers it is worth."""

USUAL_PROMPT_TOKENS = 500.0
"""How long a prompt is taken to be where nothing is known."""

ANSWER_WEIGHT = 5.0
"""How many of a model's answers to an agent it takes to go by their length, not by the usual."""

SHORT_PROMPT = 1_024
"""Prompts below are of one size: as long as this agent's are."""

BRIEF_ANSWER = 1_024
"""Who allows an answer so many tokens, or more, says nothing of how long it will be."""
LEAST_BRIEF = 16

TOKENS_PER_MTOK = 1e6


def size_of(prompt_tokens: int) -> int:
    """The size of a prompt, in tokens: all of one size are scored alike. 0: it is not known.

    Sizes double, so that there are few of them; each is the least prompt that has it.
    """
    if prompt_tokens < SHORT_PROMPT:
        return min(1, prompt_tokens)
    return 1 << (prompt_tokens.bit_length() - 1)


def brevity_of(max_output_tokens: int | None) -> int | None:
    """How long an answer gets at most, in tokens and coarsely; None: as long as it likes."""
    if max_output_tokens is None:
        return None
    most = max(LEAST_BRIEF, 1 << (max_output_tokens - 1).bit_length())
    return most if most < BRIEF_ANSWER else None


class Paper(NamedTuple):
    """What is declared of `model` for one kind of request, and where to look for what was seen.

    `fit` and `speed` in [0, 1]; `speed` is None where none is declared. `prompt_usd` is the cost of
    one request without its answer, None when the price is unknown. `answered` is the tag of
    outcomes, `counted` that of their lengths, `judged` those of judgements, from the general to the
    particular.
    """

    model: Model
    fit: float
    speed: float | None
    prompt_usd: float | None
    usd_per_token: float
    answered: Tag
    counted: Tag
    judged: tuple[Tag, ...]


class Scored(NamedTuple):
    """A candidate, and which generation of scores it is of."""

    generation: int
    candidate: Candidate


class Kind:
    """What all requests of one kind share, and what is declared of models for them.

    `place` is 1 for streams and 0 for plain answers; times of the latter are told for answers of
    usual length, `stretch` makes them times of this agent's.
    """

    __slots__ = (
        "agent",
        "answer_tokens",
        "budget_s",
        "most_tokens",
        "needs",
        "papers",
        "place",
        "prompt_tokens",
        "scored",
        "selection",
        "stretch",
        "task",
        "topic",
        "weights",
    )

    def __init__(
        self, agent: Agent, task: Task, selection: Selection, tokens: TokenRecord | None
    ) -> None:
        self.agent = agent
        self.task = task
        self.selection = selection
        self.needs: Requirements = requirements(agent, task)
        self.topic: Topic = (None, task.type) if task.type is not None else (agent.id, None)
        self.weights: Weights = weights_of(agent, selection)
        self.place = 1 if task.stream else 0
        self.prompt_tokens = _prompt_tokens(size_of(task.prompt_tokens), tokens)
        self.most_tokens = brevity_of(task.max_output_tokens)
        self.answer_tokens = self.cut(tokens.used_completion if tokens else USUAL_TOKENS)
        lasts = START_TOKENS if task.stream else START_TOKENS + self.answer_tokens
        self.stretch = 1.0 if task.stream else lasts / (START_TOKENS + USUAL_TOKENS)
        self.budget_s = agent.latency_budget_s or PACE_S_PER_TOKEN * lasts
        self.papers: dict[str, Paper] = {}
        self.scored: dict[str, Scored] = {}

    def cut(self, answer_tokens: float) -> float:
        """As much of such an answer as the request allows."""
        return answer_tokens if self.most_tokens is None else min(answer_tokens, self.most_tokens)


def _prompt_tokens(size: int, tokens: TokenRecord | None) -> float:
    """How long prompts of this size are: the middle of it, or what is usual for short ones."""
    if size >= SHORT_PROMPT:
        return 1.5 * size
    usual = tokens.used_prompt if tokens else USUAL_PROMPT_TOKENS
    return min(usual, SHORT_PROMPT) if size else usual


class Belief(NamedTuple):
    """A figure in [0, 1] that is believed in, and its standard deviation."""

    mean: float
    deviation: float


UNSEEN = ModelRecord()
"""What is known of a model of which nothing is known."""


def paper_of(kind: Kind, model: Model) -> Paper:
    """What is declared of `model` for such requests."""
    agent_id, task_type = kind.agent.id, kind.task.type
    judged: tuple[Tag, ...] = ((agent_id, None, model.id),)
    if task_type is not None:
        of_types: list[Tag] = [(None, each, model.id) for each in types_of(task_type)]
        judged = (*of_types, (agent_id, task_type, model.id))
    prompt_usd, usd_per_token = _prices(kind, model)
    return Paper(
        model=model,
        fit=_fit(kind.needs, model),
        speed=model.strengths.get("low_latency"),
        prompt_usd=prompt_usd,
        usd_per_token=usd_per_token,
        answered=(agent_id, None, model.id),
        counted=(agent_id, task_type, model.id),
        judged=judged,
    )


def _fit(needs: Requirements, model: Model) -> float:
    """How good answers are by what is declared: the capability score of what is asked for.

    There a list that is empty counts as full, which makes all models alike to whoever asks for
    little; here it does not count, and who asks for nothing at all is taken to want a generalist.
    What is not known of a model without a profile is taken as middling.
    """
    preferred = needs.preferred if needs.required or needs.preferred else GENERALIST
    unknown = 0.0 if model.profiled else UNKNOWN
    value = weight = 0.0
    for share, names in ((REQUIRED_WEIGHT, needs.required), (PREFERRED_WEIGHT, preferred)):
        if names:
            strengths = [model.strengths.get(name, unknown) for name in names]
            value += share * sum(strengths) / len(strengths)
            weight += share
    window = model.context_window
    reach = 1.0 if window is None else min(1.0, window / needs.min_context)
    return (1.0 - CONTEXT_WEIGHT) * value / weight + CONTEXT_WEIGHT * reach


def _prices(kind: Kind, model: Model) -> tuple[float | None, float]:
    """What one request costs without its answer, and each token of the answer, in US dollars."""
    price = model.price
    if price.state is PriceState.FREE:
        return 0.0, 0.0
    if price.input is None or price.output is None:
        return None, 0.0
    prompt = int(kind.prompt_tokens)
    per_token = float(price.input.at(prompt)) / TOKENS_PER_MTOK
    prompt_usd = kind.prompt_tokens * per_token + float(price.per_request_usd)
    return prompt_usd, float(price.output.at(prompt)) / TOKENS_PER_MTOK


def candidate(seen: Experience, kind: Kind, paper: Paper) -> Candidate:
    """The candidate with its terms; they sum to the score."""
    record = seen.models.get(paper.model.id) or UNSEEN
    tag = seen.tags.get(paper.answered)
    reliable, good = _reliability(seen, record, tag), _quality(seen, kind, record, paper)
    swift, latency_s = _swiftness(seen, kind, paper, record)
    cost_usd = _cost_usd(seen, kind, paper, record)
    weights, success = kind.weights, reliable.mean * good.mean
    quick, cheap = weights.latency * swift.mean, weights.cost * cheapness(cost_usd)
    terms = (
        Term(
            "success",
            weights.quality * success,
            f"{reliable.mean:.1%} answer completely, {good.mean:.1%} of that is good",
            weights.quality,
        ),
        Term("speed", quick, _speed_words(kind, paper, latency_s), weights.latency),
        Term("cheapness", cheap, _cost_words(cost_usd), weights.cost),
        Term(
            "failures",
            (reliable.mean - 1.0) * (quick + cheap),
            f"{1.0 - reliable.mean:.1%} fail: neither quick nor cheap",
        ),
    )
    estimate = Estimate(
        success,
        reliable.mean,
        good.mean,
        latency_s,
        cost_usd,
        record.reliability_count,
        sqrt(
            ((weights.quality * good.mean + quick + cheap) * reliable.deviation) ** 2
            + (weights.quality * reliable.mean * good.deviation) ** 2
            + (weights.latency * reliable.mean * swift.deviation) ** 2
        ),
        kind.budget_s,
        record.times[kind.place][2],
    )
    total = terms[0].value + terms[1].value + terms[2].value + terms[3].value
    return Candidate(paper.model.id, max(0.0, total), terms, estimate)


def worth_of(kind: Kind, scored: Candidate, saving: Saving) -> float:
    """By how much the score would rise if the request cost so much less and came so much sooner."""
    estimate = scored.estimate
    if estimate is None:
        return 0.0
    gain = 0.0
    if estimate.cost_usd is not None and saving.usd > 0.0:
        less_usd = max(0.0, estimate.cost_usd - saving.usd)
        gain += kind.weights.cost * (cheapness(less_usd) - cheapness(estimate.cost_usd))
    if estimate.latency_s is not None and saving.seconds > 0.0:
        less_s = max(0.0, estimate.latency_s - saving.seconds)
        sooner = speed(less_s, kind.budget_s) - speed(estimate.latency_s, kind.budget_s)
        gain += kind.weights.latency * sooner
    return gain * estimate.reliability


def _reliability(seen: Experience, record: ModelRecord, tag: TagRecord | None) -> Belief:
    """How likely an answer is complete, for this agent as far as that is known."""
    policy = seen.policy
    if record is UNSEEN:
        return Belief(policy.reliable, deviation(policy.reliable, policy.reliable_weight))
    mean, count = record.reliability, policy.reliable_weight + record.reliability_count
    if tag is not None and tag.answered_epoch == record.answered_epoch:
        answered = tag.answered
        kept = answered.kept(record.at, seen.fade)
        mean = shrunk(answered.good * kept, answered.total * kept, mean, policy.agent_weight)
    if record.reliability_doubt:
        return Belief(mean, sqrt(deviation(mean, count) ** 2 + record.reliability_doubt))
    return Belief(mean, deviation(mean, count))


def _quality(seen: Experience, kind: Kind, record: ModelRecord, paper: Paper) -> Belief:
    """How likely a complete answer is good.

    The fit on paper stands in for judgements of the model; those of other topics for this one, made
    comparable by how hard topics are. (An additive model of two effects, each shrunk; what a model
    does better or worse on one topic than these explain, its own counts there show.)
    """
    policy, fit, judged = seen.policy, paper.fit, record.judged_count
    if judged <= 0.0:
        return Belief(fit, deviation(fit, policy.fit_weight))
    hardness = seen.hardness.get(kind.topic)
    usual = seen.usual if hardness is None else seen.usual + hardness.used
    mean = shrunk(judged * bounded(usual + record.surplus), judged, fit, policy.fit_weight)
    count = policy.fit_weight + judged
    for key in paper.judged:
        tag = seen.tags.get(key)
        if tag is not None and tag.judged_epoch == record.judged_epoch:
            kept = tag.judged.kept(record.at, seen.fade_judged)
            total = tag.judged.total * kept
            mean = shrunk(tag.judged.good * kept, total, mean, policy.tag_weight)
            count = min(count, policy.tag_weight) + total
    return Belief(mean, deviation(mean, count))


def _swiftness(
    seen: Experience, kind: Kind, paper: Paper, record: ModelRecord
) -> tuple[Belief, float | None]:
    """How good the expected time is against the budget, and that time if it was ever measured."""
    usual_s, variance, count = record.times[kind.place]
    weight, off = DECLARED_SPEED_WEIGHT, DECLARED_SPEED_DEVIATION
    declared = untimed(seen, kind) if paper.speed is None else paper.speed
    if usual_s <= 0.0:
        return Belief(declared, off), None
    latency_s = usual_s * kind.stretch
    measured = speed(latency_s, kind.budget_s)
    total = weight + count
    mean = (weight * declared + count * measured) / total
    # How far the speed is off where the logarithm of the time is off by its standard error.
    error = measured * (1.0 - measured) * sqrt(variance / (count + 1.0))
    return Belief(mean, sqrt((weight * off) ** 2 + (count * error) ** 2) / total), latency_s


def untimed(seen: Experience, kind: Kind) -> float:
    """How swift a model is taken to be of which nothing is declared or known: as the others are."""
    usual_s = seen.usual_s[kind.place]
    return speed(usual_s * kind.stretch, kind.budget_s) if usual_s else UNKNOWN


def _cost_usd(seen: Experience, kind: Kind, paper: Paper, record: ModelRecord) -> float | None:
    """What one such request of this agent is expected to cost, None when that cannot be known."""
    if paper.prompt_usd is None:
        return None
    tokens = kind.answer_tokens
    if record.length.count:
        length = record.length
        tokens *= shrunk(length.count * length.mean, length.count, 1.0, ANSWER_WEIGHT)
    tag = seen.tags.get(paper.counted)
    if tag is not None and tag.tokens.count:
        own = tag.tokens
        tokens = shrunk(own.count * own.mean, own.count, tokens, ANSWER_WEIGHT)
    return paper.prompt_usd + kind.cut(tokens) * paper.usd_per_token


def _speed_words(kind: Kind, paper: Paper, latency_s: float | None) -> str:
    if latency_s is None:
        if paper.speed is None:
            return "not timed yet, taken to be as swift as the others"
        return f"not timed yet, declared {paper.speed:.2f}"
    until = "to the first token" if kind.place else "to the end"
    return f"{latency_s:.2f} s {until}, {kind.budget_s:.2f} s are half the mark"


def _cost_words(cost_usd: float | None) -> str:
    return "price unknown, taken as dear" if cost_usd is None else f"{cost_usd:.6f} USD expected"
