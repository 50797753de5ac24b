"""How are the assignments of a running router taken up, and looked after?"""

from __future__ import annotations

import logging

from pointsman.app.wiring import Wired
from pointsman.core.errors import StoreError
from pointsman.engine.reassign import Reassigning

TAKE_UP_AGAIN_S = 1.0

log = logging.getLogger(__name__)


class LookingAfter:
    """Whoever does so with the assignments of `parts`, a `turn` at a time."""

    def __init__(self, parts: Wired) -> None:
        self._parts = parts
        self._reassigning = Reassigning(parts.assignments, parts.clock, down=self._down)

    async def take_up(self) -> None:
        """Take up drains and assignments, when the store is back; requests are served meanwhile."""
        told = False
        while True:
            try:
                await self._parts.drains.take_up()
                return await self._load()
            except StoreError as error:
                if not told:
                    log.error("serving without assignments until they can be read: %s", error)  # noqa: TRY400 - no trace
                told = True
            await self._parts.clock.sleep(TAKE_UP_AGAIN_S)

    async def _load(self) -> None:
        """Take them up; in a file of our own nobody else's agents can be, so who is not declared
        was taken away while nothing ran.
        """
        book = self._parts.assignments
        await book.load()
        if self._parts.beside is self._parts.store and (gone := book.undeclared()):
            book.leave(gone)
            await book.refresh()

    async def turn(self) -> None:
        if self._parts.assignments.loaded:
            await self._parts.drains.take_up()
            # What another gateway has decided comes first: this one may have nothing left to do.
            await self._parts.assignments.refresh()
            await self._reassigning.turn()

    def _down(self) -> frozenset[str]:
        """The models that are left alone at this moment: in trouble, or drained."""
        known, circuits = self._parts.registry.fleet.models, self._parts.health.circuits()
        return frozenset(
            name
            for name, model in known.items()
            if model.drained or circuits.get(name, "closed") != "closed"
        )
