"""Are the names that clients see those that they may use, with a window that is honest?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pointsman.adapters.http.listing import AUTO_NAMES, entries
from pointsman.core.fleet import Agent, Fleet, Model, Price, PriceState, Rate

BIG = Model(
    "a/big",
    "a",
    "big-upstream",
    "Big",
    strengths={"coding": 0.9, "general": 0.9},
    context_window=128_000,
    max_output_tokens=4_096,
    price=Price(PriceState.KNOWN, Rate(Decimal("0.15")), Rate(Decimal("0.6"))),
)
SMALL = Model(
    "b/small",
    "b",
    "small",
    strengths={"general": 0.5},
    context_window=8_000,
    max_output_tokens=16_000,
    price=Price(PriceState.FREE),
)
UNKNOWN = Model("b/unknown", "b", "unknown", strengths={"general": 0.4})
FLEET = Fleet(
    [
        Agent("coder", requires=("coding",)),
        Agent("frugal", deny=frozenset({"a/big"})),
        Agent("seer", requires=("vision",)),
    ],
    [BIG, SMALL, UNKNOWN],
    "v1",
)
ALIASES = {"gpt-4o": "a/big", "me": "agent/coder", "cheap": "auto:cost"}


def listed(*agents: str) -> dict[str, dict[str, Any]]:
    return entries(FLEET, ALIASES, created=1_700_000_000, agents=agents)


def test_every_name_that_works_is_listed_under_itself() -> None:
    found = listed()
    agents = {"agent/coder", "agent/frugal", "agent/seer", "agent/default"}
    assert found.keys() == {*AUTO_NAMES, *agents, *FLEET.models, *ALIASES}
    for name, entry in found.items():
        assert (entry["id"], entry["object"], entry["created"]) == (name, "model", 1_700_000_000)
        assert entry["owned_by"]


@pytest.mark.parametrize(
    ("name", "models", "window", "output"),
    [
        ("auto", ["a/big", "b/small", "b/unknown"], 128_000, 16_000),
        ("agent/coder", ["a/big"], 128_000, 4_096),
        ("agent/frugal", ["b/small", "b/unknown"], 8_000, 16_000),
        ("agent/seer", [], None, None),
    ],
)
def test_a_choice_has_the_largest_window_that_can_be_chosen(
    name: str, models: list[str], window: int | None, output: int | None
) -> None:
    entry = listed()[name]
    assert entry["models"] == models
    assert (entry["context_window"], entry["max_output_tokens"]) == (window, output)


def test_a_model_tells_what_is_known_of_it_and_no_more() -> None:
    found = listed()
    assert found["a/big"]["name"] == "Big"
    assert found["a/big"]["capabilities"] == {"coding": 0.9, "general": 0.9}
    assert found["a/big"]["price"] == {
        "state": "known",
        "input_usd_per_mtok": 0.15,
        "output_usd_per_mtok": 0.6,
    }
    assert found["b/small"]["price"] == {"state": "free"}
    assert found["b/unknown"]["price"] == {"state": "unknown"}
    assert found["b/unknown"]["context_window"] is None


def test_an_alias_is_what_it_stands_for_under_another_name() -> None:
    found = listed()
    for alias, target in ALIASES.items():
        assert found[alias] == {**found[target], "id": alias, "alias_of": target}


def test_a_bound_key_sees_its_own_agents_and_chooses_as_the_first_of_them() -> None:
    found = listed("frugal", "coder")
    assert {name for name in found if name.startswith("agent/")} == {"agent/coder", "agent/frugal"}
    assert found["auto"]["models"] == ["b/small", "b/unknown"]
    assert "me" in found
    assert "me" not in listed("frugal")
