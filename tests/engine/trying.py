"""What is one attempt with its script, and what became of it?"""

from __future__ import annotations

from collections import deque

from fakes import model
from scripted import (
    NOON,
    FakeClock,
    Script,
    ScriptedProvider,
)

from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.engine.attempt import Attempt, Ending
from pointsman.engine.policy import Timeouts
from pointsman.engine.ports import Call

BROKEN = UpstreamError(FailureKind.RESET, "gone")
MODEL = model("p/m")
AMPLE = Timeouts()


class Try:
    """One attempt with its script, and what became of it."""

    def __init__(
        self,
        script: Script,
        timeouts: Timeouts = AMPLE,
        clock: FakeClock | None = None,
        *,
        stream: bool = True,
    ) -> None:
        self.clock = clock or FakeClock()
        self.provider = ScriptedProvider(self.clock)
        self.provider.scripts[MODEL.id] = deque([script])
        self.endings: list[Ending] = []
        call = Call(MODEL, {}, stream, "req_1", timeouts.connect_s)
        self.attempt = Attempt(self.provider, call, timeouts, self.clock, self._ended)

    def _ended(self, ending: Ending) -> Outcome:
        self.endings.append(ending)
        failure = ending.error.kind if ending.error else None
        return Outcome("d", 1, MODEL.id, "a", NOON, failure, streamed=True, total_s=ending.total_s)

    @property
    def failure(self) -> FailureKind | None:
        """How it ended; there must be exactly one ending, and nothing left open."""
        (ending,) = self.endings
        assert all(answer.closed for answer in self.provider.answers)
        return ending.error.kind if ending.error else None
