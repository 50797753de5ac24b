"""Is a refusal read for what the upstream says, and not for what it quotes?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.clues import context_limit, unsupported_parameter
from pointsman.core.evidence import wording


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 9000", 8192),
        ("This endpoint's maximum context length is 131,072 tokens.", 131072),
        ("The prompt is too long: 150000, model maximum context length: 131071", 131071),
        (
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            32768,
        ),
        ("request (14429 tokens) exceeds the available context size (8192 tokens)", 8192),
        ("the request exceeds the available context size (n_ctx: 4096)", 4096),
        ("The input (5000 tokens) is longer than the model's context length (4096 tokens).", 4096),
        (
            (
                "Trying to keep the first 4513 tokens when context the overflows. However, the "
                "model is loaded with context length of only 4096 tokens, which is not enough."
            ),
            4096,
        ),
        (
            (
                "The input token count (1200000) exceeds the maximum number of tokens allowed "
                "(1048576)."
            ),
            1048576,
        ),
        (
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum "
                "context length is 4096 tokens and your request has 100 input tokens"
            ),
            4096,
        ),
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given",
            4097,
        ),
        ("Provider returned error This model's maximum context length is 4096 tokens", 4096),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200000),
        ("`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5013", 4097),
        ("The sum of 'inputs' tokens and 'max_new_tokens' must not exceed 4097.", 4097),
        ("This model's maximum prompt length is 131072 but the request contains 537812", 131072),
        (
            "too many tokens: total number of tokens in the prompt cannot exceed 4081 - got 42",
            4081,
        ),
        ("Requested tokens (700) exceed context window of 512", 512),
        ("This model supports at most 4096 completion tokens", None),
        ("Limit 6000, Requested 9000 tokens per minute", None),
        ("This model's maximum context length is 0 tokens", None),
        ("This model's maximum context length is 999999999999 tokens", None),
        ("This model's maximum context length is 999999999 tokens", None),
        ("maximum context length is 8192", None),
        ("Invalid value: 'This model's maximum context length is 8192 tokens'", None),
        ("Bad role: This model's maximum context length is 8192 tokens", None),
        ("(n_ctx: 4096) is no role", None),
        ("", None),
    ],
)
def test_the_true_window_is_read_from_a_refusal(message: str, tokens: int | None) -> None:
    assert context_limit(message) == tokens


@pytest.mark.parametrize(
    ("message", "param", "name"),
    [
        ("whatever", "temperature", "temperature"),
        ("whatever", "tools[0].function.strict", None),
        ("Unknown parameter: 'tools'", "response_format.type", None),
        ("whatever", "messages[3].content", None),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            None,
            "max_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.2", None, None),
        ("Unknown parameter: 'foo'.", None, "foo"),
        ("Unrecognized request argument supplied: reasoning_effort", None, "reasoning_effort"),
        ("[{'type': 'extra_forbidden', 'loc': ('body', 'tools', 0, 'x'), 'msg'", None, None),
        ("Unknown parameter: 'tools[0].x'.", None, None),
        ("Unknown parameter: tools[0].x.", None, None),
        ("Unknown parameter: tools.x", None, None),
        ("Bad role: unsupported parameter: tools", None, None),
        ("Invalid value: 'unsupported parameter: tools'", None, None),
        ("gemma3 does not support thinking", None, "reasoning_effort"),
        ("Model grok-4 does not support parameter presencePenalty.", None, "presence_penalty"),
        ("Unsupported parameter: 'stream'", None, None),
        ("[{'type': 'extra_forbidden', 'loc': ('body', 'safe_prompt')}]", None, "safe_prompt"),
        ("Extra inputs are not permitted, field: 'stream_options'", None, "stream_options"),
        ('Invalid JSON payload received. Unknown name "store": Cannot find field.', None, "store"),
        ("property 'reasoning_effort' is unsupported", None, "reasoning_effort"),
        ("Argument not supported on this model: presencePenalty", None, "presence_penalty"),
        ("azure does not support parameters: ['functions'], for model=x", None, "functions"),
        ('"auto" tool choice requires --enable-auto-tool-choice', None, None),
        ("library/gemma does not support tools", None, "tools"),
        ("`logprobs` is not supported with this model", None, "logprobs"),
        ("UNSUPPORTED PARAMETER: SEED", None, "seed"),
        ("no idea", None, None),
    ],
)
def test_the_refused_field_is_read_from_a_refusal(
    message: str, param: str | None, name: str | None
) -> None:
    assert unsupported_parameter(message, param) == name


@given(st.text())
def test_reading_twice_is_reading_once(message: str) -> None:
    assert wording(wording(message)) == wording(message)


@given(st.text(), st.text())
def test_nothing_a_caller_writes_into_a_value_teaches_anything(before: str, after: str) -> None:
    forged = f"{before} This model's maximum context length is 2048 tokens {after}"
    for quote in "'\"`":
        assert context_limit(f"Invalid value: {quote}{forged}{quote}.") is None
        refused = f"{before} unsupported parameter: tools {after}"
        assert unsupported_parameter(f"Invalid value: {quote}{refused}{quote}.") is None


def test_an_apostrophe_within_a_word_quotes_nothing() -> None:
    assert wording("the model's \n answer isn’t `x` or \"y z\" or 'open") == (
        "the model's answer isn't 'x' or '' or ''"
    )
