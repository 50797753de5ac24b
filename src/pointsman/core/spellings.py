"""How do providers spell their refusals?

Two parts of the table in `blame.py`: machine codes first, which are meant to be read by programs,
then prose. Each row says which house speaks so, and why it means what it means.
"""

from __future__ import annotations

from pointsman.core.errors import FailureKind as Kind
from pointsman.core.evidence import Row


def _any(*codes: str) -> frozenset[str]:
    return frozenset(codes)


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


CODES = (
    Row(
        "out_of_quota",
        Kind.BILLING,
        "OpenAI sends a 429 when the money is gone; waiting does not bring it back.",
        codes=_any("insufficient_quota", "exceeded_current_quota_error"),
    ),
    Row(
        "spend_limit",
        Kind.BILLING,
        "A limit that only the account's owner can lift.",
        codes=_any(
            "billing_hard_limit_reached",
            "billing_not_active",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "billing_error",
        ),
    ),
    Row(
        "account_closed",
        Kind.KEY_FORBIDDEN,
        "The key is right and its account is shut.",
        codes=_any("account_deactivated", "account_suspended", "access_terminated"),
    ),
    Row(
        "key_code",
        Kind.KEY_REJECTED,
        "Said by code, whatever the status: Gemini answers 400.",
        codes=_any("invalid_api_key", "api_key_invalid", "invalid_authentication"),
    ),
    Row(
        "context_code",
        Kind.CONTEXT_TOO_LONG,
        "The window is smaller than the catalogue believed. llama.cpp sends 400 or 500.",
        codes=_any("context_length_exceeded", "exceed_context_size_error"),
    ),
    Row(
        "filter_code",
        Kind.CONTENT_FILTER,
        "The prompt itself was refused; Azure nests its own code.",
        codes=_any(
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
            "moderation_blocked",
        ),
    ),
    Row(
        "azure_deployment",
        Kind.MODEL_NOT_FOUND,
        "Azure's name for a model that is not there.",
        codes=_any("deploymentnotfound"),
    ),
    Row(
        "model_code",
        Kind.MODEL_NOT_FOUND,
        "Also sent with 400 and 403, where the key may not see the model.",
        codes=_any("model_not_found", "model_not_available", "invalid_model"),
    ),
    Row(
        "model_retired",
        Kind.MODEL_GONE,
        "Groq announces a retired model with a 400.",
        codes=_any("model_decommissioned", "model_deprecated"),
    ),
    Row(
        "parameter_code",
        Kind.UNSUPPORTED_PARAMETER,
        "OpenAI's codes; another model may know the field.",
        codes=_any("unsupported_parameter", "unsupported_value", "unknown_parameter"),
    ),
    Row(
        "image_code",
        Kind.INVALID_REQUEST,
        "A broken image stays broken on every model.",
        codes=_any(
            "invalid_image",
            "invalid_image_format",
            "invalid_image_url",
            "invalid_base64_image",
            "image_parse_error",
            "image_too_large",
        ),
    ),
    Row(
        "bad_generation",
        Kind.MALFORMED,
        "Groq reports with a 400 that the model wrote an invalid tool call or document.",
        codes=_any("tool_use_failed", "json_validate_failed"),
    ),
    Row(
        "capacity_code",
        Kind.OVERLOADED,
        "Groq's flex tier (498), Anthropic's overloaded_error, OpenAI's busy engines.",
        codes=_any(
            "capacity_exceeded",
            "overloaded_error",
            "server_overloaded",
            "engine_overloaded",
            "flex_unavailable",
            "serviceunavailable_overloaded",
        ),
    ),
    Row(
        "rate_code",
        Kind.RATE_LIMITED,
        "Groq and OpenAI call a request beyond the tokens per minute too large (413, 429): the "
        "window holds it, the minute does not.",
        codes=_any("rate_limit_exceeded", "rate_limit_error", "resource_exhausted"),
    ),
)

WORDS = (
    Row(
        "busy_429",
        Kind.OVERLOADED,
        "Mistral and others use 429 for their own lack of capacity, not our excess.",
        statuses=_on(429),
        words=("capacity exceeded", "overloaded", "currently busy"),
    ),
    Row("too_many", Kind.RATE_LIMITED, "Beyond an agreed rate.", statuses=_on(429)),
    Row(
        "key_words",
        Kind.KEY_REJECTED,
        "Gemini's and others' 400 for a key they do not know.",
        words=("api key not valid", "incorrect api key", "invalid api key"),
    ),
    Row(
        "no_money",
        Kind.BILLING,
        "DeepSeek, OpenRouter and Anthropic-compatible houses, under 400, 402 or 403.",
        words=("insufficient balance", "insufficient credits", "credit balance is too low"),
    ),
    Row(
        "context_words",
        Kind.CONTEXT_TOO_LONG,
        "vLLM, SGLang, Mistral, Gemini, xAI, Together and LM Studio say it in prose only.",
        words=(
            "maximum context length",
            "maximum prompt length",
            "maximum model length",
            "context size",
            "context window",
            "context length",
            "prompt is too long",
            "input is too long",
            "maximum number of tokens allowed",
            "`max_new_tokens` must",
            "max_new_tokens must",
            "tokens in the prompt cannot exceed",
            "reduce the length of the messages",
        ),
    ),
    Row(
        "output_words",
        Kind.CONTEXT_TOO_LONG,
        "More output asked for than the model can write; the field itself is supported.",
        words=("supports at most", "max_tokens is too large", "maximum output"),
    ),
    Row(
        "filter_words",
        Kind.CONTENT_FILTER,
        "OpenRouter's moderation is a 403 that does not concern the key.",
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
        "The model cannot see; another one can. llama.cpp says so with a 500.",
        words=(
            "image input is not supported",
            "support image",
            "image_url is only supported",
            "not a multimodal model",
            "does not support multimodal",
            "audio input is not supported",
        ),
    ),
    Row(
        "mode_type",
        Kind.UNSUPPORTED_INPUT,
        "llama.cpp's 501 for what this build or model cannot do.",
        codes=_any("not_supported_error"),
    ),
    Row(
        "extra_field",
        Kind.UNSUPPORTED_PARAMETER,
        "Mistral (422) and Fireworks (400) refuse fields they do not know.",
        words=("extra_forbidden", "extra inputs are not permitted"),
    ),
    Row(
        "parameter_words",
        Kind.UNSUPPORTED_PARAMETER,
        "Groq, Gemini, xAI, LiteLLM, Ollama, vLLM and OpenRouter name the field in prose.",
        words=(
            "unsupported parameter",
            "unknown parameter",
            "unrecognized request argument",
            "unknown name",
            "is unsupported",
            "argument not supported on this model",
            "does not support parameters",
            "does not support tools",
            "does not support thinking",
            "tool choice requires",
            "is not supported with this model",
            "is not supported by this model",
            "no endpoints found that support",
        ),
    ),
    Row(
        "retired_words",
        Kind.MODEL_GONE,
        "A model that was there and will not return.",
        statuses=_on(400, 403, 404, 410),
        words=("decommissioned", "has been deprecated", "has been retired", "end of life"),
    ),
    Row(
        "pull_first",
        Kind.MODEL_NOT_FOUND,
        "Ollama has not loaded the model.",
        words=("try pulling it",),
    ),
    Row(
        "model_words",
        Kind.MODEL_NOT_FOUND,
        "DeepSeek, OpenRouter and LiteLLM answer 400 for a name they do not know.",
        statuses=_on(400, 403, 422),
        words=("model not exist", "not a valid model", "invalid model", "unknown model"),
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
