"""Has a HANA database the tables that this version needs, and how does it get them?

The statements are Alembic's, written for HANA, with what it has beside: column tables, partitions,
tables of a session for what comes in, procedures. Statements that make tables are part of the
transaction, so that all of it is done or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pointsman.adapters.stores.hana import statements as say
from pointsman.adapters.stores.hana.address import HanaAddress
from pointsman.adapters.stores.hana.procedures import DROPS, PROCEDURES
from pointsman.adapters.stores.hana.session import HanaSession, first
from pointsman.adapters.stores.schema import DECISIONS, HEAD, OUTCOMES, VERSION_TABLE
from pointsman.core.errors import StoreError

PARTED = (DECISIONS, OUTCOMES)

_STAGING = tuple(
    f"CREATE GLOBAL TEMPORARY COLUMN TABLE {say.staging(table)} AS"  # noqa: S608
    f" (SELECT {', '.join(columns)} FROM {table}) WITH NO DATA"
    for table, columns in say.ROWS.items()
)
_PARTITIONS = tuple(
    f"ALTER TABLE {table} PARTITION BY RANGE (DECISION_ID) (PARTITION OTHERS)" for table in PARTED
)
FURTHER = (*_PARTITIONS, *_STAGING, *PROCEDURES)
_UNDONE = (*DROPS, *(f"DROP TABLE {say.staging(table)}" for table in say.ROWS))

_COMMENT = re.compile(r"^--.*$", re.MULTILINE)
_SKIPPED = frozenset({"BEGIN", "COMMIT"})


def script(start: int, target: int) -> list[str]:
    """All statements that bring a database from one revision to another, one by one."""
    # Only who changes a database loads SQLAlchemy and Alembic.
    from pointsman.adapters.stores.migrations.running import statements  # noqa: PLC0415

    try:
        text = statements("hana", start=start, target=target)
    except (LookupError, ModuleNotFoundError) as error:
        raise StoreError(f"{error}: pip install 'pointsman[hana]'") from error
    written = _COMMENT.sub("", text)
    steps = [step for step in map(str.strip, written.split(";\n")) if step.strip(";")]
    steps = [_in_columns(step.rstrip(";")) for step in steps]
    steps = [step for step in steps if step not in _SKIPPED]
    if start == 0 < target:
        return [*steps, *FURTHER]
    return [*_UNDONE, *steps, f"DROP TABLE {VERSION_TABLE}"] if target == 0 else steps


def _in_columns(step: str) -> str:
    """Tables by column, whatever the server makes of those that do not say."""
    return re.sub(r"^CREATE TABLE\b", "CREATE COLUMN TABLE", step)


def revision(cursor: Any) -> int:
    """The revision that the database is at, 0 when it has none of our tables."""
    if not first(cursor, say.HAS_VERSION, (VERSION_TABLE,)):
        return 0
    return int(first(cursor, say.VERSION) or 0)


def check(cursor: Any) -> None:
    """Raises `StoreError` when the tables are those of another version."""
    found = revision(cursor)
    if found < HEAD:
        raise StoreError(
            f"the database's schema is at {found}, not {HEAD}: run `pointsman db upgrade`"
        )
    if found > HEAD:
        raise StoreError(f"the database's schema is at {found}, not {HEAD}: upgrade pointsman")


def move(address: HanaAddress, target: int = HEAD) -> tuple[int, int]:
    """Bring the database up or down to a revision; from which to which. Raises `StoreError`."""
    session = HanaSession(address)
    try:
        with session.transaction() as cursor:
            start = revision(cursor)
            if start > HEAD:
                raise StoreError(f"{address} was written by a newer pointsman (revision {start})")
            if start != target:
                _run(cursor, script(start, target))
            return start, target
    finally:
        session.close()


def status(address: HanaAddress) -> int:
    """The revision that the database is at. Raises `StoreError`."""
    session = HanaSession(address)
    try:
        with session.transaction() as cursor:
            return revision(cursor)
    finally:
        session.close()


def _run(cursor: Any, steps: Sequence[str]) -> None:
    for step in steps:
        cursor.execute(step)
