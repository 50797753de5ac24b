"""What is noted down of a model, of a tag, of a topic?

A tag is a model together with an agent, with a task type, or with both.
"""

from __future__ import annotations

from pointsman.core.decision import Feedback
from pointsman.core.drift import LevelWatch, RateWatch
from pointsman.core.fleet import Usage, types_of
from pointsman.core.posterior import Average, Counts, Level
from pointsman.core.recovery import Recovery

NOTABLE = 0.1
"""Usual token counts that move by less than this share change nothing."""

MOST_TIMES = 10.0
LEAST_USUAL = 1_000.0
"""One request counts as so many times what was usual before it, of which this is the least."""
LEAST_MOST = MOST_TIMES * LEAST_USUAL
"""So many tokens always count in full."""

Topic = tuple[str | None, str | None]
"""Agent and task type; None stands for all of them."""

Tag = tuple[str | None, str | None, str]
"""Agent, task type and model; None stands for all of them."""


class TagRecord:
    """What is known of a model with one agent, one task type, or both.

    The epochs say which change of the model this evidence follows; older evidence is void. `lent`
    is what of the judgements counts in what everybody begins with (see `lending.py`).
    """

    __slots__ = ("answered", "answered_epoch", "judged", "judged_epoch", "lent", "tokens", "watch")

    def __init__(self) -> None:
        self.answered = Counts()
        self.answered_epoch = 0
        self.judged = Counts()
        self.judged_epoch = 0
        self.lent: Counts | None = None
        self.tokens = Average()
        self.watch = RateWatch()


class Hardness:
    """By how much answers to a task type, or of an agent, are judged better than usual.

    That is no merit of the models that happen to serve it. `used` moves in steps.
    """

    __slots__ = ("surplus", "used")

    def __init__(self) -> None:
        self.surplus = Counts()
        self.used = 0.0


class ModelRecord:
    """What is known of a model in general.

    `judged` holds by how much its answers were better than usual for their topics, `length` how
    long they are against the usual ones of their agents. `judge` is the agent that judged last,
    `in_a_row` how many times without another in between, and `judges` whether there is another.

    `recovery` is of a model that was seen to fall, until it is back.

    The figures at the end are as of `at`, the last time they were worked out: how reliable it is,
    how many outcomes say so, and the variance of that beyond what these leave open; by how much its
    answers are better than usual and how many were judged; and per plain or streamed the expected
    time, the variance of its logarithm, and how many were timed.
    """

    __slots__ = (
        "answered",
        "answered_epoch",
        "at",
        "failures",
        "in_a_row",
        "judge",
        "judged",
        "judged_count",
        "judged_epoch",
        "judgements",
        "judges",
        "length",
        "levels",
        "recovery",
        "reliability",
        "reliability_count",
        "reliability_doubt",
        "surplus",
        "times",
        "watches",
    )

    def __init__(self) -> None:
        self.answered = Counts()
        self.answered_epoch = 0
        self.failures = RateWatch()
        self.recovery: Recovery | None = None
        self.judged = Counts()
        self.judged_epoch = 0
        self.judgements = RateWatch()
        self.judge: str | None = None
        self.judges = False
        self.in_a_row = 0
        self.length = Average()
        self.levels = (Level(), Level())
        self.watches = (LevelWatch(), LevelWatch())
        self.at = 0.0
        self.reliability = self.reliability_count = self.reliability_doubt = 0.0
        self.surplus = self.judged_count = 0.0
        self.times = [(0.0, 0.0, 0.0), (0.0, 0.0, 0.0)]


class TokenRecord:
    """How many tokens the requests of an agent, or those of one task type, usually have.

    What scores use moves in steps.
    """

    __slots__ = ("completion", "count", "prompt", "used_completion", "used_prompt")

    def __init__(self) -> None:
        self.count = self.prompt = self.completion = 0.0
        self.used_prompt = 0.0
        self.used_completion = 0.0

    def add(self, usage: Usage, most: float) -> bool:
        """One more request, each counting at least 1 / `most`. True when what scores use moved.

        What an upstream claims of a single answer decides for all models what they cost the agent
        and how long they may take, so it counts as `MOST_TIMES` the usual at most.
        """
        count = self.count
        if count < most:
            self.count = count = count + 1.0 if count + 1.0 < most else most
        prompt, completion = self.prompt, self.completion
        asked: float = usage.prompt_tokens
        if asked > LEAST_MOST:
            asked = _believed(asked, prompt)
        prompt += (asked - prompt) / count
        said: float = usage.completion_tokens
        if said > LEAST_MOST:
            said = _believed(said, completion)
        completion += (said - completion) / count
        self.prompt, self.completion = prompt, completion
        used_prompt, used_completion = self.used_prompt, self.used_completion
        if (
            abs(prompt - used_prompt) <= NOTABLE * used_prompt
            and abs(completion - used_completion) <= NOTABLE * used_completion
        ):
            return False
        self.used_prompt, self.used_completion = prompt, completion
        return True


def _believed(tokens: float, usual: float) -> float:
    """What of so many tokens counts, where so many are usual."""
    return min(tokens, MOST_TIMES * max(usual, LEAST_USUAL))


def tags_of(feedback: Feedback) -> tuple[Tag, ...]:
    """Whom a judgement concerns, from the general to the particular."""
    agent_id, kind, model_id = feedback.agent_id, feedback.task_type, feedback.model_id
    alone: Tag = (agent_id, None, model_id)
    if kind is None:
        return (alone,)
    of_types: list[Tag] = [(None, each, model_id) for each in types_of(kind)]
    return (alone, *of_types, (agent_id, kind, model_id))


def topics_of(feedback: Feedback) -> tuple[Topic, ...]:
    """Of whose answers it says how good they usually are; the particular last."""
    alone: Topic = (feedback.agent_id, None)
    return (alone,) if feedback.task_type is None else (alone, (None, feedback.task_type))
