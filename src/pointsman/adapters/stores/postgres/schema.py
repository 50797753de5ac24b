"""Has a PostgreSQL database the tables that this version needs, and how does it get them?

The statements are Alembic's, written for PostgreSQL and sent by us: so neither SQLAlchemy's driver
nor its engine is needed, and what is run is what `pointsman db sql` shows. Who upgrades holds a
lock meanwhile; either all of it is done or nothing.
"""

from __future__ import annotations

from typing import Any

from pointsman.adapters.stores.postgres.address import Address
from pointsman.adapters.stores.postgres.link import Link, Session
from pointsman.adapters.stores.postgres.partitions import DEFAULT, PARTED
from pointsman.adapters.stores.postgres.procedures import DROPS, PROCEDURES
from pointsman.adapters.stores.schema import HEAD, VERSION_TABLE
from pointsman.core.errors import StoreError

LOCK = 0x706F_696E_6462_7570
"""Advisory lock of those who upgrade or downgrade."""
UPGRADE_S = 3_600.0

DEFAULTS = tuple(f"CREATE TABLE {each}_{DEFAULT} PARTITION OF {each} DEFAULT" for each in PARTED)
"""Partitions for ids that do not say their day (see `partitions.py`)."""

TIMES = tuple(
    f"CREATE INDEX IX_{each}_TIME ON {each} USING brin (TIMESTAMP) WITH (pages_per_range = 32)"
    for each in PARTED
)
"""Rows lie in the order of their times, so an index need not name each of them."""

FURTHER = (*DEFAULTS, *TIMES, *PROCEDURES)
"""What only PostgreSQL has, beside the tables and views of the common schema."""

_VERSION = f"SELECT max(VERSION_NUM) FROM {VERSION_TABLE}"  # noqa: S608


async def check_schema(session: Session) -> None:
    """Raises `StoreError` when the tables are those of another version."""
    found = int(await session.fetchval(_VERSION) or 0)
    if found < HEAD:
        remedy = f"needs {HEAD}: run `pointsman db upgrade`"
        raise StoreError(f"the database's schema is at revision {found}, this pointsman {remedy}")
    if found > HEAD:
        remedy = f"knows {HEAD}: upgrade pointsman or use another database"
        raise StoreError(f"the database's schema is at revision {found}, this pointsman {remedy}")


async def revision(session: Session) -> int:
    """The revision that the database is at, 0 when it has none of our tables."""
    if await session.fetchval("SELECT to_regclass($1)", VERSION_TABLE) is None:
        return 0
    return int(await session.fetchval(_VERSION) or 0)


def script(start: int, target: int) -> str:
    """All statements that bring a database from one revision to another, without a transaction."""
    # Only who changes a database loads SQLAlchemy and Alembic.
    from pointsman.adapters.stores.migrations.running import statements  # noqa: PLC0415

    written = statements("postgresql", start=start, target=target)
    steps = [line for line in written.splitlines() if line not in {"BEGIN;", "COMMIT;"}]
    further = [f"{each};" for each in FURTHER] if start == 0 < target else []
    if target == 0:
        further = [f"{each};" for each in (*DROPS, f"DROP TABLE {VERSION_TABLE}")]
    return "\n".join([*steps, *further])


def move(address: Address, target: int = HEAD) -> tuple[int, int]:
    """Bring the database up or down to a revision; from which to which. Raises `StoreError`."""

    async def work(session: Session) -> tuple[int, int]:
        await session.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await session.execute("SET LOCAL statement_timeout = 0")
        start = await revision(session)
        if start > HEAD:
            raise StoreError(f"{address} was written by a newer pointsman (revision {start})")
        if start != target:
            await session.execute(script(start, target))
        return start, target

    moved: tuple[int, int] = _once(address, work)
    return moved


def status(address: Address) -> int:
    """The revision that the database is at. Raises `StoreError`."""
    return int(_once(address, revision, read=True))


def _once(address: Address, work: Any, *, read: bool = False) -> Any:
    link = Link(address, _unchecked)
    try:
        return link.run(work, within_s=UPGRADE_S, read=read)
    finally:
        link.close()


async def _unchecked(_: Session) -> None:
    return
