"""How does a Python program route requests without a server?

Without a configuration and without provider keys in the environment it uses simulated models.
"""

from __future__ import annotations

import asyncio
import tempfile

import pointsman

REQUEST = {"model": "auto", "messages": [{"role": "user", "content": "What is 17 times 23?"}]}


async def ask(router: pointsman.Router) -> str:
    """One plain answer. Returns the id of the decision."""
    decision = router.decide(REQUEST)
    print("would be tried:", *[candidate.model_id for candidate in decision.candidates[:3]])
    reply = await router.chat(REQUEST)
    print(reply.model_id, "answers:", reply.document["choices"][0]["message"]["content"])
    return reply.decision.id


async def listen(router: pointsman.Router) -> None:
    """One streamed answer, from whoever begins soonest."""
    async with router.stream({**REQUEST, "model": "auto:fast"}) as stream:
        async for chunk in stream:
            for choice in chunk["choices"]:
                print(choice["delta"].get("content") or "", end="")
    print(f"\nthat was {stream.model_id}, after {stream.attempts} attempt(s)")


async def main() -> None:
    # `environ` is empty so that no key of yours is spent; leave it out to use your providers.
    with tempfile.TemporaryDirectory() as folder:
        async with pointsman.open(data_dir=folder, environ={}) as router:
            try:
                decision_id = await ask(router)
                await listen(router)
            except (pointsman.NoEligibleModel, pointsman.AttemptsSpent) as error:
                print(error)
                return
            stored = await router.explain(decision_id)
    if stored is not None:
        print("recorded:", len(stored.outcomes), "attempt(s),", stored.cost_usd, "US dollars")


if __name__ == "__main__":
    asyncio.run(main())
