"""Do all scorers keep the promises of a scorer?"""

from __future__ import annotations

import pytest
from scorer_contract import ScorerContract

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.capability import CapabilityScorer
from pointsman.core.classic import ClassicScorer


@pytest.mark.parametrize("make", [AdaptiveScorer, CapabilityScorer, ClassicScorer])
class TestEveryScorer(ScorerContract):
    pass
