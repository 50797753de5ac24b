"""Is a program that uses LiteLLM as its client served when only the address changes?

Runs in an environment of its own: `python litellm_client.py BASE_URL`.
"""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version
from typing import Any

import litellm  # type: ignore[import-not-found] # is installed only where this runs

HELLO = [{"role": "user", "content": "What is the capital of Jordan?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def asked(**fields: Any) -> dict[str, Any]:
    where = {"api_base": sys.argv[1], "api_key": "any", "num_retries": 0}
    return {"model": "openai/auto", "messages": HELLO, **where, **fields}


def plain() -> None:
    answer = litellm.completion(**asked())
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0
    assert litellm.completion(**asked(model="openai/up/second")).model.endswith("second")


def streamed() -> None:
    chunks = list(litellm.completion(**asked(stream=True, stream_options={"include_usage": True})))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    whole = litellm.stream_chunk_builder(chunks)
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.completion_tokens > 0


def asynchronous() -> None:
    async def said() -> str:
        stream = await litellm.acompletion(**asked(stream=True))
        return "".join([c.choices[0].delta.content or "" async for c in stream])

    assert asyncio.run(said())


def tools() -> None:
    answer = litellm.completion(**asked(tools=TOOLS, tool_choice="required"))
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"


def vision() -> None:
    content = [{"type": "image_url", "image_url": {"url": PIXEL}}]
    answer = litellm.completion(**asked(messages=[{"role": "user", "content": content}]))
    assert answer.choices[0].message.content


def kind_of_refusal(**fields: Any) -> str:
    try:
        litellm.completion(**asked(**fields))
    except (litellm.NotFoundError, litellm.BadRequestError) as error:
        return type(error).__name__
    return "served"


def errors() -> None:
    long = [{"role": "user", "content": "word " * 40_000}]
    assert kind_of_refusal(model="openai/up/frist") == "NotFoundError"
    assert kind_of_refusal(messages=long) == "ContextWindowExceededError"


def main() -> None:
    for step in (plain, streamed, asynchronous, tools, vision, errors):
        step()
        print(f"litellm {version('litellm')}: {step.__name__}")


if __name__ == "__main__":
    main()
