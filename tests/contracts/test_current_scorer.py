"""Does the scorer that decides now keep the promises of a scorer, as those behind it do?"""

from __future__ import annotations

from scorer_contract import ScorerContract

from pointsman.engine.policy import Scoring
from pointsman.engine.ports import Scorer
from pointsman.engine.scoring import CurrentScorer, new_scorer


class TestCurrentScorer(ScorerContract):
    @staticmethod
    def make() -> Scorer:
        return CurrentScorer(new_scorer(Scoring.POSTERIOR))
