"""Does another model answer when the first cannot, and who is blamed for it?"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fleets import fleet
from gateway_process import CONTROL, Answer, GatewayProcess, Serve, wait_until
from scripted_upstream import ScriptedUpstream, Wire
from simulated_upstream import SimulatedUpstream
from streams import DONE, seen_in

IMPATIENT = {"first_token_s": 1.0, "between_tokens_s": 1.0, "total_s": 2.5}

BEFORE_THE_FIRST_CHUNK: list[tuple[str, dict[str, Any], str, str]] = [
    ("server_error", {}, "server_error", "endpoint"),
    ("overloaded", {"retry_after": 60}, "overloaded", "capacity"),
    ("rate_limited", {"retry_after": 60}, "rate_limited", "capacity"),
    ("status", {"status": 401}, "key_rejected", "key"),
    ("status", {"status": 402}, "billing", "key"),
    ("status", {"status": 404}, "wrong_address", "catalogue"),
    ("status", {"status": 418}, "unexpected_status", "endpoint"),
    ("reset", {}, "reset", "endpoint"),
    ("stall_first", {}, "first_token_timeout", "endpoint"),
    ("empty", {}, "empty", "endpoint"),
    ("malformed", {"after": 0}, "malformed", "endpoint"),
    ("wrong_type", {}, "malformed", "endpoint"),
    ("cut", {"after": 0}, "truncated", "endpoint"),
]

AFTER_THE_FIRST_CHUNK = [
    ("cut", "truncated"),
    ("early_end", "truncated"),
    ("stall", "stalled"),
    ("malformed", "malformed"),
    ("stream_error", "stream_error"),
]

ALONE: list[tuple[str, dict[str, Any], int, str]] = [
    ("server_error", {}, 502, "upstream_error"),
    ("rate_limited", {"retry_after": 60}, 429, "rate_limit_exceeded"),
    ("overloaded", {"retry_after": 60}, 503, "overloaded"),
    ("stall_first", {}, 504, "upstream_timeout"),
    ("reset", {}, 502, "upstream_error"),
    ("empty", {}, 502, "upstream_error"),
    ("malformed", {"after": 0}, 502, "upstream_error"),
    ("wrong_type", {}, 502, "upstream_error"),
    ("status", {"status": 400}, 400, "invalid_request"),
    ("status", {"status": 401}, 502, "upstream_credentials_exhausted"),
    ("status", {"status": 402}, 502, "upstream_credentials_exhausted"),
    ("status", {"status": 404}, 502, "upstream_misconfigured"),
    ("status", {"status": 410}, 502, "upstream_misconfigured"),
    ("status", {"status": 413}, 413, "request_too_large"),
    ("status", {"status": 422}, 422, "unprocessable_entity"),
    ("status", {"status": 504}, 504, "upstream_timeout"),
]

FIRST_IF_IT_CAN: dict[str, Any] = {"model": "up/first", "models": ["up/second"]}
"""Wanted by name, so that what was learned of the model does not count, but its breaker does."""


def routing(**more: Any) -> dict[str, Any]:
    return {"timeouts": IMPATIENT, "backoff_s": 0.01, **more}


@pytest.fixture
def impatient(serve: Serve, upstream: SimulatedUpstream) -> GatewayProcess:
    """The second model is another provider's, whom the key of the first does not concern."""
    config = fleet(upstream.url, routing=routing())
    config["providers"]["other"] = config["providers"]["up"]
    config["models"]["other/second"] = config["models"].pop("up/second")
    return serve(config)


def is_whole(answer: Answer, *, stream: bool) -> bool:
    if not stream:
        return bool(answer.document["choices"][0]["message"]["content"])
    return seen_in(answer.body).events[-1] == DONE


def named_in(answer: Answer, *, stream: bool) -> set[str]:
    """The models that the answer itself names, in any of its chunks."""
    documents = seen_in(answer.body).chunks if stream else [answer.document]
    return {document["model"] for document in documents}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(("fault", "options", "kind", "blames"), BEFORE_THE_FIRST_CHUNK)
def test_the_second_model_answers_when_the_first_fails_before_its_first_chunk(
    impatient: GatewayProcess,
    upstream: SimulatedUpstream,
    fault: str,
    options: dict[str, Any],
    kind: str,
    blames: str,
    stream: bool,
) -> None:
    upstream.order("first", fault, **options)
    answer = impatient.chat(stream=stream)
    assert answer.status == 200, answer
    assert is_whole(answer, stream=stream)
    assert named_in(answer, stream=stream) == {"other/second"}
    assert answer.headers["x-pointsman-model"] == "other/second"
    assert answer.headers["x-pointsman-attempts"] == "2"
    assert upstream.models_called == ["first", "second"]
    failed, served = impatient.outcomes(answer)
    if kind == "first_token_timeout" and not stream:
        kind = "total_timeout"  # a plain answer has no first token, only a whole
    assert (failed["model_id"], failed["failure"], failed["blames"]) == ("up/first", kind, blames)
    assert (served["model_id"], served["successful"]) == ("other/second", True)
    assert (failed["attempt"], served["attempt"]) == (1, 2)


@pytest.mark.parametrize(("stream", "kind"), [(False, "empty"), (True, "truncated")])
def test_an_answer_without_a_byte_is_a_failure(
    impatient: GatewayProcess, upstream: SimulatedUpstream, stream: bool, kind: str
) -> None:
    upstream.order("first", "empty_body")
    answer = impatient.chat(stream=stream)
    assert is_whole(answer, stream=stream)
    assert impatient.outcomes(answer)[0]["failure"] == kind


async def test_thoughts_that_one_house_refuses_go_to_another_as_they_were_written(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    said = "messages.1.content.0: Invalid `signature` in `thinking` block"
    refusal = json.dumps({"error": {"type": "invalid_request_error", "message": said}}).encode()

    async def refuses(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n")
        await wire.send(b"content-length: %d\r\n\r\n%b" % (len(refusal), refusal))

    thought = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}
    spoken = {"role": "assistant", "content": "Hm.", "thinking_blocks": [thought]}
    messages = [{"role": "user", "content": "Hello"}, spoken, {"role": "user", "content": "And?"}]
    async with ScriptedUpstream(refuses) as particular:
        config = fleet(upstream.url)
        up = config["providers"]["up"]
        config["providers"]["signing"] = {**up, "base_url": f"{particular.url}/v1"}
        config["models"]["signing/first"] = config["models"].pop("up/first")
        gateway = serve(config)
        for _ in range(3):
            answer = await asyncio.to_thread(gateway.chat, messages=messages)
            assert answer.headers["x-pointsman-model"] == "up/second"
        assert particular.requests == 3, "others are not kept from a model that is well"
    assert json.loads(upstream.last_body)["messages"] == messages
    outcomes = await asyncio.to_thread(gateway.outcomes, answer)
    assert [row["failure"] for row in outcomes] == ["unsupported_input", None]


@pytest.mark.parametrize(("fault", "kind"), AFTER_THE_FIRST_CHUNK)
def test_nothing_falls_back_once_a_chunk_has_been_sent(
    impatient: GatewayProcess, upstream: SimulatedUpstream, fault: str, kind: str
) -> None:
    upstream.order("first", fault, after=3)
    answer = impatient.chat(stream=True)
    seen = seen_in(answer.body)
    assert (answer.status, answer.headers["x-pointsman-attempts"]) == (200, "1")
    assert seen.text
    assert seen.error
    assert seen.error["message"].startswith("The answer broke off")
    assert not seen.looks_complete
    assert upstream.models_called == ["first"]
    (outcome,) = impatient.outcomes(answer)
    assert (outcome["failure"], outcome["blames"]) == (kind, "endpoint")


def test_when_nobody_answers_the_error_says_who_was_tried_last_and_what_it_cost(
    impatient: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    for name in ("first", "second", "third"):
        upstream.order(name, "server_error")
    answer = impatient.chat()
    assert answer.status >= 500
    tried = impatient.outcomes(answer)
    assert answer.headers["x-pointsman-attempts"] == str(len(tried))
    assert answer.headers["x-pointsman-model"] == tried[-1]["model_id"]
    assert answer.headers["x-pointsman-cost"] == "0"


def test_a_model_whose_breaker_is_open_is_not_called(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    breaker = {"failures": 2, "open_s": 60}
    gateway = serve(fleet(upstream.url, routing=routing(breaker=breaker)))
    upstream.order("first", "server_error")
    for _ in range(2):
        assert gateway.chat(**FIRST_IF_IT_CAN).headers["x-pointsman-attempts"] == "2"
    upstream.clear()
    answers = [gateway.chat(**FIRST_IF_IT_CAN) for _ in range(3)]
    assert upstream.models_called == ["second"] * 3
    assert {answer.headers["x-pointsman-attempts"] for answer in answers} == {"1"}
    decision = gateway.decision(answers[0].headers["x-pointsman-decision"])
    reasons = {rejection["model_id"]: rejection["code"] for rejection in decision["rejections"]}
    assert reasons["up/first"] == "breaker_open"


def test_a_breaker_closes_when_its_probe_succeeds(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    breaker = {"failures": 1, "open_s": 0.2}
    gateway = serve(fleet(upstream.url, routing=routing(breaker=breaker)))
    upstream.order("first", "server_error", count=1)
    assert gateway.chat(**FIRST_IF_IT_CAN).headers["x-pointsman-model"] == "up/second"

    def first_serves_again() -> bool:
        answer = gateway.chat(**FIRST_IF_IT_CAN)
        return answer.headers["x-pointsman-model"] == "up/first"

    wait_until(first_serves_again)
    assert {row["ended"] for row in upstream.requests[1:]} == {"complete"}


def test_when_all_fail_the_caller_hears_it_once(
    impatient: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    for name in ("first", "second", "third"):
        upstream.order(name, "server_error")
    answer = impatient.chat()
    assert (answer.status, answer.error["type"]) == (502, "server_error")
    assert answer.error["code"] == "upstream_error"
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["x-pointsman-attempts"] == "4"
    assert upstream.models_called == ["first", "second", "third", "third"]
    assert [row["failure"] for row in impatient.outcomes(answer)] == ["server_error"] * 4
    for name in ("up/first", "other/second", "up/third"):
        assert name in answer.error["message"]


@pytest.mark.parametrize(("fault", "options", "status", "code"), ALONE)
def test_each_kind_of_failure_has_its_status(
    serve: Serve,
    upstream: SimulatedUpstream,
    fault: str,
    options: dict[str, Any],
    status: int,
    code: str,
) -> None:
    config = fleet(upstream.url, only=("first",), routing=routing(attempts_per_model=1))
    gateway = serve(config)
    upstream.order("first", fault, **options)
    answer = gateway.chat()
    assert (answer.status, answer.error["code"]) == (status, code)
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["content-type"] == "application/json"
    assert len(upstream.requests) == 1
    if status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
        assert int(answer.headers["retry-after-ms"]) >= 1
    wait_until(lambda: gateway.outcomes(answer))


def test_a_model_that_is_gone_is_not_found_by_whoever_asked_for_it(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    upstream.order("first", "status", status=410)
    answer = gateway.chat(model="up/first")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


def test_what_breaks_off_is_not_told_in_the_words_of_the_upstream(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    upstream.order("first", "stream_error", after=2)
    answer = gateway.chat(stream=True)
    assert b"The answer broke off: stream error." in answer.body
    assert b"[DONE]" not in answer.body


def test_every_answer_has_a_request_id(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    for path in ("/v1/models", "/v1/models/no/such", "/livez", "/nowhere", f"{CONTROL}/agents"):
        assert gateway.get(path, {"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
        assert gateway.get(path).headers["x-request-id"].startswith("req_")


def test_a_short_retry_after_is_waited_for(
    impatient: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "rate_limited", retry_after=0.05, count=1)
    answer = impatient.chat()
    assert answer.headers["x-pointsman-model"] == "up/first"
    assert answer.headers["x-pointsman-attempts"] == "2"
    assert upstream.models_called == ["first", "first"]


def test_a_resting_model_says_when_to_come_back(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    upstream.order("first", "rate_limited", retry_after=45)
    assert gateway.chat().status == 429
    upstream.clear()
    answer = gateway.chat()
    assert (answer.status, answer.error["code"]) == (429, "rate_limit_exceeded")
    assert 40 <= int(answer.headers["retry-after"]) <= 50
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("fault", "options", "why", "at_most_s"),
    [
        ("rate_limited", {"retry_after": 45}, "after rate_limited", 45.0),
        ("status", {"status": 401}, "after key_rejected", 15.0),
        ("status", {"status": 410}, "after model_gone", 60.0),
        ("server_error", {}, "circuit breaker open", 60.0),
    ],
)
def test_who_is_left_alone_is_shown_with_why_and_for_how_long(
    serve: Serve,
    upstream: SimulatedUpstream,
    fault: str,
    options: dict[str, Any],
    why: str,
    at_most_s: float,
) -> None:
    breaker = {"failures": 1, "open_s": 60}
    gateway = serve(fleet(upstream.url, only=("first",), routing=routing(breaker=breaker)))
    assert gateway.control("/models/up/first")["model"]["left_alone"] is None
    upstream.order("first", fault, **options)
    gateway.chat()
    shown = gateway.control("/models/up/first")["model"]["left_alone"]
    assert why in shown["reason"]
    assert at_most_s - 10.0 < shown["for_s"] <= at_most_s


def test_a_named_model_does_not_give_way_to_another(
    impatient: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "server_error")
    assert impatient.chat(model="up/first").status == 502
    assert upstream.models_called == ["first", "first"]


def test_models_that_the_caller_lists_stand_by_for_the_one_it_names(
    impatient: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    upstream.order("first", "server_error")
    answer = impatient.chat(model="up/first", models=["up/first", "up/third"])
    assert answer.headers["x-pointsman-model"] == "up/third"
    assert upstream.models_called == ["first", "third"]
    assert '"models"' not in upstream.last_body


def test_a_deadline_bounds_all_attempts_together(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    upstream.order("first", "stall_first")
    answer = gateway.chat(headers={"x-pointsman-deadline-ms": "300"})
    assert (answer.status, answer.error["code"]) == (504, "deadline_exceeded")
    upstream.wait_for_hang_up()
    (outcome,) = gateway.outcomes(answer)
    assert outcome["blames"] == "caller"
