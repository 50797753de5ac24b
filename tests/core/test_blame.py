"""Is every failure laid at the right door?"""

from __future__ import annotations

import pytest

from pointsman.core.blame import (
    ROWS,
    Evidence,
    Transport,
    classify,
    context_limit,
    unsupported_parameter,
    verdict,
)
from pointsman.core.errors import FailureKind as Kind

SEEN: dict[str, tuple[Evidence, Kind]] = {
    "cancelled": (Evidence(transport=Transport.CANCELLED), Kind.CANCELLED),
    "deadline": (Evidence(transport=Transport.DEADLINE), Kind.DEADLINE),
    "dns": (Evidence(transport=Transport.DNS), Kind.NAME_UNRESOLVED),
    "connect": (Evidence(transport=Transport.CONNECT), Kind.CONNECT_FAILED),
    "connect_timeout": (Evidence(transport=Transport.CONNECT_TIMEOUT), Kind.CONNECT_TIMEOUT),
    "tls": (Evidence(transport=Transport.TLS), Kind.TLS_FAILED),
    "reset": (Evidence(status=200, transport=Transport.RESET), Kind.RESET),
    "first_token": (Evidence(transport=Transport.FIRST_TOKEN_TIMEOUT), Kind.FIRST_TOKEN_TIMEOUT),
    "stall": (Evidence(status=200, transport=Transport.STALL), Kind.STALLED),
    "total_timeout": (Evidence(transport=Transport.TOTAL_TIMEOUT), Kind.TOTAL_TIMEOUT),
    "truncated": (Evidence(status=200, transport=Transport.TRUNCATED), Kind.TRUNCATED),
    "empty": (Evidence(status=200, transport=Transport.EMPTY), Kind.EMPTY),
    "malformed": (Evidence(status=200, transport=Transport.MALFORMED), Kind.MALFORMED),
    "out_of_quota": (
        Evidence(
            429,
            "insufficient_quota",
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        Kind.BILLING,
    ),
    "spend_limit": (Evidence(400, "billing_hard_limit_reached"), Kind.BILLING),
    "account_closed": (Evidence(401, "account_deactivated"), Kind.KEY_FORBIDDEN),
    "key_code": (
        Evidence(401, "invalid_api_key", "invalid_request_error", "Incorrect API key provided"),
        Kind.KEY_REJECTED,
    ),
    "context_code": (
        Evidence(
            500, "500", "exceed_context_size_error", "the request exceeds the available context"
        ),
        Kind.CONTEXT_TOO_LONG,
    ),
    "filter_code": (Evidence(400, "content_filter"), Kind.CONTENT_FILTER),
    "azure_deployment": (
        Evidence(404, "DeploymentNotFound", "", "The API deployment does not exist."),
        Kind.MODEL_NOT_FOUND,
    ),
    "model_code": (Evidence(404, "model_not_found"), Kind.MODEL_NOT_FOUND),
    "model_retired": (Evidence(400, "model_decommissioned"), Kind.MODEL_GONE),
    "parameter_code": (
        Evidence(400, "unsupported_value", "", "Unsupported value: 'temperature' ..."),
        Kind.UNSUPPORTED_PARAMETER,
    ),
    "image_code": (Evidence(400, "invalid_image_format"), Kind.INVALID_REQUEST),
    "bad_generation": (Evidence(400, "tool_use_failed"), Kind.MALFORMED),
    "capacity_code": (Evidence(529, "", "overloaded_error", "Overloaded"), Kind.OVERLOADED),
    "rate_code": (
        Evidence(
            413,
            "rate_limit_exceeded",
            "tokens",
            "Request too large for model `m` on tokens per minute: Limit 6000, Requested 9000",
        ),
        Kind.RATE_LIMITED,
    ),
    "busy_429": (
        Evidence(429, "3505", "", "Service tier capacity exceeded for this model."),
        Kind.OVERLOADED,
    ),
    "too_many": (Evidence(429), Kind.RATE_LIMITED),
    "key_words": (
        Evidence(400, "400", "INVALID_ARGUMENT", "API key not valid. Please pass a valid one."),
        Kind.KEY_REJECTED,
    ),
    "no_money": (
        Evidence(402, "invalid_request_error", "unknown_error", "Insufficient Balance"),
        Kind.BILLING,
    ),
    "context_words": (
        Evidence(
            400,
            "400",
            "BadRequestError",
            "This model's maximum context length is 4096 tokens. However, you requested 5000.",
        ),
        Kind.CONTEXT_TOO_LONG,
    ),
    "output_words": (
        Evidence(400, "invalid_value", "", "This model supports at most 4096 completion tokens"),
        Kind.CONTEXT_TOO_LONG,
    ),
    "filter_words": (
        Evidence(403, "403", "", "m requires moderation on X. Your input was flagged for ..."),
        Kind.CONTENT_FILTER,
    ),
    "image_words": (
        Evidence(500, "500", "server_error", "image input is not supported - hint: --mmproj"),
        Kind.UNSUPPORTED_INPUT,
    ),
    "mode_type": (
        Evidence(501, "501", "not_supported_error", "This server cannot do that"),
        Kind.UNSUPPORTED_INPUT,
    ),
    "extra_field": (
        Evidence(422, "3001", "", "[{'type':'extra_forbidden','loc':['body','store']}]"),
        Kind.UNSUPPORTED_PARAMETER,
    ),
    "parameter_words": (
        Evidence(400, "", "invalid_request_error", "property 'logprobs' is unsupported"),
        Kind.UNSUPPORTED_PARAMETER,
    ),
    "retired_words": (
        Evidence(404, "", "", "The model `m` has been deprecated."),
        Kind.MODEL_GONE,
    ),
    "pull_first": (
        Evidence(404, "", "api_error", 'model "x" not found, try pulling it first'),
        Kind.MODEL_NOT_FOUND,
    ),
    "model_words": (
        Evidence(400, "invalid_request_error", "", "Model Not Exist"),
        Kind.MODEL_NOT_FOUND,
    ),
    "model_404": (
        Evidence(404, "404", "NotFoundError", "The model `x` does not exist."),
        Kind.MODEL_NOT_FOUND,
    ),
    "loading": (Evidence(503, "503", "unavailable_error", "Loading model"), Kind.UNAVAILABLE),
    "busy_words": (
        Evidence(503, "503", "UNAVAILABLE", "The service is overloaded. Try again later."),
        Kind.OVERLOADED,
    ),
    "moved": (Evidence(307), Kind.WRONG_ADDRESS),
    "refused": (Evidence(400, "", "invalid_request_error", "bad role"), Kind.INVALID_REQUEST),
    "key": (Evidence(401), Kind.KEY_REJECTED),
    "budget_in_flight": (Evidence(402, retry_after_s=3.0), Kind.RATE_LIMITED),
    "payment": (Evidence(402, "402", "", "Add more credits"), Kind.BILLING),
    "forbidden": (Evidence(403), Kind.KEY_FORBIDDEN),
    "no_path": (Evidence(405, message="Method Not Allowed"), Kind.WRONG_ADDRESS),
    "not_json_api": (Evidence(415), Kind.WRONG_ADDRESS),
    "slow": (Evidence(408), Kind.GATEWAY_TIMEOUT),
    "conflict": (Evidence(409), Kind.OVERLOADED),
    "gone": (Evidence(410), Kind.MODEL_GONE),
    "too_large": (Evidence(413), Kind.REQUEST_TOO_LARGE),
    "senseless": (Evidence(422), Kind.UNPROCESSABLE),
    "early": (Evidence(425), Kind.OVERLOADED),
    "legal": (Evidence(451), Kind.CONTENT_FILTER),
    "flex_full": (Evidence(498), Kind.OVERLOADED),
    "broke": (Evidence(500), Kind.SERVER_ERROR),
    "no_method": (Evidence(501), Kind.WRONG_ADDRESS),
    "behind": (Evidence(520), Kind.BAD_GATEWAY),
    "down": (Evidence(503), Kind.UNAVAILABLE),
    "too_slow": (Evidence(524), Kind.GATEWAY_TIMEOUT),
    "full": (Evidence(529), Kind.OVERLOADED),
    "odd_5xx": (Evidence(599), Kind.SERVER_ERROR),
    "in_stream": (
        Evidence(200, "", "server_error", "oops", Transport.ERROR_IN_STREAM),
        Kind.STREAM_ERROR,
    ),
    "odd": (Evidence(418), Kind.UNEXPECTED_STATUS),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_is_reached_by_what_it_was_written_for(row: object) -> None:
    name = getattr(row, "name", "")
    evidence, kind = SEEN[name]
    assert verdict(evidence).name == name
    assert classify(evidence) is kind


def test_the_table_has_no_row_twice_and_gives_a_reason_for_each() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) == len(SEEN) >= 45
    assert all(row.why.endswith(".") for row in ROWS)


@pytest.mark.parametrize("status", [None, *range(100, 600)])
def test_every_status_has_a_verdict(status: int | None) -> None:
    assert isinstance(classify(Evidence(status)), Kind)


def test_codes_are_read_whatever_their_case() -> None:
    assert classify(Evidence(400, "ResponsibleAIPolicyViolation")) is Kind.CONTENT_FILTER


def test_an_error_inside_a_stream_is_judged_by_its_numeric_code() -> None:
    inside = Evidence(502, "502", "", "Provider returned error", Transport.ERROR_IN_STREAM)
    assert classify(inside) is Kind.BAD_GATEWAY


def test_a_404_without_a_word_about_models_is_an_address() -> None:
    assert classify(Evidence(404, message="404 page not found")) is Kind.WRONG_ADDRESS


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
        ('{"type":"exceed_context_size_error","n_prompt_tokens":14429,"n_ctx":4096}', 4096),
        ("The input (5000 tokens) is longer than the model's context length (4096 tokens).", 4096),
        ("the model is loaded with context length of only 4096 tokens", 4096),
        ("exceeds the maximum number of tokens allowed (1048576).", 1048576),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200000),
        ("`inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5013", 4097),
        ("The sum of 'inputs' tokens and 'max_new_tokens' must not exceed 4097.", 4097),
        ("This model's maximum prompt length is 131072 but the request contains 537812", 131072),
        ("total number of tokens in the prompt cannot exceed 4081 - received 4292", 4081),
        ("Requested tokens exceed context window of 512", 512),
        ("This model supports at most 4096 completion tokens", None),
        ("Limit 6000, Requested 9000 tokens per minute", None),
        ("maximum context length is 0 tokens", None),
        ("maximum context length is 999999999999 tokens", None),
        ("maximum context length is 999999999 tokens", None),
        ("", None),
    ],
)
def test_the_true_window_is_read_from_a_refusal(message: str, tokens: int | None) -> None:
    assert context_limit(message) == tokens


@pytest.mark.parametrize(
    ("message", "param", "name"),
    [
        ("whatever", "temperature", "temperature"),
        ("whatever", "tools[0].function.strict", "tools"),
        ("whatever", "messages[3].content", None),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            None,
            "max_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.2", None, "temperature"),
        ("Unknown parameter: 'foo'.", None, "foo"),
        ("Unrecognized request argument supplied: reasoning_effort", None, "reasoning_effort"),
        ('[{"type":"extra_forbidden","loc":["body","store"]}]', None, "store"),
        ("[{'type': 'extra_forbidden', 'loc': ('body', 'safe_prompt')}]", None, "safe_prompt"),
        ('{"loc":["body","messages",3,"assistant","reasoning_content"]}', None, None),
        ("Extra inputs are not permitted, field: 'stream_options'", None, "stream_options"),
        ('Invalid JSON payload received. Unknown name "store": Cannot find field.', None, "store"),
        ("property 'reasoning_effort' is unsupported", None, "reasoning_effort"),
        ("Argument not supported on this model: presencePenalty", None, "presencePenalty"),
        ("azure does not support parameters: ['functions'], for model=x", None, "functions"),
        ('"auto" tool choice requires --enable-auto-tool-choice', None, "tools"),
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
