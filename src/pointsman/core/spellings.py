"""Which machine codes do providers refuse with?

Codes are meant to be read by programs, and no caller can write them: they decide whatever the
status. Each row says which house speaks so, and why it means what it means. What providers say in
prose only stands in `wordings.py`.
"""

from __future__ import annotations

from pointsman.core.errors import FailureKind as Kind
from pointsman.core.evidence import Row


def _any(*codes: str) -> frozenset[str]:
    return frozenset(codes)


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
