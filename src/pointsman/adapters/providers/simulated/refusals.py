"""Which requests does a simulated model refuse, and in which words?"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from pointsman.adapters.providers.simulated.asking import Asked, BadRequest
from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.core.errors import FailureKind

_KINDS = {
    400: FailureKind.INVALID_REQUEST,
    401: FailureKind.KEY_REJECTED,
    402: FailureKind.BILLING,
    403: FailureKind.KEY_FORBIDDEN,
    404: FailureKind.MODEL_NOT_FOUND,
    410: FailureKind.MODEL_GONE,
    413: FailureKind.REQUEST_TOO_LARGE,
    422: FailureKind.UNPROCESSABLE,
    429: FailureKind.RATE_LIMITED,
    500: FailureKind.SERVER_ERROR,
    502: FailureKind.BAD_GATEWAY,
    503: FailureKind.UNAVAILABLE,
    504: FailureKind.GATEWAY_TIMEOUT,
}


class Refusal(NamedTuple):
    """An error answer as OpenAI words it, and what it means to us."""

    kind: FailureKind
    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None


def refusal(persona: Persona, asked: Asked) -> Refusal | None:
    """Why this model cannot serve this request, or None."""
    return (
        _too_long(persona, asked)
        or _too_much_output(persona, asked)
        or _cannot_see(persona, asked)
        or _cannot_call(persona, asked)
        or _cannot_structure(persona, asked)
    )


def not_understood(error: BadRequest) -> Refusal:
    return Refusal(FailureKind.INVALID_REQUEST, 400, error.message, param=error.param)


def no_such_model(name: str) -> Refusal:
    return Refusal(
        FailureKind.MODEL_NOT_FOUND,
        404,
        f"The model `{name}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def rate_limited(name: str, retry_after_s: float | None) -> Refusal:
    return Refusal(
        FailureKind.RATE_LIMITED,
        429,
        f"Rate limit reached for {name} (simulated). Please try again later.",
        type="requests",
        code="rate_limit_exceeded",
        retry_after_s=1.0 if retry_after_s is None else retry_after_s,
    )


def overloaded(retry_after_s: float | None) -> Refusal:
    return Refusal(
        FailureKind.OVERLOADED,
        503,
        "The model is currently overloaded (simulated). Please try again later.",
        type="server_error",
        code="overloaded",
        retry_after_s=retry_after_s,
    )


def server_error(status: int = 500, retry_after_s: float | None = None) -> Refusal:
    """An error answer about which nothing more is known than its status."""
    caller = status < 500
    return Refusal(
        _KINDS.get(status, FailureKind.UNEXPECTED_STATUS),
        status,
        f"A simulated refusal with status {status}."
        if caller
        else "The server had an error while processing your request (simulated). Sorry about that!",
        type="invalid_request_error" if caller else "server_error",
        retry_after_s=retry_after_s,
    )


def wrong_key() -> Refusal:
    return Refusal(
        FailureKind.KEY_REJECTED,
        401,
        "Incorrect API key provided (simulated).",
        code="invalid_api_key",
    )


def ordered_refusal(name: str, fault: Fault | None, order: Order | None) -> Refusal | None:
    """The refusal that a fault amounts to, or None when it shows itself otherwise."""
    retry_after_s = order.retry_after_s if order else None
    if fault is Fault.RATE_LIMITED:
        return rate_limited(name, retry_after_s)
    if fault is Fault.OVERLOADED:
        return overloaded(retry_after_s)
    if fault is Fault.SERVER_ERROR:
        return server_error(500, retry_after_s)
    if fault is Fault.STATUS:
        status = order.status if order else None
        return server_error(status or 500, retry_after_s)
    return None


def error_json(refusal: Refusal) -> bytes:
    """The error body of OpenAI."""
    return msgspec.json.encode(
        {
            "error": {
                "message": refusal.message,
                "type": refusal.type,
                "param": refusal.param,
                "code": refusal.code,
            }
        }
    )


def _too_long(persona: Persona, asked: Asked) -> Refusal | None:
    window = persona.context_window
    if asked.prompt_tokens <= window:
        return None
    return Refusal(
        FailureKind.CONTEXT_TOO_LONG,
        400,
        f"This model's maximum context length is {window} tokens. However, your messages resulted "
        f"in {asked.prompt_tokens} tokens. Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def _too_much_output(persona: Persona, asked: Asked) -> Refusal | None:
    most = persona.max_output_tokens
    if (asked.max_tokens or 0) <= most:
        return None
    return Refusal(
        FailureKind.INVALID_REQUEST,
        400,
        f"max_tokens is too large: {asked.max_tokens}. This model supports at most {most} "
        f"completion tokens, whereas you provided {asked.max_tokens}.",
        param="max_tokens",
        code="invalid_value",
    )


def _cannot_see(persona: Persona, asked: Asked) -> Refusal | None:
    if not asked.images or "vision" in persona.strengths:
        return None
    return Refusal(
        FailureKind.UNSUPPORTED_INPUT,
        400,
        "Invalid content type. image_url is only supported by certain models.",
        param="messages",
    )


def _cannot_call(persona: Persona, asked: Asked) -> Refusal | None:
    if not asked.tools or "function_calling" in persona.strengths:
        return None
    return Refusal(
        FailureKind.UNSUPPORTED_PARAMETER,
        400,
        "Unsupported parameter: 'tools' is not supported with this model.",
        param="tools",
        code="unsupported_parameter",
    )


def _cannot_structure(persona: Persona, asked: Asked) -> Refusal | None:
    if asked.schema is None or "structured_output" in persona.strengths:
        return None
    return Refusal(
        FailureKind.UNSUPPORTED_PARAMETER,
        400,
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
        "model.",
        param="response_format",
        code="unsupported_parameter",
    )
