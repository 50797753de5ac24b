"""Is an operator told what was probably not meant?"""

from __future__ import annotations

import pytest

from pointsman.app.config import parse

SIM = "providers: {sim: {type: simulated}}\nmodels: {sim/swift-mini: {}}\n"
VLLM = "models: {v/qwen3-32b: {price: free, capabilities: {general: 1}}}\n"
HOOK = "alerts: {channels: {hook: {type: webhook, url: 'URL'}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            SIM + "agents: {a: {prefers: [codng]}}",
            "agents.a: no model has the capability `codng`; did you mean `coding`?",
        ),
        (SIM + "agents: {a: {requires: [vision]}}", "agents.a: no model has all it requires"),
        (SIM + "agents: {a: {deny: [sim/swift-mini]}}", "agents.a: no model has all it requires"),
        (SIM + "agents: {a: {min_context: 9000000}}", "agents.a: no model that it may use holds"),
        (SIM + "keys: [{name: a, key: 0123456789abcdef}]", "keys[0].key stands in plain text"),
        ("providers: {s: {type: simulated}}", "providers.s has no models"),
        (
            "providers: {v: {type: vllm, base_url: http://gpu/v1, api_key: '${K}'}}\n" + VLLM,
            "providers.v: the key travels unencrypted",
        ),
        (
            "providers: {v: {type: vllm, headers: {Authorization: Bearer xyz}}}\n" + VLLM,
            "providers.v.headers.Authorization stands in plain text",
        ),
        (
            SIM + HOOK.replace("URL", "http://127.0.0.1:9000/"),
            "alerts.channels.hook: nothing is sent to an address that is not a public one",
        ),
        (SIM + HOOK.replace("URL", "http://localhost/"), "alerts.channels.hook: nothing is sent"),
        (SIM + HOOK.replace("URL", "http://[fd00::1]/"), "alerts.channels.hook: nothing is sent"),
        (
            SIM + "agents: {a: {weights: {cost: 1}}}\nrouting: {scoring: classic}",
            "agents.a.weights has no effect with routing.scoring: classic",
        ),
        (
            SIM + "agents: {a: {latency_budget_s: 1}}\nrouting: {scoring: capability}",
            "agents.a.latency_budget_s has no effect",
        ),
        (
            SIM + "routing: {scoring: classic, exploration: 0.01}",
            "routing.exploration has no effect with routing.scoring: classic",
        ),
        (
            "providers: {v: {type: vllm}}\nmodels: {v/what: {price: free}}",
            "the strengths are unknown of v/what",
        ),
        (
            "providers: {v: {type: vllm}}\nmodels: {v/x: {capabilities: {general: 1}}}",
            "the price is unknown of v/x",
        ),
    ],
)
def test_one_thing_worth_a_word_gets_one_sentence(text: str, words: str) -> None:
    (warning,) = parse(text, {"K": "k" * 20}).warnings
    assert warning.startswith(words)


@pytest.mark.parametrize(
    "text",
    [
        SIM + "agents: {a: {requires: [general], allow: [sim/swift-mini]}}",
        "providers: {v: {type: vllm, base_url: http://localhost:1/v1, api_key: '${K}'}}\n" + VLLM,
        "providers: {v: {type: vllm, headers: {X-Team: red}}}\n" + VLLM,
        SIM + "agents: {a: {weights: {cost: 1}, latency_budget_s: 1}}",
        SIM + "routing: {scoring: classic, exploration: 0}",
        SIM + HOOK.replace("URL", "https://receiver.example.org/"),
        SIM + HOOK.replace("'URL'", "http://10.0.0.1/, allow_private: true"),
    ],
)
def test_nothing_is_said_about_what_is_sound(text: str) -> None:
    assert parse(text, {"K": "k" * 20}).warnings == ()


def test_a_long_list_of_models_is_cut_short() -> None:
    models = ", ".join(f"v/m{i}: {{capabilities: {{general: 1}}}}" for i in range(20))
    (warning,) = parse(f"providers: {{v: {{type: vllm}}}}\nmodels: {{{models}}}", {}).warnings
    assert "v/m11 and 8 more" in warning
