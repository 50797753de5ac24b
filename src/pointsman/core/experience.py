"""What has been seen of each model, of whom, and since when does it count?

Two kinds of evidence, kept apart. Outcomes say whether an endpoint answers completely
(*reliability*) and how fast; only failures that blame the endpoint count against it. Feedback says
whether answers were good (*quality*); that an answer came is no evidence of that, or every cheap
model that never fails would be held to be excellent.

Everything is known of a model, and of it with each agent and task type as far as they came up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from pointsman.core.decision import Feedback, Outcome
from pointsman.core.drift import Change, LevelTest, LevelWatch, RateTest, RateWatch
from pointsman.core.errors import Blame
from pointsman.core.fleet import Usage
from pointsman.core.posterior import Average, Counts, Level, fading, shrunk
from pointsman.core.remembered import Remembered
from pointsman.core.utility import FIRST_TOKEN_BUDGET_S, PACE_S_PER_TOKEN

Tag = tuple[str | None, str | None, str]
"""Agent, task type and model; None stands for all of them."""

USUAL_TOKENS = 200.0
"""How long an answer is taken to be where nothing is known; plain times are told of such a one."""

START_TOKENS = FIRST_TOKEN_BUDGET_S / PACE_S_PER_TOKEN
"""How many tokens of an answer take as long as its start."""

NOTABLE = 0.1
"""Usual token counts that move by less than this share change nothing."""

LEAST_S = 1e-4
"""No answer is taken to be faster."""

FEWEST_JUDGED = 5.0
"""So often an answer must have been judged before a change of quality can be noticed."""


FAILURES = RateTest(odds=6.0, threshold=5.0)
JUDGEMENTS = RateTest(odds=2.5, threshold=5.0)
LATENCY = LevelTest(slack=0.75, threshold=6.0)


@dataclass(frozen=True, slots=True)
class AdaptivePolicy:
    """How fast is learned and forgotten, and how much is borrowed where little is known.

    Half-lives in seconds; `..._most` bounds how many observations count at a time. Weights are in
    observations: `fit_weight` of the fit on paper against feedback, of which at most `borrowed`
    from other tags; `tag_weight` of what is known of the model in general against what is known of
    it with this agent or task type. A model not yet seen is taken to be `reliable`, which counts
    `reliable_weight`. Scores are published every `publish_s` when there is news, and every
    `refresh_s` because evidence fades. At most `most_tags` tags are remembered.
    """

    half_life_s: float = 600.0
    reliability_most: float = 200.0
    latency_most: float = 100.0
    quality_half_life_s: float = 7 * 86_400.0
    quality_most: float = 400.0
    reliable: float = 0.98
    reliable_weight: float = 4.0
    fit_weight: float = 8.0
    borrowed: float = 16.0
    tag_weight: float = 8.0
    failures: RateTest = FAILURES
    judgements: RateTest = JUDGEMENTS
    latency: LevelTest = LATENCY
    publish_s: float = 0.1
    refresh_s: float = 5.0
    most_tags: int = 4096

    def __post_init__(self) -> None:
        fading(self.half_life_s, min(self.reliability_most, self.latency_most))
        fading(self.quality_half_life_s, self.quality_most)
        if not 0.0 < self.reliable < 1.0:
            raise ValueError(f"reliable must be in (0, 1), not {self.reliable}")
        weights = (self.reliable_weight, self.fit_weight, self.tag_weight)
        if min(weights) <= 0.0 or self.borrowed < 0.0:
            raise ValueError("weights must be positive, and borrowed not negative")
        if min(self.publish_s, self.refresh_s) <= 0.0:
            raise ValueError("publish_s and refresh_s must be positive")
        if self.most_tags < 8:
            raise ValueError("most_tags must be at least 8")


DEFAULT_POLICY = AdaptivePolicy()


class TagRecord:
    """What is known of a model with one agent, one task type, or both.

    The epochs say which change of the model this evidence follows; older evidence is void.
    """

    __slots__ = ("answered", "answered_epoch", "judged", "judged_epoch", "tokens", "watch")

    def __init__(self) -> None:
        self.answered = Counts()
        self.answered_epoch = 0
        self.judged = Counts()
        self.judged_epoch = 0
        self.tokens = Average()
        self.watch = RateWatch()


class ModelRecord:
    """What is known of a model in general.

    The figures at the end are as of `at`, the last `publish`: how reliable it is and how many
    outcomes say so; the mean judgement and how many; and per plain or streamed the expected time,
    the variance of its logarithm, and how many were timed.
    """

    __slots__ = (
        "answered",
        "answered_epoch",
        "at",
        "failures",
        "judged",
        "judged_count",
        "judged_epoch",
        "judged_mean",
        "judgements",
        "levels",
        "reliability",
        "reliability_count",
        "times",
        "watches",
    )

    def __init__(self) -> None:
        self.answered = Counts()
        self.answered_epoch = 0
        self.failures = RateWatch()
        self.judged = Counts()
        self.judged_epoch = 0
        self.judgements = RateWatch()
        self.levels = (Level(), Level())
        self.watches = (LevelWatch(), LevelWatch())
        self.at = 0.0
        self.reliability = self.reliability_count = 0.0
        self.judged_mean = self.judged_count = 0.0
        self.times = [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0)]


class AgentRecord:
    """How many tokens the requests of an agent usually have; what scores use moves in steps."""

    __slots__ = ("completion", "prompt", "used_completion", "used_prompt")

    def __init__(self) -> None:
        self.prompt = Average()
        self.completion = Average()
        self.used_prompt = 0.0
        self.used_completion = 0.0


class Experience:
    """All that was learned, in bounded memory. All instants are seconds that never run back."""

    def __init__(self, policy: AdaptivePolicy) -> None:
        self.policy = policy
        self.fade = fading(policy.half_life_s, policy.reliability_most)
        self.fade_times = fading(policy.half_life_s, policy.latency_most)
        self.fade_judged = fading(policy.quality_half_life_s, policy.quality_most)
        self.models: Remembered[str, ModelRecord] = Remembered(policy.most_tags, ModelRecord)
        self.tags: Remembered[Tag, TagRecord] = Remembered(policy.most_tags, TagRecord)
        self.agents: Remembered[str, AgentRecord] = Remembered(policy.most_tags, AgentRecord)
        self._tokens_moved = False

    def learn(self, outcome: Outcome, now: float) -> bool:
        """Take an outcome in. True when it says something of the model."""
        failure = outcome.failure
        if failure is not None and failure.blames is not Blame.ENDPOINT:
            return False
        model = self.models.come_up(outcome.model_id)
        tag = self.tags.come_up((outcome.agent_id, None, outcome.model_id))
        self._count(model, tag, 1.0 if failure is None else 0.0, now)
        if outcome.usage is not None and failure is None:
            self._count_tokens(outcome.agent_id, tag, outcome.usage)
        if outcome.streamed:
            if outcome.first_token_s is not None:
                self._time(model, 1, outcome.first_token_s, now)
        elif failure is None:
            self._time(model, 0, _of_usual_length(outcome.total_s, outcome.usage), now)
        return True

    def judge(self, feedback: Feedback, now: float) -> None:
        """Take a judgement in."""
        policy, good, fade = self.policy, feedback.quality, self.fade_judged
        model = self.models.come_up(feedback.model_id)
        kept = model.judged.kept(now, fade)
        general = shrunk(model.judged.good * kept, model.judged.total * kept, 0.5, 1.0)
        expected, forgotten = general, 0.0
        for key in _tags_of(feedback):
            record = self.tags.come_up(key)
            counts = self._judged_of(record, model)
            kept = counts.kept(now, fade)
            before = counts.total * kept
            if before >= FEWEST_JUDGED:
                expected = shrunk(counts.good * kept, before, general, policy.tag_weight)
                change = record.watch.add(good, expected, policy.judgements)
                if change is not None:
                    counts.restart(change.good, change.total, now)
                    forgotten = max(forgotten, before - change.total + 1.0)
                    continue
            counts.add(good, now, fade)
        self._judge_model(model, good, now, expected, forgotten)

    def all_changed(self) -> bool:
        """Whether what concerns all models has changed since this was last asked."""
        changed = self._tokens_moved or bool(self.agents.forgotten or self.models.forgotten)
        self._tokens_moved = False
        self.agents.forgotten.clear()
        self.models.forgotten.clear()
        return changed

    def forgotten(self) -> set[str]:
        """The ids of models of which something was forgotten since this was last asked."""
        ids = {model_id for _, _, model_id in self.tags.forgotten}
        self.tags.forgotten.clear()
        return ids

    def publish(self, model: ModelRecord, now: float) -> None:
        """Work out the figures of `model` as they are now."""
        policy, counts = self.policy, model.answered
        model.at = now
        kept = counts.kept(now, self.fade)
        model.reliability_count = total = counts.total * kept
        model.reliability = shrunk(
            counts.good * kept, total, policy.reliable, policy.reliable_weight
        )
        judged = model.judged
        kept = judged.kept(now, self.fade_judged)
        model.judged_count = judged.total * kept
        model.judged_mean = judged.good / judged.total if judged.total else 0.0
        for place, level in enumerate(model.levels):
            if level.count:
                # The mean of a lognormal time; what is far off the usual is bounded.
                typical_s = exp(level.mean + 0.5 * min(level.variance, 2.0))
                count = level.count * level.kept(now, self.fade_times)
                model.times[place] = (typical_s, level.variance, count)

    def _count(self, model: ModelRecord, tag: TagRecord, good: float, now: float) -> None:
        policy, counts, fade = self.policy, model.answered, self.fade
        kept = counts.kept(now, fade)
        expected = shrunk(
            counts.good * kept, counts.total * kept, policy.reliable, policy.reliable_weight
        )
        change = model.failures.add(good, expected, policy.failures)
        if change is None:
            counts.add(good, now, fade)
        else:
            counts.restart(change.good, change.total, now)
            model.answered_epoch += 1
        if tag.answered_epoch != model.answered_epoch:
            tag.answered_epoch = model.answered_epoch
            tag.answered.restart(0.0, 0.0, now)
        tag.answered.add(good, now, fade)

    def _count_tokens(self, agent_id: str, tag: TagRecord, usage: Usage) -> None:
        agent, most = self.agents.come_up(agent_id), self.policy.latency_most
        agent.prompt.add(usage.prompt_tokens, most)
        agent.completion.add(usage.completion_tokens, most)
        tag.tokens.add(usage.completion_tokens, most)
        if _moved(agent.prompt.mean, agent.used_prompt) or _moved(
            agent.completion.mean, agent.used_completion
        ):
            agent.used_prompt = agent.prompt.mean
            agent.used_completion = agent.completion.mean
            self._tokens_moved = True

    def _time(self, model: ModelRecord, place: int, seconds: float, now: float) -> None:
        """`place` is 1 for streams and 0 for plain answers."""
        level, value = model.levels[place], log(max(seconds, LEAST_S))
        change = model.watches[place].add(value, level, self.policy.latency)
        if change is None:
            level.add(value, now, self.fade_times)
        else:
            level.restart(change.good / change.total, change.total, now)

    def _judged_of(self, record: TagRecord, model: ModelRecord) -> Counts:
        """The judgements of a tag, emptied where the model has changed since."""
        if record.judged_epoch != model.judged_epoch:
            record.judged_epoch = model.judged_epoch
            record.judged.restart(0.0, 0.0, 0.0)
            record.watch.clear()
        return record.judged

    def _judge_model(
        self, model: ModelRecord, good: float, now: float, expected: float, forgotten: float
    ) -> None:
        """A change of one tag is explained by it; what only all of them show is the model's."""
        counts, fade = model.judged, self.fade_judged
        change: Change | None = None
        if forgotten:
            model.judgements.clear()
            _forget(counts, forgotten)
        elif counts.total >= FEWEST_JUDGED:
            change = model.judgements.add(good, expected, self.policy.judgements)
        if change is None:
            counts.add(good, now, fade)
        else:
            counts.restart(change.good, change.total, now)
            model.judged_epoch += 1


def _tags_of(feedback: Feedback) -> tuple[Tag, ...]:
    """Whom a judgement concerns, from the general to the particular."""
    agent_id, kind, model_id = feedback.agent_id, feedback.task_type, feedback.model_id
    alone: Tag = (agent_id, None, model_id)
    if kind is None:
        return (alone,)
    return (alone, (None, kind, model_id), (agent_id, kind, model_id))


def _forget(counts: Counts, total: float) -> None:
    """Take `total` observations out, as good as the mean: which they were is not known."""
    if counts.total > 0.0:
        left = max(0.0, counts.total - total)
        counts.good *= left / counts.total
        counts.total = left


def _of_usual_length(total_s: float, usage: Usage | None) -> float:
    """How long a plain answer of usual length would have taken; a long one is no slow one."""
    if usage is None or usage.completion_tokens <= 0:
        return total_s
    share = (START_TOKENS + USUAL_TOKENS) / (START_TOKENS + usage.completion_tokens)
    return total_s * share


def _moved(mean: float, used: float) -> bool:
    return abs(mean - used) > NOTABLE * used
