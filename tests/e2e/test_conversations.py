"""Does a conversation stay with the model that has it cached, and does its decision say so?"""

from __future__ import annotations

from typing import Any

from fleets import fleet, model
from gateway_process import Serve, wait_until
from simulated_upstream import SimulatedUpstream

TURNS = 5
LONG = "Consider every word of this with the greatest care. " * 60
PRICE = {
    "input_usd_per_mtok": 5,
    "output_usd_per_mtok": 10,
    "cached_input_usd_per_mtok": 0.5,
}


def test_a_conversation_stays_and_says_what_that_is_worth(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    models = {f"up/{name}": model(0.8, price=PRICE) for name in ("first", "second", "third")}
    gateway = serve(fleet(upstream.url, models=models))
    messages: list[dict[str, Any]] = [{"role": "system", "content": LONG}]
    decisions = []
    for number in range(TURNS):
        messages.append({"role": "user", "content": f"{number}: {LONG}"})
        answer = gateway.chat({"x-session-id": "a long talk"}, messages=messages)
        messages.append(answer.document["choices"][0]["message"])
        decisions.append(answer.headers["x-pointsman-decision"])

    def recorded() -> bool:
        return all(gateway.decision(each)["outcomes"] for each in decisions)

    wait_until(recorded, what="the record of every turn")
    made = [gateway.decision(each) for each in decisions]
    assert len({decision["model_id"] for decision in made}) == 1
    last = made[-1]["candidates"][0]
    stays = {term["name"]: term for term in last["terms"]}["session"]
    assert "tokens are cached" in stays["detail"]
    assert stays["value"] > 0.0
    assert abs(sum(term["value"] for term in last["terms"]) - last["score"]) < 1e-6
    assert [decision["propensity"] for decision in made[1:]] == [1.0] * (TURNS - 1)
