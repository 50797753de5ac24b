"""How is a long answer written without anybody else having to wait for its end?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import msgspec
from litestar import Response

from pointsman.adapters.http.control.bodies import Body
from pointsman.engine.steps import in_steps

AT_ONCE = 100
"""So many items of a list are written before others get their turn."""

B = TypeVar("B", bound=Body)


async def with_list(
    body: B, name: str, items: Sequence[Body], monotonic: Callable[[], float]
) -> Response[B]:
    """`body` as JSON, with `items` in its field of that name, which is empty there."""
    parts = [each async for each in in_steps(_written(items), monotonic)]
    fields: dict[str, Any] = msgspec.to_builtins(body)
    fields[name] = msgspec.Raw(b"[" + b",".join(parts) + b"]")
    content = cast("B", msgspec.json.encode(fields))  # Litestar sends bytes as they are
    return Response(content, media_type="application/json")


def _written(items: Sequence[Body]) -> Iterator[bytes]:
    for start in range(0, len(items), AT_ONCE):
        yield msgspec.json.encode(items[start : start + AT_ONCE])[1:-1]
