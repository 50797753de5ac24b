"""How much does each model carry right now, may it take one more, and how long would that wait?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pointsman.core.balance import Queues
from pointsman.core.decision import Objection, ReasonCode
from pointsman.core.fleet import Limits, Model
from pointsman.core.quota import LastMinute
from pointsman.core.wait import Latencies
from pointsman.engine.ports import Clock

TARGET = 0.8
"""A model that is used beyond this share of a limit is over its target."""


class _Spent:
    """What a model with limits per minute was asked for in the last one."""

    __slots__ = ("requests", "tokens")

    def __init__(self) -> None:
        self.requests = LastMinute()
        self.tokens = LastMinute()

    def certainly_takes(self, limits: Limits, tokens: int) -> bool:
        """Whether there is room for one more call of so many tokens, whatever has become old."""
        most = limits.requests_per_min
        if most is not None and not self.requests.certainly_takes(1, most):
            return False
        most = limits.tokens_per_min
        return most is None or self.tokens.certainly_takes(tokens, most)


class Lease:
    """One call in flight. Released exactly once, however often `release` is called."""

    __slots__ = ("_load", "_model_id", "_reserved", "_second", "_spent")

    def __init__(
        self, load: Load, model_id: str, spent: _Spent | None, reserved: int, second: int
    ) -> None:
        self._load: Load | None = load
        self._model_id = model_id
        self._spent = spent
        self._reserved = reserved
        self._second = second

    def release(self, tokens: int | None = None, *, sent: bool = True) -> None:
        """The call is over. It took so many tokens, None: as many as were reserved.

        What was never `sent` was not counted by the provider either.
        """
        if self._load is None:
            return
        load, self._load = self._load, None
        if self._spent is not None:
            used = 0 if not sent else self._reserved if tokens is None else tokens
            self._spent.tokens.correct(self._second, used - self._reserved)
            self._spent.requests.correct(self._second, 0 if sent else -1)
        load.returned(self._model_id)


class Load:
    """In-flight counts per model, which follow leases and so are never below zero; latencies of
    late; and of models with limits per minute what was spent of them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._in_flight: dict[str, int] = {}
        self._spent: dict[str, _Spent] = {}
        # A stream answers with its first token, a plain answer when it is whole: two measures.
        self._latencies = (Latencies(), Latencies())

    def lease(self, model: Model, tokens: int = 0) -> Lease:
        """A call that will take about so many tokens begins: they count from now."""
        self._in_flight[model.id] = self._in_flight.get(model.id, 0) + 1
        if not _per_minute(model.limits):
            return Lease(self, model.id, None, 0, 0)
        spent = self._spent.get(model.id)
        if spent is None:
            spent = self._spent[model.id] = _Spent()
        now = self._clock.monotonic()
        spent.requests.spend(1, now)
        return Lease(self, model.id, spent, tokens, spent.tokens.spend(tokens, now))

    def returned(self, model_id: str) -> None:
        """Called by a lease, once."""
        left = self._in_flight[model_id] - 1
        if left:
            self._in_flight[model_id] = left
        else:
            del self._in_flight[model_id]

    def answered(self, model_id: str, latency_s: float, *, streamed: bool) -> None:
        """An answer has begun: a stream with its first token, a plain one as a whole."""
        self._latencies[streamed].answered(model_id, latency_s, self._clock.monotonic())

    def waited(self, model_id: str, waited_s: float, *, streamed: bool) -> None:
        """So long was waited for an answer that did not come."""
        self._latencies[streamed].waited(model_id, waited_s, self._clock.monotonic())

    def queues(self, model_ids: Sequence[str], *, streamed: bool) -> Queues:
        """What each carries, and how long one more call would wait."""
        carried = self._in_flight
        # A look and a lookup take less than a call.
        in_flight = [carried[each] if each in carried else 0 for each in model_ids]  # noqa: SIM401
        return Queues(in_flight, self._latencies[streamed].waits(model_ids, in_flight))

    def in_flight(self, model_id: str) -> int:
        return self._in_flight.get(model_id, 0)

    def snapshot(self) -> Mapping[str, int]:
        """All models that carry at least one call."""
        return dict(self._in_flight)

    @property
    def total(self) -> int:
        return sum(self._in_flight.values())

    def utilisation(self, model: Model) -> float | None:
        """The largest share of any of its limits that `model` uses now; None without limits."""
        limits, shares = model.limits, []
        if limits.max_in_flight is not None:
            shares.append(self.in_flight(model.id) / limits.max_in_flight)
        spent, now = self._spent.get(model.id) or _Spent(), self._clock.monotonic()
        if limits.requests_per_min is not None:
            shares.append(spent.requests.spent(now) / limits.requests_per_min)
        if limits.tokens_per_min is not None:
            shares.append(spent.tokens.spent(now) / limits.tokens_per_min)
        return max(shares, default=None)

    def all_take(self, models: Sequence[Model], tokens: int) -> bool:
        """True when certainly none of `models` objects to a call of so many tokens.

        The common case, without a look at the clock; False may be too careful.
        """
        for model in models:
            limits = model.limits
            if (
                limits.max_in_flight is not None
                and self.in_flight(model.id) >= limits.max_in_flight
            ):
                return False
            spent = self._spent.get(model.id)
            if spent is not None and not spent.certainly_takes(limits, tokens):
                return False
        return True

    def objection(self, model: Model, tokens: int = 0) -> Objection | None:
        """Why `model` cannot take one more call of so many tokens now, or None.

        It is skipped, not queued on. When a minute is spent it is known when there is room again;
        when too many calls are in flight nobody knows, so the objection does not say.
        """
        most = model.limits.max_in_flight
        if most is not None and self.in_flight(model.id) >= most:
            return Objection(ReasonCode.AT_LIMIT, f"{most} of {most} calls in flight")
        if not _per_minute(model.limits):
            return None
        return self._spent_objection(model, tokens)

    def keep_only(self, model_ids: frozenset[str]) -> None:
        """Forget what was seen of models that are no longer configured."""
        self._spent = {key: spent for key, spent in self._spent.items() if key in model_ids}
        for latencies in self._latencies:
            latencies.keep_only(model_ids)

    def _spent_objection(self, model: Model, tokens: int) -> Objection | None:
        spent, now, limits = self._spent.get(model.id), self._clock.monotonic(), model.limits
        if spent is None:
            return None
        wait_s, words = 0.0, ""
        most = limits.requests_per_min
        if most is not None:
            wait_s = spent.requests.wait_s(1, most, now)
            words = f"{spent.requests.spent(now)} of {most} requests in this minute"
        most = limits.tokens_per_min
        if most is not None and (waits_s := spent.tokens.wait_s(tokens, most, now)) > wait_s:
            wait_s = waits_s
            words = f"{spent.tokens.spent(now)} of {most} tokens in this minute, {tokens} needed"
        return Objection(ReasonCode.AT_LIMIT, words, wait_s) if wait_s > 0.0 else None


def _per_minute(limits: Limits) -> bool:
    return limits.requests_per_min is not None or limits.tokens_per_min is not None
