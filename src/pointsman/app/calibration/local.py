"""How is a calibration run where no gateway runs?

The same parts as a gateway are put together in this process. What is learned stands in the store,
where the gateway finds it at its start.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pointsman.adapters.http.asking import Sender, ask_of
from pointsman.adapters.http.wire import chat_request
from pointsman.app.calibration.desk import (
    Answered,
    CannotCalibrate,
    Mark,
    NotAnswered,
    text_of,
)
from pointsman.app.running import Running
from pointsman.core.decision import Feedback
from pointsman.core.errors import (
    AttemptsSpent,
    NoEligibleModel,
    RequestError,
    StoreError,
    UpstreamError,
)
from pointsman.core.fleet import Model
from pointsman.engine.ports import DecisionQuery
from pointsman.engine.serve import Served


class LocalDesk:
    """A gateway without a server, which must be running."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def models(self) -> Sequence[Model]:
        return tuple(self._running.parts.registry.fleet.models.values())

    async def ask(self, request_id: str, body: Mapping[str, Any]) -> Answered:
        parts = self._running.parts
        try:
            request = chat_request(msgspec.json.encode(body))
            ask = ask_of(request, parts.registry.current.setup, Sender(), request_id=request_id)
            served = await parts.service.serve(ask)
            data = await _whole(served)
        except RequestError as error:
            raise CannotCalibrate(f"the question cannot be put: {error}") from None
        except NoEligibleModel as error:
            unfit = error.retry_after_s is None
            raise NotAnswered(str(error), retry_after_s=error.retry_after_s, unfit=unfit) from None
        except AttemptsSpent as error:
            raise NotAnswered(str(error), retry_after_s=error.last.retry_after_s) from None
        except UpstreamError as error:
            raise NotAnswered(str(error), retry_after_s=error.retry_after_s) from None
        return Answered(served.decision.id, text_of(json.loads(data)), served.cost_usd)

    async def judge(self, decision_id: str, mark: Mark) -> None:
        try:
            stored = await self._running.recall(decision_id)
            if stored is None:
                raise CannotCalibrate(f"the decision {decision_id} was not kept; is the disk full?")
            decision, served = stored.decision, stored.outcomes[-1]
            feedback = Feedback(
                decision_id=decision_id,
                agent_id=decision.agent_id,
                model_id=served.model_id,
                task_type=decision.task.type,
                at=self._running.parts.clock.now(),
                rating=mark.rating,
                success=mark.success,
                comment=mark.comment,
            )
            parts = self._running.parts
            if await asyncio.to_thread(parts.store.judge, feedback):
                parts.service.judge(feedback)
        except StoreError as error:
            raise CannotCalibrate(f"the store fails: {error}") from None

    async def judged(self, request_id: str) -> Mark | None:
        query = DecisionQuery(limit=20, request_id=request_id)
        try:
            found = await self._running.recall_many(query)
        except StoreError as error:
            raise CannotCalibrate(f"the store fails: {error}") from None
        said = next((each.feedback for each in found if each.feedback is not None), None)
        return None if said is None else Mark(said.success, said.rating, said.comment)


async def _whole(served: Served) -> bytes:
    """All of the answer. Raises `UpstreamError` when it breaks off."""
    pieces: list[bytes] = []
    try:
        while (data := await served.begun.read()) is not None:
            pieces.append(data)
    finally:
        await served.begun.close()
    return b"".join(pieces)
