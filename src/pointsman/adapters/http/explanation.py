"""What does an answer say of why its model was chosen, to a caller that wants that with it?

The same as `GET …/decisions/{id}` says afterwards, as far as it is known when the answer ends.
"""

from __future__ import annotations

import msgspec

from pointsman.adapters.http.control.decision_bodies import DecisionBody
from pointsman.adapters.http.control.explaining import decision_body
from pointsman.engine.explain import explained
from pointsman.engine.ports import StoredDecision
from pointsman.engine.serve import Served


def explanation(served: Served, config_version: str) -> DecisionBody:
    """Of an answer that has ended. `config_version` is that of the configuration in force."""
    outcome = served.begun.outcome
    outcomes = served.earlier if outcome is None else (*served.earlier, outcome)
    return decision_body(explained(StoredDecision(served.decision, outcomes)), config_version)


def with_explanation(document: bytes, served: Served, config_version: str) -> bytes:
    """The whole answer with a `pointsman` object at its end; nothing else of it is touched."""
    cost_usd = served.cost_usd
    said = {
        "decision": served.decision.id,
        "cost_usd": None if cost_usd is None else float(cost_usd),
        "explanation": explanation(served, config_version),
    }
    return b'%b,"pointsman":%b}' % (document.rstrip()[:-1], msgspec.json.encode(said))
