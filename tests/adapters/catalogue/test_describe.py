"""Does the catalogue tell what it knows, where from, and what it does not know?"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.catalogue import describe
from pointsman.adapters.catalogue.profiles import plain_name, profile_of, profiles
from pointsman.core.fleet import WELL_KNOWN_CAPABILITIES, Model, PriceState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

NAMES = {
    "gpt-4o": "GPT-4o",
    "gpt-4o-2024-08-06": "GPT-4o",
    "openai/gpt-4o-mini": "GPT-4o mini",
    "gpt-4.1-nano-2025-04-14": "GPT-4.1 nano",
    "gpt-5": "GPT-5 to 5.3",
    "gpt-5-2025-08-07": "GPT-5 to 5.3",
    "gpt-5-mini": "GPT-5 mini",
    "gpt-5.4-mini": "GPT-5.4 mini",
    "gpt-6.1-sol": "GPT-6 Sol",
    "o3": "o3",
    "o3-mini-2025-01-31": "o3-mini",
    "openai/gpt-oss-120b": "gpt-oss 120B",
    "gpt-oss:20b": "gpt-oss 20B",
    "meta-llama/Llama-3.3-70B-Instruct-Turbo": "Llama 3.3 70B",
    "llama3.3:70b": "Llama 3.3 70B",
    "llama-3.3-70b-versatile": "Llama 3.3 70B",
    "accounts/fireworks/models/llama-v3p3-70b-instruct": "Llama 3.3 70B",
    "meta-llama/Meta-Llama-3.1-8B-Instruct": "Llama 3.1 8B",
    "llama3.1": "Llama 3.1 8B",
    "llama3.1:70b-instruct-q4_K_M": "Llama 3.1 70B",
    "meta-llama/llama-4-scout-17b-16e-instruct": "Llama 4 Scout",
    "deepseek-r1-distill-llama-70b": "DeepSeek R1, distilled, large",
    "deepseek-r1:14b": "DeepSeek R1, distilled, small",
    "deepseek/deepseek-r1-0528:free": "DeepSeek R1",
    "deepseek-ai/DeepSeek-V3.1": "DeepSeek V3",
    "deepseek-v4-pro": "DeepSeek V4 Pro",
    "anthropic/claude-sonnet-4.5": "Claude Sonnet 4 and 4.5",
    "claude-sonnet-4-20250514": "Claude Sonnet 4 and 4.5",
    "claude-sonnet-4-6": "Claude Sonnet 4.6",
    "anthropic/claude-3.5-sonnet-20241022": "Claude 3.5 and 3.7 Sonnet",
    "anthropic/claude-opus-4.8": "Claude Opus 4.6 to 4.8",
    "models/gemini-2.5-flash": "Gemini 2.5 Flash",
    "gemini-2.5-flash-lite": "Gemini 2.5 Flash-Lite",
    "gemini-3.8-flash": "Gemini 3 Flash",
    "mistral-large-latest": "Mistral Large",
    "mistralai/Mistral-7B-Instruct-v0.3": "Mistral 7B and Mixtral 8x7B",
    "codestral-2508": "Codestral and Devstral",
    "qwen3:8b": "Qwen3 up to 8B",
    "Qwen/Qwen3-32B": "Qwen3 from 14B",
    "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8": "Qwen3 Coder, large",
    "Qwen/Qwen2.5-72B-Instruct-AWQ": "Qwen2.5 72B and 32B",
    "google/gemma-3-27b-it": "Gemma 3 27B",
    "x-ai/grok-4-fast": "Grok 4 Fast",
    "grok-4-0709": "Grok 4",
    "moonshotai/kimi-k2-instruct": "Kimi K2",
    "z-ai/glm-4.6": "GLM 4.5 to 4.7",
    "MiniMax-M2": "MiniMax M2",
    "tinyllama:1.1b": "TinyLlama",
    "text-embedding-3-small": "Not a chat model",
    "gpt-4o-realtime-preview": "Not a chat model",
    "meta-llama/llama-guard-4-12b": "Not a chat model",
}


@pytest.mark.parametrize(("name", "profile"), NAMES.items())
def test_a_name_finds_its_profile_whatever_a_host_calls_the_model(name: str, profile: str) -> None:
    found = profile_of(name)
    assert found is not None
    assert found.name == profile


@pytest.mark.parametrize(
    "name", ["our-finetune", "gpt-9", "gpt-5.9", "claude-9", "llama-9-70b", "", "/", "model"]
)
def test_a_model_nobody_reviewed_is_assumed_to_be_middling_and_said_to_be(name: str) -> None:
    facts = describe("vllm", name)
    assert facts.strengths == {"general": 0.5}
    assert not facts.profiled
    assert facts.sources["strengths"].origin.startswith("assumed")
    assert facts.context_window is None
    assert facts.max_output_tokens is None
    assert facts.display_name == name


def test_where_two_sources_disagree_the_smaller_window_is_kept_and_both_are_named() -> None:
    facts = describe("openai", "gpt-4.1", at=NOON)
    assert facts.context_window == 1_000_000
    assert "1047576" in facts.sources["context_window"].origin
    assert "1000000" in facts.sources["context_window"].origin


def test_where_they_agree_or_one_is_silent_the_one_is_the_source() -> None:
    agreeing = describe("openai", "gpt-4o", at=NOON)
    assert agreeing.context_window == 128_000
    assert agreeing.sources["context_window"].origin == "profile GPT-4o"
    unlisted = describe("vllm", "gpt-oss-120b")
    assert unlisted.context_window == 131_072
    listed = describe("openrouter", "nousresearch/hermes-4-405b", at=NOON)
    assert not listed.profiled
    assert listed.context_window == 131_072
    assert listed.sources["context_window"].origin.startswith("genai-prices")


def test_a_hosted_model_bears_the_name_its_host_gives_it() -> None:
    facts = describe("openai", "gpt-4o", at=NOON)
    assert facts.display_name == "gpt 4o"
    assert facts.sources["display_name"].origin.startswith("genai-prices")
    assert facts.price.state is PriceState.KNOWN
    assert facts.sources["price"].origin.startswith("genai-prices")


def test_a_model_that_answers_no_chat_has_no_capability_at_all() -> None:
    facts = describe("openai", "text-embedding-3-large", at=NOON)
    assert facts.profiled
    assert facts.strengths == {}


def test_what_the_catalogue_says_makes_a_valid_model() -> None:
    for name in NAMES:
        facts = describe("openrouter", name, at=NOON)
        Model(
            "p/m",
            "p",
            name,
            display_name=facts.display_name,
            strengths=facts.strengths or {},
            context_window=facts.context_window,
            max_output_tokens=facts.max_output_tokens,
            price=facts.price,
            sources=facts.sources,
        )


@given(st.sampled_from(["openai", "azure", "ollama", "gemini", "simulated", "?"]), st.text())
def test_no_name_makes_the_catalogue_raise(provider_type: str, name: str) -> None:
    facts = describe(provider_type, name)
    assert {"price", "strengths", "display_name"} <= facts.sources.keys()


def test_an_output_limit_never_exceeds_the_window() -> None:
    for name in NAMES:
        facts = describe("openrouter", name, at=NOON)
        assert (facts.max_output_tokens or 0) <= (facts.context_window or 10**9)


def test_the_file_of_profiles_is_sound() -> None:
    for profile in profiles():
        assert set(profile.strengths) <= set(WELL_KNOWN_CAPABILITIES), profile.name
        assert all(0.0 < value <= 1.0 for value in profile.strengths.values()), profile.name
        assert profile.basis.endswith("."), profile.name
        assert profile.reviewed >= "2026-01-01"
        assert all(pattern == pattern.lower() for pattern in profile.match), profile.name
        if profile.strengths:
            assert "general" in profile.strengths, profile.name


def test_no_profile_is_hidden_behind_an_earlier_one() -> None:
    for profile in profiles():
        samples = [pattern.replace("*", "").replace("?", "5") for pattern in profile.match]
        assert any(profile_of(sample) is profile for sample in samples), profile.name


def test_a_name_is_freed_of_what_does_not_describe_the_model() -> None:
    assert plain_name("Meta-Llama/Meta-Llama-3.1-8B_x:free") == "llama-3.1-8b-x"
    assert plain_name("gpt-4o-20240806-eu") == "gpt-4o-eu"
    assert plain_name("~z-ai/glm-latest") == "glm"
    assert not fnmatchcase(plain_name("phi-4"), "phi-4-*")


def test_prices_are_loaded_only_for_hosted_models() -> None:
    probe = (
        "import sys; from pointsman.adapters.catalogue import describe;"
        "describe('ollama', 'llama3.3:70b'); describe('simulated', 'x');"
        "assert 'genai_prices' not in sys.modules;"
        "describe('groq', 'llama-3.3-70b-versatile'); assert 'genai_prices' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
