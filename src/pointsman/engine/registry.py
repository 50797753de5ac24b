"""What is being served right now?

The current configuration as one immutable snapshot, replaced whole. A request keeps the snapshot it
began with to its end; the connections of a replaced one are closed when its last request is over.
What traffic teaches about a model (a smaller window, a parameter it refuses) replaces the snapshot
in the same way, and is forgotten after an hour, in case it was learned wrongly. So does what a
person takes out of service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.core.assignment.duty import NOTHING_EXPECTED, Expectations
from pointsman.core.correction import Lesson, lessons
from pointsman.core.features import TypesInferred
from pointsman.core.fleet import Fleet, Model
from pointsman.core.preview import Previews
from pointsman.engine.policy import Policy, Timeouts
from pointsman.engine.ports import Comparing, Provider, Scores
from pointsman.engine.shortlist import Shortlists, Standby, nobody
from pointsman.engine.standing import Post, StandingScores

CORRECTION_LIFE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Setup:
    """One configuration, ready to serve: the fleet, its providers, and how to route.

    `timeouts` holds those of providers that differ from the policy. `aliases` maps names that
    clients send as `model` to names that we know. `types` infers those of tasks of which nobody
    says what they are. `posts` has the standing model of each agent that has one.
    `previews` makes what is kept of prompts; None where nothing is.
    """

    fleet: Fleet
    providers: Mapping[str, Provider]
    policy: Policy = field(default_factory=Policy)
    timeouts: Mapping[str, Timeouts] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    types: TypesInferred = field(default_factory=TypesInferred, compare=False)
    posts: Mapping[str, Post] = field(default_factory=dict)
    expectations: Expectations = NOTHING_EXPECTED
    previews: Previews | None = None

    def timeouts_of(self, model: Model) -> Timeouts:
        return self.timeouts.get(model.provider, self.policy.timeouts)


class Snapshot:
    """A setup with what was worked out from it. `users` counts the requests that still hold it.

    `trials` has what agents try, by their ids.
    """

    __slots__ = ("setup", "shortlists", "trials", "users")

    def __init__(self, setup: Setup, scores: Scores) -> None:
        self.setup = setup
        standby: Standby = nobody
        if setup.posts:
            scores = standing = StandingScores(scores, setup.posts, setup.policy.strategy)
            standby = standing.standby
        self.trials = {name: p.trying for name, p in setup.posts.items() if p.trying is not None}
        self.shortlists = Shortlists(setup.fleet, scores, setup.policy.band, standby)
        self.users = 0


class _Correction(NamedTuple):
    model: Model
    until: datetime


class Registry:
    """Owner of the current snapshot."""

    def __init__(self, setup: Setup, scores: Scores) -> None:
        self._scores = scores
        self._declared = setup
        self._corrections: dict[str, _Correction] = {}
        self._drained: frozenset[str] = frozenset()
        self._retired: list[Snapshot] = []
        self._declare()
        self.current = Snapshot(setup, scores)

    @property
    def fleet(self) -> Fleet:
        return self.current.setup.fleet

    def replace(self, setup: Setup) -> None:
        """Serve `setup` from now on. Corrections end with the configuration they corrected."""
        self._declared = setup
        self._corrections.clear()
        self._declare()
        self._serve_corrected()

    def _declare(self) -> None:
        if isinstance(self._scores, Comparing):
            self._scores.declare(frozenset(self._declared.fleet.models))

    def post(self, posts: Mapping[str, Post]) -> None:
        """Agents stand on other models from now on. What traffic has corrected stays corrected."""
        self._declared = replace(self._declared, posts=posts)
        self._serve_corrected()

    def drain(self, model_ids: frozenset[str]) -> None:
        """These models, and no others, are drained from now on, in later configurations too."""
        if model_ids != self._drained:
            self._drained = model_ids
            self._serve_corrected()

    def supposed(self, *drained: str) -> Snapshot:
        """What would be served if these models were drained as well; nobody is served by it."""
        return Snapshot(self._as_served(self._drained | set(drained)), self._scores)

    def correct(self, model: Model, now: datetime) -> None:
        """Serve `model`, which is declared, in place of the one with its id for a while."""
        self._corrections[model.id] = _Correction(model, now + CORRECTION_LIFE)
        self._serve_corrected()

    def forget_old_corrections(self, now: datetime) -> None:
        """Go back to the declared models where a correction has lived its time."""
        old = [key for key, correction in self._corrections.items() if correction.until <= now]
        for key in old:
            del self._corrections[key]
        if old:
            self._serve_corrected()

    def lessons(self) -> list[Lesson]:
        """What traffic has taught about the models that are served otherwise than declared."""
        declared = self._declared.fleet.models
        return [
            lesson
            for name, (model, until) in self._corrections.items()
            for lesson in lessons(declared[name], model, until - CORRECTION_LIFE, until)
        ]

    def corrected(self) -> frozenset[str]:
        """The models that are served otherwise than declared."""
        return frozenset(self._corrections)

    async def close_unused(self) -> None:
        """Close providers that no snapshot needs any more."""
        waiting = [snapshot for snapshot in self._retired if snapshot.users]
        done = [snapshot for snapshot in self._retired if not snapshot.users]
        self._retired = waiting
        held = [self.current, *waiting]
        needed = {id(p) for snapshot in held for p in snapshot.setup.providers.values()}
        for snapshot in done:
            for provider in snapshot.setup.providers.values():
                if id(provider) not in needed:
                    await provider.close()

    async def close(self) -> None:
        """Close every provider, whoever still uses it."""
        for snapshot in (self.current, *self._retired):
            for provider in snapshot.setup.providers.values():
                await provider.close()

    def _serve_corrected(self) -> None:
        self._retired.append(self.current)
        self.current = Snapshot(self._as_served(self._drained), self._scores)

    def _as_served(self, drained: frozenset[str]) -> Setup:
        """What is declared, with what traffic has corrected and what is drained."""
        declared = self._declared.fleet
        if not self._corrections and not drained:
            return self._declared
        models = [
            _in_service(
                self._corrections[model.id].model if model.id in self._corrections else model,
                drained=model.id in drained,
            )
            for model in declared.models.values()
        ]
        fleet = Fleet(declared.agents.values(), models, declared.version)
        return replace(self._declared, fleet=fleet)


def _in_service(model: Model, *, drained: bool) -> Model:
    """The very same model, unless it says otherwise."""
    return model if model.drained is drained else replace(model, drained=drained)
