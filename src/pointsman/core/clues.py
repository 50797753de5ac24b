"""What does the wording of a refusal teach about a model: its true window, a field it lacks?

Providers put these facts into prose only. Each pattern stands for a real spelling; a message that
fits none teaches nothing.
"""

from __future__ import annotations

import re

_WINDOWS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # OpenAI, vLLM, DeepSeek, OpenRouter, Fireworks
        r"maximum (?:context|model|prompt) length(?: is|:| of)?\s+(?:only )?([\d,_]+)",
        # Mistral
        r"with ([\d,_]+) maximum context length",
        # llama.cpp, in prose and as a field of the error
        r"available context size \(([\d,_]+)",
        r"\"?n_ctx\"?\s*[:=]\s*([\d_]+)",
        # SGLang, LM Studio
        r"model'?s context length \(([\d,_]+)",
        r"context length of (?:only )?([\d,_]+)",
        # Gemini
        r"maximum number of tokens allowed \(([\d,_]+)",
        # Anthropic-compatible
        r"prompt is too long: [\d,_]+ tokens > ([\d,_]+)",
        # Together, text-generation-inference
        r"max_new_tokens[`']? must (?:be <=|not exceed) ([\d,_]+)",
        r"tokens in the prompt cannot exceed ([\d,_]+)",
        r"context window (?:of|is|size is) ([\d,_]+)",
    )
)
_LARGEST_WINDOW = 100_000_000

_NAME = r"[`'\"\[]*([A-Za-z_][A-Za-z0-9_]*)"
_FIELDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # FastAPI and pydantic: Mistral, vLLM
        r"['\"]loc['\"]:\s*[\[(]\s*['\"]body['\"],\s*['\"](\w+)['\"]",
        # Fireworks
        rf"extra inputs are not permitted, field: {_NAME}",
        # OpenAI
        rf"(?:unsupported|unknown) parameter: {_NAME}",
        rf"unsupported value: {_NAME}",
        rf"unrecognized request arguments? supplied: {_NAME}",
        # Gemini
        rf"unknown name {_NAME}",
        # Groq
        rf"property {_NAME}['\"`]? is unsupported",
        # xAI, LiteLLM
        rf"argument not supported on this model: {_NAME}",
        rf"does not support parameters: {_NAME}",
        # vLLM
        r"\"auto\" (tool_choice|tool choice) requires",
        # Ollama
        r"does not support (tools|thinking)\b",
        rf"{_NAME}['\"`]? is not supported (?:with|by|for) this model",
    )
)
_SPELLED = {"tool choice": "tools", "tool_choice": "tools", "thinking": "reasoning_effort"}
_NEVER_LEARNT = frozenset({"messages", "model", "input", "prompt", "body"})


def context_limit(message: str) -> int | None:
    """The context window in tokens that a refusal names, or None when it names none."""
    for pattern in _WINDOWS:
        found = pattern.search(message)
        if found:
            digits = re.sub(r"\D", "", found[1])
            tokens = int(digits) if 0 < len(digits) <= 9 else 0
            return tokens if 0 < tokens <= _LARGEST_WINDOW else None
    return None


def unsupported_parameter(message: str, param: str | None = None) -> str | None:
    """The top-level request field that a refusal names, or None.

    `param` is the upstream's own statement, which wins over its prose. A field that no request can
    do without is never returned: its content was refused, not the field.
    """
    name = re.split(r"[.\[]", param, maxsplit=1)[0] if param else _named_field(message)
    name = _SPELLED.get(name, name)
    return name if name and name not in _NEVER_LEARNT else None


def _named_field(message: str) -> str:
    for pattern in _FIELDS:
        found = pattern.search(message)
        if found:
            return found[1].lower() if found[1].isupper() else found[1]
    return ""
