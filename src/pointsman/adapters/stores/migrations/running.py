"""How are revisions applied to a database, and which are there?

Imported only where something is to be changed: it brings SQLAlchemy and Alembic with it.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from pointsman.adapters.stores.schema import (
    APPLICATION_ID,
    HEAD,
    VERSION_TABLE,
    revision_id,
)
from pointsman.adapters.stores.schema.columns import plain

NOTHING = "base"
DIALECTS = ("sqlite", "postgresql", "hana")


class Revision(NamedTuple):
    number: int
    question: str


def revisions() -> list[Revision]:
    """All there are, oldest first, each with the question that its tables answer."""
    found = ScriptDirectory.from_config(_config()).walk_revisions()
    return [Revision(int(each.revision), each.doc) for each in found][::-1]


def current(connection: sa.Connection) -> int:
    """The revision that a database is at, 0 when it has none of our tables."""
    options = {"version_table": plain(VERSION_TABLE)}
    found = MigrationContext.configure(connection, opts=options).get_current_revision()
    return 0 if found is None else int(found)


def move(connection: sa.Connection, target: int = HEAD) -> None:
    """Bring a database up or down to a revision, 0 to have all tables taken away.

    In the transaction of the connection, which the caller commits. Raises
    `sqlalchemy.exc.SQLAlchemyError`.
    """
    config = _config()
    config.attributes["connection"] = connection
    go = command.upgrade if target >= current(connection) else command.downgrade
    go(config, revision_id(target) if target else NOTHING)


def statements(dialect: str, *, start: int = 0, target: int = HEAD) -> str:
    """The statements that bring a database of `DIALECTS` from one revision to another.

    Raises `LookupError` when the dialect's package is not installed.
    """
    written = io.StringIO()
    config = _config(written)
    config.attributes["dialect"] = dialect
    steps = (
        f"{revision_id(start) if start else NOTHING}:{revision_id(target) if target else NOTHING}"
    )
    try:
        (command.upgrade if target >= start else command.downgrade)(config, steps, sql=True)
    except sa.exc.NoSuchModuleError as error:
        raise LookupError(str(error)) from error
    return written.getvalue()


@contextmanager
def moving(db: sqlite3.Connection) -> Iterator[sa.Connection]:
    """A file's connection as SQLAlchemy has it, in a transaction that is durable once this ends.

    A file of the time before Alembic is given the number of its revision in Alembic's form. What
    is reached is noted in the file's head, where a start finds it in no time.
    """
    engine = sa.create_engine("sqlite://", creator=lambda: db, poolclass=sa.StaticPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _adopt(connection)
        yield connection
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {current(connection)}")
        connection.commit()


def upgrade_file(db: sqlite3.Connection) -> None:
    """Bring a file that this program made to the newest revision."""
    with moving(db) as connection:
        move(connection)


def _adopt(connection: sa.Connection) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version and not sa.inspect(connection).has_table(VERSION_TABLE):
        config = _config()
        config.attributes["connection"] = connection
        command.stamp(config, revision_id(version))


def _config(written: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=written) if written is not None else Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
