"""Whatever the load, the trouble and the budget: is a choice lawful, and its probability exact?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest
from fakes import ANYTHING, PLAIN, World, model
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.chance import Draws
from pointsman.core.decision import Candidate, Estimate, Selection, Task, Term
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.exploration import Exploration, ExplorationPolicy
from pointsman.core.fleet import Agent, Limits, Model, Usage
from pointsman.engine.choose import Choice, Chooser
from pointsman.engine.policy import Policy
from pointsman.engine.sessions import Sessions

CELLS = 6
"""So many equal parts of every draw: any choice among at most three falls on whole parts."""

CHANCE = 0.25
WELL, FULL, BROKEN = "well", "full", "broken"
DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)

State = tuple[float, int, float, str]
"""Of one model: its score, calls in flight, latency of late, and how it is."""

STATES = st.lists(
    st.tuples(
        st.sampled_from([0.5, 0.6, 0.62, 0.63]),
        st.integers(0, 2),
        st.sampled_from([0.1, 1.0, 5.0]),
        st.sampled_from([WELL, WELL, WELL, FULL, BROKEN]),
    ),
    min_size=1,
    max_size=3,
)


class Scores:
    """A scorer of fixed scores, each of them as uncertain as the next."""

    generation = 0

    def __init__(self, scores: dict[str, float]) -> None:
        self._scores = scores

    def changed_since(self, generation: int) -> frozenset[str]:  # noqa: ARG002
        return frozenset()

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:  # noqa: ARG002
        score = self._scores[model.id]
        estimate = Estimate(score, 1.0, score, uncertainty=0.1)
        return Candidate(model.id, score, (Term("success", score),), estimate)

    def worth(self, *kind: object) -> float:  # noqa: ARG002
        return 0.02

    def tick(self, now_s: float) -> None: ...

    def learn(self, outcome: object) -> None: ...

    def judge(self, feedback: object) -> None: ...


def situation(states: list[State], *, explores: bool) -> tuple[World, Chooser]:
    """A fleet in such states, and whoever chooses from it; `explores`: a trial is paid for."""
    models = [
        replace(
            model(f"p/{place}"), limits=Limits(max_in_flight=max(1, calls) if how == FULL else None)
        )
        for place, (_, calls, _, how) in enumerate(states)
    ]
    scores = {f"p/{place}": state[0] for place, state in enumerate(states)}
    world = World(*models, policy=Policy(), scorer=Scores(scores))
    for each, (_, calls, latency_s, how) in zip(models, states, strict=True):
        world.load.answered(each.id, latency_s, streamed=False)
        for _ in range(max(1, calls) if how == FULL else calls):
            world.load.lease(each)
        for _ in range(5 if how == BROKEN else 0):
            world.health.failed(world.health.begin(each), DOWN)
    exploration, sessions = Exploration(ExplorationPolicy(chance=CHANCE)), Sessions(world.clock)
    sessions.served("default", "begun", "p/0", Usage(900, 10, cached_tokens=800))
    two = [Candidate(name, 0.5, ()) for name in ("x", "y")]
    for _ in range(51 if explores else 0):
        exploration.decided(Agent("any"), Task(), Selection(), two, None)
    return world, Chooser(world.load, world.health, exploration, sessions)


def choose(
    world: World, chooser: Chooser, draw: Callable[[], float], session: str | None = None
) -> Choice:
    agent = world.registry.fleet.agents["default"]
    return chooser.choose(world.registry.current, agent, PLAIN, ANYTHING, session, draw)


@settings(deadline=None, max_examples=40)
@given(STATES, st.booleans())
def test_the_stated_propensity_is_the_true_one(states: list[State], explores: bool) -> None:
    world, chooser = situation(states, explores=explores)
    true: defaultdict[str, float] = defaultdict(float)
    stated: dict[str, float] = {}
    grid = [(cell + 0.5) / CELLS for cell in range(CELLS)]
    trial_or_not = ((0.0, CHANCE), (0.999, 1.0 - CHANCE)) if explores else ((None, 1.0),)
    for (trial, weight), *picks in product(trial_or_not, grid, grid, grid):
        draws = iter([draw for draw in (trial, *picks) if draw is not None])
        choice = choose(world, chooser, draws.__next__)
        if not choice.candidates:
            return
        taken = choice.candidates[0].model_id
        true[taken] += weight / CELLS**3
        stated[taken] = choice.propensity
    assert sum(stated.values()) == pytest.approx(1.0)
    for model_id, probable in stated.items():
        assert true[model_id] == pytest.approx(probable)


@given(STATES, st.booleans(), st.sampled_from([None, "new", "begun"]), st.integers(0, 2**64 - 1))
def test_every_model_is_a_candidate_or_out_and_every_score_is_explained(
    states: list[State], explores: bool, session: str | None, seed: int
) -> None:
    world, chooser = situation(states, explores=explores)
    choice = choose(world, chooser, Draws(seed), session)
    ids = [candidate.model_id for candidate in choice.candidates]
    out = [rejection.model_id for rejection in choice.rejections]
    assert sorted(ids + out) == [f"p/{place}" for place in range(len(states))]
    assert 0.0 < choice.propensity <= 1.0
    for candidate in choice.candidates:
        assert sum(term.value for term in candidate.terms) == pytest.approx(
            candidate.score, abs=1e-9
        )
    able = {f"p/{place}" for place, state in enumerate(states) if state[3] == WELL}
    assert choice.panic or set(ids) == able
    assert choose(world, chooser, Draws(seed), session) == choice
    stayed = [term.name for candidate in choice.candidates[:1] for term in candidate.terms]
    if session == "begun" and "p/0" in able:
        assert ("session" in stayed) == (ids[0] == "p/0")
        assert choice.entitled == ()
