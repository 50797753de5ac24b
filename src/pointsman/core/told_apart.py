"""Whose attempts are told apart, and who shares one series with all the others?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pointsman.core.period import Thresholds
from pointsman.core.windows import Series

OTHER: Final = "__other__"

_NOTHING: Mapping[str, Series] = {}


class ToldApart:
    """A series of attempts for each agent, each model, and each agent on each model.

    At most `max_pairs` agents on models are told apart, `max_models` models and `max_agents`
    agents; all beyond share `OTHER`.
    """

    def __init__(
        self, thresholds: Thresholds, *, max_pairs: int, max_models: int, max_agents: int
    ) -> None:
        self._thresholds = thresholds
        self._max_pairs = max_pairs
        self._max_models = max_models
        self._max_agents = max_agents
        self._pairs: dict[str, dict[str, Series]] = {}
        self._models: dict[str, Series] = {}
        self._agents: dict[str, Series] = {}
        self.pair_count = 0
        """How many agents on models are told apart now."""

    def pair(self, agent_id: str, model_id: str) -> Series:
        models = self._pairs.get(agent_id)
        series = models.get(model_id) if models else None
        if series is not None:
            return series
        if self.pair_count >= self._max_pairs and agent_id != OTHER:
            shared = self._pairs.get(OTHER, _NOTHING)
            full = model_id not in shared and len(shared) >= self._max_models
            return self.pair(OTHER, OTHER if full else model_id)
        if models is None:
            models = self._pairs[agent_id] = {}
        series = models[model_id] = Series(self._thresholds)
        self.pair_count += 1
        return series

    def model(self, model_id: str) -> Series:
        return self._series_in(self._models, model_id, self._max_models)

    def agent(self, agent_id: str) -> Series:
        return self._series_in(self._agents, agent_id, self._max_agents)

    def _series_in(self, known: dict[str, Series], key: str, most: int) -> Series:
        series = known.get(key)
        if series is None:
            if len(known) >= most and key != OTHER:
                return self._series_in(known, OTHER, most)
            series = known[key] = Series(self._thresholds)
        return series

    def model_ids(self) -> Collection[str]:
        """The models of which something is known, `OTHER` possibly among them."""
        return tuple(self._models)

    def agent_ids(self) -> Collection[str]:
        """The agents of which something is known, `OTHER` possibly among them."""
        return tuple(self._agents)

    def models_of(self, agent_id: str) -> Collection[str]:
        """The models that an agent has used."""
        return tuple(self._pairs.get(agent_id, ()))

    def among(self, agent_id: str | None, model_id: str | None) -> Collection[Series]:
        """The series that together hold all attempts, or an agent's, or a model's, or both's."""
        if model_id is None and agent_id in self._agents:
            return (self._agents[agent_id],)
        of_agent = self._models if agent_id is None else self._pairs.get(agent_id, _NOTHING)
        if model_id is None:
            return of_agent.values()
        return (of_agent[model_id],) if model_id in of_agent else ()

    def forgetting(self, present: int) -> Iterator[None]:
        """Drop those of whom nothing is left in slot `present`, one with every step."""
        for known in (self._models, self._agents):
            for key, series in list(known.items()):
                if series.forget(present):
                    del known[key]
                yield
        for agent_id, models in list(self._pairs.items()):
            for model_id, series in list(models.items()):
                if series.forget(present):
                    del models[model_id]
                    self.pair_count -= 1
                yield
            if not models:
                del self._pairs[agent_id]
