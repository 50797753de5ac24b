"""Where is kept what happened, by the configuration?

In a file of `server.data_dir`; or, when `store.url` names one, in a database that gateways may
share, with a spool in that folder before it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from pointsman.adapters.stores.hana.address import SCHEMES as HANA
from pointsman.adapters.stores.hana.address import hana_address
from pointsman.adapters.stores.postgres.address import SCHEMES as POSTGRES
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.sharing import Shareable
from pointsman.adapters.stores.spool.file import SpoolFile
from pointsman.adapters.stores.spool.store import Distant, SpooledStore
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.keeping import StoreSettings
from pointsman.engine.alert_ports import AlertStore, Rota
from pointsman.engine.delivery_ports import Outbox
from pointsman.engine.history_ports import AggregateStore, AuditStore
from pointsman.engine.ports import AssignmentStore, Store

DATABASE = "pointsman.db"
SPOOL = "spool.db"
ALERTS = "alerts.db"


def _postgres(url: str) -> Distant:
    made: Distant = import_module("pointsman.adapters.stores.postgres.store").PostgresStore(
        address_of(url)
    )
    return made


def _hana(url: str) -> Distant:
    made: Distant = import_module("pointsman.adapters.stores.hana.store").HanaStore(
        hana_address(url)
    )
    return made


def _hana_apart(url: str) -> Distant:
    made: Distant = import_module("pointsman.adapters.stores.hana.apart").HanaApart(url)
    return made


class Server(NamedTuple):
    """A kind of database that is on a server. Only who has one loads what talks to it.

    `address` raises `ValueError` for a URL that is none. `store` is for who has nothing else to do
    than to wait for it, `apart` for who serves meanwhile.
    """

    schemes: frozenset[str]
    name: str
    form: str
    address: Callable[[str], object]
    driver: str
    schema: str
    remedy: str
    store: Callable[[str], Distant]
    apart: Callable[[str], Distant]


SERVERS = (
    Server(
        POSTGRES,
        name="PostgreSQL",
        form="postgresql://user:${PASSWORD}@host:5432/name",
        address=address_of,
        driver="asyncpg",
        schema="pointsman.adapters.stores.postgres.schema",
        remedy="pip install 'pointsman[postgres]'",
        store=_postgres,
        apart=_postgres,
    ),
    Server(
        HANA,
        name="SAP HANA",
        form="hana://user:${PASSWORD}@host:39017/?databaseName=NAME",
        address=hana_address,
        driver="hdbcli",
        schema="pointsman.adapters.stores.hana.schema",
        remedy="pip install 'pointsman[hana]'",
        store=_hana,
        apart=_hana_apart,
    ),
)


def server_of(url: str) -> Server:
    """What is behind a URL. Raises `ValueError` that says what is wrong with it, no password."""
    scheme, parted, _ = url.partition("://")
    for each in SERVERS:
        if scheme in each.schemes:
            return each
    begins = f"{scheme}:" if parted else "no scheme"
    raise ValueError(f"it begins with {begins}, not with postgresql: or hana:")


class Memory(Store, Protocol):
    """What happened, how much when, who stands where, who changed what."""

    @property
    def assignments(self) -> AssignmentStore: ...

    @property
    def aggregates(self) -> AggregateStore: ...

    @property
    def audit(self) -> AuditStore: ...


def memory_of(settings: StoreSettings, data_dir: Path) -> Memory:
    """The store of a process. Raises `StoreError` when its file cannot be opened."""
    if settings.url is not None:
        url = settings.url.reveal()
        behind = server_of(url).apart(url)
        return SpooledStore(data_dir / SPOOL, behind, max_bytes=settings.max_bytes)
    path = data_dir / DATABASE
    return SqliteStore(path, max_bytes=settings.max_bytes, reserve=settings.reserve_bytes)


class AlertStores(NamedTuple):
    """Where alerts and what is to be told of them are kept; `rota`: who watches for all.

    `beside` is the gateway's own file, which is closed last.
    """

    alerts: AlertStore
    outbox: Outbox
    beside: SqliteStore
    rota: Rota | None = None


def alert_stores(store: Memory, data_dir: Path) -> AlertStores:
    """Those of a gateway: in the database that it shares, else in a file of its own."""
    if isinstance(store, SqliteStore):
        return AlertStores(store.alerts, store.outbox, store)
    beside = SqliteStore(data_dir / ALERTS)
    if isinstance(store, SpooledStore) and isinstance(store.behind, Shareable):
        shared = store.behind
        return AlertStores(shared.shared_alerts(beside), shared.outbox, beside, shared.rota)
    return AlertStores(beside.alerts, beside.outbox, beside)


def recorded(settings: StoreSettings, data_dir: Path, *, reading: bool = True) -> Memory | None:
    """What was kept; None where nothing ever was. Who does more than read holds the folder."""
    if settings.url is not None:
        url = settings.url.reveal()
        return server_of(url).store(url)
    path = data_dir / DATABASE
    if not path.exists():
        return None
    reserve = 0 if reading else settings.reserve_bytes
    return SqliteStore(path, reserve=reserve, reading=reading)


def waiting(settings: StoreSettings, data_dir: Path) -> int:
    """How many records wait in the spool for the database to take them."""
    path = data_dir / SPOOL
    if settings.url is None or not path.exists():
        return 0
    with closing(SpoolFile(path, settings.max_bytes)) as spool:
        return spool.waiting.records.total
