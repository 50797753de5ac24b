"""Where are the questions of a calibration put, and where is kept what their answers were worth?

Either to a gateway that runs (`remote`), which learns at once, or to one made for the purpose in
this process (`local`), whose store the next gateway reads. Both keep a judgement with the decision
it is about, so nothing else has to be kept to go on where a calibration was stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from pointsman.core.fleet import Model

CONTROL = "/api/v1/model-router"


class Mark(NamedTuple):
    """What an answer is worth: `success` or a judge's `rating`, as in `Feedback`."""

    success: bool | None = None
    rating: int | None = None
    comment: str = ""

    @property
    def quality(self) -> float:
        """In [0, 1]."""
        return float(self.success or False) if self.rating is None else (self.rating - 1) / 4


class Answered(NamedTuple):
    """A whole answer; `cost_usd` is None when it is unknown."""

    decision_id: str
    text: str
    cost_usd: Decimal | None


class NotAnswered(Exception):
    """There is no answer.

    `retry_after_s` says when it is worth trying again; `unfit` that this model cannot answer such a
    question at all, which is no failure of it.
    """

    def __init__(
        self, words: str, *, retry_after_s: float | None = None, unfit: bool = False
    ) -> None:
        self.retry_after_s = retry_after_s
        self.unfit = unfit
        super().__init__(words)


class CannotCalibrate(Exception):
    """It makes no sense to go on; the words say why and what to do."""


class Desk(Protocol):
    """A gateway as a calibration sees it. Every method may raise `CannotCalibrate`."""

    async def models(self) -> Sequence[Model]:
        """Those of the fleet, with their prices and limits."""

    async def ask(self, request_id: str, body: Mapping[str, Any]) -> Answered:
        """Put a chat request. Raises `NotAnswered`."""

    async def judge(self, decision_id: str, mark: Mark) -> None:
        """Keep durably what an answer was worth, and let it teach."""

    async def judged(self, request_id: str) -> Mark | None:
        """What was said of the answer to the request of this name, None if nothing."""


def text_of(document: Any) -> str:
    """The text of a chat completion, empty when it has none."""
    try:
        content = document["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return ""
    return content if isinstance(content, str) else ""
