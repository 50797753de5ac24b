"""What has been seen of each model, of whom, and since when does it count?

Two kinds of evidence, kept apart. Outcomes say whether an endpoint answers completely
(*reliability*) and how fast; only failures that blame the endpoint count against it. Feedback says
whether answers were good (*quality*); that an answer came is no evidence of that, or every cheap
model that never fails would be held to be excellent.

Everything is known of a model, and of it with each agent and task type as far as they came up.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from math import exp, log

from pointsman.core.adaptive_policy import AdaptivePolicy
from pointsman.core.decision import Feedback, Outcome
from pointsman.core.drift import Change
from pointsman.core.errors import Blame
from pointsman.core.fleet import Usage
from pointsman.core.lending import lend, lent_by, note_judge, of_one_agent, share_lent
from pointsman.core.posterior import Counts, fading, shrunk
from pointsman.core.records import (
    Hardness,
    ModelRecord,
    Tag,
    TagRecord,
    TokenRecord,
    Topic,
    tags_of,
    topics_of,
)
from pointsman.core.recovery import BEFORE_COUNTS, Recovery, seen_before
from pointsman.core.remembered import Remembered
from pointsman.core.utility import FIRST_TOKEN_BUDGET_S, PACE_S_PER_TOKEN

USUAL_TOKENS = 200.0
"""How long an answer is taken to be where nothing is known; plain times are told of such a one."""

START_TOKENS = FIRST_TOKEN_BUDGET_S / PACE_S_PER_TOKEN
"""How many tokens of an answer take as long as its start."""

NOTABLE_SURPLUS = 0.01
"""What is usual changes nothing when it moves by less than this."""

NOTABLE_LOG = 0.1
"""Nor does how long models usually take, when it moves by less than a tenth."""

USUAL_WEIGHT = 2.0
"""How many judgements it takes to believe in the usual rather than in one half."""

FASTEST_TOKENS_PER_S = 3_000.0
"""No answer is believed to have come faster, whatever its upstream says of its length: who claims
a million tokens would otherwise look as quick as no model can be."""

LEAST_S = 1e-4
"""No answer is taken to be faster."""

FEWEST_COUNTED = 5.0
"""So many requests of a task type say how long they are; fewer do not."""

FEWEST_JUDGED = 5.0
"""So often an answer must have been judged before a change of quality can be noticed."""


class Experience:
    """All that was learned, in bounded memory. All instants are seconds that never run back."""

    def __init__(self, policy: AdaptivePolicy) -> None:
        self.policy = policy
        self.fade = fading(policy.half_life_s, policy.reliability_most)
        self.fade_times = fading(policy.half_life_s, policy.latency_most)
        self.fade_judged = fading(policy.quality_half_life_s, policy.quality_most)
        self.models: Remembered[str, ModelRecord] = Remembered(policy.most_tags, ModelRecord)
        self.tags: Remembered[Tag, TagRecord] = Remembered(policy.most_tags, TagRecord)
        self.tokens: Remembered[Topic, TokenRecord] = Remembered(policy.most_tags, TokenRecord)
        self.hardness: Remembered[Topic, Hardness] = Remembered(policy.most_tags, Hardness)
        self.usual = 0.5
        """How good answers are on average; moves in steps."""
        self.usual_s = [0.0, 0.0]
        """How long models take that were timed, for plain answers and for streams; 0 where none
        was. A geometric mean in which every model that is declared counts alike; moves in steps."""
        self._declared: AbstractSet[str] | None = None
        self._times = (_Times(), _Times())
        self._judged = Counts()
        self._moved = False

    def learn(self, outcome: Outcome, now: float) -> bool:
        """Take an outcome in. True when it says something of the model."""
        # By place: every outcome passes here, and seven names would double what they take.
        model_id, agent_id, _, failure, streamed, total_s, first_s, usage = outcome[2:10]
        if failure is not None and failure.blames is not Blame.ENDPOINT:
            return False
        model = self.models.come_up(model_id)
        tag = self.tags.come_up((agent_id, None, model_id))
        self._count(model, tag, 1.0 if failure is None else 0.0, now)
        if usage is not None and failure is None:
            self._count_tokens((agent_id, outcome[14], model_id), model, tag, usage)
        if streamed:
            if first_s is not None:
                self._time(model, 1, first_s, now, counts=self._is_declared(model_id))
        elif failure is None:
            seconds = _of_usual_length(total_s, usage)
            self._time(model, 0, seconds, now, counts=self._is_declared(model_id))
        return True

    def declare(self, model_ids: AbstractSet[str]) -> bool:
        """These models are there, and no others: how long those take that are gone says nothing of
        how long models usually take. True when that changes what is known of all models.
        """
        self._declared = model_ids
        moved = False
        for place, times in enumerate(self._times):
            means = [
                record.levels[place].mean
                for model_id, record in self.models.items()
                if model_id in model_ids and record.levels[place].count
            ]
            times.logs, times.models = sum(means), len(means)
            usual, times.used = times.used, times.logs / len(means) if means else None
            self.usual_s[place] = 0.0 if times.used is None else exp(times.used)
            moved = moved or usual != times.used
        self._moved = self._moved or moved
        return moved

    def _is_declared(self, model_id: str) -> bool:
        return self._declared is None or model_id in self._declared

    def judge(self, feedback: Feedback, now: float) -> None:
        """Take a judgement in."""
        if feedback.revises is not None:
            self._revise(feedback, feedback.quality - feedback.revises)
            return
        policy, good, fade = self.policy, feedback.quality, self.fade_judged
        model = self.models.come_up(feedback.model_id)
        usual = self._judge_topic(feedback, model, good, now)
        general = bounded(usual + self._surplus(model, now))
        expected, forgotten = general, 0.0
        shared: list[Counts] = []
        note_judge(model, feedback.agent_id)
        # The last is the agent's own, and so is the first, if it is another.
        for key in tags_of(feedback):
            record = self.tags.come_up(key)
            counts = self._judged_of(record, model)
            kept = counts.kept(now, fade)
            before = counts.total * kept
            expected = shrunk(counts.good * kept, before, general, policy.tag_weight)
            change = None
            if before >= FEWEST_JUDGED:
                change = record.watch.add(good, expected, policy.judgements)
            if change is not None and not (key[0] is None and of_one_agent(model, change)):
                counts.restart(change.good, change.total, now)
                forgotten = max(forgotten, before - change.total + 1.0)
            elif key[0] is None:
                shared.append(counts)
            else:
                counts.add(good, now, fade)
        if shared:
            lend(good, lent_by(record), shared, now, fade)
        if forgotten:
            # A change of one tag is explained by it.
            model.judgements.clear()
            _forget(model.judged, forgotten)
        lent = lent_by(self.tags.come_up((feedback.agent_id, None, feedback.model_id)))
        self._judge_model(model, good, now, usual=usual, expected=expected, lent=lent)

    def _revise(self, feedback: Feedback, change: float) -> None:
        """What was said before does not hold: the difference counts, and nothing twice.

        What a change of the model has made void since stays void. And a second thought is no
        change of the model, so that no watch is told of it.
        """
        model = self.models.come_up(feedback.model_id)
        self._moved = True
        self._judged.revise(change)
        for topic in topics_of(feedback):
            self.hardness.come_up(topic).surplus.revise(change, least=-1.0)
        *shared, own = (self._judged_of(self.tags.come_up(key), model) for key in tags_of(feedback))
        lent = change * share_lent(own)
        own.revise(change)
        for counts in shared:
            counts.revise(lent)
        model.judged.revise(lent, least=-1.0)

    def all_changed(self) -> bool:
        """Whether what concerns all models has changed since this was last asked."""
        lost = (self.tokens.forgotten, self.models.forgotten, self.hardness.forgotten)
        changed = self._moved or any(lost)
        self._moved = False
        for keys in lost:
            keys.clear()
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
        model.reliability_doubt = 0.0
        recovery = model.recovery
        if recovery is not None:
            model.reliability = max(model.reliability, recovery.mean(now))
            model.reliability_doubt = recovery.variance(now)
        judged = model.judged
        if judged.total:
            model.judged_count = judged.total * judged.kept(now, self.fade_judged)
            # As it is, not shrunk: scores weigh it against the fit on paper.
            model.surplus = judged.good / judged.total
        else:
            model.judged_count = model.surplus = 0.0
        for place, level in enumerate(model.levels):
            if level.count:
                variance = level.variance
                # The mean of a lognormal time; what is far off the usual is bounded.
                typical_s = exp(level.mean + 0.5 * (variance if variance < 2.0 else 2.0))
                count = level.count * level.kept(now, self.fade_times)
                model.times[place] = (typical_s, variance, count)

    def _count(self, model: ModelRecord, tag: TagRecord, good: float, now: float) -> None:
        policy, counts, fade = self.policy, model.answered, self.fade
        counts.age(now, fade)
        weight = policy.reliable_weight
        # What `shrunk` gives, for every outcome.
        expected = (weight * policy.reliable + counts.good) / (weight + counts.total)
        change = model.failures.add(good, expected, policy.failures)
        if change is not None:
            self._fallen_or_risen(model, change, now)
        else:
            counts.add(good, now, fade)
            if model.recovery is not None and model.recovery.add(good, now):
                total = BEFORE_COUNTS
                counts.restart(model.recovery.before * total, total, now)
                model.recovery = None
                model.failures.clear()
                model.answered_epoch += 1
        counts = tag.answered
        if tag.answered_epoch != model.answered_epoch:
            tag.answered_epoch = model.answered_epoch
            counts.restart(0.0, 0.0, now)
        counts.add(good, now, fade)

    def _fallen_or_risen(self, model: ModelRecord, change: Change, now: float) -> None:
        """The reliability of a model has changed: only what followed counts from now on."""
        counts, policy, last = model.answered, self.policy, model.recovery
        model.recovery = None
        if not change.better:
            good, total = seen_before(counts, change)
            before = shrunk(good, total, policy.reliable, policy.reliable_weight)
            since = shrunk(change.good, change.total, 0.5, 2.0)
            model.recovery = Recovery(max(before, last.before if last else 0.0), since, now)
        counts.restart(change.good, change.total, now)
        model.answered_epoch += 1

    def _count_tokens(self, key: Tag, model: ModelRecord, tag: TagRecord, usage: Usage) -> None:
        """`tag` is of the agent, `key` of its task type too, if it has one."""
        agent_id, kind, _ = key
        most, tokens = self.policy.latency_most, usage.completion_tokens
        record = self.tokens.come_up((agent_id, None))
        if record.add(usage, most):
            self._moved = True
        tag.tokens.add(tokens, most)
        usual = record.completion
        if kind is not None:
            record = self.tokens.come_up((agent_id, kind))
            before = record.count
            if record.add(usage, most) or before < FEWEST_COUNTED <= record.count:
                self._moved = True
            self.tags.come_up(key).tokens.add(tokens, most)
            if record.count >= FEWEST_COUNTED:
                usual = record.completion
        model.length.add(tokens / (usual if usual > 1.0 else 1.0), most)

    def usual_tokens(self, agent_id: str, kind: str | None) -> TokenRecord | None:
        """How long such requests of an agent usually are: those of the task type, if there are
        enough of it, else all of its own.
        """
        found = None if kind is None else self.tokens.get((agent_id, kind))
        if found is not None and found.count >= FEWEST_COUNTED:
            return found
        return self.tokens.get((agent_id, None))

    def _time(
        self, model: ModelRecord, place: int, seconds: float, now: float, *, counts: bool
    ) -> None:
        """`place` is 1 for streams and 0 for plain answers; `counts` towards what is usual."""
        level, value = model.levels[place], log(seconds if seconds > LEAST_S else LEAST_S)
        times, before = self._times[place], level.mean
        if not level.count:
            before = 0.0
            times.models += counts
        change = model.watches[place].add(value, level, self.policy.latency)
        if change is None:
            level.add(value, now, self.fade_times)
        else:
            level.restart(change.good / change.total, change.total, now)
        if not counts:
            return
        logs = times.logs = times.logs + (level.mean - before)
        usual = logs / times.models
        used = times.used
        if used is None or abs(usual - used) > NOTABLE_LOG:
            times.used, self._moved = usual, True
            self.usual_s[place] = exp(usual)

    def _judged_of(self, record: TagRecord, model: ModelRecord) -> Counts:
        """The judgements of a tag, emptied where the model has changed since."""
        if record.judged_epoch != model.judged_epoch:
            record.judged_epoch = model.judged_epoch
            record.judged.restart(0.0, 0.0, 0.0)
            record.lent = None
            record.watch.clear()
        return record.judged

    def _judge_model(
        self,
        model: ModelRecord,
        good: float,
        now: float,
        *,
        usual: float,
        expected: float,
        lent: Counts,
    ) -> None:
        """What only all tags together show is a change of the model."""
        counts, change = model.judged, None
        if counts.total >= FEWEST_JUDGED:
            change = model.judgements.add(good, expected, self.policy.judgements)
        if change is None or of_one_agent(model, change):
            lend(good - usual, lent, (counts,), now, self.fade_judged)
        else:
            counts.restart(change.good - change.total * usual, change.total, now)
            model.judged_epoch += 1

    def _judge_topic(
        self, feedback: Feedback, model: ModelRecord, good: float, now: float
    ) -> float:
        """How good answers on this topic usually are, taking this judgement in."""
        policy, fade = self.policy, self.fade_judged
        self._judged.add(good, now, fade)
        usual = shrunk(self._judged.good, self._judged.total, 0.5, USUAL_WEIGHT)
        if abs(usual - self.usual) > NOTABLE_SURPLUS:
            self.usual, self._moved = usual, True
        mine, surplus = self._surplus(model, now), 0.0
        for topic in topics_of(feedback):
            hardness = self.hardness.come_up(topic)
            hardness.surplus.add(good - usual - mine, now, fade)
            counts = hardness.surplus
            surplus = shrunk(counts.good, counts.total, 0.0, policy.hardness_weight)
            if abs(surplus - hardness.used) > NOTABLE_SURPLUS:
                hardness.used, self._moved = surplus, True
        return usual + surplus

    def _surplus(self, model: ModelRecord, now: float) -> float:
        """By how much the answers of `model` are better than usual for their topics, with care."""
        judged, kept = model.judged, model.judged.kept(now, self.fade_judged)
        return shrunk(judged.good * kept, judged.total * kept, 0.0, self.policy.fit_weight)


class _Times:
    """How long models take: the sum of their logarithms, of how many, and what of it is in use."""

    __slots__ = ("logs", "models", "used")

    def __init__(self) -> None:
        self.logs = 0.0
        self.models = 0
        self.used: float | None = None


def bounded(quality: float) -> float:
    """A sum of effects as a probability."""
    return min(max(quality, 0.0), 1.0)


def _forget(counts: Counts, total: float) -> None:
    """Take `total` observations out of some, as good as the mean: which they were is not known."""
    left = max(0.0, counts.total - total)
    counts.good *= left / counts.total
    counts.total = left


def _of_usual_length(total_s: float, usage: Usage | None) -> float:
    """How long a plain answer of usual length would have taken; a long one is no slow one."""
    if usage is None or usage.completion_tokens <= 0:
        return total_s
    tokens = min(float(usage.completion_tokens), FASTEST_TOKENS_PER_S * total_s)
    share = (START_TOKENS + USUAL_TOKENS) / (START_TOKENS + tokens)
    return total_s * share
