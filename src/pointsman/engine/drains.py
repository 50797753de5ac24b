"""Which models did a person take out of service, and what is known of that after a restart?

A drain is an act in the audit log before it is in force, and that log is all that is read at a
start: what is said to have been done is what is done. Whoever shares the store takes up the drains
of the others too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pointsman.core.audit import ITSELF, Act
from pointsman.core.errors import Conflict, StoreError, UnknownModel
from pointsman.engine.audit import Audit
from pointsman.engine.history_ports import AuditQuery
from pointsman.engine.in_force import Who, to_its_end
from pointsman.engine.registry import Registry

KIND = "model"
DRAIN = f"{KIND}.drain"
UNDRAIN = f"{KIND}.undrain"

AT_A_TIME = 500


class Drain(NamedTuple):
    """Since when a model is drained, by whose key, and why in their own words."""

    at: datetime
    by: str
    reason: str


class Drains:
    """The drained models of a router. All methods that wait raise `StoreError`.

    Nothing is drained, and nothing can be, before what was in force is `taken_up`.
    """

    def __init__(self, registry: Registry, audit: Audit) -> None:
        self._registry = registry
        self._audit = audit
        self._changing = asyncio.Lock()
        self._taken_up = False
        self._since: Mapping[str, Drain] = {}
        self._newest = ""

    def of(self, model_id: str) -> Drain | None:
        """Who drained the model, if it is drained."""
        return self._since.get(model_id)

    def all(self) -> Mapping[str, Drain]:
        """Every drain by its model, also of models that are not declared now but may be again."""
        return self._since

    async def take_up(self) -> None:
        """Let what the audit log says be in force: at a start, and now and then for the others."""
        async with self._changing:
            newest = await self._audit.acts(AuditQuery(1, kind=KIND))
            if self._taken_up and newest and newest[0].id == self._newest:
                return
            acts = await self._acts()
            self._newest = acts[0].id if acts else ""
            self._adopt(_standing(acts))
            self._taken_up = True

    def check_drainable(self, model_id: str) -> None:
        """Raises `UnknownModel`, or `Conflict` when it is drained already, or `StoreError`."""
        self._check_taken_up()
        if model_id not in self._registry.fleet.models:
            words = f"model_id: no model is called {model_id!r}."
            raise UnknownModel(words, param="model_id", code="model_not_found")
        before = self.of(model_id)
        if before is not None:
            words = f"model_id: {model_id} is drained since {before.at:%F %T}Z, by {before.by}."
            raise Conflict(words, param="model_id", code="already_drained")

    async def drain(self, model_id: str, who: Who) -> None:
        """Choose the model for nobody who does not name it; what it answers now it ends.

        Raises what `check_drainable` does.
        """
        async with self._changing:
            self.check_drainable(model_id)
            await to_its_end(self._noted(DRAIN, model_id, who))

    async def undrain(self, model_id: str, who: Who) -> None:
        """Let the model be chosen again. Raises `Conflict` when it is not drained."""
        async with self._changing:
            self._check_taken_up()
            if self.of(model_id) is None:
                words = f"{model_id} is not drained: there is nothing to put back into service."
                raise Conflict(words, param="model_id", code="not_drained")
            await to_its_end(self._noted(UNDRAIN, model_id, who))

    async def renew(self, before: datetime) -> None:
        """Say again what would otherwise be forgotten with the acts before then."""
        async with self._changing:
            for model_id, since in list(self._since.items()):
                if since.at < before:
                    reason = since.reason or f"drained by {since.by}"
                    await to_its_end(self._noted(DRAIN, model_id, Who(ITSELF, reason)))

    async def _noted(self, action: str, model_id: str, who: Who) -> None:
        drains = action == DRAIN
        act = await self._audit.note(
            who.by,
            action,
            model_id,
            before={"drained": not drains},
            after={"drained": drains},
            reason=who.reason,
        )
        self._newest = act.id
        others = {name: each for name, each in self._since.items() if name != model_id}
        self._adopt(others | ({model_id: _drain(act)} if drains else {}))

    def _adopt(self, since: Mapping[str, Drain]) -> None:
        self._since = since
        self._registry.drain(frozenset(since))

    def _check_taken_up(self) -> None:
        if not self._taken_up:
            raise StoreError("what is drained could not be read; it is tried again")

    async def _acts(self) -> list[Act]:
        """All acts on models, newest first."""
        query, found = AuditQuery(AT_A_TIME, kind=KIND), list[Act]()
        while True:
            page = await self._audit.acts(query)
            found += page
            if len(page) < AT_A_TIME:
                return found
            query = query._replace(before=page[-1].id)


def _standing(acts: list[Act]) -> dict[str, Drain]:
    """What holds after all of them, which come newest first."""
    last: dict[str, Act] = {}
    for act in acts:
        if act.action in {DRAIN, UNDRAIN}:
            last.setdefault(act.subject, act)
    return {name: _drain(act) for name, act in last.items() if act.action == DRAIN}


def _drain(act: Act) -> Drain:
    return Drain(act.at, act.actor, act.reason)
