"""Are answers that are odd and legal passed on, and never mistaken for whole or for broken ones?"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fleets import Config, fleet
from gateway_process import GatewayProcess, Serve
from raw_client import chat_bytes, connected, unchunked
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event, http_chunks
from streams import Seen, seen_in

import pointsman
from pointsman.core.errors import UpstreamError

HALF_CUT = [event("a"), event("b", index=1), event(finish="stop"), event("half of", index=1)]
EMOJI = [event("\ud83d", role="assistant"), event("\ude00"), event(finish="stop"), DONE]
SILENT = [event("", role="assistant"), event(finish="stop"), DONE]
HELLO: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
END = b"0\r\n\r\n"


@asynccontextmanager
async def saying(events: Sequence[bytes], last: bytes = END) -> AsyncIterator[ScriptedUpstream]:
    """An upstream whose every stream is these events."""

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED + b"".join(http_chunks(events)) + last)

    async with ScriptedUpstream(script) as upstream:
        yield upstream


async def streamed(gateway: GatewayProcess, **fields: Any) -> tuple[int, Seen]:
    async with connected(gateway) as client:
        await client.send(chat_bytes({"connection": "close"}, stream=True, **fields))
        status, body, _ = unchunked(await client.rest())
    return status, seen_in(body) if status == 200 else Seen(())


async def chunks_of(settings: Config, folder: Path, **fields: Any) -> AsyncIterator[Any]:
    """What the Python API gives of one stream."""
    config = folder / "fleet.yaml"
    config.write_text(json.dumps(settings))
    async with (
        pointsman.open(config, data_dir=folder / "api", environ={}) as router,
        router.stream({**HELLO, **fields}) as stream,
    ):
        async for chunk in stream:
            yield chunk


@pytest.mark.parametrize(
    ("done", "last"), [([], b""), ([], END), ([DONE], END)], ids=["cut", "ended", "done"]
)
async def test_a_stream_of_which_one_choice_was_cut_does_not_look_complete(
    serve: Serve, tmp_path: Path, done: list[bytes], last: bytes
) -> None:
    async with saying([*HALF_CUT, *done], last) as upstream:
        settings = fleet(upstream.url, only=("first",))
        status, seen = await streamed(serve(settings), n=2)
        assert status == 200
        assert not seen.looks_complete
        shown = []
        with pytest.raises(UpstreamError):  # noqa: PT012 - it fails on the way
            async for chunk in chunks_of(settings, tmp_path, n=2):
                shown.append(chunk)  # noqa: PERF401 - those before the failure count
    assert not any(choice["finish_reason"] for chunk in shown for choice in chunk["choices"])


async def test_an_emoji_cut_over_two_chunks_comes_through_under_one_id(
    serve: Serve, tmp_path: Path
) -> None:
    async with saying(EMOJI) as upstream:
        settings = fleet(upstream.url, only=("first",))
        status, seen = await streamed(serve(settings), stream_options={"include_usage": True})
        assert status == 200
        assert seen.text == "\ud83d\ude00"
        assert seen.events[-1] == "[DONE]"
        assert {chunk["id"] for chunk in seen.chunks} == {"chatcmpl-1"}
        chunks = [chunk async for chunk in chunks_of(settings, tmp_path)]
    said = [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
    assert said == ["\ud83d", "\ude00", None]


async def test_a_caller_whose_stop_comes_first_does_not_rest_the_model(serve: Serve) -> None:
    async with saying(SILENT) as upstream:
        routing = {"breaker": {"failures": 2}, "attempts_per_model": 1}
        gateway = serve(fleet(upstream.url, only=("first",), routing=routing))
        for _ in range(6):
            status, seen = await streamed(gateway, stop=["x"])
            assert status == 200
            assert seen.finish_reasons == ["stop"]
        # Without it the same answer is the model's failure, and the model is still asked.
        assert (await streamed(gateway))[0] == 502
        assert upstream.requests == 7
