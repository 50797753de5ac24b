"""Does an agent of the OpenAI Agents SDK work when only the address of its model changes?

Runs in an environment of its own: `python agents_client.py BASE_URL`.
"""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version

from agents import (  # type: ignore[import-not-found] # is installed only where this runs
    Agent,
    Runner,
    function_tool,
    set_default_openai_api,
    set_default_openai_client,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

ASKED: list[str] = []


@function_tool  # type: ignore[untyped-decorator] # its types are installed only where this runs
def weather(city: str) -> str:
    """The weather in a city."""
    ASKED.append(city)
    return "sunny"


def assistant() -> Agent:
    return Agent(name="Guide", instructions="Be brief.", model="auto", tools=[weather])


async def uses_a_tool() -> None:
    ASKED.clear()
    result = await Runner.run(assistant(), "What is the weather in Amman?")
    assert result.final_output
    assert ASKED


async def streams() -> None:
    ASKED.clear()
    result = Runner.run_streamed(assistant(), "What is the weather in Amman?")
    kinds = {event.type async for event in result.stream_events()}
    assert "raw_response_event" in kinds
    assert result.final_output
    assert ASKED


async def hands_over() -> None:
    helper = Agent(name="Helper", instructions="Answer.", model="up/second")
    guide = Agent(name="Guide", instructions="Hand over.", model="auto", handoffs=[helper])
    result = await Runner.run(guide, "Hello")
    assert result.final_output


async def main() -> None:
    async with AsyncOpenAI(base_url=sys.argv[1], api_key="any", max_retries=0) as client:
        set_tracing_disabled(True)
        set_default_openai_client(client, use_for_tracing=False)
        set_default_openai_api("chat_completions")
        for step in (uses_a_tool, streams, hands_over):
            await step()
            print(f"openai-agents {version('openai-agents')}: {step.__name__}")


if __name__ == "__main__":
    asyncio.run(main())
