"""What does every store keep, and how does it give it back?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import (
    Candidate,
    Decision,
    Estimate,
    Objection,
    Outcome,
    ReasonCode,
    Rejection,
    Selection,
    Strategy,
    Task,
    Term,
)
from pointsman.core.errors import FailureKind, StoreError
from pointsman.core.fleet import Agent, Model, Usage
from pointsman.engine.explain import explained
from pointsman.engine.ports import DecisionQuery, Store, StoredDecision

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def candidate(model_id: str, score: float = 0.75) -> Candidate:
    return Candidate(
        model_id, score, (Term("capability", score - 0.1, "coding 0.90"), Term("x", 0.1))
    )


def a_decision(number: int = 1, model_id: str = "p/one", **changes: Any) -> Decision:
    decision = Decision(
        id=f"dec_{number:010d}",
        request_id=f"req_{number}",
        at=NOON + timedelta(seconds=number),
        agent_id="builder",
        task=Task(
            "coding", 1_200, 300, frozenset({"coding", "vision"}), frozenset({"math"}), 4_096
        ),
        strategy=Strategy.QUALITY,
        candidates=(candidate(model_id), candidate("p/standby", 0.5)),
        rejections=(
            Rejection("p/out", Objection(ReasonCode.RESTING, "asked us to wait", 2.5)),
            Rejection("p/no", Objection(ReasonCode.MISSING_CAPABILITY, "has no vision")),
        ),
        propensity=0.5,
        config_version="cfg_1",
        session="s-1",
        asked_model="auto:quality",
        panic=True,
    )
    return decision._replace(**changes)


def an_outcome(number: int = 1, model_id: str = "p/one", **changes: Any) -> Outcome:
    outcome = Outcome(
        decision_id=f"dec_{number:010d}",
        attempt=1,
        model_id=model_id,
        agent_id="builder",
        at=NOON + timedelta(seconds=number, microseconds=7),
        failure=None,
        streamed=True,
        total_s=1.234567891,
        first_token_s=0.1,
        usage=Usage(1_200, 45, 1_000, 7, 3, Decimal("0.0000000123"), estimated=True),
        cost_usd=Decimal("0.00000004567890123"),
        upstream_model="one-2026-01",
        status=200,
    )
    return outcome._replace(**changes)


FAILED: dict[str, Any] = {
    "failure": FailureKind.SERVER_ERROR,
    "usage": None,
    "cost_usd": None,
    "message": "boom",
}


def ids(found: object) -> list[int]:
    assert isinstance(found, list)
    return [int(stored.decision.id.removeprefix("dec_")) for stored in found]


class StoreContract:
    """Subclass it, and give a fixture `store` that yields an empty store."""

    def test_a_decision_comes_back_as_it_was_with_its_outcomes_in_order(self, store: Store) -> None:
        decision = a_decision()
        first, second = an_outcome(**FAILED), an_outcome(attempt=2, model_id="p/standby")
        store.append([decision, second, first])
        assert store.decision(decision.id) == StoredDecision(decision, (first, second))

    def test_the_preview_of_a_prompt_comes_back_and_goes_with_its_agent(self, store: Store) -> None:
        kept = a_decision(1, agent_id="leaver", preview="Sum up: naïve ☃ ***")
        usual = a_decision(2)
        store.append([kept, usual])
        assert store.decision(kept.id) == StoredDecision(kept, ())
        assert store.decision(usual.id) == StoredDecision(usual, ())
        assert store.forget_agent("leaver") == 1
        assert store.decision(kept.id) is None

    def test_a_decision_without_candidates_comes_back(self, store: Store) -> None:
        decision = a_decision(candidates=(), session=None, panic=False, task=Task())
        store.append([decision])
        assert store.decision(decision.id) == StoredDecision(decision, ())

    @pytest.mark.parametrize("band", [0.0, 0.05, None])
    def test_all_that_explains_a_decision_comes_back(
        self, store: Store, band: float | None
    ) -> None:
        estimate = Estimate(0.81, 0.9, 0.9, 1.25, 0.002, 17.5, 0.03, budget_s=0.5, timed=12.5)
        terms = (Term("success", 0.486, "81 %", 0.6), Term("failures", -0.036, "10.0% fail"))
        out = Rejection("p/full", Objection(ReasonCode.AT_LIMIT, "8 of 8 calls in flight"), 0.91)
        decision = a_decision(
            candidates=(Candidate("p/one", 0.45, terms, estimate),),
            rejections=(out,),
            explored=True,
            band=band,
        )
        store.append([decision])
        assert store.decision(decision.id) == StoredDecision(decision, ())

    def test_what_comes_back_is_explained_as_it_was_made(self, store: Store) -> None:
        scorer, agent = AdaptiveScorer(), Agent("builder", requires=("coding",))
        models = [Model(f"p/{n}", "p", f"{n}", strengths={"coding": 0.5 + n / 8}) for n in range(4)]
        scorer.learn(an_outcome(model_id="p/3"))
        scored = [scorer.score(agent, Task("coding"), Selection(), model) for model in models]
        ranked = sorted(scored, key=lambda each: -each.score)
        made = [
            a_decision(number, candidates=tuple(order), panic=False, session=None, band=0.05)
            for number, order in enumerate(
                (ranked, [ranked[1], ranked[0], *ranked[2:]], ranked[2:])
            )
        ]
        store.append(made)
        for decision in made:
            found = store.decision(decision.id)
            assert found is not None
            for other in decision.candidates[1:]:
                live = explained(StoredDecision(decision, ()), other.model_id)
                assert explained(found, other.model_id) == live
                assert live.what_if is not None

    def test_an_unknown_decision_is_none(self, store: Store) -> None:
        assert store.decision("dec_nothing") is None

    def test_an_empty_store_has_no_decisions(self, store: Store) -> None:
        assert store.decisions(DecisionQuery()) == []

    def test_what_is_appended_twice_stays_as_it_first_was(self, store: Store) -> None:
        store.append([a_decision(), an_outcome()])
        store.append([a_decision(agent_id="other"), an_outcome(total_s=9.0), a_decision(2)])
        assert store.decision(a_decision().id) == StoredDecision(a_decision(), (an_outcome(),))
        assert ids(store.decisions(DecisionQuery())) == [2, 1]

    @pytest.mark.parametrize("count", [0, 1, 3, 64, 85, 200])
    def test_a_batch_of_any_size_is_kept_whole(self, store: Store, count: int) -> None:
        batch = [a_decision(n) for n in range(count)] + [an_outcome(n) for n in range(count)]
        store.append(batch)
        assert ids(store.decisions(DecisionQuery(limit=500))) == list(reversed(range(count)))

    def test_pages_go_backwards_in_time_without_gap_or_repeat(self, store: Store) -> None:
        store.append([a_decision(n) for n in range(1, 26)])
        seen: list[int] = []
        before = None
        while page := store.decisions(DecisionQuery(limit=10, before=before)):
            seen += ids(page)
            before = page[-1].decision.id
        assert seen == list(range(25, 0, -1))

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (DecisionQuery(agent_id="tester"), [3]),
            (DecisionQuery(session="s-2"), [2]),
            (DecisionQuery(request_id="req_4"), [4]),
            (DecisionQuery(model_id="p/two"), [4, 2]),
            (DecisionQuery(model_id="p/two", limit=1), [4]),
            (DecisionQuery(model_id="p/two", before="dec_0000000004"), [2]),
            (DecisionQuery(model_id="p/two", agent_id="tester"), []),
            (DecisionQuery(success=True), [2, 1]),
            (DecisionQuery(success=False), [5, 3]),
            (DecisionQuery(success=True, model_id="p/two", session="s-2"), [2]),
            (DecisionQuery(agent_id="builder", before="dec_0000000004"), [2, 1]),
            (DecisionQuery(agent_id="nobody"), []),
        ],
    )
    def test_filters_narrow_the_list_together(
        self, store: Store, query: DecisionQuery, expected: list[int]
    ) -> None:
        store.append(
            [
                a_decision(1),
                an_outcome(1, **FAILED),
                an_outcome(1, attempt=2),
                a_decision(2, session="s-2"),
                an_outcome(2, "p/two", attempt=2),
                a_decision(3, agent_id="tester"),
                an_outcome(3, **FAILED),
                a_decision(4, "p/two"),
                a_decision(5, candidates=()),
            ]
        )
        assert ids(store.decisions(query)) == expected

    def test_an_outcome_without_its_decision_shows_nowhere(self, store: Store) -> None:
        store.append([an_outcome(9, "p/two", attempt=2)])
        assert store.decisions(DecisionQuery(model_id="p/two")) == []
        assert store.decision("dec_0000000009") is None

    def test_costs_are_exact_however_small(self, store: Store) -> None:
        store.append([a_decision(), an_outcome(cost_usd=Decimal("1E-19"))])
        stored = store.decision(a_decision().id)
        assert stored is not None
        assert stored.cost_usd == Decimal("1E-19")

    def test_text_that_no_database_takes_is_mended_instead_of_holding_up_others(
        self, store: Store
    ) -> None:
        store.append([a_decision(session="\ud800x", task=Task(type="t\udfff"), asked_model="né")])
        stored = store.decision(a_decision().id)
        assert stored is not None
        assert (stored.decision.session, stored.decision.task.type) == ("?x", "t?")
        assert stored.decision.asked_model == "né"
        assert store.decisions(DecisionQuery(session="\ud800x")) == [stored]

    def test_absurd_token_counts_are_kept_as_the_largest_number(self, store: Store) -> None:
        store.append([a_decision(), an_outcome(usage=Usage(10**40, 1))])
        stored = store.decision(a_decision().id)
        assert stored is not None
        assert stored.outcomes[0].usage == Usage(2**63 - 1, 1)

    def test_the_order_of_candidates_and_the_reasons_of_the_moment_are_each_decisions_own(
        self, store: Store
    ) -> None:
        several = tuple(candidate(f"p/{n}", 0.5) for n in range(6))
        standing = (Rejection("p/no", Objection(ReasonCode.NOT_ALLOWED, "on the deny list")),)

        def troubled(model_id: str, wait_s: float) -> Rejection:
            words = f"its circuit is open for another {wait_s} s"
            return Rejection(model_id, Objection(ReasonCode.BREAKER_OPEN, words, wait_s))

        kept = [
            a_decision(1, candidates=several, rejections=standing),
            a_decision(2, candidates=(several[3], *several[:3], *several[4:]), rejections=standing),
            a_decision(3, candidates=several[1:], rejections=(*standing, troubled("p/0", 2.5))),
            a_decision(4, candidates=several[1:], rejections=(*standing, troubled("p/0", 1.25))),
            a_decision(5, candidates=several[::-2], rejections=(troubled("p/0", 1.0), *standing)),
            a_decision(6, candidates=(), rejections=(*standing, troubled("p/0", 0.5))),
            a_decision(7, candidates=(), rejections=()),
            a_decision(8, candidates=several, rejections=()),
            a_decision(9, candidates=(*several, candidate("p/new")), rejections=standing),
            a_decision(10, candidates=several, rejections=standing),
        ]
        store.append(kept[:4])
        store.append(kept[4:])
        found = store.decisions(DecisionQuery())
        assert [stored.decision for stored in found] == kept[::-1]

    def test_equal_candidates_of_another_run_come_back_equal(self, store: Store) -> None:
        for number in range(3):
            store.append([a_decision(number)])
        found = [stored.decision for stored in store.decisions(DecisionQuery())]
        assert found == [a_decision(number) for number in (2, 1, 0)]

    def test_old_decisions_are_forgotten_with_their_outcomes(self, store: Store) -> None:
        store.append([r for n in range(450) for r in (a_decision(n), an_outcome(n))])
        assert store.forget_before(a_decision(440).at) == 440
        assert ids(store.decisions(DecisionQuery(limit=500))) == list(range(449, 439, -1))
        assert store.decision(a_decision(439).id) is None
        kept = StoredDecision(a_decision(440), (an_outcome(440),))
        assert store.decision(kept.decision.id) == kept
        store.append([a_decision(439)])
        assert store.decision(a_decision(439).id) == StoredDecision(a_decision(439), ())

    def test_forgetting_when_nothing_is_old_forgets_nothing(self, store: Store) -> None:
        assert store.forget_before(NOON) == 0
        store.append([a_decision(), an_outcome()])
        assert store.forget_before(a_decision().at) == 0
        assert ids(store.decisions(DecisionQuery())) == [1]

    def test_an_old_outcome_without_its_decision_is_forgotten_too(self, store: Store) -> None:
        store.append([an_outcome(1), a_decision(5), an_outcome(5)])
        assert store.forget_before(a_decision(3).at) == 0
        store.append([a_decision(1)])
        assert store.decision(a_decision(1).id) == StoredDecision(a_decision(1), ())

    def test_a_decision_keeps_its_outcomes_while_it_is_kept(self, store: Store) -> None:
        late = an_outcome(1, at=NOON - timedelta(days=1))
        store.append([a_decision(1), late])
        store.forget_before(NOON)
        assert store.decision(a_decision(1).id) == StoredDecision(a_decision(1), (late,))

    def test_a_closed_store_says_so(self, store: Store) -> None:
        store.append([a_decision()])
        store.decision(a_decision().id)
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.append([a_decision(2)])
        with pytest.raises(StoreError, match="closed"):
            store.decisions(DecisionQuery())

    def test_all_of_one_agent_is_forgotten_and_nothing_of_others(self, store: Store) -> None:
        records: list[Decision | Outcome] = []
        for number in range(900):
            name = "leaver" if number % 3 == 0 else "builder"
            records += [a_decision(number, agent_id=name), an_outcome(number, agent_id=name)]
        store.append(records)
        assert store.forget_agent("leaver") == 300
        assert store.forget_agent("leaver") == 0
        kept = store.decisions(DecisionQuery(limit=10_000))
        assert ids(kept) == [number for number in range(899, -1, -1) if number % 3]
        assert all(len(stored.outcomes) == 1 for stored in kept)
