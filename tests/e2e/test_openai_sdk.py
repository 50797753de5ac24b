"""Does the official OpenAI SDK work against the gateway as it does against OpenAI?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from gateway_process import GatewayProcess
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel
from simulated_upstream import SimulatedUpstream

HELLO: Any = [{"role": "user", "content": "What is the capital of Jordan?"}]
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+"
    "M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


class City(BaseModel):
    name: str
    inhabitants: int


@pytest.fixture
def client(gateway: GatewayProcess) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.openai_url, api_key="any", max_retries=0, timeout=20) as client:
        yield client


def streamed(client: OpenAI, **options: Any) -> list[ChatCompletionChunk]:
    asked = {"model": "auto", "messages": HELLO, "stream": True, **options}
    chunks: list[ChatCompletionChunk] = list(client.chat.completions.create(**asked))
    return chunks


def test_a_plain_answer_names_the_model_that_gave_it(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == raw.headers["x-pointsman-model"] == "up/first"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert raw.headers["x-pointsman-attempts"] == "1"
    assert float(raw.headers["x-pointsman-cost"]) > 0
    assert float(raw.headers["x-pointsman-overhead-ms"]) >= 0
    assert raw.headers["x-pointsman-decision"].startswith("dec_")


def test_the_callers_request_id_comes_back_where_the_sdk_looks_for_it(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="auto", messages=HELLO, extra_headers={"x-request-id": "mine-1"}
    )
    assert answer._request_id == "mine-1"


def test_a_stream_is_a_whole_answer_in_pieces(client: OpenAI) -> None:
    chunks = streamed(client, model="up/first")
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said.startswith("This is a simulated answer by First.")
    assert said.endswith(".")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


def test_every_chunk_of_a_stream_carries_the_same_head(client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="auto", messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as raw:
        chunks: list[ChatCompletionChunk] = list(raw.parse())
        served = raw.headers["x-pointsman-model"]
    assert len(chunks) > 3
    assert {(chunk.id, chunk.created, chunk.model) for chunk in chunks} == {
        (chunks[0].id, chunks[0].created, served)
    }
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}


def test_usage_comes_in_one_last_chunk_when_it_is_asked_for(client: OpenAI) -> None:
    chunks = streamed(client, stream_options={"include_usage": True})
    with_usage = [chunk for chunk in chunks if chunk.usage is not None]
    assert with_usage == [chunks[-1]]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert all(chunk.choices for chunk in chunks[:-1])
    # As OpenAI's own: who asks for usage has the field in every chunk, null until it is known.
    assert all("usage" in chunk.model_fields_set for chunk in chunks)
    assert chunks[-1].system_fingerprint == chunks[0].system_fingerprint == "fp_simulated"


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}])
def test_usage_stays_away_when_nobody_asks_for_it(
    client: OpenAI, upstream: SimulatedUpstream, options: dict[str, Any]
) -> None:
    chunks = streamed(client, **options)
    assert all(chunk.choices and "usage" not in chunk.model_fields_set for chunk in chunks)
    assert '"include_usage":true' in upstream.last_body.replace(" ", "")


def test_a_tool_is_called_and_its_result_is_taken(client: OpenAI) -> None:
    first = client.chat.completions.create(
        model="auto", messages=HELLO, tools=[WEATHER], tool_choice="required"
    )
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    call: Any = message.tool_calls[0]
    assert call.function.name == "weather"
    assert '"city"' in call.function.arguments
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages: Any = [*HELLO, message, result]
    second = client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER])
    assert second.choices[0].message.content


def test_a_streamed_tool_call_can_be_put_together(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="auto", messages=HELLO, tools=[WEATHER], tool_choice="required"
    ) as stream:
        kinds = {event.type for event in stream}
        answer = stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds
    assert answer.choices[0].message.tool_calls
    call = answer.choices[0].message.tool_calls[0]
    assert (call.type, call.function.name) == ("function", "weather")
    assert call.id


def test_a_picture_reaches_a_model_that_sees(client: OpenAI, upstream: SimulatedUpstream) -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
    ]
    messages: Any = [{"role": "user", "content": parts}]
    answer = client.chat.completions.create(model="auto", messages=messages)
    assert answer.choices[0].message.content
    assert PIXEL in upstream.last_body


def test_an_answer_is_parsed_into_the_callers_own_type(client: OpenAI) -> None:
    answer = client.chat.completions.parse(model="auto", messages=HELLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def test_a_stream_is_parsed_into_the_callers_own_type(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="auto", messages=HELLO, response_format=City
    ) as stream:
        answer = stream.get_final_completion()
    assert isinstance(answer.choices[0].message.parsed, City)


def test_two_choices_come_when_two_are_asked_for(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="auto", messages=HELLO, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    chunks = streamed(client, n=2)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}
    ends = [c.index for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert sorted(ends) == [0, 1]


def test_routing_wishes_travel_in_the_body_and_stay_here(
    client: OpenAI, gateway: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    wishes = {"agent": "coder", "session": "s-7", "strategy": "quality", "deadline_ms": 15_000}
    raw = client.chat.completions.with_raw_response.create(
        model="auto", messages=HELLO, extra_body={"pointsman": wishes}
    )
    decision = gateway.decision(raw.headers["x-pointsman-decision"])
    assert (decision["agent_id"], decision["session"]) == ("coder", "s-7")
    assert decision["strategy"] == "quality"
    assert "pointsman" not in upstream.last_body


def test_models_are_listed_and_found_by_name(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"auto", "auto:fast", "agent/coder", "up/first", "gpt-4o"} <= set(names)
    for name in names:
        assert client.models.retrieve(name).id == name
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("up/fourth")


async def test_the_asynchronous_client_is_served_the_same(gateway: GatewayProcess) -> None:
    async with AsyncOpenAI(base_url=gateway.openai_url, api_key="any", max_retries=0) as client:
        plain = await client.chat.completions.create(model="gpt-4o", messages=HELLO)
        stream = await client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert plain.choices[0].message.content
        assert "".join(said).startswith("This is a simulated answer by First.")
        models = [model.id async for model in client.models.list()]
        assert "auto" in models
