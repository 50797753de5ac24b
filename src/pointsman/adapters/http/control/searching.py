"""How is a page of something found, by words too, where there is more than is looked through?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Generic, NamedTuple, TypeVar

from litestar.params import QueryParameter

from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.export_bodies import row

LOOKED_THROUGH = 5_000
"""So many are looked through for the words of a search before the page is given out."""
AT_ONCE = 500

T = TypeVar("T")
Fits = Callable[[T], bool]
Words = Annotated[
    str | None,
    QueryParameter(
        name="q",
        min_length=1,
        max_length=256,
        description="Words that each stand somewhere in what is told of it.",
    ),
]


class Page(NamedTuple, Generic[T]):
    """`cursor` leads to what is older; None where there is nothing."""

    found: Sequence[T]
    cursor: str | None


async def page_of(
    look: Callable[[str | None, int], Awaitable[Sequence[T]]],
    id_of: Callable[[T], str],
    limit: int,
    before: str | None,
    fits: Fits[T] | None,
) -> Page[T]:
    """At most `limit` of those that fit, newest first; `look` gives so many before an id.

    A search may end with fewer than there is room for, and a cursor: it has looked through
    `LOOKED_THROUGH` and goes on from there when it is asked to. Raises what `look` raises.
    """
    if fits is None:
        looked_at = await look(before, limit + 1)
        more = len(looked_at) > limit
        return Page(looked_at[:limit], id_of(looked_at[limit - 1]) if more else None)
    found: list[T] = []
    for _ in range(LOOKED_THROUGH // AT_ONCE):
        looked_at = await look(before, AT_ONCE)
        found += filter(fits, looked_at)
        if len(found) > limit:
            return Page(found[:limit], id_of(found[limit - 1]))
        if len(looked_at) < AT_ONCE:
            return Page(found, None)
        before = id_of(looked_at[-1])
    return Page(found, before)


def words_of(q: str | None) -> tuple[str, ...]:
    return tuple((q or "").lower().split())


def fits_by(q: str | None, body: Callable[[T], Body]) -> Fits[T] | None:
    """Whether every word stands somewhere in the body of a thing; None where there is none."""
    words = words_of(q)
    if not words:
        return None

    def fits(thing: T) -> bool:
        return holds(words, (str(value) for value in row(body(thing)).values()))

    return fits


def holds(words: Sequence[str], texts: Iterable[str]) -> bool:
    text = "\n".join(texts).lower()
    return all(word in text for word in words)
