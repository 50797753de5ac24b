"""How many calls does each model carry right now, and may it take one more?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pointsman.core.decision import Objection, ReasonCode
from pointsman.core.fleet import Model


class Lease:
    """One call in flight. Released exactly once, however often `release` is called."""

    __slots__ = ("_load", "_model_id")

    def __init__(self, load: Load, model_id: str) -> None:
        self._load: Load | None = load
        self._model_id = model_id

    def release(self) -> None:
        if self._load is not None:
            load, self._load = self._load, None
            load.returned(self._model_id)


class Load:
    """In-flight counts per model; they follow leases, so they are never below zero."""

    def __init__(self) -> None:
        self._in_flight: dict[str, int] = {}

    def lease(self, model: Model) -> Lease:
        self._in_flight[model.id] = self._in_flight.get(model.id, 0) + 1
        return Lease(self, model.id)

    def returned(self, model_id: str) -> None:
        """Called by a lease, once."""
        left = self._in_flight[model_id] - 1
        if left:
            self._in_flight[model_id] = left
        else:
            del self._in_flight[model_id]

    def in_flight(self, model_id: str) -> int:
        return self._in_flight.get(model_id, 0)

    def each_in_flight(self, model_ids: Sequence[str]) -> Sequence[int]:
        """How many calls each of the models carries."""
        count = self._in_flight.get
        return [count(model_id, 0) for model_id in model_ids]

    def snapshot(self) -> Mapping[str, int]:
        """All models that carry at least one call."""
        return dict(self._in_flight)

    @property
    def total(self) -> int:
        return sum(self._in_flight.values())

    def objection(self, model: Model) -> Objection | None:
        """Why `model` cannot take one more call now, or None: it is skipped, not queued on.

        Nobody knows when it has room again, so the objection does not say how long to wait.
        """
        most = model.limits.max_in_flight
        if most is None or self.in_flight(model.id) < most:
            return None
        return Objection(ReasonCode.AT_LIMIT, f"{most} of {most} calls in flight")
