"""What rows does a batch of records make, for databases that are written to from afar?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pointsman.adapters.stores.rows import Row, decision_row, outcome_row
from pointsman.adapters.stores.sets import CandidateSet, CandidateSets
from pointsman.core.decision import Decision, Outcome


class Incoming(NamedTuple):
    """Rows of `SET_COLUMNS`, `DECISION_COLUMNS` and `OUTCOME_COLUMNS`, in the order they came.

    Each set that a decision refers to is among them, so that a batch can be read by itself.
    """

    sets: Sequence[Row]
    decisions: Sequence[Row]
    outcomes: Sequence[Row]

    @property
    def records(self) -> int:
        """How many decisions and outcomes."""
        return len(self.decisions) + len(self.outcomes)


def incoming(records: Sequence[Decision | Outcome], known: CandidateSets) -> Incoming:
    """The rows of the records. May be called by one thread at a time for the same `known`."""
    sets: dict[int, CandidateSet] = {}
    decisions, outcomes = [], []
    for record in records:
        if isinstance(record, Outcome):
            outcomes.append(outcome_row(record))
            continue
        reference = known.reference(record)
        sets[reference.set.id] = reference.set
        if reference.base is not None:
            sets[reference.base.id] = reference.base
        decisions.append(decision_row(record, reference))
    # By id, so that two who write the same sets wait for each other in one order.
    in_order = [tuple(sets[set_id]) for set_id in sorted(sets)]
    return Incoming(in_order, decisions, outcomes)


def together(batches: Sequence[Incoming]) -> Incoming:
    """The rows of several batches as those of one."""
    sets = {row[0]: row for batch in batches for row in batch.sets}
    return Incoming(
        [sets[set_id] for set_id in sorted(sets)],
        [row for batch in batches for row in batch.decisions],
        [row for batch in batches for row in batch.outcomes],
    )


def halves(rows: Incoming) -> tuple[Incoming, Incoming]:
    """The rows in two parts, each with all sets. Needs two records."""
    if not rows.outcomes or not rows.decisions:
        decisions, outcomes = len(rows.decisions) // 2, len(rows.outcomes) // 2
        return (
            Incoming(rows.sets, rows.decisions[:decisions], rows.outcomes[:outcomes]),
            Incoming(rows.sets, rows.decisions[decisions:], rows.outcomes[outcomes:]),
        )
    return Incoming(rows.sets, rows.decisions, ()), Incoming((), (), rows.outcomes)
