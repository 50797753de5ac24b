"""On which database does Alembic work, and how? Run by Alembic, see `running.py`.

With a connection among the configuration's attributes it works there, in the transaction that is
open; without one it writes the statements for a dialect.
"""

from __future__ import annotations

from alembic import context

from pointsman.adapters.stores.schema import VERSION_TABLE
from pointsman.adapters.stores.schema.columns import METADATA, plain

connection = context.config.attributes.get("connection")
dialect = context.config.attributes.get("dialect")

context.configure(
    connection=connection,
    dialect_name=None if connection is not None else dialect,
    target_metadata=METADATA,
    literal_binds=connection is None,
    version_table=plain(VERSION_TABLE),
)
with context.begin_transaction():
    context.run_migrations()
