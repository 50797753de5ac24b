"""How are all prompts put to all models, without asking too much of anybody, or paying too much?

Models work side by side, each on a few prompts at a time, in the order of the file. What was judged
before is not asked again. A model that fails again and again is left out; everything else is worth
another try later, by running the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pointsman.app.calibration.cases import Case
from pointsman.app.calibration.desk import Answered, CannotCalibrate, Desk, Mark, NotAnswered
from pointsman.app.calibration.estimate import JUDGE_TOKENS, Pricing
from pointsman.core.fleet import Model
from pointsman.core.marking import judge_messages, rating_in

TRIES = 4
"""So often a question is put while the answer is only that it should come back later."""

LONGEST_WAIT_S = 60.0
USUAL_WAIT_S = 1.0

MOST_FAILURES = 5
"""A model that has failed so often in a row is left out."""

MOST_PARALLEL = 256
JUDGE_TRIES = 2
COMMENT = "calibration"

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. `most_usd` is what may be spent, None: whatever it costs."""

    cases: Sequence[Case]
    models: Sequence[Model]
    pricing: Pricing
    parallel: int = 4
    most_usd: Decimal | None = None
    again: bool = False


@dataclass(slots=True)
class Standing:
    """How one model has done. `marks` are those of this run and of earlier ones, by line."""

    model_id: str
    marks: dict[int, Mark] = field(default_factory=dict)
    earlier: int = 0
    failed: int = 0
    unfit: int = 0
    unjudged: int = 0
    left_out: bool = False
    cost_usd: Decimal = Decimal(0)
    last_words: str = ""
    _in_a_row: int = 0

    @property
    def quality(self) -> float | None:
        """The mean of what its answers were worth, in [0, 1]."""
        marks = self.marks.values()
        return sum(mark.quality for mark in marks) / len(marks) if marks else None

    def has_answered(self) -> None:
        self._in_a_row = 0

    def has_failed(self, words: str) -> None:
        self.failed += 1
        self.last_words = words
        self._in_a_row += 1
        self.left_out = self._in_a_row >= MOST_FAILURES


class _Unjudged(Exception):
    """The judge has not said what an answer is worth; the words are why."""


class Calibration:
    """One run of a plan. `progress` is called whenever a question is done with."""

    def __init__(
        self,
        desk: Desk,
        plan: Plan,
        *,
        progress: Callable[[Calibration], None] = lambda _: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._desk = desk
        self._plan = plan
        self._progress = progress
        self._sleep = sleep
        self._reserved_usd = Decimal(0)
        self.standings = {model.id: Standing(model.id) for model in plan.models}
        self.done = 0
        self.stopped = False

    @property
    def total(self) -> int:
        return len(self._plan.cases) * len(self._plan.models)

    @property
    def spent_usd(self) -> Decimal:
        """In this run, as far as it is known."""
        return sum((each.cost_usd for each in self.standings.values()), Decimal(0))

    @property
    def complete(self) -> bool:
        """Whether every answer that can be had is had and judged, and there is any."""
        judged = sum(len(each.marks) for each in self.standings.values())
        unfit = sum(each.unfit for each in self.standings.values())
        return judged > 0 and judged + unfit == self.total

    async def run(self) -> None:
        """Raises `CannotCalibrate`; what was judged until then is kept."""
        try:
            async with asyncio.TaskGroup() as group:
                for model in self._plan.models:
                    self._begin(group, model)
        except* CannotCalibrate as errors:
            raise _first(errors) from None

    def _begin(self, group: asyncio.TaskGroup, model: Model) -> None:
        """Let as many ask the model as may; they share what is to be asked."""
        waiting, most = iter(self._plan.cases), model.limits.max_in_flight
        for _ in range(min(self._plan.parallel, len(self._plan.cases), most or MOST_PARALLEL)):
            group.create_task(self._work(model, waiting))

    async def _work(self, model: Model, waiting: Iterator[Case]) -> None:
        standing = self.standings[model.id]
        for case in waiting:
            if self.stopped or standing.left_out:
                return
            if not await self._was_judged(case, standing):
                await self._settle(case, model, standing)
            self.done += not self.stopped
            self._progress(self)

    async def _was_judged(self, case: Case, standing: Standing) -> bool:
        """Whether an earlier run has settled this question."""
        if self._plan.again:
            return False
        mark = await self._desk.judged(case.request_id(standing.model_id))
        if mark is not None:
            standing.marks[case.line] = mark
            standing.earlier += 1
        return mark is not None

    async def _settle(self, case: Case, model: Model, standing: Standing) -> None:
        """One question: asked, answered and judged, if that may be paid for."""
        reserved = self._reserve(case, model)
        if reserved is None:
            self.stopped = True
            return
        request_id = case.request_id(model.id)
        try:
            answered = await self._answer(request_id, _body(case, model, self._plan.pricing))
            standing.cost_usd += answered.cost_usd or 0
            standing.has_answered()
            mark = await self._mark(case, answered, standing)
            await self._desk.judge(answered.decision_id, mark)
            standing.marks[case.line] = mark
        except NotAnswered as error:
            if error.unfit:
                standing.unfit += 1
                standing.last_words = str(error)
            else:
                standing.has_failed(str(error))
        except _Unjudged as error:
            standing.unjudged += 1
            standing.last_words = str(error)
        finally:
            self._reserved_usd -= reserved

    def _reserve(self, case: Case, model: Model) -> Decimal | None:
        """What is set aside for the answer at most; None where less than that is left to spend."""
        cost = self._plan.pricing.answer(case, model)
        most_usd = Decimal(0) if cost is None else cost.most_usd
        limit = self._plan.most_usd
        if limit is not None and self.spent_usd + self._reserved_usd + most_usd > limit:
            return None
        self._reserved_usd += most_usd
        return most_usd

    async def _answer(self, request_id: str, body: Mapping[str, Any]) -> Answered:
        for tried in range(1, TRIES):
            try:
                return await self._desk.ask(request_id, body)
            except NotAnswered as error:
                if error.unfit or error.retry_after_s is None:
                    raise
                wait_s = max(error.retry_after_s, USUAL_WAIT_S * tried)
                await self._sleep(min(wait_s, LONGEST_WAIT_S))
        return await self._desk.ask(request_id, body)

    async def _mark(self, case: Case, answered: Answered, standing: Standing) -> Mark:
        if case.good is not None:
            return Mark(success=case.good(answered.text), comment=COMMENT)
        judge = self._plan.pricing.judge
        if judge is None:
            raise CannotCalibrate(f"line {case.line} needs a judge: name a model with --judge")
        messages = judge_messages(
            case.question, answered.text, criteria=case.criteria, reference=case.reference
        )
        body = {"model": judge.id, "messages": messages, "max_tokens": JUDGE_TOKENS}
        words = ""
        for tried in range(JUDGE_TRIES):
            try:
                name = f"{case.request_id(standing.model_id)}-judge-{tried}"
                reply = await self._answer(name, body)
            except NotAnswered as error:
                raise _Unjudged(f"the judge does not answer: {error}") from None
            standing.cost_usd += reply.cost_usd or 0
            rating = rating_in(reply.text)
            if rating is not None:
                return Mark(rating=rating, comment=f"{COMMENT}, judged by {judge.id}")
            words = reply.text
        raise _Unjudged(f"the judge gives no rating, but {words[:80]!r}")


def _body(case: Case, model: Model, pricing: Pricing) -> dict[str, Any]:
    """The chat request that puts the question to this model and no other."""
    said = {"agent": case.agent, "task_type": case.task_type}
    return {
        "max_tokens": case.max_tokens or pricing.max_tokens,
        **(case.request or {}),
        "model": model.id,
        "messages": list(case.messages),
        "pointsman": {name: value for name, value in said.items() if value is not None},
    }


def _first(errors: BaseExceptionGroup[CannotCalibrate]) -> CannotCalibrate:
    first = errors.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
