"""Are all prompts put to all models, within what may be spent and what models can bear?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from pointsman.app.calibration import report
from pointsman.app.calibration.cases import Case
from pointsman.app.calibration.desk import (
    Answered,
    CannotCalibrate,
    Mark,
    NotAnswered,
    text_of,
)
from pointsman.app.calibration.estimate import Cost, Pricing, estimated, unpriced
from pointsman.app.calibration.run import MOST_FAILURES, TRIES, Calibration, Plan
from pointsman.core.fleet import Limits, Model, Price, PriceState, Rate

CENT = Decimal("0.01")
KNOWN = Price(PriceState.KNOWN, Rate(Decimal(0)), Rate(Decimal(10)))
"""A cent for a thousand tokens of an answer."""


def model(name: str, price: Price = KNOWN, most: int | None = None) -> Model:
    return Model(f"p/{name}", "p", name, price=price, limits=Limits(max_in_flight=most))


def case(line: int, *, judged: bool = False) -> Case:
    messages = ({"role": "user", "content": f"question {line}"},)
    good = None if judged else lambda text: text == "right"
    return Case(line, f"digest {line}", messages, good, agent="a", request={"temperature": 0})


Reply = Callable[[Mapping[str, Any]], str]


class FakeDesk:
    """Answers at once with what `reply` says to a body, or raises what it raises."""

    def __init__(self, reply: Reply, cost_usd: Decimal | None = CENT) -> None:
        self._reply = reply
        self._cost_usd = cost_usd
        self._names: dict[str, str] = {}
        self.bodies: list[Mapping[str, Any]] = []
        self.marks: dict[str, Mark] = {}

    async def models(self) -> Sequence[Model]:
        return ()

    async def ask(self, request_id: str, body: Mapping[str, Any]) -> Answered:
        self.bodies.append(body)
        text = self._reply(body)
        decision_id = f"dec_{len(self.bodies)}"
        self._names[decision_id] = request_id
        return Answered(decision_id, text, self._cost_usd)

    async def judge(self, decision_id: str, mark: Mark) -> None:
        self.marks[self._names[decision_id]] = mark

    async def judged(self, request_id: str) -> Mark | None:
        return self.marks.get(request_id)


async def run(desk: FakeDesk, plan: Plan) -> tuple[Calibration, list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    calibration = Calibration(desk, plan, sleep=sleep)
    await calibration.run()
    return calibration, slept


def plan(*cases: Case, models: Sequence[Model] = (model("x"),), **changes: Any) -> Plan:
    return Plan(cases, models, changes.pop("pricing", Pricing(1000)), **changes)


async def test_every_model_is_asked_everything_and_nothing_else() -> None:
    desk = FakeDesk(lambda body: "right" if body["model"] == "p/x" else "wrong")
    models = [model("x"), model("y", most=1)]
    calibration, _ = await run(desk, plan(case(1), case(2), models=models))
    assert calibration.complete
    assert calibration.done == calibration.total == 4
    assert [each.quality for each in calibration.standings.values()] == [1.0, 0.0]
    assert Counter(body["model"] for body in desk.bodies) == {"p/x": 2, "p/y": 2}
    body = desk.bodies[0]
    assert body["pointsman"] == {"agent": "a"}
    assert (body["temperature"], body["max_tokens"]) == (0, 1000)
    assert calibration.spent_usd == 4 * CENT


async def test_what_was_judged_is_not_asked_again() -> None:
    desk = FakeDesk(lambda _: "right")
    await run(desk, plan(case(1)))
    calibration, _ = await run(desk, plan(case(1), case(2)))
    assert len(desk.bodies) == 2
    assert calibration.standings["p/x"].earlier == 1
    assert calibration.complete
    await run(desk, plan(case(1), again=True))
    assert len(desk.bodies) == 3


async def test_who_asks_to_come_back_later_is_asked_later() -> None:
    tries: Counter[str] = Counter()

    def reply(body: Mapping[str, Any]) -> str:
        tries[body["model"]] += 1
        if tries[body["model"]] < 3:
            raise NotAnswered("full", retry_after_s=7.0)
        return "right"

    calibration, slept = await run(FakeDesk(reply), plan(case(1)))
    assert calibration.complete
    assert slept == [7.0, 7.0]


async def test_nobody_is_asked_for_ever() -> None:
    def reply(_: Mapping[str, Any]) -> str:
        raise NotAnswered("full", retry_after_s=0.0)

    desk = FakeDesk(reply)
    calibration, slept = await run(desk, plan(case(1)))
    assert len(desk.bodies) == TRIES
    assert slept == sorted(slept)
    assert calibration.standings["p/x"].failed == 1
    assert not calibration.complete


async def test_a_model_that_fails_in_a_row_is_left_out() -> None:
    def reply(body: Mapping[str, Any]) -> str:
        if body["model"] == "p/x":
            raise NotAnswered("server_error: broken")
        return "right"

    cases, models = [case(line) for line in range(20)], [model("x"), model("y")]
    calibration, _ = await run(FakeDesk(reply), plan(*cases, models=models, parallel=1))
    assert calibration.standings["p/x"].failed == MOST_FAILURES
    assert calibration.standings["p/x"].left_out
    assert len(calibration.standings["p/y"].marks) == 20
    assert "left out after failing in a row: server_error" in "\n".join(report.table(calibration))


async def test_a_model_that_cannot_answer_such_a_question_has_not_failed() -> None:
    def reply(_: Mapping[str, Any]) -> str:
        raise NotAnswered("lacks vision", unfit=True)

    calibration, _ = await run(FakeDesk(reply), plan(*map(case, range(9))))
    standing = calibration.standings["p/x"]
    assert (standing.unfit, standing.failed, standing.quality) == (9, 0, None)
    assert not calibration.complete, "nothing was learned"


async def test_a_judge_rates_what_it_is_asked_to() -> None:
    replies = iter(["so and so", "I like it", '{"rating": 4}'])
    desk = FakeDesk(lambda _: next(replies))
    pricing = Pricing(1000, judge=model("judge"))
    calibration, _ = await run(desk, plan(case(1, judged=True), pricing=pricing))
    assert calibration.standings["p/x"].quality == 0.75
    assert calibration.spent_usd == 3 * CENT
    assert [body["model"] for body in desk.bodies] == ["p/x", "p/judge", "p/judge"]


async def test_what_the_judge_does_not_rate_stays_unjudged() -> None:
    def silent(body: Mapping[str, Any]) -> str:
        if body["model"] == "p/judge":
            raise NotAnswered("timeout")
        return "so"

    for reply in (lambda _: "fine", silent):
        pricing = Pricing(1000, judge=model("judge"))
        calibration, _ = await run(FakeDesk(reply), plan(case(1, judged=True), pricing=pricing))
        assert calibration.standings["p/x"].unjudged == 1
        assert "judge" in calibration.standings["p/x"].last_words


async def test_without_a_judge_what_needs_one_cannot_be_calibrated() -> None:
    with pytest.raises(CannotCalibrate, match="--judge"):
        await run(FakeDesk(lambda _: "so"), plan(case(1, judged=True)))


async def test_a_desk_that_is_gone_ends_it_with_its_own_words() -> None:
    def gone(_: Mapping[str, Any]) -> str:
        raise CannotCalibrate("the gateway is gone")

    with pytest.raises(CannotCalibrate, match="gateway is gone"):
        await run(FakeDesk(gone), plan(*map(case, range(9))))


@pytest.mark.parametrize("parallel", [1, 8])
async def test_no_more_is_spent_than_may_be(parallel: int) -> None:
    """Each answer may cost a cent and does."""
    desk = FakeDesk(lambda _: "right")
    cases = [case(line) for line in range(20)]
    calibration, _ = await run(desk, plan(*cases, most_usd=5 * CENT, parallel=parallel))
    assert calibration.stopped
    assert calibration.spent_usd <= 5 * CENT
    assert 3 <= len(desk.bodies) <= 5
    document = report.as_document(calibration)
    assert document["stopped_by_budget"]
    assert not document["complete"]


async def test_an_answer_of_unknown_cost_adds_nothing_that_is_known() -> None:
    calibration, _ = await run(FakeDesk(lambda _: "right", cost_usd=None), plan(case(1)))
    assert calibration.spent_usd == 0


def test_the_estimate_counts_answers_and_judgements() -> None:
    judge = model("judge")
    pricing = Pricing(1000, judge)
    assert estimated([case(1)], [model("x")], pricing) == Cost(CENT / 4, CENT)
    with_judge = estimated([case(1, judged=True)], [model("x")], pricing)
    assert with_judge.most_usd == CENT + Decimal("0.003")
    free = Price(PriceState.FREE)
    assert estimated([case(1)], [model("x", free)], Pricing(1000)) == Cost()


def test_what_has_no_price_is_named() -> None:
    dark = Price(PriceState.UNKNOWN)
    models = [model("x"), model("dark", dark)]
    assert unpriced([case(1)], models, Pricing(1000)) == ["p/dark"]
    judge = Pricing(1000, model("judge", dark))
    assert unpriced([case(1)], models[:1], judge) == []
    assert unpriced([case(1, judged=True)], models[:1], judge) == ["p/x"]


def test_before_it_begins_it_is_said_what_will_happen() -> None:
    judge = model("x")
    models = [judge, model("dark", Price(PriceState.UNKNOWN))]
    said = "\n".join(report.before(plan(case(1), models=models, pricing=Pricing(1000, judge))))
    assert "1 prompts × 2 models: 2 answers" in said
    assert "at most 0.0100 USD" in said
    assert "unknown: p/dark" in said
    assert "fewer than 100 prompts" in said
    assert "p/x judges its own answers" in said


async def test_the_best_stands_first_and_the_unknown_last() -> None:
    def reply(body: Mapping[str, Any]) -> str:
        if body["model"] == "p/broken":
            raise NotAnswered("broken")
        seen[body["model"]] += 1
        return "right" if body["model"] == "p/good" or seen[body["model"]] == 1 else "wrong"

    seen: defaultdict[str, int] = defaultdict(int)
    models = [model("broken"), model("bad"), model("good")]
    cases = [case(line) for line in range(4)]
    calibration, _ = await run(FakeDesk(reply), plan(*cases, models=models))
    ranks = [each.model_id for each in report.ranked(calibration)]
    assert ranks == ["p/good", "p/bad", "p/broken"]
    lines = list(report.table(calibration))
    assert "1.000 ± 0.141" in lines[1]
    assert "0.250 ± 0.178" in lines[2]
    assert report.progress(calibration) == "12 of 12 done, 4 failed, 0.0800 USD spent"


@pytest.mark.parametrize("document", [None, {}, {"choices": []}, {"choices": [{"message": None}]}])
def test_an_answer_without_text_is_empty(document: Any) -> None:
    assert text_of(document) == ""
    assert text_of({"choices": [{"message": {"content": None}}]}) == ""
    assert text_of({"choices": [{"message": {"content": "so"}}]}) == "so"
