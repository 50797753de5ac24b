"""Of whom, and since when, is the overview asked for?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.core.errors import RequestError
from pointsman.core.fleet import Fleet
from pointsman.engine.ports import StoredDecision
from pointsman.engine.timeline import SCALES, Scale
from pointsman.engine.timeline_slots import Narrowing

SCALE_OF: Mapping[str, Scale] = {scale.label: scale for scale in SCALES}
"""Ranges of which every attempt is still at hand."""

LONG_RANGES: Mapping[str, timedelta] = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
"""Ranges that are read from the sums that the store keeps."""

CUSTOM = "custom"
RANGES = (*SCALE_OF, *LONG_RANGES, CUSTOM)
LEAST = timedelta(minutes=5)
LONGEST = timedelta(days=400)


class OverviewQuery(NamedTuple):
    """What of the fleet is looked at; None stands for all.

    `start` and `end` are those of the range `custom`, else None.
    """

    range: str = "5m"
    agent_id: str | None = None
    kind: str | None = None
    model_id: str | None = None
    provider: str | None = None
    start: datetime | None = None
    end: datetime | None = None

    def checked(self) -> OverviewQuery:
        """The same. Raises `RequestError` for ends that make no range, or a choice nobody keeps."""
        if self.range in SCALE_OF:
            return self._without_ends()
        agents = self.agent_id is not None or self.kind is not None
        if agents and (self.model_id is not None or self.provider is not None):
            raise RequestError(
                "range: beyond an hour it is kept by agent or by model, not by both; leave one "
                "out, or look at an hour.",
                param="range",
                code="not_kept",
            )
        return self._without_ends() if self.range in LONG_RANGES else self._with_ends()

    def _without_ends(self) -> OverviewQuery:
        for name, at in (("start", self.start), ("end", self.end)):
            if at is not None:
                raise _wrong(name, f"only the range {CUSTOM!r} has one; leave it out")
        return self

    def _with_ends(self) -> OverviewQuery:
        start, end = self.start, self.end
        for name, at in (("start", start), ("end", end)):
            if at is None or at.tzinfo is None:
                raise _wrong(name, "give an instant with its zone, as in 2026-03-01T12:00:00Z")
        assert start is not None  # noqa: S101 - looked at above
        assert end is not None  # noqa: S101
        if end - start < LEAST:
            raise _wrong("end", f"it is {LEAST.seconds // 60} minutes after the start at least")
        if end - start > LONGEST:
            raise _wrong("start", f"nothing is kept for more than {LONGEST.days} days")
        return self

    def narrowing(self, fleet: Fleet) -> Narrowing:
        return Narrowing(self._agents(fleet), self._models(fleet))

    def _agents(self, fleet: Fleet) -> frozenset[str] | None:
        if self.agent_id is None and self.kind is None:
            return None
        named = (self.agent_id,) if self.agent_id is not None else fleet.agents
        kinds = {each.id: each.kind for each in fleet.agents.values()}
        return frozenset(name for name in named if self.kind in (None, kinds.get(name)))

    def _models(self, fleet: Fleet) -> frozenset[str] | None:
        if self.model_id is None and self.provider is None:
            return None
        named = (self.model_id,) if self.model_id is not None else fleet.models
        owners = {each.id: each.provider for each in fleet.models.values()}
        return frozenset(name for name in named if self.provider in (None, owners.get(name)))


def _wrong(name: str, words: str) -> RequestError:
    return RequestError(f"{name}: {words}.", param=name, code="invalid_value")


def is_meant(stored: StoredDecision, whose: Narrowing) -> bool:
    """Whether it is of one of these agents, and one of these models was chosen or tried."""
    decision = stored.decision
    if whose.agents is not None and decision.agent_id not in whose.agents:
        return False
    tried = {outcome.model_id for outcome in stored.outcomes}
    tried |= {decision.chosen.model_id} if decision.chosen else set()
    return whose.models is None or bool(tried & whose.models)
