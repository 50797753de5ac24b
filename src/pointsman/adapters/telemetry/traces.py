"""How does what happened to a request become spans?

A request is one span, and each of its attempts one below it. They are made when all is over, from
the records that are kept anyway, under the names that the upstreams were told meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from pointsman.adapters.telemetry import dialect
from pointsman.core.decision import Decision, Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.trace import Trace, span_id_of, trace_of, trace_of_decision

SETTLED_S = 60.0
"""A request whose last attempt failed so long ago has been given up."""
MOST_UNDER_WAY = 20_000

Attributes = dict[str, str | bool | int | float]


class GivenIds(IdGenerator):
    """Span and trace ids that were fixed before."""

    def __init__(self) -> None:
        self.span_id = self.trace_id = 1

    def generate_span_id(self) -> int:
        return self.span_id

    def generate_trace_id(self) -> int:
        return self.trace_id


class Traces:
    """The spans of requests, told in the order of events. Belongs to one thread.

    `share` of the requests without a trace of their callers' are kept, as upstreams were told.
    """

    def __init__(self, provider: TracerProvider, ids: GivenIds, share: float) -> None:
        self._tracer = provider.get_tracer(dialect.SCOPE, schema_url=dialect.SCHEMA_URL)
        self._ids = ids
        self._share = share
        self._under_way: OrderedDict[str, _Request] = OrderedDict()

    def decided(self, decision: Decision) -> None:
        """A request begins; one without candidates also ends."""
        trace = trace_of_decision(decision.id, decision.traceparent, self._share)
        if not trace.sampled:
            return
        request = _Request(decision, trace)
        if not decision.candidates:
            self._end(request)
            return
        self._under_way[decision.id] = request
        if len(self._under_way) > MOST_UNDER_WAY:
            self._end(self._under_way.popitem(last=False)[1])

    def ended(self, outcome: Outcome) -> None:
        """An attempt has ended, and with it the request unless another may follow."""
        request = self._under_way.get(outcome.decision_id)
        if request is None:
            return
        request.outcomes.append(outcome)
        self._attempt(request, outcome)
        failure = outcome.failure
        if failure is None or not (failure.movable or failure.retryable):
            self._end(self._under_way.pop(outcome.decision_id))

    def settle(self, now: datetime) -> None:
        """End the requests that were given up."""
        for decision_id, request in list(self._under_way.items()):
            last = request.outcomes[-1].at if request.outcomes else None
            if last is not None and (now - last).total_seconds() > SETTLED_S:
                self._end(self._under_way.pop(decision_id))

    def end_all(self) -> None:
        """Tell all that is known, because nothing will follow."""
        while self._under_way:
            self._end(self._under_way.popitem(last=False)[1])

    def _attempt(self, request: _Request, outcome: Outcome) -> None:
        self._ids.span_id = int(span_id_of(outcome.decision_id, outcome.attempt), 16)
        above = _context(request.trace, is_remote=False)
        end_ns = _ns(outcome.at)
        span = self._tracer.start_span(
            f"{dialect.CHAT} {outcome.model_id.partition('/')[2]}",
            context=above,
            kind=SpanKind.CLIENT,
            attributes=_of_attempt(outcome),
            start_time=end_ns - int(outcome.total_s * 1e9),
        )
        if (failure := outcome.failure) is not None and failure is not FailureKind.CANCELLED:
            span.set_status(Status(StatusCode.ERROR, failure.code))
        span.end(end_ns)

    def _end(self, request: _Request) -> None:
        decision, outcomes, trace = request.decision, request.outcomes, request.trace
        self._ids.span_id, self._ids.trace_id = int(trace.span_id, 16), int(trace.trace_id, 16)
        caller = trace_of(decision.traceparent) if decision.traceparent else None
        failure = request.failure
        span = self._tracer.start_span(
            dialect.ROUTE_SPAN,
            context=Context() if caller is None else _context(caller, is_remote=True),
            kind=SpanKind.SERVER,
            attributes={**_of_decision(decision), **_of_outcomes(request)},
            start_time=_ns(decision.at),
        )
        for left, taken in request.moves():
            facts: Attributes = {
                dialect.FROM_MODEL: left.model_id,
                dialect.TO_MODEL: taken.model_id,
                dialect.ERROR_TYPE: left.failure.code if left.failure else "",
            }
            span.add_event(dialect.FALLBACK_EVENT, facts, timestamp=_ns(left.at))
        if failure is not None and failure != FailureKind.CANCELLED.code:
            span.set_status(Status(StatusCode.ERROR, failure))
        span.end(_ns(outcomes[-1].at if outcomes else decision.at))


class _Request:
    """What is known so far of a request that is traced."""

    def __init__(self, decision: Decision, trace: Trace) -> None:
        self.decision = decision
        self.trace = trace
        self.outcomes: list[Outcome] = []

    @property
    def failure(self) -> str | None:
        """Why it failed in the end; None when it was answered, or nobody knows."""
        if not self.decision.candidates:
            return dialect.NO_MODEL
        last = self.outcomes[-1].failure if self.outcomes else None
        return last.code if last else None

    def moves(self) -> Iterator[tuple[Outcome, Outcome]]:
        """Each attempt that failed, with the next one on another model."""
        for left, taken in zip(self.outcomes, self.outcomes[1:], strict=False):
            if left.model_id != taken.model_id:
                yield left, taken


def _of_decision(decision: Decision) -> Attributes:
    chosen = decision.chosen
    facts: Mapping[str, str | bool | int | float | None] = {
        dialect.OPERATION: dialect.CHAT,
        dialect.REQUEST_MODEL: decision.asked_model or None,
        dialect.REQUEST_STREAM: decision.task.stream,
        dialect.REQUEST_MAX_TOKENS: decision.task.max_output_tokens,
        dialect.CONVERSATION: decision.session,
        dialect.AGENT: decision.agent_id,
        dialect.DECISION: decision.id,
        dialect.REQUEST: decision.request_id,
        dialect.STRATEGY: decision.strategy.value,
        dialect.TASK_TYPE: decision.task.type,
        dialect.CHOSEN: chosen.model_id if chosen else None,
        dialect.SCORE: chosen.score if chosen else None,
        dialect.PROPENSITY: decision.propensity,
        dialect.EXPLORED: decision.explored,
        dialect.PANIC: decision.panic,
        dialect.CANDIDATES: len(decision.candidates),
        dialect.REJECTED: len(decision.rejections),
        dialect.CONFIG: decision.config_version,
    }
    return _known(facts)


def _of_outcomes(request: _Request) -> Attributes:
    outcomes = request.outcomes
    served = outcomes[-1].model_id if outcomes and outcomes[-1].failure is None else None
    return _known(
        {
            dialect.ATTEMPTS: len(outcomes),
            dialect.IS_FALLBACK: any(request.moves()),
            dialect.SERVED: served,
            dialect.ERROR_TYPE: request.failure,
        }
    )


def _of_attempt(outcome: Outcome) -> Attributes:
    provider, _, model = outcome.model_id.partition("/")
    failure, usage, cost = outcome.failure, outcome.usage, outcome.cost_usd
    counted = usage if usage is not None and not usage.estimated else None
    return _known(
        {
            dialect.OPERATION: dialect.CHAT,
            dialect.PROVIDER: dialect.provider_name(provider),
            dialect.REQUEST_MODEL: model,
            dialect.REQUEST_STREAM: outcome.streamed,
            dialect.RESPONSE_MODEL: outcome.upstream_model,
            dialect.FIRST_CHUNK_S: outcome.first_token_s if outcome.streamed else None,
            dialect.INPUT_TOKENS: counted.prompt_tokens if counted else None,
            dialect.OUTPUT_TOKENS: counted.completion_tokens if counted else None,
            dialect.CACHE_READ_TOKENS: counted.cached_tokens if counted else None,
            dialect.CACHE_CREATION_TOKENS: counted.cache_write_tokens if counted else None,
            dialect.ERROR_TYPE: failure.code if failure else None,
            dialect.BLAMES: failure.blames.value if failure else None,
            dialect.HTTP_STATUS: outcome.status,
            dialect.DECISION: outcome.decision_id,
            dialect.ATTEMPT: outcome.attempt,
            dialect.COST_USD: float(cost) if cost is not None else None,
        }
    )


def _known(facts: Mapping[str, str | bool | int | float | None]) -> Attributes:
    return {name: value for name, value in facts.items() if value is not None}


def _context(trace: Trace, *, is_remote: bool) -> Context:
    """Below this span, whoever has made it."""
    span = SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=is_remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(span), Context())


def _ns(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1_000
