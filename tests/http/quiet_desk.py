"""Where are alerts taken by a router on which nothing has happened?"""

from __future__ import annotations

from random import Random

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.clock import SystemClock
from pointsman.app.watching import Stores, Watching
from pointsman.core.admission import BreakerPolicy
from pointsman.core.alert_plan import AlertPlan
from pointsman.engine.alert_desk import Desk
from pointsman.engine.alert_gauges import Sources
from pointsman.engine.health import Health
from pointsman.engine.heard import Heard
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.load import Load
from pointsman.engine.recalling import Records
from pointsman.engine.registry import Registry
from pointsman.engine.statistics import LiveStatistics


def quiet_desk(store: SqliteStore, registry: Registry, statistics: LiveStatistics) -> Desk:
    """With the rules as shipped."""
    clock = SystemClock()
    parts = (Health(clock, BreakerPolicy()), Load(clock), WriteBehindLedger(store, clock))
    sources = Sources(registry, *parts, statistics)
    stores = Stores(store.alerts, Records(store, store.aggregates), 30, store.audit)
    return Watching(AlertPlan(), stores, sources, Heard(), clock, Random(1)).desk
