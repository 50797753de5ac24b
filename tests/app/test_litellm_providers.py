"""Which LiteLLM providers and files does the import know, and which does it refuse?"""

from __future__ import annotations

import pytest
import yaml

from pointsman.app.config import parse
from pointsman.app.litellm_import import convert
from pointsman.app.settings import Settings
from pointsman.core.errors import ConfigError

KEYS = {
    f"{name}_API_KEY": "key-0123456789"
    for name in (
        "OPENAI", "AZURE", "GROQ", "TOGETHERAI", "MISTRAL", "DEEPSEEK", "OPENROUTER", "XAI",
        "FIREWORKS", "PERPLEXITYAI", "GEMINI",
    )
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "base", "kind", "address", "upstream"),
    [
        ("openai/gpt-4o", None, "openai", None, "gpt-4o"),
        ("gpt-4o", None, "openai", None, "gpt-4o"),
        ("gpt-4o", "https://api.openai.com/v1", "openai", "https://api.openai.com/v1", "gpt-4o"),
        ("openai/x", "http://h:1/v1", "openai_compatible", "http://h:1/v1", "x"),
        (
            "openai/x",
            "http://localhost:8000/v1",
            "openai_compatible",
            "http://localhost:8000/v1",
            "x",
        ),
        (
            "openai/x",
            "https://api.groq.com/openai/v1",
            "groq",
            "https://api.groq.com/openai/v1",
            "x",
        ),
        (
            "azure/o_series/d",
            "https://a.openai.azure.com/",
            "azure",
            "https://a.openai.azure.com",
            "d",
        ),
        ("together_ai/meta-llama/L", None, "together", None, "meta-llama/L"),
        ("mistral/mistral-large-latest", None, "mistral", None, "mistral-large-latest"),
        ("openrouter/anthropic/claude", None, "openrouter", None, "anthropic/claude"),
        ("ollama/llama3", "http://h:11434/", "ollama", "http://h:11434/v1", "llama3"),
        ("ollama/llama3", None, "ollama", None, "llama3"),
        ("hosted_vllm/a/b", "http://h:1/v1", "vllm", "http://h:1/v1", "a/b"),
        ("xai/grok-4", None, "xai", None, "grok-4"),
        ("fireworks_ai/l", None, "fireworks", None, "accounts/fireworks/models/l"),
        ("perplexity/sonar", None, "perplexity", None, "sonar"),
        ("gemini/gemini-2.5-pro", None, "gemini", None, "gemini-2.5-pro"),
        ("deepseek/deepseek-chat", None, "deepseek", None, "deepseek-chat"),
    ],
)
def test_every_known_provider_finds_its_type_and_address(
    model: str, base: str | None, kind: str, address: str | None, upstream: str
) -> None:
    where = {} if base is None else {"api_base": base}
    result = convert(
        yaml.safe_dump(
            {"model_list": [{"model_name": "g", "litellm_params": {"model": model, **where}}]}
        )
    )
    (provider,) = yaml.safe_load(result.yaml_text)["providers"].values()
    assert provider["type"] == kind
    assert provider.get("base_url") == address
    document = yaml.safe_load(result.yaml_text)
    known = {name: part for name, part in document.items() if name in Settings.model_fields}
    (loaded,) = parse(yaml.safe_dump(known), KEYS).fleet.models.values()
    assert loaded.upstream_name == upstream


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("anthropic/claude-sonnet-4-5", "anthropic"),
        ("bedrock/x", "bedrock"),
        ("vertex_ai/x", "vertex_ai"),
        ("cohere/command-r", "cohere"),
        ("openai/*", "wildcards"),
        ("os.environ/MODEL", "environment"),
    ],
)
def test_what_pointsman_cannot_serve_is_left_out_with_a_reason(model: str, reason: str) -> None:
    entry = {"model_name": "g", "litellm_params": {"model": model}}
    result = convert(yaml.safe_dump({"model_list": [entry]}))
    assert not yaml.safe_load(result.yaml_text)
    assert any(reason in note.message for note in result.notes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not the configuration of a LiteLLM proxy"),
        ("just words", "not the configuration of a LiteLLM proxy"),
        ("services: {web: {image: nginx}}", "not the configuration of a LiteLLM proxy"),
        ("providers: {}\nmodels: {}", "not the configuration of a LiteLLM proxy"),
        ("model_list: {a: b}", "model_list is not a list"),
        ("model_list: [", "line 1"),
        ("model_list: [2026-99-99]", "not valid YAML"),
        ("model_list: " + "[" * 5000, "not valid YAML"),
        ("api_key: sk-secret: bad", "not valid YAML"),
        ("a: \x00", "not valid YAML"),
    ],
)
def test_what_is_no_litellm_file_is_refused_in_plain_words(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as refusal:
        convert(text)
    assert "sk-secret" not in str(refusal.value)
    assert refusal.value.__cause__ is None
