"""Do all scorers keep the promises of a scorer?"""

from __future__ import annotations

import pytest
from scorer_contract import ScorerContract

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.capability import CapabilityScorer
from pointsman.core.classic import ClassicScorer
from pointsman.engine.policy import Scoring
from pointsman.engine.scoring import CurrentScorer, new_scorer


def current_scorer() -> CurrentScorer:
    return CurrentScorer(new_scorer(Scoring.POSTERIOR))


@pytest.mark.parametrize("make", [AdaptiveScorer, CapabilityScorer, ClassicScorer, current_scorer])
class TestEveryScorer(ScorerContract):
    pass
