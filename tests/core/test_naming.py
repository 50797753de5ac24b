"""Does a name in a request mean what its sender expects, and is a wrong one explained?"""

from __future__ import annotations

import pytest

from pointsman.core.decision import Selection, Strategy
from pointsman.core.errors import RequestError, UnknownModel
from pointsman.core.fleet import Agent, Fleet, Model
from pointsman.core.naming import Meaning, meaning, model_ids

FLEET = Fleet(
    [Agent("coder"), Agent("auto"), Agent("auto:cost"), Agent("a/b"), Agent("openai/gpt-5")],
    [
        Model("openai/gpt-5", "openai", "gpt-5-2026-01-01"),
        Model("azure/llama", "azure", "llama-deployment"),
        Model("groq/llama", "groq", "llama-3.3"),
    ],
    "v1",
)
ALIASES = {"gpt-4o": "openai/gpt-5", "smart": "auto:quality", "lost": "nowhere/model"}
BOTH_LLAMAS = Selection(only=frozenset({"azure/llama", "groq/llama"}))


def means(name: str, strategy: Strategy = Strategy.BALANCED) -> Meaning:
    return meaning(name, FLEET, aliases=ALIASES, strategy=strategy)


@pytest.mark.parametrize(
    ("name", "selection"),
    [
        ("auto", Selection()),
        ("auto:quality", Selection(Strategy.QUALITY)),
        ("auto:cost", Selection(Strategy.COST)),
        ("auto:fast", Selection(Strategy.SPEED)),
        ("auto:speed", Selection(Strategy.SPEED)),
        ("auto:balanced", Selection()),
        ("openai/gpt-5", Selection(pinned="openai/gpt-5")),
        ("gpt-5", Selection(pinned="openai/gpt-5")),
        ("gpt-5-2026-01-01", Selection(pinned="openai/gpt-5")),
        ("llama", BOTH_LLAMAS),
        ("llama-3.3", Selection(pinned="groq/llama")),
        ("gpt-4o", Selection(pinned="openai/gpt-5")),
        ("smart", Selection(Strategy.QUALITY)),
    ],
)
def test_a_name_means_one_thing(name: str, selection: Selection) -> None:
    assert means(name) == Meaning(selection)


def test_the_strategy_of_the_configuration_holds_where_a_name_says_none() -> None:
    assert means("auto", Strategy.COST).selection.strategy is Strategy.COST
    assert means("auto:quality", Strategy.COST).selection.strategy is Strategy.QUALITY


def test_a_name_can_speak_for_an_agent() -> None:
    assert means("agent/coder") == Meaning(Selection(), "coder")
    assert means("agent/default") == Meaning(Selection(), "default")


@pytest.mark.parametrize("agent_id", ["auto", "auto:cost", "a/b", "openai/gpt-5"])
def test_an_agent_that_is_called_like_something_else_is_mistaken_for_nothing(agent_id: str) -> None:
    assert means(f"agent/{agent_id}") == Meaning(Selection(), agent_id)
    for name in ("auto", "auto:cost", "openai/gpt-5"):
        assert means(name).agent_id is None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("openai/gpt-6", "openai/gpt-5"),
        ("auto:fastest", "auto:fast"),
        ("agent/codr", "agent/coder"),
        ("gpt-4", "gpt-4o"),
        ("???", "auto"),
        ("lost", "/v1/models"),
    ],
)
def test_a_wrong_name_is_told_what_was_probably_meant(name: str, hint: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        means(name)
    assert hint in caught.value.message
    assert repr(name) in caught.value.message
    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")


def test_an_endless_name_is_shown_shortened() -> None:
    with pytest.raises(UnknownModel) as caught:
        means("x" * 10_000)
    assert len(caught.value.message) < 400


def test_a_list_of_names_becomes_models_in_order_and_once_each() -> None:
    names = ["llama-3.3", "gpt-5", "llama", "gpt-4o"]
    assert model_ids(names, FLEET, ALIASES, place="models") == (
        "groq/llama",
        "openai/gpt-5",
        "azure/llama",
    )


@pytest.mark.parametrize("name", ["auto", "smart", "agent/coder"])
def test_what_leaves_the_choice_open_cannot_stand_in_a_list(name: str) -> None:
    with pytest.raises(RequestError, match="leaves the choice open") as caught:
        model_ids(["groq/llama", name], FLEET, ALIASES, place="fallbacks")
    assert (caught.value.param, caught.value.code) == ("fallbacks[1]", "not_a_model")


@pytest.mark.parametrize("name", ["openai/gpt-55", "lost", "agent/ghost", "auto:worst", ""])
def test_which_name_of_a_list_is_unknown_is_told(name: str) -> None:
    names = ["openai/gpt-5", "openai/gpt-5", name, name]
    with pytest.raises(UnknownModel) as caught:
        model_ids(names, FLEET, ALIASES, place="models")
    assert (caught.value.param, caught.value.code) == ("models[2]", "model_not_found")
    assert name in caught.value.message
