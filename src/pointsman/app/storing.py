"""Where is kept what happened, by the configuration?

In a file of `server.data_dir`; or, when `store.url` names one, in a database that gateways may
share, with a spool in that folder before it.
"""

from __future__ import annotations

from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Protocol

from pointsman.adapters.stores.postgres.address import Address, address_of
from pointsman.adapters.stores.spool.file import SpoolFile
from pointsman.adapters.stores.spool.store import Distant, SpooledStore
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.keeping import StoreSettings
from pointsman.engine.delivery_ports import Outbox
from pointsman.engine.history_ports import AggregateStore, AuditStore
from pointsman.engine.ports import AssignmentStore, Store

DATABASE = "pointsman.db"
SPOOL = "spool.db"
ALERTS = "alerts.db"


class Memory(Store, Protocol):
    """What happened, how much when, who stands where, who changed what, who is still to be told."""

    @property
    def assignments(self) -> AssignmentStore: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def aggregates(self) -> AggregateStore: ...

    @property
    def audit(self) -> AuditStore: ...


def memory_of(settings: StoreSettings, data_dir: Path) -> Memory:
    """The store of a process. Raises `StoreError` when its file cannot be opened."""
    if settings.url is not None:
        behind = distant(address_of(settings.url.reveal()))
        return SpooledStore(data_dir / SPOOL, behind, max_bytes=settings.max_bytes)
    path = data_dir / DATABASE
    return SqliteStore(path, max_bytes=settings.max_bytes, reserve=settings.reserve_bytes)


def beside_the_gateway(store: Memory, data_dir: Path) -> SqliteStore:
    """Where a gateway keeps its own alerts: in a file, also where decisions are kept elsewhere.

    A gateway judges what it sees itself, and has to say so when the database is what fails.
    """
    return store if isinstance(store, SqliteStore) else SqliteStore(data_dir / ALERTS)


def distant(address: Address) -> Distant:
    """The database itself. Only who has one loads what talks to it."""
    made: Distant = import_module("pointsman.adapters.stores.postgres.store").PostgresStore(address)
    return made


def recorded(settings: StoreSettings, data_dir: Path) -> Memory | None:
    """What was kept, for one who reads or deletes; None where nothing ever was."""
    if settings.url is not None:
        return distant(address_of(settings.url.reveal()))
    path = data_dir / DATABASE
    return SqliteStore(path, reserve=settings.reserve_bytes) if path.exists() else None


def waiting(settings: StoreSettings, data_dir: Path) -> int:
    """How many records wait in the spool for the database to take them."""
    path = data_dir / SPOOL
    if settings.url is None or not path.exists():
        return 0
    with closing(SpoolFile(path, settings.max_bytes)) as spool:
        return spool.waiting.records.total
