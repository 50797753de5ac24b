"""Which tables are there, by their names on every database?

The definitions stand beside this file, one file per family of tables, in SQLAlchemy's words. They
are read by migrations, by whoever writes DDL, and by tests, never by a process that only serves:
loading SQLAlchemy takes 0.16 s and 26 MB (`docs/decisions/0014-*.md`). So nothing here imports it.

Names are upper case and never quoted, as on the databases that people query beside pointsman:
SQLite and HANA keep them so, PostgreSQL folds them, and any spelling finds them on all three.
Instants are integer microseconds since 1970 UTC, durations seconds unless a name ends in `_MS`,
money is decimal and exact. No foreign key binds an outcome to its decision, or a decision to an
assignment: either may be lost alone when a queue overflows, a check would slow every insert, and
partitions could not be dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

DECISIONS = "ROUTING_DECISIONS"
OUTCOMES = "ROUTING_OUTCOMES"
SETS = "ROUTING_CANDIDATE_SETS"
ASSIGNMENTS = "AGENT_MODEL_ASSIGNMENTS"
RUNS = "ASSIGNMENT_RUNS"
RUN_INPUTS = "ASSIGNMENT_RUN_INPUTS"
ALERTS = "ALERTS"
ALERT_EVENTS = "ALERT_EVENTS"
ALERT_OUTBOX = "ALERT_OUTBOX"
ALERT_SILENCES = "ALERT_SILENCES"
ALERT_RULES = "ALERT_RULES"
ALERT_WATCH = "ALERT_WATCH"
ALERT_REPORTS = "ALERT_REPORTS"
AGGREGATES = "ROUTING_AGGREGATES"
AUDIT = "AUDIT_LOG"
KEYS = "API_KEYS"
CORRECTIONS = "CATALOGUE_CORRECTIONS"

VERSION_TABLE = "SCHEMA_VERSION"
"""Which revision a database is at, in Alembic's form: one row, `VERSION_NUM`."""

APPLICATION_ID = 0x706F_696E
"""`PRAGMA application_id` of our files ("poin"), so that another program's file is not touched."""

HEAD = 6
"""The newest revision in `migrations/versions`. `PRAGMA user_version` holds a file's revision."""


def revision_id(number: int) -> str:
    """A revision's number as Alembic names it, such as `0005`."""
    return f"{number:04d}"


def marks(values: Sequence[object]) -> str:
    """A parameter mark for each of `values`, for a list in SQL."""
    return ", ".join("?" * len(values))
