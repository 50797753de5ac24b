"""Do all scorers keep the promises of a scorer?"""

from __future__ import annotations

from scorer_contract import ScorerContract

from pointsman.core.capability import CapabilityScorer


class TestCapabilityScorer(ScorerContract):
    make = CapabilityScorer
