"""What does the control API need to know, and from whom?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from pointsman.core.fleet import Fleet
from pointsman.engine.ports import DecisionQuery, StoredDecision


class LiveModel(NamedTuple):
    """The state of a model now. `circuit` is closed, open or probing.

    `utilisation` is the largest share of any of its limits that it uses, None without limits;
    `over_target` says that this is more than it should be for long.
    """

    circuit: str = "closed"
    in_flight: int = 0
    utilisation: float | None = None
    over_target: bool = False


class ConfigView(NamedTuple):
    """The configuration in force, ready for JSON, with every secret already taken out.

    `rejected` says in words why a later one is not used, empty when none was rejected.
    """

    version: str
    settings: Mapping[str, object]
    rejected: str = ""


class ControlSource(Protocol):
    """The running router, as the control API sees it. The async methods raise `StoreError`."""

    def fleet(self) -> Fleet:
        """The fleet as it is served: what traffic corrected shows in the sources of a model."""

    def live(self, model_id: str) -> LiveModel: ...

    def config(self) -> ConfigView: ...

    def set_log_level(self, level: str) -> None:
        """`level` is one of debug, info, warning, error."""

    async def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]: ...

    async def decision(self, decision_id: str) -> StoredDecision | None:
        """A decision is found as soon as its request has been answered."""
