"""Is a program written for OpenAI served unchanged, whichever version of the SDK it uses?

Runs in an environment of its own: `python openai_client.py BASE_URL`.
"""

from __future__ import annotations

import sys
from typing import Any

import openai
from pydantic import BaseModel

HELLO: Any = [{"role": "user", "content": "What is the capital of Jordan?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


class City(BaseModel):
    name: str


def plain(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.model == raw.headers["x-pointsman-model"]


def streamed(client: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    stream = client.chat.completions.create(
        model="auto", messages=HELLO, stream=True, stream_options=options
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert [c.usage is not None for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert len({(c.id, c.created, c.model) for c in chunks}) == 1


def tools(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="auto", messages=HELLO, tools=TOOLS, tool_choice="required"
    )
    message = answer.choices[0].message
    assert message.tool_calls
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}
    messages: Any = [*HELLO, message, result]
    final = client.chat.completions.create(model="auto", messages=messages, tools=TOOLS)
    assert final.choices[0].message.content


def vision(client: openai.OpenAI) -> None:
    content = [{"type": "image_url", "image_url": {"url": PIXEL}}]
    messages: Any = [{"role": "user", "content": content}]
    answer = client.chat.completions.create(model="auto", messages=messages)
    assert answer.choices[0].message.content


def structured(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="auto", messages=HELLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


def code_of_refusal(client: openai.OpenAI, **fields: Any) -> str | None:
    asked: Any = {"model": "auto", "messages": HELLO, **fields}
    try:
        client.chat.completions.create(**asked)
    except (openai.NotFoundError, openai.BadRequestError) as error:
        return error.code
    return "served"


def errors(client: openai.OpenAI) -> None:
    long: Any = [{"role": "user", "content": "word " * 40_000}]
    assert code_of_refusal(client, model="up/frist") == "model_not_found"
    assert code_of_refusal(client, messages=long) == "context_length_exceeded"


def listed(client: openai.OpenAI) -> None:
    assert "auto" in [model.id for model in client.models.list()]
    assert client.models.retrieve("up/first").id == "up/first"


def main() -> None:
    with openai.OpenAI(base_url=sys.argv[1], api_key="any", max_retries=0) as client:
        for step in (plain, streamed, tools, vision, structured, errors, listed):
            step(client)
            print(f"openai {openai.__version__}: {step.__name__}")


if __name__ == "__main__":
    main()
