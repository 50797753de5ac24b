"""What will happen with this request to a simulated model?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from pointsman.adapters.providers.simulated.answers import Choice, compose
from pointsman.adapters.providers.simulated.asking import Asked, BadRequest, asked
from pointsman.adapters.providers.simulated.behaviour import (
    Plan,
    due_times,
    plan,
    request_chance,
)
from pointsman.adapters.providers.simulated.faults import Fault, Order, Orders
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.adapters.providers.simulated.prompt_cache import PromptCache
from pointsman.adapters.providers.simulated.refusals import (
    Refusal,
    no_such_model,
    not_understood,
    ordered_refusal,
    rate_limited,
    refusal,
)
from pointsman.adapters.providers.simulated.sse import Step, steps
from pointsman.core.fleet import Usage

MIDWAY = frozenset({Fault.STALL, Fault.CUT, Fault.EARLY_END, Fault.MALFORMED, Fault.STREAM_ERROR})
"""The faults that show in the middle of a stream."""


class Latency(NamedTuple):
    """Times asked for instead of the persona's own, in seconds; None keeps its own."""

    first_s: float | None = None
    between_s: float | None = None


class Prepared(NamedTuple):
    """One answer, complete before it begins: what is said, when, and what goes wrong.

    `steps` are the tokens in the order they leave and `due_s` when, in seconds after the call.
    `refusal` is set when the plan is to answer with an error status instead. `fault_at` is how many
    steps are sent before a fault in the middle, or their number.
    """

    id: str
    asked: Asked
    plan: Plan
    choices: tuple[Choice, ...]
    steps: list[Step]
    due_s: list[float]
    usage: Usage
    refusal: Refusal | None
    fault_at: int

    @property
    def whole_s(self) -> float:
        """When the last token is due."""
        return self.due_s[-1] if self.due_s else self.plan.first_token_s


class SimulatedModels:
    """The personas at work: counts their requests, remembers prompts, keeps their limits."""

    def __init__(
        self,
        personas: Iterable[Persona],
        *,
        seed: int,
        started_s: float,
        time_scale: float = 1.0,
        orders: Orders | None = None,
    ) -> None:
        scaled = (_scaled(persona, time_scale) for persona in personas)
        self.personas: Mapping[str, Persona] = {persona.name: persona for persona in scaled}
        self.orders = orders or Orders()
        self._seed = seed
        self._started_s = started_s
        self._asked: Counter[str] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._prompts = PromptCache()

    def enter(self, name: str) -> Refusal | None:
        """Take a place in a model's queue of running requests, or be refused. Pair with `leave`."""
        persona = self.personas.get(name)
        if persona is None:
            return no_such_model(name)
        if persona.max_in_flight is not None and self._in_flight[name] >= persona.max_in_flight:
            return rate_limited(name, 1.0)
        self._in_flight[name] += 1
        return None

    def leave(self, name: str) -> None:
        self._in_flight[name] -= 1

    def in_flight(self, name: str) -> int:
        return self._in_flight[name]

    def prepare(
        self,
        name: str,
        fields: Mapping[str, bytes],
        now_s: float,
        *,
        order: Order | None = None,
        latency: Latency | None = None,
    ) -> Prepared | Refusal:
        """Decide everything about one request; `order` comes before what is ordered for the model.

        A request that the model would refuse is refused, and takes no part in chance.
        """
        persona = self.personas[name]
        try:
            wanted = asked(fields)
        except BadRequest as error:
            return not_understood(error)
        if refused := refusal(persona, wanted):
            return refused
        number = self._asked[name]
        self._asked[name] += 1
        chance = request_chance(self._seed, name, number)
        cached = self._prompts.cached_tokens(name, wanted, now_s)
        planned = plan(
            persona,
            chance,
            now_s - self._started_s,
            uncached_tokens=wanted.prompt_tokens - cached,
            order=order or self.orders.take(name),
        )
        if latency:
            planned = _hurried(planned, latency)
        choices = compose(persona, wanted, chance)
        if planned.fault is Fault.EMPTY:
            choices = (Choice((), (), "stop"),) * wanted.choices
        sent = steps(choices)
        midway = planned.fault in MIDWAY
        return Prepared(
            id=f"chatcmpl-{chance.getrandbits(116):029x}",
            asked=wanted,
            plan=planned,
            choices=choices,
            steps=sent,
            due_s=due_times(planned, len(sent), chance),
            usage=Usage(wanted.prompt_tokens, len(sent), cached_tokens=cached),
            refusal=ordered_refusal(name, planned.fault, planned.order),
            fault_at=min(planned.fault_after, len(sent)) if midway else len(sent),
        )


def _scaled(persona: Persona, time_scale: float) -> Persona:
    pace = replace(persona.pace, time_scale=persona.pace.time_scale * time_scale)
    return replace(persona, pace=pace)


def _hurried(planned: Plan, latency: Latency) -> Plan:
    first_s = planned.first_token_s if latency.first_s is None else latency.first_s
    between_s = planned.between_s if latency.between_s is None else latency.between_s
    accept_s = min(planned.accept_s, first_s)
    return planned._replace(first_token_s=first_s, between_s=between_s, accept_s=accept_s)
