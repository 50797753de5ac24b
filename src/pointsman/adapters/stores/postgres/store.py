"""How are decisions and outcomes kept in PostgreSQL?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import msgspec

from pointsman.adapters.stores.absence import Unstorable
from pointsman.adapters.stores.aggregating import Aggregating
from pointsman.adapters.stores.auditing import AuditLog
from pointsman.adapters.stores.days import AHEAD_DAYS, day_at, days_of
from pointsman.adapters.stores.incoming import Incoming, halves, incoming
from pointsman.adapters.stores.outbox import StoredOutbox
from pointsman.adapters.stores.postgres.address import Address
from pointsman.adapters.stores.postgres.assignments import PostgresAssignments, revalue
from pointsman.adapters.stores.postgres.copying import write
from pointsman.adapters.stores.postgres.finding import page, readable, stored
from pointsman.adapters.stores.postgres.forgetting import forget_agent, forget_before
from pointsman.adapters.stores.postgres.link import Answer, Link, Session, Work
from pointsman.adapters.stores.postgres.partitions import make
from pointsman.adapters.stores.postgres.portable import transactions
from pointsman.adapters.stores.postgres.recent import feedback_since, outcomes_since
from pointsman.adapters.stores.postgres.rota import PostgresRota
from pointsman.adapters.stores.postgres.schema import check_schema
from pointsman.adapters.stores.rows import feedback_values, json_text, mended, microseconds
from pointsman.adapters.stores.schema import DECISIONS
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.adapters.stores.sharing import Beside, SharedAlerts
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery, StoredDecision

_JUDGE = f"""
UPDATE {DECISIONS}
SET RATED_MODEL_ID = $2, RATED_AT = $3, USER_RATING = $4, USER_SUCCESS = $5, USER_FEEDBACK = $6
WHERE DECISION_ID = $1
"""  # noqa: S608


class PostgresStore:
    """Decisions, outcomes and assignments in the database at `address`.

    Nothing is asked of the server before the first call, so it may be away when this is made.
    Gateways may share a database. What a database refuses is `mended`, and a row that it refuses
    even so is left out and counted in `unstorable` by class, so that it holds up no others.
    """

    def __init__(self, address: Address, *, now: Callable[[], datetime] | None = None) -> None:
        self.link = Link(address, check_schema)
        self.assignments = PostgresAssignments(self.link)
        database = transactions(self.link)
        self.aggregates = Aggregating(database)
        self.audit = AuditLog(database)
        self.outbox = StoredOutbox(database)
        self.rota = PostgresRota(database)
        self._database = database
        self.crowded_out = 0
        self.unstorable = {"decision": 0, "outcome": 0}
        self._sets = CandidateSets(json_text)
        self._days: set[int] = set()
        self._now = now or partial(datetime.now, UTC)

    def shared_alerts(self, beside: Beside) -> SharedAlerts:
        """Alerts that all gateways on this database share; `beside` is this gateway's own file."""
        return SharedAlerts(self._database, self.rota, beside)

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        self.write(incoming(records, self._sets))

    def write(self, rows: Incoming) -> None:
        """Keep all rows or none, durably; one that is already kept is left as it is."""
        try:
            self._make_days(days_of(row[0] for row in (*rows.decisions, *rows.outcomes)))
            self.link.run(partial(write, rows=rows))
        except (Unstorable, UnicodeEncodeError, OverflowError):
            # It is not looked for before, because that would cost every row.
            self._write_apart(_mended(rows))
        self.aggregates.note((*rows.decisions, *rows.outcomes))

    def _write_apart(self, rows: Incoming) -> None:
        """Write what can be written, ever smaller parts of what cannot."""
        try:
            self.link.run(partial(write, rows=rows))
        except (Unstorable, OverflowError):
            if rows.records > 1:
                for part in halves(rows):
                    self._write_apart(part)
                return
            self.unstorable["decision"] += len(rows.decisions)
            self.unstorable["outcome"] += len(rows.outcomes)

    def judge(self, feedback: Feedback) -> bool:
        model_id, at_us, rating, success, comment = feedback_values(feedback)
        values = (readable(feedback.decision_id), readable(model_id), at_us, rating, success)

        async def update(session: Session) -> bool:
            await revalue(session, feedback)
            done: str = await session.execute(_JUDGE, *values, readable(comment))
            return done != "UPDATE 0"

        return self.link.run(update)

    def forget_before(self, instant: datetime) -> int:
        today = day_at(self._now())
        self._make_days(range(today, today + AHEAD_DAYS + 1))
        return forget_before(self.link, instant)

    def forget_agent(self, agent_id: str) -> int:
        return forget_agent(self.link, readable(agent_id))

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        return self._read(partial(page, query=query))

    def decision(self, decision_id: str) -> StoredDecision | None:
        found = self._read(partial(stored, ids=[readable(decision_id)]))
        return found[0] if found else None

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        with self._undamaged():
            yield from outcomes_since(self.link, microseconds(since), limit)

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        with self._undamaged():
            yield from feedback_since(self.link, microseconds(since), limit)

    def close(self) -> None:
        self.link.close()

    def _make_days(self, days: Collection[int]) -> None:
        missing = set(days) - self._days
        if missing:
            self.link.run(partial(make, days=missing))
            self._days |= missing

    def _read(self, work: Work[Answer]) -> Answer:
        with self._undamaged():
            return self.link.run(work, read=True)

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, IndexError, ArithmeticError, msgspec.DecodeError) as error:
            raise StoreError(f"{self.link.address} holds a damaged record: {error}") from error


def _mended(rows: Incoming) -> Incoming:
    return Incoming(*([tuple(map(_mended_value, row)) for row in part] for part in rows))


def _mended_value(value: object) -> object:
    return readable(value) if isinstance(value, str) else mended(value)
