"""Which decisions are asked for, and how are they found, a page at a time?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, NamedTuple

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from pointsman.adapters.http.control.overview_query import OverviewQuery, is_meant
from pointsman.adapters.http.control.searching import Fits, Page, holds, page_of, words_of
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.aggregate import first_id
from pointsman.core.errors import RequestError
from pointsman.core.fleet import Fleet
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.timeline_slots import EVERYBODY

MAX_LIMIT = 200
CURSOR = r"^dec_[0-9A-Za-z_-]{1,64}$"

FILTERS = (
    *("agent_id", "kind", "model_id", "provider", "session", "request_id", "success"),
    *("since", "until", "q"),
)
PAGED = ("limit", "cursor", *FILTERS)

Name = partial(QueryParameter, min_length=1, max_length=256)


class Wanted(NamedTuple):
    """Which decisions: what the store can tell; words that each of them has to hold, the kind of
    its agent, and the provider of a model that was chosen or tried.
    """

    query: DecisionQuery
    words: tuple[str, ...] = ()
    kind: str | None = None
    provider: str | None = None

    def fits(self, fleet: Fleet) -> Fits[StoredDecision] | None:
        """Whether a decision is one of these, and every word stands in it or in names of `fleet`.

        None where all are that the store tells.
        """
        whose = OverviewQuery(kind=self.kind, provider=self.provider).narrowing(fleet)
        if not self.words:
            return None if whose == EVERYBODY else lambda stored: is_meant(stored, whose)
        names = {each.id: each.name for each in fleet.agents.values()}
        names |= {each.id: each.display_name for each in fleet.models.values()}
        return lambda stored: is_meant(stored, whose) and holds(self.words, _texts(stored, names))


class Stretch(NamedTuple):
    """Since and until which id, the latter excluded, and what else is searched for."""

    least_id: str | None
    until_id: str | None
    words: tuple[str, ...]
    kind: str | None
    provider: str | None


async def wanted_stretch(
    *,
    since: Annotated[
        datetime | None, QueryParameter(description="Made at this instant or later, to 1 ms.")
    ] = None,
    until: Annotated[
        datetime | None, QueryParameter(description="Made before this instant, to 1 ms.")
    ] = None,
    q: Annotated[
        str | None,
        Name(description="Words that each stand in an id, a name, a kind of task or a failure."),
    ] = None,
    kind: Annotated[str | None, Name(description="Of agents of this kind only.")] = None,
    provider: Annotated[
        str | None, Name(description="A model of this one was chosen or tried.")
    ] = None,
) -> Stretch:
    """Raises `RequestError` for a stretch that ends before it begins."""
    start, end = (None if at is None else in_utc(at) for at in (since, until))
    if start is not None and end is not None and end <= start:
        words = f"until: {end.isoformat()} is not after since, {start.isoformat()}."
        raise RequestError(words, param="until", code="invalid_value")
    first, last = (None if at is None else first_id(at.timestamp()) for at in (start, end))
    return Stretch(first, last, words_of(q), kind, provider)


async def wanted_decisions(
    stretch: NamedDependency[SkipValidation[Stretch]],
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None, QueryParameter(pattern=CURSOR, description="`next_cursor` of the page before.")
    ] = None,
    agent_id: Annotated[str | None, Name()] = None,
    model_id: Annotated[str | None, Name(description="Chosen or tried for the request.")] = None,
    session: Annotated[str | None, Name()] = None,
    request_id: Annotated[str | None, Name()] = None,
    success: Annotated[
        bool | None, QueryParameter(description="Was it answered? Leaves out those under way.")
    ] = None,
) -> Wanted:
    before = min((each for each in (cursor, stretch.until_id) if each), default=None)
    query = DecisionQuery(limit, before, agent_id, model_id, session, request_id, success)
    query = query._replace(least_id=stretch.least_id)
    return Wanted(query, stretch.words, stretch.kind, stretch.provider)


async def decisions_of(source: ControlSource, wanted: Wanted) -> Page[StoredDecision]:
    """A page of those that are asked for. Raises `StoreError`."""
    query = wanted.query

    async def look(before: str | None, limit: int) -> Sequence[StoredDecision]:
        return await source.decisions(query._replace(before=before, limit=limit))

    fits = wanted.fits(source.fleet())
    return await page_of(look, lambda each: each.decision.id, query.limit, query.before, fits)


def _texts(stored: StoredDecision, names: Mapping[str, str]) -> list[str]:
    """What a decision can be found by."""
    made, outcomes = stored.decision, stored.outcomes
    ids = [made.agent_id, *(outcome.model_id for outcome in outcomes)]
    if made.chosen is not None:
        ids.append(made.chosen.model_id)
    return [
        *(made.id, made.request_id, made.session or "", made.asked_model or ""),
        *(made.task.type or "", made.strategy.value),
        *ids,
        *(names.get(each, "") for each in ids),
        *_result(stored),
    ]


def _result(stored: StoredDecision) -> list[str]:
    """In the words of the dashboard, and why it failed where it did."""
    made, outcomes = stored.decision, stored.outcomes
    if made.chosen is None:
        return ["failed", "no_eligible_model"]
    if not outcomes:
        return ["under way"]
    kinds = [each.failure.code for each in outcomes if each.failure is not None]
    served = next((each.model_id for each in outcomes if each.failure is None), None)
    if served is None:
        return ["failed", *kinds]
    return ["answered", "" if served == made.chosen.model_id else "fallback", *kinds]


def in_utc(at: datetime) -> datetime:
    """An instant without a zone is meant in UTC; one that UTC cannot say is its first or last."""
    if at.tzinfo is None:
        return at.replace(tzinfo=UTC)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return first if at.year == 1 else last
