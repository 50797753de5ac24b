"""What does the wording of a refusal teach about a model: its true window, a field it lacks?

Providers put these facts into prose only. Each sentence stands for a real spelling, and must begin
the message: anywhere else it may be the caller's own, quoted back. A message that opens with none
of them teaches nothing.
"""

from __future__ import annotations

import re

from pointsman.core.evidence import opened, top_level, wording

WINDOWS = (
    # OpenAI, vLLM, DeepSeek, OpenRouter, xAI
    "this model's maximum context length is {window}",
    "this endpoint's maximum context length is {window}",
    "this model's maximum prompt length is {window}",
    "input tokens exceed the configured limit of {window}",
    # vLLM
    (
        "'max_tokens' or 'max_completion_tokens' is too large: {n}. "
        "this model's maximum context length is {window}"
    ),
    "'max_tokens' is too large: {n}. this model's maximum context length is {window}",
    "the decoder prompt (length {n}) is longer than the maximum model length of {window}",
    # Fireworks, Mistral
    "the prompt is too long: {n}, model maximum context length: {window}",
    "prompt contains {n} tokens, too large for model with {window} maximum context length",
    "prompt contains {n} tokens and {n} draft tokens, too large for model with {window} maximum",
    # llama.cpp, llama-cpp-python
    "request ({n} tokens) exceeds the available context size ({window}",
    "requested tokens ({n}) exceed context window of {window}",
    # SGLang, LM Studio
    "the input ({n} tokens) is longer than the model's context length ({window}",
    "input length ({n} tokens) exceeds the maximum allowed length ({window}",
    "requested token count exceeds the model's maximum context length of {window}",
    (
        "trying to keep the first {n} tokens when context the overflows. "
        "however, the model is loaded with context length of only {window}"
    ),
    # Gemini, Anthropic-compatible
    "the input token count ({n}) exceeds the maximum number of tokens allowed ({window}",
    "the input token count exceeds the maximum number of tokens allowed {window}",
    "prompt is too long: {n} tokens > {window} maximum",
    "input length and 'max_tokens' exceed context limit: {n} + {n} > {window}",
    # Together, text-generation-inference, Cohere
    "'inputs' tokens + 'max_new_tokens' must be <= {window}",
    "the sum of 'inputs' tokens and 'max_new_tokens' must not exceed {window}",
    "too many tokens: total number of tokens in the prompt cannot exceed {window}",
    # Cerebras, Moonshot
    (
        "please reduce the length of the messages or completion. "
        "current length is {n} while limit is {window}"
    ),
    "your request exceeded model token limit: {window}",
    "invalid request: your request exceeded model token limit: {window}",
)
FIELDS = (
    # OpenAI
    "unsupported parameter: {field}",
    "unknown parameter: {field}",
    "unrecognized request argument supplied: {field}",
    "unrecognized request arguments supplied: {field}",
    "{field} is not supported with this model",
    "{field} is not supported by this model",
    "{field} is not supported for this model",
    # Gemini
    "unknown name {field}: cannot find field",
    "invalid json payload received. unknown name {field}: cannot find field",
    # Groq, Cerebras
    "property {field} is unsupported",
    "body.{field}: property '' is unsupported",
    # xAI, LiteLLM
    "argument not supported on this model: {field}",
    "model {name} does not support parameter {field}",
    "{name} does not support parameters: [{field}",
    # Fireworks, and vLLM, which writes its validator's findings in Python
    "extra inputs are not permitted, field: {field}",
    "[{'type': 'extra_forbidden', 'loc': ('body', {field})",
    "1 validation error: {'type': 'extra_forbidden', 'loc': ('body', {field})",
)
_OLLAMA = {"{name} does not support tools": "tools"}
_OLLAMA["{name} does not support thinking"] = "reasoning_effort"

# llama.cpp states its window as a field of the error; whoever reads that appends it.
_N_CTX = re.compile(r"\(n_ctx: (\d+)\)\Z")
_LARGEST_WINDOW = 100_000_000
_NEVER_LEARNT = frozenset({"messages", "model", "input", "prompt", "body", "stream"})


def context_limit(message: str) -> int | None:
    """The context window in tokens that a refusal names, or None when it names none."""
    stated = _N_CTX.search(message)
    digits = stated[1] if stated else re.sub(r"\D", "", _hole(WINDOWS, message))
    tokens = int(digits) if 0 < len(digits) <= 9 else 0
    return tokens if 0 < tokens <= _LARGEST_WINDOW else None


def unsupported_parameter(message: str, param: str | None = None) -> str | None:
    """The top-level request field that a refusal names, or None.

    `param` is the upstream's own statement, which wins over its prose. What it says of a place
    inside a field says nothing about the field. A field that no request can do without is never
    returned: its content was refused, not the field.
    """
    name = _named_field(message) if not param else param if param == top_level(param) else ""
    return name if name and name not in _NEVER_LEARNT else None


def _named_field(message: str) -> str:
    said = wording(message)
    for sentence, name in _OLLAMA.items():
        if opened((sentence,), said):
            return name
    # xAI names in camel case what was sent in snake case.
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", _hole(FIELDS, message)).lower()


def _hole(sentences: tuple[str, ...], message: str) -> str:
    """What fills the hole of the first of `sentences` that opens the message, or nothing."""
    found = opened(sentences, wording(message))
    return found[1] if found else ""
