"""How fast is learned and forgotten, and how much is borrowed where little is known?"""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.core.drift import LevelTest, RateTest
from pointsman.core.posterior import fading

FAILURES = RateTest(odds=9.0, threshold=8.0)
JUDGEMENTS = RateTest(odds=2.5, threshold=16.0)
"""Of judgements there are many tags, each of which may raise an alarm, and a false one throws away
what only many judgements can bring back. So one in e to the 16, against e to the 8 of failures,
which are told by every request and must be noticed at once. (At 12 two of twelve streams of real
outcomes, 8,000 judgements each, lost the record of a model; at 16 none.)"""
LATENCY = LevelTest(slack=0.75, threshold=6.0)


@dataclass(frozen=True, slots=True)
class AdaptivePolicy:
    """How fast is learned and forgotten, and how much is borrowed where little is known.

    Half-lives are in seconds, and each outcome of whatever model counts as `outcome_s` more: where
    traffic is dense a trial costs a smaller share of it, so it may come sooner. `..._most` bounds
    how many observations count at a time. Weights are in observations: `fit_weight` of the fit on
    paper against judgements; `agent_weight` and `tag_weight` of what is known of a model in general
    against what is known of it with this agent (reliability) or task type (quality);
    `hardness_weight` of all tags being equally hard. A model not yet seen is taken to be
    `reliable`, which counts `reliable_weight`. The tests say when a model has changed. Scores are
    published every `publish_s` when there is news, and every `refresh_s` because evidence fades. At
    most `most_tags` tags are remembered.
    """

    outcome_s: float = 0.3
    half_life_s: float = 600.0
    reliability_most: float = 200.0
    latency_most: float = 100.0
    quality_half_life_s: float = 7 * 86_400.0
    quality_most: float = 1000.0
    reliable: float = 0.98
    reliable_weight: float = 8.0
    fit_weight: float = 8.0
    agent_weight: float = 10.0
    tag_weight: float = 60.0
    hardness_weight: float = 40.0
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
        own = (self.reliable_weight, self.fit_weight, self.agent_weight)
        if min(*own, self.tag_weight, self.hardness_weight) <= 0.0:
            raise ValueError("weights must be positive")
        if self.outcome_s < 0.0:
            raise ValueError(f"outcome_s must not be negative, not {self.outcome_s}")
        if min(self.publish_s, self.refresh_s) <= 0.0:
            raise ValueError("publish_s and refresh_s must be positive")
        if self.most_tags < 8:
            raise ValueError("most_tags must be at least 8")


DEFAULT_POLICY = AdaptivePolicy()
