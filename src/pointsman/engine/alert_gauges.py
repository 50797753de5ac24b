"""Which numbers may rules look at, as they are now?

Only those that some rule asks for are read.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pointsman.core.admission import Circuit
from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_inhibition import Members
from pointsman.core.alert_judgement import Declared
from pointsman.core.alert_log import Now
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.assignment.records import assignment_id
from pointsman.core.capability import requirements
from pointsman.core.decision import Decision, Task
from pointsman.core.fleet import AgentStatus, Fleet, Model
from pointsman.core.footing import Footing, stood
from pointsman.engine.health import Health
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.load import Load
from pointsman.engine.measured_gauges import (
    READERS,
    Gauge,
    Measured,
    Reader,
    Readings,
    reading,
)
from pointsman.engine.registry import Registry
from pointsman.engine.statistics import LiveStatistics

MOVES_S = 600.0
MOST_MOVES = 10_000
"""So many moves of ten minutes are remembered, over all agents."""
LATEST = 1_000
MOST_NAMED = 5


class Sources(NamedTuple):
    """The parts of a running router that numbers are read from."""

    registry: Registry
    health: Health
    load: Load
    ledger: WriteBehindLedger
    statistics: LiveStatistics


@dataclass(frozen=True, slots=True)
class _NotSeenToGo:
    """Everybody but who was once `declared` here and is not among those who are `here` now."""

    here: frozenset[str]
    declared: frozenset[str]

    def __contains__(self, name: object) -> bool:
        return name in self.here or name not in self.declared


class Gauges:
    """Reads numbers; what takes time to become true (a breaker open for long) it remembers."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._open_since: dict[str, float] = {}
        self._known: tuple[Fleet, dict[str, list[Model]]] | None = None
        self._declared_once: dict[ScopeKind, frozenset[str]] = {}
        self._moves: deque[tuple[float, str, str]] = deque(maxlen=MOST_MOVES)
        self._readers: Mapping[frozenset[str], Reader] = {
            frozenset({"eligible_models"}): self._eligible,
            frozenset({"moves_off_assigned"}): self._moved,
            **READERS,
            frozenset({"breaker_open_s"}): self._breakers,
            frozenset({"explored_share"}): self._explored,
            frozenset({"corrections"}): self._corrected,
            frozenset({"utilisation", "requests_in_flight"}): self._loads,
            frozenset({"unwritten_records", "store_failing_s"}): self._store,
        }

    def note(self, decisions: Iterable[Decision], now_s: float) -> None:
        """Remember which of these decisions went elsewhere than to the agent's standing model."""
        for made in decisions:
            named, chosen = made.assignment_id, made.chosen
            if named is None or chosen is None or made.band is None:
                continue
            if assignment_id(made.agent_id, chosen.model_id) == named:
                continue
            found = stood(made)
            if found.code is Footing.MOVED and not self._is_drained(found.model_id):
                self._moves.append((now_s, made.agent_id, found.words))

    def _is_drained(self, model_id: str | None) -> bool:
        """That agents leave a drained model is what was wanted."""
        model = self._sources.registry.fleet.models.get(model_id or "")
        return model is not None and model.drained

    def reading(
        self, now: Now, measured: Measured, wanted: frozenset[str], found: Readings
    ) -> Iterator[None]:
        """Put the readings of all metrics in `wanted` into `found`, a little with every step."""
        return reading(self._readers, (now, measured), wanted, found)

    def members(self) -> Members:
        """The models that would serve each set of capabilities, if they are well."""
        return {key: frozenset(each.id for each in models) for key, models in self._sets().items()}

    def declared(self, *, shared: bool = False) -> Declared:
        """The models and agents that there are, and the providers that have any models.

        Where alerts are `shared` with gateways that may know others, all but who was seen to go.
        """
        fleet = self._sources.registry.fleet
        here = {
            ScopeKind.MODEL: frozenset(fleet.models),
            ScopeKind.PROVIDER: frozenset(each.partition("/")[0] for each in fleet.models),
            ScopeKind.AGENT: frozenset(fleet.agents),
        }
        for kind, names in here.items():
            self._declared_once[kind] = self._declared_once.get(kind, frozenset()) | names
        if not shared:
            return here
        return {
            kind: _NotSeenToGo(names, self._declared_once[kind]) for kind, names in here.items()
        }

    # Models ----------------------------------------------------------------------------------

    def _sets(self) -> dict[str, list[Model]]:
        """For every set of capabilities that an agent needs at work, the models that have it."""
        fleet = self._sources.registry.fleet
        if self._known is not None and self._known[0] is fleet:
            return self._known[1]
        needed = {
            requirements(agent, Task()).required
            for agent in fleet.agents.values()
            if agent.status is AgentStatus.ONLINE
        }
        found = {
            "+".join(names) or "any": [
                model
                for model in fleet.models.values()
                if all(model.strengths.get(name, 0.0) > 0.0 for name in names)
            ]
            for names in needed
        }
        self._known = fleet, found
        return found

    def _eligible(self, now: Now, _: Measured) -> Iterator[Gauge]:
        del now
        health = self._sources.health
        for names, models in self._sets().items():
            bad = [
                each.id
                for each in models
                if each.drained or health.tripped(each) or health.objection(each)
            ]
            well = len(models) - len(bad)
            if well == len(models) == 1:
                continue  # that there is but one was decided by whoever declared it
            note = f"out: {', '.join(bad[:MOST_NAMED])}" if bad else ""
            scope = Scope(ScopeKind.CAPABILITIES, names)
            yield "eligible_models", scope, Reading(well, len(models), 0.0, note)

    def _breakers(self, now: Now, _: Measured) -> Iterator[Gauge]:
        circuits = self._sources.health.circuits()
        closed = Circuit.CLOSED.value
        tripped = {model_id for model_id, state in circuits.items() if state != closed}
        self._open_since = {model_id: self._open_since.get(model_id, now.s) for model_id in tripped}
        for model_id, since_s in self._open_since.items():
            yield "breaker_open_s", Scope(ScopeKind.MODEL, model_id), Reading(now.s - since_s)

    def _corrected(self, now: Now, _: Measured) -> Iterator[Gauge]:
        del now
        fleet = self._sources.registry.fleet
        for model_id in self._sources.registry.corrected():
            sources = fleet.models[model_id].sources
            learned = [name for name, source in sources.items() if "learned" in source.origin]
            note = ", ".join(sorted(learned))
            reading = Reading(max(1, len(learned)), 1, 0.0, note)
            yield "corrections", Scope(ScopeKind.MODEL, model_id), reading

    def _loads(self, now: Now, _: Measured) -> Iterator[Gauge]:
        del now
        load = self._sources.load
        yield "requests_in_flight", EVERYTHING, Reading(load.total)
        for model in self._sources.registry.fleet.models.values():
            scope = Scope(ScopeKind.MODEL, model.id)
            yield "requests_in_flight", scope, Reading(load.in_flight(model.id))
            used = load.utilisation(model)
            if used is not None:
                yield "utilisation", scope, Reading(used)

    # Decisions -------------------------------------------------------------------------------

    def _moved(self, now: Now, _: Measured) -> Iterator[Gauge]:
        while self._moves and now.s - self._moves[0][0] > MOVES_S:
            self._moves.popleft()
        reasons: dict[str, Counter[str]] = {}
        for _at_s, agent_id, words in self._moves:
            reasons.setdefault(agent_id, Counter())[words] += 1
        for agent_id, counted in reasons.items():
            count = sum(counted.values())
            words, times = counted.most_common(1)[0]
            reading = Reading(count, count, MOVES_S, f"{times} times {words}")
            yield "moves_off_assigned", Scope(ScopeKind.AGENT, agent_id), reading

    def _explored(self, now: Now, _: Measured) -> Iterator[Gauge]:
        del now
        latest = self._sources.statistics.latest(LATEST)
        if len(latest) >= LATEST // 2:
            share = sum(made.explored for made in latest) / len(latest)
            yield "explored_share", EVERYTHING, Reading(share, len(latest))

    # The gateway itself ----------------------------------------------------------------------

    def _store(self, now: Now, _: Measured) -> Iterator[Gauge]:
        ledger = self._sources.ledger
        yield "unwritten_records", EVERYTHING, Reading(ledger.queued)
        since = ledger.failing_since
        yield "store_failing_s", EVERYTHING, Reading(0.0 if since is None else now.s - since)
