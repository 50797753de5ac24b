"""How does an unchanged OpenAI client talk to pointsman?

Start the gateway with `pointsman serve` (or `make run`), then run this with the `openai` package
installed. Only the base URL differs from what the client does anyway.
"""

from __future__ import annotations

import json
from urllib.request import urlopen

from openai import OpenAI

GATEWAY = "http://127.0.0.1:8080"

client = OpenAI(base_url=f"{GATEWAY}/v1", api_key="no-key-needed-on-this-machine")

# `auto` leaves the choice to pointsman; the raw response has the headers beside the answer.
raw = client.chat.completions.with_raw_response.create(
    model="auto", messages=[{"role": "user", "content": "Say hello in one sentence."}]
)
answer = raw.parse()
print(f"{answer.model} answers: {answer.choices[0].message.content}")
print(f"attempts {raw.headers['x-pointsman-attempts']}, USD {raw.headers['x-pointsman-cost']}")

# Why that model? The decision holds every candidate with the terms of its score.
decision_id = raw.headers["x-pointsman-decision"]
place = f"{GATEWAY}/api/v1/model-router/decisions/{decision_id}"
with urlopen(place) as response:  # noqa: S310 - an address of our own
    decision = json.load(response)["decision"]
for candidate in decision["candidates"][:3]:
    terms = ", ".join(f"{term['name']} {term['value']:.1f}" for term in candidate["terms"])
    print(f"  {candidate['model_id']}: {candidate['score']:.1f} ({terms})")

# The same, streamed, cheapest first.
stream = client.chat.completions.create(
    model="auto:cost",
    messages=[{"role": "user", "content": "Count to five."}],
    stream=True,
    stream_options={"include_usage": True},
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="")
    if chunk.usage:
        print(f"\n{chunk.model}: {chunk.usage.total_tokens} tokens")
