"""What does reading a request body cost, in part and in full?

python -m bench.choices.decode
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from bench.wire import request_body


def long_body() -> bytes:
    """An agent's prompt of about 60 KB: 40 messages of prose and code, 20 tools."""
    body: dict[str, Any] = json.loads(request_body("auto", stream=False))
    turn = [
        {"role": "user", "content": "a train of thought " * 70},
        {"role": "assistant", "content": "def f(x):\n    return x\n" * 55},
    ]
    tool = {"type": "object", "properties": {"place": {"type": "string"}}}
    body["messages"] += turn * 20
    body["tools"] = [
        {"type": "function", "function": {"name": f"tool_{n}", "parameters": tool}}
        for n in range(20)
    ]
    return json.dumps(body).encode()


def took_us(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=2000, repeat=7)) / 2000 * 1e6


def main() -> None:
    ways: dict[str, Callable[[bytes], object]] = {
        "top level only, values kept as bytes": msgspec.json.Decoder(dict[str, msgspec.Raw]).decode,
        "msgspec, everything": msgspec.json.Decoder().decode,
        "json.loads": json.loads,
    }
    for body in (request_body("auto", stream=False), long_body()):
        print(f"{len(body):,} bytes")
        for name, decode in ways.items():
            print(f"  {name:40}{took_us(partial(decode, body)):8.1f} µs")
        encode = partial(msgspec.json.encode, msgspec.json.decode(body))
        print(f"  {'msgspec, writing it again':40}{took_us(encode):8.1f} µs")


if __name__ == "__main__":
    main()
