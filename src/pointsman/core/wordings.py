"""In which words do providers refuse, where they send no code that says enough?

A caller can make an upstream repeat its text, so prose decides only with the statuses that its
houses send it with. Rows that would turn the blame on a key or on the catalogue, and so on other
callers, hold for whole sentences at the start of the message. See `evidence.py` for how they read.
"""

from __future__ import annotations

from pointsman.core.clues import FIELDS, WINDOWS
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.evidence import Row, Transport


def _any(*names: str) -> frozenset[str]:
    return frozenset(names)


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


_BAD = _on(400, 413, 422)
_LENGTHS = _any(
    "messages",
    "input",
    "inputs",
    "prompt",
    "input_tokens",
    "prompt_tokens",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
)
_CONTEXT = (
    *WINDOWS,
    "the request exceeds the available context size",
    "context size has been exceeded",
    "your input exceeds the context window of this model",
    "please reduce the length of the messages",
    "the input length exceeds the context length",
    "input length exceeds maximum context length",
    "input is too long for requested model",
    "prompt is too long",
    "the prompt is too long",
    "'inputs' must have less than {n} tokens",
    "the number of tokens to keep from the initial prompt is greater than the context length",
    "invalid params, context window exceeds limit",
)

WORDS = (
    Row(
        "quota_of_a_minute",
        Kind.RATE_LIMITED,
        "Gemini words a limit like OpenAI words an empty purse, and says when to come back.",
        statuses=_on(429),
        sentences=("you exceeded your current quota",),
        retry_after=True,
    ),
    Row(
        "no_money",
        Kind.BILLING,
        "DeepSeek, OpenRouter, Moonshot and Anthropic-compatible houses, under 400 to 429; "
        "OpenAI's own sentence where a gateway dropped its code.",
        statuses=_on(400, 402, 403, 429),
        sentences=(
            "insufficient balance",
            "insufficient credits",
            "credit balance is too low",
            "your credit balance is too low",
            "your account {name} is suspended due to insufficient balance",
            "you exceeded your current quota, please check your plan and billing details{end}",
            (
                "you exceeded your current quota, please check your plan and billing details. "
                "for more information on this error, read the docs: https://platform.openai.com"
            ),
        ),
    ),
    Row(
        "busy_429",
        Kind.OVERLOADED,
        "Mistral and others use 429 for their own lack of capacity, not our excess.",
        statuses=_on(429),
        words=("capacity exceeded", "overloaded", "currently busy"),
    ),
    Row("too_many", Kind.RATE_LIMITED, "Beyond an agreed rate.", statuses=_on(429)),
    Row(
        "output_words",
        Kind.CONTEXT_TOO_LONG,
        "More output asked for than the model can write; the field itself is supported. OpenAI "
        "calls it an invalid_value, so this stands before that code.",
        statuses=_on(400, 422),
        params=_LENGTHS,
        sentences=(
            "'max_tokens' is too large: {n}. this model supports at most {n}",
            "this model supports at most {n} completion tokens",
            "'max_tokens' must be less than or equal to",
            "max_tokens: {n} > {n}, which is the maximum allowed number of output tokens",
            "invalid max_tokens value, the valid range of max_tokens is",
        ),
    ),
    Row(
        "value_code",
        Kind.INVALID_REQUEST,
        "The code says that a value is wrong; the message quotes it, and a caller can write into "
        "it what it likes. So this stands before all prose about keys and models.",
        statuses=_on(400, 422),
        codes=_any(
            "invalid_value",
            "invalid_type",
            "invalid_json",
            "missing_required_parameter",
            "invalid_function_parameters",
            "integer_above_max_value",
            "integer_below_min_value",
            "decimal_above_max_value",
            "decimal_below_min_value",
            "string_above_max_length",
            "string_below_min_length",
            "array_above_max_length",
            "array_below_min_length",
            "empty_array",
            "empty_string",
        ),
    ),
    Row(
        "key_words",
        Kind.KEY_REJECTED,
        "Gemini's and xAI's 400 for a key they do not know.",
        statuses=_on(400, 401, 403),
        params=_any("api_key"),
        sentences=(
            "api key not valid",
            "api key expired",
            "incorrect api key",
            "invalid api key",
        ),
    ),
    Row(
        "context_words",
        Kind.CONTEXT_TOO_LONG,
        "vLLM, SGLang, Mistral, Gemini, xAI, Together and LM Studio say it in prose only.",
        statuses=_BAD,
        params=_LENGTHS,
        sentences=_CONTEXT,
    ),
    Row(
        "context_500",
        Kind.CONTEXT_TOO_LONG,
        "llama.cpp and Ollama notice it only while they work.",
        statuses=_on(500),
        sentences=(
            "request ({n} tokens) exceeds the available context size",
            "the request exceeds the available context size",
            "context size has been exceeded",
            "the input length exceeds the context length",
            "input length exceeds maximum context length",
        ),
    ),
    Row(
        "context_in_stream",
        Kind.CONTEXT_TOO_LONG,
        "LM Studio says it once it has said 200, without a number.",
        Transport.ERROR_IN_STREAM,
        statuses=_on(200),
        params=_LENGTHS,
        sentences=_CONTEXT,
    ),
    Row(
        "filter_words",
        Kind.CONTENT_FILTER,
        "OpenRouter's moderation is a 403 that does not concern the key.",
        statuses=_on(400, 403, 422),
        words=(
            "requires moderation",
            "input was flagged",
            "content management policy",
            "safety system",
            "prohibited content",
        ),
    ),
    Row(
        "image_words",
        Kind.UNSUPPORTED_INPUT,
        "The model cannot see or hear; another one can.",
        statuses=_on(400, 404, 422),
        params=_any("messages", "input", "content"),
        sentences=(
            "invalid content type. image_url is only supported by certain models",
            "no endpoints found that support image input",
            "no endpoints found that support input audio",
            "image input is not supported",
            "image input is not enabled for this model",
            "image inputs are not supported by this model",
            "audio input is not supported",
            "{name} is not a multimodal model",
            "the model is not a multimodal model",
            "the model does not support images",
            "this model does not support image",
            "model does not support multimodal",
            "{name} does not support image",
            "{name} does not support multimodal",
        ),
    ),
    Row(
        "image_500",
        Kind.UNSUPPORTED_INPUT,
        "llama.cpp says so with a 500.",
        statuses=_on(500),
        sentences=("image input is not supported", "audio input is not supported"),
    ),
    Row(
        "foreign_history",
        Kind.UNSUPPORTED_INPUT,
        "Anthropic, Gemini and DeepSeek take back only what their own models have thought. Whose "
        "model that was takes the conversation, and so does one that does not check.",
        statuses=_on(400),
        params=_any("messages", "input", "contents"),
        sentences=(
            "{name} invalid 'signature' in 'thinking' block",
            "{name} expected 'thinking' or 'redacted_thinking', but found",
            "{name} 'thinking' or 'redacted_thinking' blocks in the latest assistant message",
            "{name}.thinking.signature: field required",
            "function call is missing a thought_signature in functioncall parts",
            "corrupted thought signature",
            "the 'reasoning_content' in the thinking mode must be passed back to the api",
        ),
    ),
    Row(
        "mode_type",
        Kind.UNSUPPORTED_INPUT,
        "llama.cpp's 501 for what this build or model cannot do.",
        statuses=_on(501),
        codes=_any("not_supported_error"),
    ),
    Row(
        "extra_field",
        Kind.UNSUPPORTED_PARAMETER,
        "Mistral (422) and others refuse fields they do not know, and say so by the type.",
        statuses=_on(400, 422),
        codes=_any("extra_forbidden"),
    ),
    Row(
        "parameter_words",
        Kind.UNSUPPORTED_PARAMETER,
        "Groq, Gemini, xAI, LiteLLM, Ollama, vLLM and OpenRouter name the field in prose.",
        statuses=_on(400, 404, 422),
        sentences=(
            *FIELDS,
            "unsupported parameter",
            "unsupported value",
            "unknown parameter",
            "unknown name ''",
            "invalid json payload received. unknown name ''",
            "'' : for '' the following must be satisfied[('' : property '' is unsupported",
            "property '' is unsupported",
            "extra inputs are not permitted",
            "[{'type': 'extra_forbidden', 'loc': ('body',",
            "1 validation error: {'type': 'extra_forbidden', 'loc': ('body',",
            "invalid parameter: 'response_format' of type '' is not supported with this model",
            "{name} does not support parameters:",
            "{name} does not support tools",
            "{name} does not support thinking",
            "'auto' tool choice requires",
            "no endpoints found that support",
        ),
    ),
    Row(
        "retired_words",
        Kind.MODEL_GONE,
        "A model that was there and will not return.",
        statuses=_on(400, 403, 404, 410),
        params=_any("model"),
        sentences=(
            "the model {name} has been deprecated",
            "the model {name} has been decommissioned",
            "the model {name} has been retired",
            "the model {name} has reached its end of life",
            "model {name} has been deprecated",
            "model {name} has been retired",
            "model {name} has reached end of life",
            "this model has been deprecated",
            "this model has been retired",
        ),
    ),
    Row(
        "pull_first",
        Kind.MODEL_NOT_FOUND,
        "Ollama has not loaded the model.",
        statuses=_on(404),
        sentences=("model {name} not found, try pulling it",),
    ),
    Row(
        "model_words",
        Kind.MODEL_NOT_FOUND,
        "DeepSeek, OpenRouter and LiteLLM answer 400 for a name they do not know.",
        statuses=_on(400, 403, 422),
        params=_any("model"),
        sentences=(
            "model not exist",
            "{name} is not a valid model",
            "invalid model",
            "/chat/completions: invalid model name",
            "unknown model",
            "the model {name} does not exist",
            "model {name} does not exist",
            "model {name} not found",
        ),
    ),
    Row(
        "model_404",
        Kind.MODEL_NOT_FOUND,
        "A 404 that speaks of a model is about the model, not about the address.",
        statuses=_on(404),
        words=("model", "deployment", "endpoints found"),
    ),
    Row(
        "loading",
        Kind.UNAVAILABLE,
        "llama.cpp is reading its weights and will be there.",
        statuses=_on(503),
        words=("loading model", "model is loading"),
    ),
    Row(
        "busy_words",
        Kind.OVERLOADED,
        "Alive and full: Gemini's 503, vLLM behind a queue.",
        statuses=_on(500, 502, 503),
        words=("overloaded", "at capacity", "no available capacity", "no slot available"),
    ),
)
