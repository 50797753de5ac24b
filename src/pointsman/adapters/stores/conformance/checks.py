"""What must a database do for pointsman to rely on it?

Each check is a function whose first line of documentation is the promise. It raises
`AssertionError` with what it saw instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pointsman.adapters.stores.conformance.records import (
    AGENT,
    NOON,
    ONE,
    TWO,
    assignment,
    decision,
    feedback,
    outcome,
    run,
)
from pointsman.adapters.stores.conformance.scratch import Scratch
from pointsman.adapters.stores.schema import HEAD
from pointsman.adapters.stores.schema.views import VIEWS
from pointsman.core.aggregate import Dimension
from pointsman.core.audit import Act, act_id
from pointsman.core.decision import Decision, Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.engine.history_ports import AuditQuery, SeriesQuery
from pointsman.engine.ports import AssignmentQuery, DecisionQuery, StoredDecision

CALLS, CALLERS = 800, 8
WRITERS, BATCHES = 4, 5


class Check(NamedTuple):
    """A promise, and what examines it."""

    examine: Callable[[Scratch], None]

    @property
    def promise(self) -> str:
        return (self.examine.__doc__ or "").partition("\n")[0].rstrip(".")


def _see(seen: object, expected: object) -> None:
    if seen != expected:
        raise AssertionError(f"expected {expected!r:.300}, found {seen!r:.300}")


def _must(be_so: object, words: str) -> None:
    if not be_so:
        raise AssertionError(words)


def _comes_back(scratch: Scratch) -> None:
    """A decision comes back as it was, with its outcomes in order."""
    made = decision(1)
    failed = outcome(made, failure=FailureKind.SERVER_ERROR, usage=None, message="boom ☃")
    second = outcome(made, attempt=2, model_id=TWO)
    scratch.store.append([made, second, failed])
    _see(scratch.store.decision(made.id), StoredDecision(made, (failed, second)))
    _see(scratch.store.decision("dec_nothing"), None)


def _kept_once(scratch: Scratch) -> None:
    """What comes twice is kept once, as it first was."""
    made = decision(2)
    scratch.store.append([made, outcome(made)])
    other = made._replace(agent_id="other")
    scratch.store.append([other, outcome(made, total_s=9.0), decision(3)])
    _see(scratch.store.decision(made.id), StoredDecision(made, (outcome(made),)))


def _exact(scratch: Scratch) -> None:
    """Costs are exact however small, and large counts are kept."""
    made = decision(4)
    scratch.store.append([made, outcome(made, cost_usd=Decimal("1E-19"), usage=Usage(2**62, 1))])
    found = scratch.store.decision(made.id)
    _see(found and found.cost_usd, Decimal("1E-19"))
    _see(found and found.outcomes[0].usage, Usage(2**62, 1))


def _mended(scratch: Scratch) -> None:
    """Text that no database takes holds up nothing."""
    made = decision(5, session="\ud800x")
    scratch.store.append([made, decision(6)])
    found = scratch.store.decision(made.id)
    _see(found and found.decision.session, "?x")
    _must(scratch.store.decision(decision(6).id) is not None, "the next one is not there")


def _long(scratch: Scratch) -> None:
    """Long documents come back whole, in characters of every kind."""
    made = decision(7)
    words = "Größe ☃ 🚂 " * 20_000
    failed = outcome(made, failure=FailureKind.SERVER_ERROR, message=words)
    scratch.store.append([made, failed])
    found = scratch.store.decision(made.id)
    _see(found and found.outcomes[0].message == words, True)


def _many() -> list[Decision]:
    return [decision(100 + n, agent_id="pages") for n in range(120)]


def _pages(scratch: Scratch) -> None:
    """Pages go back in time without gap or repeat."""
    made = _many()
    scratch.store.append(made)
    seen: list[str] = []
    before = None
    while True:
        query = DecisionQuery(limit=50, before=before, agent_id="pages")
        page = [each.decision.id for each in scratch.store.decisions(query)]
        if not page:
            break
        seen += page
        before = page[-1]
    _see(seen, [each.id for each in reversed(made)])


def _filters(scratch: Scratch) -> None:
    """Filters narrow a list together."""
    good, bad, later = (decision(300 + n, agent_id="filters") for n in range(3))
    failed: dict[str, Any] = {"failure": FailureKind.SERVER_ERROR, "usage": None}
    scratch.store.append(
        [
            *(good, outcome(good)),
            *(bad, outcome(bad, **failed)),
            *(later, outcome(later, **failed), outcome(later, attempt=2, model_id=TWO)),
        ]
    )

    def found(**asked: Any) -> list[str]:
        query = DecisionQuery(agent_id="filters")._replace(**asked)
        return [each.decision.id for each in scratch.store.decisions(query)]

    _see(found(), [later.id, bad.id, good.id])
    _see(found(success=True), [later.id, good.id])
    _see(found(success=False), [bad.id])
    _see(found(model_id=TWO), [later.id])
    _see(found(session=bad.session), [bad.id])
    _see(found(request_id=good.request_id, success=False), [])
    _see(found(least_id=bad.id), [later.id, bad.id])
    _see(found(least_id=good.id, before=later.id, model_id=ONE), [bad.id, good.id])


def _whole_batches(scratch: Scratch) -> None:
    """Batches of a thousand are kept whole."""
    made = [decision(1_000 + n, agent_id="batch") for n in range(1_000)]
    scratch.store.append([record for each in made for record in (each, outcome(each))])
    found = scratch.store.decisions(DecisionQuery(limit=2_000, agent_id="batch"))
    _see(len(found), 1_000)
    _see(all(len(each.outcomes) == 1 for each in found), True)


def _judged(scratch: Scratch) -> None:
    """What people say of an answer is kept, the last word counts."""
    made = decision(400)
    scratch.store.append([made, outcome(made)])
    _see(scratch.store.judge(feedback(made, 2)), True)
    _see(scratch.store.judge(feedback(made, 5)), True)
    found = scratch.store.decision(made.id)
    _see(found and found.feedback, feedback(made, 5))
    _see(scratch.store.judge(feedback(decision(499), 1)), False)
    said = list(scratch.store.recent_feedback(NOON, 10))
    _see([each.rating for each in said if each.decision_id == made.id], [5])


def _recent(scratch: Scratch) -> None:
    """What ended lately is read back, oldest first."""
    made = [decision(500 + n, hours=30, agent_id="recent") for n in range(40)]
    scratch.store.append([record for each in made for record in (each, outcome(each))])
    since = NOON + timedelta(hours=29)
    found = [
        (ended, task_type)
        for ended, task_type in scratch.store.recent_outcomes(since, 10_000)
        if ended.agent_id == "recent"
    ]
    expected: list[tuple[Outcome, str | None]] = [(outcome(each), "coding") for each in made]
    _see(found, expected)


def _concurrent(scratch: Scratch) -> None:
    """Several gateways write at once, and each row is there once."""
    failures: list[BaseException] = []

    def gateway(number: int) -> None:
        store = scratch.another()
        try:
            for turn in range(BATCHES):
                base = 2_000 + 100 * turn
                shared = [decision(base + n, agent_id="shared") for n in range(10)]
                own = [decision(base + 20 + 10 * number + n, agent_id="own") for n in range(10)]
                store.append([record for each in shared + own for record in (each, outcome(each))])
        except Exception as error:  # noqa: BLE001 - the thread's end is told by the check
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=gateway, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _see([str(error) for error in failures], [])
    for agent_id, expected in (("shared", 10 * BATCHES), ("own", 10 * BATCHES * WRITERS)):
        found = scratch.store.decisions(DecisionQuery(limit=2_000, agent_id=agent_id))
        _see((len(found), {len(each.outcomes) for each in found}), (expected, {1}))


def _assigned(scratch: Scratch) -> None:
    """Assignments and runs are kept together, and their use is counted once."""
    assignments = scratch.store.assignments
    standing, standby = assignment(), assignment(TWO, score=0.6, active=False)
    assignments.keep(run(), [standing, standby])
    made = decision(600)
    for _ in range(2):
        scratch.store.append([made, outcome(made)])
    page = assignments.listed(AssignmentQuery(agent_id=AGENT))
    _see([each.model_id for each in page.assignments], [ONE, TWO])
    found = assignments.assignment(standing.id)
    _see(found and (found.usage.requests, found.usage.successes), (1, 1))
    _see(found and found.match.score, 0.9)
    _see(assignments.run("run_1"), run())


def _views(scratch: Scratch) -> None:
    """The four views can be read."""
    for view in VIEWS:
        scratch.ask(f"SELECT COUNT(*) FROM {view}")  # noqa: S608 - of our own names


def _procedures(scratch: Scratch) -> None:
    """Eight hundred concurrent calls of the metrics procedure count eight hundred."""
    each = assignment("verify/counted")
    scratch.store.assignments.keep(run(2), [assignment(active=False), each])
    scratch.call_metrics(each.id, calls=CALLS, callers=CALLERS)
    found = scratch.store.assignments.assignment(each.id)
    _see(found and (found.usage.requests, found.usage.successes), (CALLS, CALLS))
    _see(scratch.recommended("coding", "quality"), "verify/counted")


def _figures(scratch: Scratch) -> None:
    """Figures of minutes and hours add up to what was kept, also what came late."""
    made = [decision(900 + n, hours=-200, agent_id="figures") for n in range(40)]
    start = made[0].at.replace(minute=0, second=0, microsecond=0)
    query = SeriesQuery(
        start, start + timedelta(hours=2), 3_600, Dimension.AGENT, ("figures",), latencies=True
    )
    for part in (made[:25], made[25:]):
        scratch.store.append([record for each in part for record in (each, outcome(each))])
        while scratch.store.aggregates.roll(start + timedelta(days=9)):
            pass
    points = scratch.store.aggregates.series(query).points
    _see([each.name for each in points], ["figures"])
    figures, period = points[0].figures, points[0].period
    _see((figures.decisions, figures.attempts, figures.successes), (40, 40, 40))
    _see(period and period.counts.attempts, 40)
    busiest = scratch.store.aggregates.series(query._replace(names=(), step_s=60))
    _must(any(each.name == "figures" for each in busiest.points), "it is not among the busiest")


def _acts(scratch: Scratch) -> None:
    """Who changed what is kept once, as it was first said."""
    made = [
        Act(act_id(NOON, n), NOON + timedelta(seconds=n), "somebody", f"verify.{n}", "x")
        for n in (1, 2)
    ]
    for each in (*made, made[0]._replace(actor="another")):
        scratch.store.audit.record(each)
    _see(list(scratch.store.audit.acts(AuditQuery(actor="somebody"))), made[::-1])
    _must(scratch.store.audit.forget_acts(made[1].at), "nothing was forgotten")
    _see(list(scratch.store.audit.acts(AuditQuery(actor="somebody"))), made[1:])


def _forgotten(scratch: Scratch) -> None:
    """Old days are forgotten with their outcomes, and what is younger stays."""
    old = [decision(700 + n, hours=-72, agent_id="old") for n in range(30)]
    young = [decision(800 + n, hours=72, agent_id="young") for n in range(30)]
    scratch.store.append([record for each in old + young for record in (each, outcome(each))])
    count = scratch.store.forget_before(NOON - timedelta(hours=24))
    _must(count >= len(old), f"{count} were forgotten, of {len(old)}")
    _see(len(scratch.store.decisions(DecisionQuery(limit=100, agent_id="old"))), 0)
    kept = scratch.store.decisions(DecisionQuery(limit=100, agent_id="young"))
    _see((len(kept), {len(each.outcomes) for each in kept}), (30, {1}))


def _down_and_up(scratch: Scratch) -> None:
    """Every revision goes down and up again with rows in the tables."""
    before = scratch.store.decision(decision(3).id)
    _must(before, "there is no row to go by")
    scratch.pause()
    for target in (*range(HEAD - 1, 0, -1), *range(2, HEAD + 1)):
        scratch.move(target)
    scratch.resume()
    found = scratch.store.decision(decision(3).id)
    _see(found and found.decision, before and before.decision)


CHECKS = tuple(
    Check(examine)
    for examine in (
        _comes_back,
        _kept_once,
        _exact,
        _mended,
        _long,
        _pages,
        _filters,
        _whole_batches,
        _judged,
        _recent,
        _concurrent,
        _assigned,
        _views,
        _procedures,
        _figures,
        _acts,
        _forgotten,
        _down_and_up,
    )
)
"""In this order: each leaves its rows to those that follow."""
