"""Does the import of a LiteLLM configuration carry over what it can, and say all that it cannot?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pointsman.app.config import Configuration, load, parse
from pointsman.app.litellm_account import leaves, spelled
from pointsman.app.litellm_import import Imported, convert
from pointsman.app.settings import Settings
from pointsman.core.errors import ConfigError
from pointsman.core.fleet import Limits, PriceState

SAMPLES = sorted((Path(__file__).parent / "fixtures" / "litellm").glob("*.yaml"))
SECRETS = re.compile(r"literal|secret|url-password|url-token|db-password|sk-plain|sk-house|sk-or-")
RENAMED = {
    "latency-based-routing": "speed",
    "simple-shuffle": "balanced",
    "cost-based-routing": "cost",
}


def imported(*entries: dict[str, Any], **sections: Any) -> Imported:
    return convert(yaml.safe_dump({"model_list": list(entries), **sections}))


def entry(
    model: str, name: str = "group", info: dict[str, Any] | None = None, **params: Any
) -> Any:
    return {
        "model_name": name,
        "litellm_params": {"model": model, **params},
        "model_info": info or {},
    }


def ours(result: Imported) -> dict[str, Any]:
    return yaml.safe_load(result.yaml_text) or {}


def words(result: Imported) -> str:
    return "\n".join(map(str, result.notes))


class _Environment(dict[str, str]):
    """Every variable is set: to an address, a number or a key, as its name suggests."""

    def __contains__(self, name: object) -> bool:
        return True

    def get(self, name: str, _default: Any = None) -> Any:
        if name.endswith("_BASE"):
            return f"https://{name.lower().replace('_', '-')}.example"
        return "30" if name.endswith("TIMEOUT") else f"key-of-{name}-0123456789"


def loadable(text: str) -> str:
    """The text, without `aliases` as long as the configuration does not know them."""
    if "aliases" in Settings.model_fields:
        return text
    document = yaml.safe_load(text) or {}
    document.pop("aliases", None)
    return yaml.safe_dump(document, sort_keys=False)


def configuration(result: Imported) -> Configuration:
    return parse(loadable(result.yaml_text), _Environment())


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        by_text = (
            {str(key): value for key, value in document.items()}
            if isinstance(document, dict)
            else {}
        )
        document = by_text[str(step)] if by_text else document[step]
    return document


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_an_import_loads_with_our_own_loader(sample: Path, tmp_path: Path) -> None:
    place = tmp_path / "pointsman.yaml"
    place.write_text(loadable(convert(sample.read_text()).yaml_text))
    loaded = load(place, _Environment())
    assert loaded.fleet.models


def unexplained(text: str, result: Imported) -> Iterator[str]:
    """Leaves whose value does not appear in the result and for which there is no note."""
    document = yaml.safe_load(text)
    noted = {note.path for note in result.notes if "not imported" in note.message}
    exactly = {note.path for note in result.notes}
    for path in leaves(document):
        value = at(document, path)
        prefixes = {spelled(path[:length]) for length in range(1, len(path) + 1)}
        if (
            value in (None, {}, [])
            or spelled(path) in exactly
            or prefixes & noted
            or _appears(value, result.yaml_text)
        ):
            continue
        yield spelled(path)


def _appears(value: object, text: str) -> bool:
    """Whether the value, its tail, its rounding or its counterpart stands in the text."""
    if isinstance(value, dict | list):
        return False
    spelling = str(value).removeprefix("os.environ/")
    tails = {spelling, spelling.rstrip("/"), spelling.split("/", 1)[-1], RENAMED.get(spelling, "-")}
    tails |= {spelling.split("/openai/deployments")[0], spelling.split("/chat/comp")[0]}
    try:
        scaled = float(spelling) * 1e6
        tails |= {
            str(float(spelling)),
            f"{scaled:.10g}",
            str(round(scaled, 9)),
            str(int(float(spelling) + 1)),
        }
        tails |= {"price: free"} if scaled == 0 else set()
    except ValueError:
        pass
    return any(tail in text for tail in tails)


ACCOUNTED_WITHOUT_A_TRACE = re.compile(
    # What every imported model is, and names that have done their work.
    r"model_info\.mode|litellm_credential_name|credential_name|custom_llm_provider"
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_nothing_is_dropped_in_silence(sample: Path) -> None:
    text = sample.read_text()
    left = [
        path
        for path in unexplained(text, convert(text))
        if not ACCOUNTED_WITHOUT_A_TRACE.search(path)
    ]
    assert left == []


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc*/ .", max_size=6),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["model_name", "litellm_params", "model", "model_info", "api_key", "timeout", "x",
             "api_base", "fallbacks", "model_group_alias", "extra_headers", "max_input_tokens"]
        ), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_whatever_stands_in_a_file_it_is_converted_or_refused(value: Any) -> None:
    with suppress(ConfigError):
        convert(yaml.safe_dump({"model_list": value, "router_settings": value}))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_no_secret_of_the_file_reaches_the_result_or_a_note(sample: Path) -> None:
    result = convert(sample.read_text())
    values = [
        str(at(yaml.safe_load(sample.read_text()), path))
        for path in leaves(yaml.safe_load(sample.read_text()))
    ]
    secret = [value for value in values if SECRETS.search(value)]
    assert all(value not in result.yaml_text + words(result) for value in secret)
    assert not re.search(r"url-password|url-token", result.yaml_text + words(result))


def test_a_plain_key_becomes_a_variable_that_a_note_names() -> None:
    result = imported(entry("openai/gpt-4o", api_key="sk-very-private"))
    assert ours(result)["providers"]["openai"]["api_key"] == "${OPENAI_API_KEY}"
    assert "OPENAI_API_KEY" in words(result)
    assert "sk-very-private" not in repr(result)


def test_two_plain_keys_get_two_variables_and_neither_shadows_one_of_the_file() -> None:
    result = imported(
        entry("openai/gpt-4o", api_key="sk-one"),
        entry("openai/gpt-4o", api_key="sk-two"),
        entry("openai/gpt-4o", api_key="os.environ/OPENAI_API_KEY"),
    )
    keys = [provider["api_key"] for provider in ours(result)["providers"].values()]
    assert keys == ["${OPENAI_API_KEY_2}", "${OPENAI_2_API_KEY}", "${OPENAI_API_KEY}"]


def test_what_looks_like_a_reference_of_ours_stays_plain_text() -> None:
    result = imported(entry("hosted_vllm/a${B}", api_base="http://h:1/${C}"))
    loaded = parse(loadable(result.yaml_text), {})
    (model,) = loaded.fleet.models.values()
    assert model.upstream_name == "a${B}"
    assert loaded.providers["vllm"].base_url == "http://h:1/${C}"


def test_a_group_of_deployments_becomes_an_agent_that_clients_reach_by_the_old_name() -> None:
    result = imported(
        entry("openai/gpt-4o", "chat"),
        entry("azure/gpt-4o", "chat", api_base="https://a.openai.azure.com"),
    )
    document = ours(result)
    assert document["agents"]["chat"]["allow"] == ["openai/gpt-4o", "azure/gpt-4o"]
    assert document["aliases"]["chat"] == "agent/chat"
    assert "agent/chat" in words(result)


def test_one_model_in_two_groups_is_one_model() -> None:
    document = ours(imported(entry("groq/llama", "a"), entry("groq/llama", "b")))
    assert list(document["models"]) == ["groq/llama"]
    assert document["agents"]["a"]["allow"] == document["agents"]["b"]["allow"]


def test_one_name_with_other_figures_is_another_model() -> None:
    price = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    document = ours(imported(entry("groq/llama"), entry("groq/llama", info=price)))
    assert document["models"]["groq/llama-2"] == {
        "upstream_name": "llama",
        "price": {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0},
    }


def test_prices_and_windows_hold_in_the_loaded_fleet() -> None:
    info = {
        "input_cost_per_token": "2.5e-07",
        "output_cost_per_token": 0.000001,
        "max_input_tokens": 9000,
        "max_output_tokens": 1000,
        "max_parallel_requests": 4,
        "rpm": 900,
        "tpm": "100000",
    }
    (model,) = configuration(imported(entry("groq/llama", info=info))).fleet.models.values()
    assert model.price.input is not None
    assert str(model.price.input.usd_per_mtok) == "0.25"
    assert (model.context_window, model.max_output_tokens) == (9000, 1000)
    assert model.limits == Limits(4, requests_per_min=900, tokens_per_min=100_000)


def test_a_price_of_nothing_is_free_and_half_a_price_is_none() -> None:
    free = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    half = {"input_cost_per_token": 1e-6}
    result = imported(
        entry("hosted_vllm/a", info=free, api_base="http://h:1/v1"),
        entry("hosted_vllm/b", info=half, api_base="http://h:1/v1"),
    )
    states = [model.price.state for model in configuration(result).fleet.models.values()]
    assert states == [PriceState.FREE, PriceState.UNKNOWN]
    assert "needs both" in words(result)


def test_the_model_behind_an_azure_deployment_is_described_by_the_catalogue() -> None:
    result = imported(
        entry(
            "azure/prod-1",
            info={"base_model": "azure/gpt-4o"},
            api_base="https://a.openai.azure.com",
        ),
        entry(
            "azure/prod-2",
            info={"base_model": "house/unheard"},
            api_base="https://a.openai.azure.com",
        ),
    )
    models = configuration(result).fleet.models
    assert models["azure/prod-1"].price.state is PriceState.KNOWN
    assert models["azure/prod-1"].strengths["vision"] > 0
    assert not models["azure/prod-2"].profiled


def test_names_that_mean_something_else_here_get_no_alias() -> None:
    result = imported(entry("groq/a", "auto"), entry("groq/a", "groq/a"), entry("groq/b", "groq/a"))
    assert "aliases" not in ours(result)
    assert "agent/auto" in words(result)
    assert "agent/groq/a" in words(result)


def test_a_group_that_is_named_as_its_only_model_needs_no_alias() -> None:
    result = imported(entry("groq/a", "groq/a"))
    assert "aliases" not in ours(result)
    assert result.notes == ()


def test_router_settings_go_before_litellm_settings() -> None:
    result = imported(
        entry("groq/a"),
        router_settings={"num_retries": 0, "routing_strategy": "cost-based-routing"},
        litellm_settings={"num_retries": 4, "request_timeout": 20, "allowed_fails": 0},
    )
    routing = ours(result)["routing"]
    assert routing["max_attempts"] == 1
    assert routing["strategy"] == "cost"
    assert routing["timeouts"] == {"first_token_s": 20.0, "total_s": 20.0}
    assert routing["breaker"] == {"failures": 1}
    assert "litellm_settings.num_retries" in words(result)


def test_an_unknown_strategy_and_a_short_rest_are_handled_as_such() -> None:
    settings = {"routing_strategy": "my-own", "cooldown_time": 5, "stream_timeout": 9}
    result = imported(entry("groq/a"), router_settings=settings)
    assert ours(result)["routing"] == {
        "timeouts": {"between_tokens_s": 9.0},
        "breaker": {"open_s": 5.0},
    }
    assert "routing_strategy" in words(result)


def test_when_no_model_can_be_carried_over_a_note_says_so() -> None:
    result = imported(entry("bedrock/x"))
    assert "none of the models" in words(result)


def test_without_models_there_is_a_note_and_settings_still_count() -> None:
    result = convert("model_list: []\ngeneral_settings: {master_key: os.environ/K}\n")
    assert list(ours(result)) == ["keys"]
    assert "there are no models" in words(result)


def test_an_empty_result_is_still_a_configuration() -> None:
    assert ours(convert("model_list:\n")) == {}


def test_a_key_that_yaml_read_as_a_number_is_still_hidden() -> None:
    result = imported(entry("openai/gpt-4o", api_key=1234567890))
    assert "1234567890" not in repr(result)
    assert "OPENAI_API_KEY" in words(result)
