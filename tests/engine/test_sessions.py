"""Does a conversation stay where its prompt is cached, and move only when that pays?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from fakes import PLAIN, LearningScorer, World, model
from scripted import FakeClock, Script, text, with_usage

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Candidate, Decision, Saving, Selection, Task
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.exploration import Exploration
from pointsman.core.fleet import Agent, Model, Price, PriceState, Rate, Usage
from pointsman.core.stickiness import CACHE_LIFE_S
from pointsman.engine.policy import Policy
from pointsman.engine.sessions import MOST, Sessions

PRICE = Price(PriceState.KNOWN, Rate(Decimal(3)), Rate(Decimal(15)), Rate(Decimal("0.3")))
A, B = (replace(model(f"p/{name}", 0.8), price=PRICE) for name in "ab")
DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)


class Swayed(LearningScorer):
    """Scores as told; a cached dollar is worth ten points of a hundred, a second nothing."""

    def __init__(self, **scores: float) -> None:
        super().__init__()
        self.scores = scores
        self._changed = 0

    @property
    def generation(self) -> int:
        return self._changed

    def changed_since(self, generation: int) -> frozenset[str] | None:  # noqa: ARG002 - the port's
        return None

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:  # noqa: ARG002
        return Candidate(model.id, self.scores[model.upstream_name], ())

    def worth(
        self,
        agent: Agent,  # noqa: ARG002
        task: Task,  # noqa: ARG002
        selection: Selection,  # noqa: ARG002
        candidate: Candidate,  # noqa: ARG002
        saving: Saving,
    ) -> float:
        return 10.0 * saving.usd

    def now(self, **scores: float) -> None:
        self.scores |= scores
        self._changed += 1


def world(scorer: Swayed) -> World:
    return World(A, B, policy=Policy(band=0.05), scorer=scorer)


def answer(cached: int) -> Script:
    return Script(reads=(text(), with_usage(Usage(cached + 500, 50, cached_tokens=cached))))


async def turn(one: World, session: str = "s", cached: int = 0) -> Decision:
    for name in ("p/a", "p/b"):
        one.script(name, answer(cached))
    await one.chat(one.ask(session=session))
    for provider in one.providers.values():
        provider.scripts.clear()
    return one.ledger.decisions[-1]


def chosen(decision: Decision) -> str:
    return decision.candidates[0].model_id


async def begun_at_a(scorer: Swayed, cached: int = 0) -> World:
    """A conversation that `a` serves, of which so much was cached in its last turn."""
    one = world(scorer)
    scorer.now(b=0.0)
    assert chosen(await turn(one, cached=cached)) == "p/a"
    return one


async def test_a_conversation_stays_while_its_model_is_near_the_best() -> None:
    scorer = Swayed(a=0.80, b=0.80)
    one = await begun_at_a(scorer)
    scorer.now(b=0.83)
    decision = await turn(one)
    assert (chosen(decision), decision.propensity) == ("p/a", 1.0)
    scorer.now(b=0.86)
    assert chosen(await turn(one)) == "p/b"
    scorer.now(b=0.83)
    assert chosen(await turn(one)) == "p/b", "it does not go back and forth"


async def test_what_is_cached_must_be_outweighed() -> None:
    scorer = Swayed(a=0.80, b=0.80)
    one = await begun_at_a(scorer, cached=10_240)
    scorer.now(b=1.0)
    decision = await turn(one)
    assert chosen(decision) == "p/a", "10,240 tokens save 0.0276 USD, which is 0.276 of score"
    stays = decision.candidates[0]
    assert stays.score == pytest.approx(0.80 + 0.27648)
    assert sum(term.value for term in stays.terms) == pytest.approx(0.27648)
    assert stays.terms[-1].name == "session"
    assert "about 10240 tokens are cached" in stays.terms[-1].detail


async def test_where_it_was_is_said_also_when_it_moves() -> None:
    scorer = Swayed(a=0.50, b=0.50)
    one = await begun_at_a(scorer, cached=1_024)
    scorer.now(b=0.90)
    decision = await turn(one)
    assert chosen(decision) == "p/b"
    left = decision.candidates[1]
    assert left.terms[-1].name == "session"
    assert left.score < decision.candidates[0].score - 0.03


async def test_a_cache_does_not_last_for_ever() -> None:
    scorer = Swayed(a=0.80, b=0.80)
    one = await begun_at_a(scorer, cached=10_240)
    scorer.now(b=1.0)
    one.clock.t += CACHE_LIFE_S - 1
    assert chosen(await turn(one)) == "p/a"
    one.clock.t += CACHE_LIFE_S
    assert chosen(await turn(one)) == "p/b"


async def test_a_conversation_stays_as_long_as_caches_are_seen_to_last() -> None:
    scorer = Swayed(a=0.80, b=0.80)
    one = await begun_at_a(scorer, cached=8_192)
    one.clock.t += 3_000
    await turn(one, cached=10_240)
    scorer.now(b=1.0)
    one.clock.t += 2_999
    assert chosen(await turn(one, cached=10_240)) == "p/a"
    one.clock.t += 2_000
    scorer.now(b=0.0)
    await turn(one, cached=0)
    await turn(one, cached=10_240)
    scorer.now(b=1.0)
    one.clock.t += 2_500
    assert chosen(await turn(one)) == "p/b", "the last time nothing was left after 2,000 s"


async def test_a_conversation_leaves_a_model_that_is_out_and_stays_where_it_went() -> None:
    scorer = Swayed(a=0.80, b=0.0)
    one = await begun_at_a(scorer, cached=10_240)
    scorer.now(b=0.78)
    one.fails("p/a", DOWN, times=2)
    await one.chat(one.ask(session="s"))
    assert chosen(one.ledger.decisions[-1]) == "p/a"
    assert one.ledger.outcomes[-1].model_id == "p/b"
    assert chosen(await turn(one)) == "p/b", "there it was answered last"


async def test_an_incumbent_that_cannot_take_the_request_is_passed_over() -> None:
    small, large = replace(A, context_window=1_000), B
    one = World(small, large, policy=Policy(band=0.05), scorer=Swayed(a=0.8, b=0.2))
    await one.chat(one.ask(session="s"))
    assert one.ledger.outcomes[-1].model_id == "p/a"
    await one.chat(one.ask(session="s", task=Task(prompt_tokens=5_000)))
    decision = one.ledger.decisions[-1]
    assert [c.model_id for c in decision.candidates] == ["p/b"]
    assert [r.model_id for r in decision.rejections] == ["p/a"]


async def test_a_pinned_model_is_no_matter_of_staying() -> None:
    scorer = Swayed(a=0.80, b=0.80)
    one = await begun_at_a(scorer, cached=10_240)
    pinned = one.ask(session="s", selection=Selection(pinned="p/b", fallbacks=("p/a",)))
    decision = one.service.decide(pinned)
    assert [c.score for c in decision.candidates] == [0.0, 0.8]
    assert chosen(decision) == "p/b"


async def test_a_model_that_is_not_on_the_list_any_more_is_forgotten_with_its_cache() -> None:
    scorer = Swayed(a=0.80, b=0.80)
    one = await begun_at_a(scorer, cached=10_240)
    one.registry.replace(one.setup(B, policy=Policy(), version="v2"))
    assert chosen(await turn(one)) == "p/b"


async def test_new_conversations_are_spread_over_the_near_best() -> None:
    one = world(Swayed(a=0.80, b=0.78))
    seen = Counter([chosen(await turn(one, f"s{number}")) for number in range(200)])
    assert min(seen.values()) > 70
    assert one.ledger.decisions[-1].propensity == 0.5


async def test_the_same_conversation_with_another_agent_is_another() -> None:
    sessions = Sessions(FakeClock())
    sessions.served("one", "s", "p/a", None)
    assert sessions.incumbent("other", "s") is None
    assert sessions.incumbent("one", "s") == ("p/a", 0)


def test_the_longest_silent_conversation_is_forgotten_first() -> None:
    sessions = Sessions(FakeClock())
    for number in range(MOST):
        sessions.served("one", str(number), "p/a", None)
    sessions.served("one", "0", "p/a", None)
    sessions.served("one", "new", "p/a", None)
    assert sessions.incumbent("one", "0") is not None
    assert sessions.incumbent("one", "1") is None


async def test_the_same_conversation_is_explained_by_the_very_same_objects() -> None:
    """The store recognises candidates by their identity."""
    scorer = Swayed(a=0.80, b=0.79)
    one = await begun_at_a(scorer, cached=10_240)
    first, second = await turn(one, cached=10_300), await turn(one, cached=10_400)
    assert first.candidates is second.candidates
    scorer.now(a=0.81)
    assert (await turn(one)).candidates[0] != first.candidates[0]


async def test_conversations_of_any_length_do_not_fill_the_memory() -> None:
    scorer = Swayed(a=0.80, b=0.79)
    one = await begun_at_a(scorer)
    shortlist = one.registry.current.shortlists.of(one.ask().agent, PLAIN, Selection())
    for exponent in range(100):
        await turn(one, cached=2 ** (exponent // 5) * (4 + exponent % 5))
    assert len(shortlist._stays) <= 64
    assert len(shortlist._orders) <= 64


async def test_only_the_first_request_of_a_conversation_is_spent_on_learning() -> None:
    one = World(A, B, policy=Policy(), scorer=AdaptiveScorer(), exploration=Exploration())
    for _ in range(2_000):
        await one.chat(one.ask(session="long"))
    assert not any(decision.explored for decision in one.ledger.decisions)
    for number in range(2_000):
        await one.chat(one.ask(session=f"s{number}"))
    assert any(decision.explored for decision in one.ledger.decisions)


async def test_what_is_asked_of_a_conversation_is_what_would_be_done() -> None:
    one = World(A, B, policy=Policy(), scorer=AdaptiveScorer(), exploration=Exploration())
    for number in range(600):
        ask = one.ask(session=f"s{number % 200}")
        state = one.service._random.getstate()
        asked = one.service.decide(ask, one.service._random.getrandbits(64))
        one.service._random.setstate(state)
        await one.chat(ask)
        assert one.ledger.decisions[-1] == asked
