"""Does the simulator speak OpenAI's dialect to OpenAI's own client?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from pointsman.adapters.providers.simulated.in_thread import reliable_simulator, running
from pointsman.adapters.providers.simulated.personas import FLEET
from pointsman.adapters.providers.simulated.server import Simulator

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
ASK: Any = [{"role": "user", "content": "Tell me of railway signals"}]


@pytest.fixture(scope="module")
def app() -> Simulator:
    return reliable_simulator(seed=3, api_key="right-key")


@pytest.fixture(scope="module")
def base_url(app: Simulator) -> Iterator[str]:
    with running(app) as url:
        yield f"{url}/v1"


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="right-key", max_retries=0) as made:
        yield made


def test_a_plain_answer_is_a_chat_completion(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="atlas-large", messages=ASK)
    answer = raw.parse()
    assert answer.object == "chat.completion"
    assert answer.model == "atlas-large"
    assert "railway" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert raw.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("with_usage", [True, False])
def test_a_stream_has_one_usage_chunk_exactly_when_asked_for(
    client: openai.OpenAI, with_usage: bool
) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if with_usage else {}
    chunks = list(
        client.chat.completions.create(model="swift-mini", messages=ASK, stream=True, **options)
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    reported = [chunk for chunk in chunks if chunk.usage is not None]
    tokens = [c for c in chunks if c.choices and c.choices[0].delta.content]
    ends = [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason]
    assert ends == ["stop"]
    assert len(reported) == with_usage
    if with_usage:
        assert chunks[-1] is reported[0]
        assert reported[0].choices == []
        assert reported[0].usage is not None
        assert reported[0].usage.completion_tokens == len(tokens)


def test_the_streaming_accumulator_of_the_sdk_understands_tool_calls(
    client: openai.OpenAI,
) -> None:
    asked: Any = [{"role": "user", "content": "use get_weather for Rabat"}]
    with client.chat.completions.stream(
        model="atlas-large", messages=asked, tools=[TOOL]
    ) as stream:
        final = stream.get_final_completion()
    called = final.choices[0].message.tool_calls
    assert called is not None
    assert called[0].id.startswith("call_")
    assert list(json.loads(called[0].function.arguments)) == ["city"]
    assert final.choices[0].finish_reason == "tool_calls"


def test_an_agents_loop_of_tool_and_result_ends_in_text(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "use get_weather for Rabat"}]
    first = client.chat.completions.create(model="atlas-large", messages=messages, tools=[TOOL])
    message = first.choices[0].message
    assert message.tool_calls
    messages.append(message.model_dump(exclude_none=True))
    messages.append(
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny, 24 C"}
    )
    second = client.chat.completions.create(model="atlas-large", messages=messages, tools=[TOOL])
    assert second.choices[0].message.content
    assert not second.choices[0].message.tool_calls


async def test_the_asynchronous_client_streams_arabic(base_url: str) -> None:
    asked: Any = [{"role": "user", "content": "كيف تعمل إشارات القطار؟"}]
    async with openai.AsyncOpenAI(base_url=base_url, api_key="right-key") as client:
        stream = await client.chat.completions.create(
            model="nakhla-70b", messages=asked, stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert "محاكى" in text


def test_the_models_are_listed_with_their_windows(client: openai.OpenAI) -> None:
    listed = list(client.models.list())
    assert [model.id for model in listed] == [persona.name for persona in FLEET]
    assert (listed[0].model_extra or {})["context_window"] == 200_000


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("server_error", openai.InternalServerError),
        ("overloaded", openai.InternalServerError),
        ("status;status=403", openai.PermissionDeniedError),
        ("status;status=422", openai.UnprocessableEntityError),
        ("reset", openai.APIConnectionError),
        ("cut;bytes=100", openai.APIConnectionError),
        ("stream_error;after=1", openai.APIError),
    ],
)
def test_a_fault_ordered_by_header_raises_what_the_sdk_makes_of_it(
    client: openai.OpenAI, fault: str, error: type[Exception]
) -> None:
    def consume() -> None:
        list(
            client.chat.completions.create(
                model="swift-mini",
                messages=ASK,
                stream=True,
                extra_headers={"x-simulate-fault": fault},
            )
        )

    with pytest.raises(error):
        consume()


def test_the_sdk_obeys_the_wait_of_a_rate_limit_and_succeeds_afterwards(
    base_url: str, app: Simulator
) -> None:
    from pointsman.adapters.providers.simulated.faults import Fault, Order

    app.models.orders.place("atlas-medium", Order(Fault.RATE_LIMITED, retry_after_s=0.02), 1)
    with openai.OpenAI(base_url=base_url, api_key="right-key", max_retries=1) as client:
        raw = client.chat.completions.with_raw_response.create(model="atlas-medium", messages=ASK)
    assert raw.retries_taken == 1


def test_a_wrong_key_model_path_and_prompt_are_refused_as_openai_does(
    base_url: str, client: openai.OpenAI
) -> None:
    with (
        openai.OpenAI(base_url=base_url, api_key="wrong") as stranger,
        pytest.raises(openai.AuthenticationError) as wrong_key,
    ):
        stranger.models.list()
    assert wrong_key.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as no_model:
        client.chat.completions.create(model="nobody", messages=ASK)
    assert no_model.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as too_long:
        client.chat.completions.create(
            model="pebble-1b", messages=[{"role": "user", "content": "x" * 40_000}]
        )
    assert too_long.value.code == "context_length_exceeded"
    assert "maximum context length is 8192 tokens" in too_long.value.message
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="nobody", input="x")


def test_a_directive_that_makes_no_sense_is_refused(client: openai.OpenAI) -> None:
    for header, value in [
        ("x-simulate-fault", "earthquake"),
        ("x-simulate-fault", "cut;after=soon"),
        ("x-simulate-fault", "cut;when=1"),
        ("x-simulate-fault", "cut;after=-1"),
        ("x-simulate-fault", "status;status=200"),
        ("x-simulate-latency", "first=fast"),
        ("x-simulate-latency", "last=1"),
    ]:
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(
                model="swift-mini", messages=ASK, extra_headers={header: value}
            )
        assert caught.value.param == header
