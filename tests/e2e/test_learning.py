"""Does the gateway learn from what happens, and still know it after a restart, however sudden?"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from fleets import fleet, model
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from simulated_upstream import SimulatedUpstream

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import Feedback

WRITTEN_WITHIN_S = 0.35
"""How old a record may be that a sudden death takes along."""

PATIENT = {"breaker": {"failures": 1000, "ratio": 1.0, "window": 1000}, "backoff_s": 0.01}
"""No breaker, so that what is learned is all that speaks against a model."""

ALIKE = {"up/first": model(0.9), "up/second": model(0.8)}
"""Both may serve; the better one on paper is not so much better that nothing could change it."""


def decided(gateway: GatewayProcess) -> dict[str, Any]:
    """What a plain request is decided like."""
    return gateway.decision(gateway.chat().headers["x-pointsman-decision"])


def percent_complete(decision: dict[str, Any], model_id: str) -> float:
    """How many of a hundred answers of the model are expected to be complete."""
    (candidate,) = [each for each in decision["candidates"] if each["model_id"] == model_id]
    (words,) = [term["detail"] for term in candidate["terms"] if term["name"] == "success"]
    return float(words.partition("%")[0])


def relearned(gateway: GatewayProcess) -> Iterator[dict[str, Any]]:
    """What the log says of records that were read back."""
    for record in gateway.log_records:
        if record["message"] == "models are scored by what the record says":
            yield record


def test_a_model_that_fails_loses_its_traffic_and_a_sudden_death_does_not_forgive_it(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, models=ALIKE, routing=PATIENT))
    assert decided(gateway)["model_id"] == "up/first"
    upstream.order("first", "server_error")
    for _ in range(10):
        gateway.chat()
    upstream.clear()
    known = decided(gateway)
    assert known["model_id"] == "up/second"
    time.sleep(WRITTEN_WITHIN_S)  # the promise is about time, so time it is
    gateway.signal(signal.SIGKILL)
    assert gateway.wait() == -signal.SIGKILL
    gateway.port = 0  # another test may have taken the last one
    gateway.start()
    after = decided(gateway)
    assert after["model_id"] == "up/second"
    remembered, before = (percent_complete(each, "up/first") for each in (after, known))
    assert remembered == pytest.approx(before, abs=2.0), "it fades, but slowly"
    assert remembered < 90.0
    *_, last = relearned(gateway)
    assert last["outcomes"] >= 12
    assert last["seconds"] < 1.0


def test_what_was_said_of_answers_counts_after_a_restart(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, models=ALIKE))
    ids = [gateway.chat().headers["x-pointsman-decision"] for _ in range(15)]
    assert {gateway.decision(each)["model_id"] for each in ids} == {"up/first"}
    assert gateway.terminate() == 0
    with closing(SqliteStore(gateway.data_dir / "pointsman.db")) as store:
        for decision_id in ids:
            now = datetime.now(UTC)
            assert store.judge(Feedback(decision_id, "default", "up/first", None, now, rating=1))
    gateway.port = 0  # another test may have taken the last one
    gateway.start()
    assert decided(gateway)["model_id"] == "up/second"
    *_, last = relearned(gateway)
    assert (last["outcomes"], last["judgements"]) == (15, 15)


def test_the_profile_can_be_changed_while_it_serves_and_begins_with_the_record(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, models=ALIKE))
    for _ in range(12):
        gateway.chat()
    gateway.configure(fleet(upstream.url, models=ALIKE, routing={"scoring": "classic"}))
    gateway.reload()
    wait_until(lambda: [each["scoring"] for each in relearned(gateway)][-1] == "classic")
    *_, last = relearned(gateway)
    assert last["outcomes"] == 12
    terms = decided(gateway)["candidates"][0]["terms"]
    assert [term["name"] for term in terms] == ["capability", "success", "latency"], "10 were seen"
    gateway.configure(fleet(upstream.url, models=ALIKE, routing={"scoring": "capability"}))
    gateway.reload()
    wait_until(lambda: [each["scoring"] for each in relearned(gateway)][-1] == "capability")
    names = [term["name"] for term in decided(gateway)["candidates"][0]["terms"]]
    assert names == ["required", "preferred", "context"]


def test_what_the_caller_weighs_decides_and_shows(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    cheap = {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0}
    dear = {"input_usd_per_mtok": 30, "output_usd_per_mtok": 90}
    models = {"up/first": model(0.95, price=dear), "up/second": model(0.6, price=cheap)}
    gateway = serve(fleet(upstream.url, models=models))
    chosen = {}
    for tradeoff in (0.0, 1.0):
        answer = gateway.chat(pointsman={"tradeoff": tradeoff})
        chosen[tradeoff] = answer.headers["x-pointsman-model"]
    assert chosen == {0.0: "up/second", 1.0: "up/first"}
    answer = gateway.chat({"x-pointsman-tradeoff": "0"})
    assert answer.headers["x-pointsman-model"] == "up/second"
    answer = gateway.chat(pointsman={"weights": {"quality": 1}})
    assert answer.headers["x-pointsman-model"] == "up/first"
    refused = gateway.chat({"x-pointsman-tradeoff": "cheap"})
    assert (refused.status, refused.error["param"]) == (400, "x-pointsman-tradeoff")


def test_the_type_of_a_task_is_inferred_and_says_how_sure_it_is(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, agents={"coder": {"requires": ["coding"]}}))
    code = [{"role": "user", "content": "Write a Python function that sorts a list of numbers."}]
    task = gateway.decision(gateway.chat(messages=code).headers["x-pointsman-decision"])["task"]
    assert task["type"] == "coding"
    assert 0.6 <= task["type_probability"] <= 1.0
    said = gateway.chat(messages=code, pointsman={"task_type": "math"})
    task = gateway.decision(said.headers["x-pointsman-decision"])["task"]
    assert (task["type"], task["type_probability"]) == ("math", None)
    declared = gateway.chat(messages=code, model="agent/coder")
    task = gateway.decision(declared.headers["x-pointsman-decision"])["task"]
    assert (task["type"], task["type_probability"]) == (None, None)
    page = gateway.get(f"{CONTROL}/decisions").document["decisions"]
    assert [each["task_type"] for each in page] == [None, "math", "coding"]
