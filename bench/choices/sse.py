"""What does cutting a stream into events cost, by our decoder and by the OpenAI SDK's?

python -m bench.choices.sse          (needs the test tools: make test installs them)
"""

from __future__ import annotations

from openai._streaming import SSEDecoder

from bench.choices.decode import took_us
from bench.wire import stream_events
from pointsman.adapters.providers.events import EventDecoder

READS = stream_events(usage=True)


def by_ours() -> int:
    decoder = EventDecoder()
    return sum(len(decoder.feed(data)) for data in READS)


def by_the_sdk() -> int:
    return sum(1 for _ in SSEDecoder().iter_bytes(iter(READS)))


def main() -> None:
    assert by_ours() == by_the_sdk() == len(READS) + 1
    print(f"a stream of {len(READS)} reads: the SDK {took_us(by_the_sdk):.1f} µs,", end=" ")
    print(f"ours {took_us(by_ours):.1f} µs")


if __name__ == "__main__":
    main()
