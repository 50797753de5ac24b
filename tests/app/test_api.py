"""Does a Python program get the same routing without a server?"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pointsman
from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.in_thread import reliable_simulator, running
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.adapters.providers.simulated.server import Simulator

HELLO: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
STRENGTH = {"first": 0.95, "second": 0.5}


class Upstream(NamedTuple):
    app: Simulator
    url: str

    def order(self, model: str, fault: Fault, **options: Any) -> None:
        self.app.models.orders.place(model, Order(fault, **options))

    @property
    def called(self) -> list[str]:
        return [entry.model for entry in self.app.journal.entries]

    async def hung_up_upon(self) -> None:
        """Wait until the last request has seen its caller leave."""
        await asyncio.to_thread(wait_until, lambda: self.app.journal.entries[-1].hung_up)


def wait_until(found: Callable[[], Any]) -> None:
    """For what nothing in this thread announces."""
    until = time.monotonic() + 10
    while not found():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Upstream]:
    personas = [Persona(name, strengths={"general": s}) for name, s in STRENGTH.items()]
    app = reliable_simulator(personas)
    with running(app) as url:
        yield Upstream(app, url)


@pytest.fixture
def upstream(simulator: Upstream) -> Upstream:
    simulator.app.models.orders.revoke()
    simulator.app.journal.clear()
    return simulator


@pytest.fixture
def config(upstream: Upstream, tmp_path: Path) -> Path:
    models = {
        f"up/{name}": {
            "capabilities": {"general": strength},
            "context_window": 8192,
            "price": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2},
        }
        for name, strength in STRENGTH.items()
    }
    document = {
        "providers": {"up": {"type": "openai_compatible", "base_url": f"{upstream.url}/v1"}},
        "models": models,
        "agents": {"coder": {"pinned": "up/second"}},
    }
    path = tmp_path / "fleet.yaml"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
async def router(config: Path, tmp_path: Path) -> AsyncIterator[pointsman.Router]:
    async with pointsman.open(config, data_dir=tmp_path / "data", environ={}) as router:
        yield router


async def test_a_decision_says_who_would_serve_and_calls_nobody(
    router: pointsman.Router, upstream: Upstream
) -> None:
    decision = router.decide(HELLO)
    assert [candidate.model_id for candidate in decision.candidates][:2] == [
        "up/first",
        "up/second",
    ]
    for candidate in decision.candidates:
        assert sum(term.value for term in candidate.terms) == pytest.approx(candidate.score)
    assert upstream.called == []
    assert await router.explain(decision.id) is None


async def test_an_answer_comes_with_who_gave_it_and_what_it_cost(
    router: pointsman.Router, upstream: Upstream
) -> None:
    reply = await router.chat(HELLO)
    assert reply.document["choices"][0]["message"]["content"]
    assert reply.document["model"] == reply.model_id == "up/first"
    assert reply.attempts == 1
    assert reply.cost_usd is not None
    assert reply.cost_usd > 0
    assert upstream.called == ["first"]


async def test_an_agent_and_a_session_can_be_named(router: pointsman.Router) -> None:
    reply = await router.chat(HELLO, agent="coder", session="s-1")
    assert reply.model_id == "up/second"
    assert (reply.decision.agent_id, reply.decision.session) == ("coder", "s-1")


async def test_what_was_decided_can_be_explained_afterwards(
    router: pointsman.Router, upstream: Upstream
) -> None:
    upstream.order("first", Fault.SERVER_ERROR)
    reply = await router.chat(HELLO)
    assert (reply.model_id, reply.attempts) == ("up/second", 2)
    stored = await router.explain(reply.decision.id)
    assert stored is not None
    failed, served = stored.outcomes
    assert failed.failure is pointsman.FailureKind.SERVER_ERROR
    assert served.failure is None
    assert stored.decision.candidates == reply.decision.candidates


async def test_the_cost_is_that_of_all_attempts(
    router: pointsman.Router, upstream: Upstream
) -> None:
    upstream.order("first", Fault.EMPTY)
    reply = await router.chat(HELLO)
    assert (reply.model_id, reply.attempts) == ("up/second", 2)
    stored = await router.explain(reply.decision.id)
    assert stored is not None
    assert reply.cost_usd == stored.cost_usd
    assert reply.cost_usd != stored.outcomes[-1].cost_usd


async def test_what_is_said_of_answers_is_kept_and_teaches(router: pointsman.Router) -> None:
    replies = [await router.chat(HELLO) for _ in range(15)]
    assert {reply.model_id for reply in replies} == {"up/first"}
    for reply in replies:
        assert await router.judge(reply.decision.id, rating=1, comment="wrong")
    router._running.parts.scorer.tick(time.time() + 1.0)  # what is new counts a moment later
    assert router.decide(HELLO).candidates[0].model_id == "up/second"
    stored = await router.explain(replies[0].decision.id)
    assert stored is not None
    assert stored.feedback is not None
    assert (stored.feedback.rating, stored.feedback.comment) == (1, "wrong")


async def test_of_what_nobody_answered_nothing_can_be_said(
    router: pointsman.Router, upstream: Upstream
) -> None:
    assert not await router.judge("dec_unknown", success=True)
    upstream.order("second", Fault.SERVER_ERROR)
    with pytest.raises(pointsman.AttemptsSpent) as caught:
        await router.chat(HELLO, agent="coder")
    assert not await router.judge(caught.value.failures[0][0].decision_id, success=True)


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({}, "rating"),
        ({"rating": 0}, "rating"),
        ({"rating": 6, "success": True}, "rating"),
        ({"success": True, "comment": "x" * 2_001}, "comment"),
    ],
)
async def test_what_is_no_judgement_is_a_mistake(
    router: pointsman.Router, said: dict[str, Any], param: str
) -> None:
    with pytest.raises(pointsman.RequestError) as caught:
        await router.judge("dec_1", **said)
    assert caught.value.param == param


@pytest.mark.parametrize("session", ["user 42", "x" * 200, "größe"])
async def test_a_session_is_kept_as_it_is_called(router: pointsman.Router, session: str) -> None:
    assert router.decide(HELLO, session=session).session == session


async def test_two_agents_in_one_request_are_a_mistake(router: pointsman.Router) -> None:
    with pytest.raises(pointsman.RequestError, match="'agent' names 'coder'"):
        router.decide({**HELLO, "model": "agent/default"}, agent="coder")


async def test_a_stream_gives_chunks_as_they_come(router: pointsman.Router) -> None:
    async with router.stream(HELLO) as stream:
        chunks = [chunk async for chunk in stream]
        assert (stream.model_id, stream.attempts) == ("up/first", 1)
    said = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks)
    assert said.startswith("This is a simulated answer by")
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    stored = await router.explain(stream.decision.id)
    assert stored is not None
    assert stored.outcomes[0].usage is not None


async def test_a_stream_tells_usage_and_cost_once_it_has_ended(
    router: pointsman.Router, upstream: Upstream
) -> None:
    request = {**HELLO, "stream_options": {"include_usage": True}}
    async with router.stream(request) as stream:
        assert (stream.outcome, stream.usage, stream.cost_usd) == (None, None, None)
        chunks = [chunk async for chunk in stream]
    assert [chunk["choices"] == [] for chunk in chunks].count(True) == 1
    *others, last = chunks
    assert all(chunk["usage"] is None for chunk in others)
    assert (last["choices"], last["id"]) == ([], chunks[0]["id"])
    assert stream.outcome is not None
    assert stream.outcome.failure is None
    assert stream.usage is not None
    assert last["usage"]["completion_tokens"] == stream.usage.completion_tokens > 0
    assert stream.cost_usd is not None
    assert last["pointsman"]["decision"] == stream.decision.id
    assert last["pointsman"]["cost_usd"] == pytest.approx(float(stream.cost_usd))


async def test_a_stream_without_the_option_has_the_figures_all_the_same(
    router: pointsman.Router,
) -> None:
    async with router.stream(HELLO) as stream:
        chunks = [chunk async for chunk in stream]
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)
    assert stream.usage is not None
    assert stream.cost_usd is not None


async def test_leaving_a_stream_early_hangs_up_and_blames_nobody(
    router: pointsman.Router, upstream: Upstream
) -> None:
    upstream.order("first", Fault.STALL, after=1)
    async with router.stream(HELLO) as stream:
        async for _ in stream:
            break
    await upstream.hung_up_upon()
    stored = await router.explain(stream.decision.id)
    assert stored is not None
    (outcome,) = stored.outcomes
    assert outcome.failure is pointsman.FailureKind.CANCELLED


async def test_a_task_that_is_cancelled_hangs_up_too(
    router: pointsman.Router, upstream: Upstream
) -> None:
    upstream.order("first", Fault.STALL_FIRST)
    task = asyncio.create_task(router.chat(HELLO))
    await asyncio.to_thread(wait_until, lambda: upstream.called)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.hung_up_upon()


async def test_a_stream_that_breaks_off_raises(
    router: pointsman.Router, upstream: Upstream
) -> None:
    upstream.order("first", Fault.CUT, after=3)
    async with router.stream(HELLO) as stream:
        with pytest.raises(pointsman.UpstreamError) as caught:
            [chunk async for chunk in stream]
    assert caught.value.kind is pointsman.FailureKind.TRUNCATED


async def test_failures_are_raised_by_who_has_to_react(
    router: pointsman.Router, upstream: Upstream
) -> None:
    with pytest.raises(pointsman.RequestError, match="does not exist"):
        await router.chat({**HELLO, "model": "up/frist"})
    with pytest.raises(pointsman.RequestError, match="messages"):
        router.decide({"model": "auto"})
    with pytest.raises(pointsman.RequestError, match="ghost"):
        router.decide(HELLO, agent="ghost")
    with pytest.raises(pointsman.NoEligibleModel):
        await router.chat({**HELLO, "pointsman": {"requires": ["telepathy"]}})
    upstream.order("first", Fault.STATUS, status=422)
    with pytest.raises(pointsman.AttemptsSpent) as caught:
        await router.chat(HELLO)
    assert caught.value.last.kind is pointsman.FailureKind.UNPROCESSABLE


@pytest.mark.parametrize("value", [float("nan"), "\ud83d", object()], ids=["nan", "half", "object"])
async def test_what_is_no_json_is_refused_with_its_place(
    router: pointsman.Router, value: Any
) -> None:
    asked = {**HELLO, "user": value}
    with pytest.raises(pointsman.RequestError, match="user"):
        router.decide(asked)
    with pytest.raises(pointsman.RequestError, match="user"):
        await router.chat(asked)
    with pytest.raises(pointsman.RequestError, match="user"):
        async with router.stream(asked):
            pass


async def test_decisions_outlive_the_program(config: Path, tmp_path: Path) -> None:
    data = tmp_path / "kept"
    async with pointsman.open(config, data_dir=data, environ={}) as router:
        made = (await router.chat(HELLO)).decision
    async with pointsman.open(config, data_dir=data, environ={}) as router:
        stored = await router.explain(made.id)
    assert stored is not None
    assert stored.decision.request_id == made.request_id


async def test_a_broken_configuration_raises_with_every_mistake(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("models: {x: 1}\nserver: {port: many}\n")
    with pytest.raises(pointsman.ConfigError) as caught:
        async with pointsman.open(path, environ={}):
            pass
    assert len(caught.value.problems) >= 2


async def test_without_a_file_the_simulated_fleet_serves(tmp_path: Path) -> None:
    async with pointsman.open(data_dir=tmp_path, environ={}) as router:
        assert len(router.decide(HELLO).candidates) == 12


def test_what_is_public_is_what_is_listed() -> None:
    for name in pointsman.__all__:
        assert getattr(pointsman, name) is not None
    assert sorted(pointsman.__all__) == list(pointsman.__all__)
    with pytest.raises(AttributeError):
        _ = pointsman.nothing


OURS = re.compile(r"[A-Z]\w+")


def annotated(thing: type) -> Iterator[str]:
    """The names of our own types in whatever `thing` shows of itself."""
    shown = [member for name, member in vars(thing).items() if not name.startswith("_")]
    functions = [m.fget if isinstance(m, property) else inspect.unwrap(m) for m in shown if m]
    places = [inspect.get_annotations(thing)]
    places += [inspect.get_annotations(f) for f in functions if inspect.isfunction(f)]
    for place in places:
        for annotation in place.values():
            text = str(getattr(annotation, "__forward_arg__", annotation))
            home = vars(sys.modules[thing.__module__])
            named = (home.get(name) for name in OURS.findall(text))
            yield from (
                found.__name__
                for found in named
                if isinstance(found, type) and found.__module__.startswith("pointsman.")
            )


def test_whatever_a_public_type_shows_is_public_too() -> None:
    for name in pointsman.__all__:
        thing = getattr(pointsman, name)
        if isinstance(thing, type):
            assert set(annotated(thing)) <= set(pointsman.__all__), name
