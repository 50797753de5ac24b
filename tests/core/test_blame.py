"""Is every failure laid at the right door?"""

from __future__ import annotations

import pytest

from pointsman.core.blame import (
    ROWS,
    Evidence,
    Row,
    Transport,
    classify,
    verdict,
)
from pointsman.core.errors import Blame
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.wordings import WORDS

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
    "quota_of_a_minute": (
        Evidence(
            429,
            message="You exceeded your current quota, please check your plan and billing details.",
            retry_after_s=25.0,
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
    "context_500": (
        Evidence(500, "500", "server_error", "Context size has been exceeded."),
        Kind.CONTEXT_TOO_LONG,
    ),
    "context_in_stream": (
        Evidence(
            200,
            message="Trying to keep the first 4513 tokens when context the overflows. However, the "
            "model is loaded with context length of only 4096 tokens, which is not enough.",
            transport=Transport.ERROR_IN_STREAM,
        ),
        Kind.CONTEXT_TOO_LONG,
    ),
    "value_code": (
        Evidence(400, "invalid_value", "", "Invalid value: 'x'.", param="tool_choice"),
        Kind.INVALID_REQUEST,
    ),
    "output_words": (
        Evidence(
            400,
            "invalid_value",
            "",
            "max_tokens is too large: 9000. This model supports at most 4096 completion tokens",
            param="max_tokens",
        ),
        Kind.CONTEXT_TOO_LONG,
    ),
    "filter_words": (
        Evidence(403, "403", "", "m requires moderation on X. Your input was flagged for ..."),
        Kind.CONTENT_FILTER,
    ),
    "image_words": (
        Evidence(
            400,
            "",
            "invalid_request_error",
            "Invalid content type. image_url is only supported by certain models.",
            param="messages.[0].content.[1].type",
        ),
        Kind.UNSUPPORTED_INPUT,
    ),
    "image_500": (
        Evidence(500, "500", "server_error", "image input is not supported - hint: --mmproj"),
        Kind.UNSUPPORTED_INPUT,
    ),
    "foreign_history": (
        Evidence(
            400,
            "",
            "invalid_request_error",
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        Kind.UNSUPPORTED_INPUT,
    ),
    "mode_type": (
        Evidence(501, "501", "not_supported_error", "This server cannot do that"),
        Kind.UNSUPPORTED_INPUT,
    ),
    "extra_field": (
        Evidence(422, "3001", "extra_forbidden", "Extra inputs", param="store"),
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


PROSE = [row for row in WORDS if row.sentences or row.words]


@pytest.mark.parametrize("row", PROSE, ids=lambda row: row.name)
def test_prose_decides_only_with_the_status_that_its_houses_send(row: Row) -> None:
    evidence, _ = SEEN[row.name]
    assert row.statuses
    for status in (None, 200, 400, 404, 418, 429, 500, 502, 503):
        elsewhere = evidence._replace(status=status)
        assert row.fits(elsewhere) == (status in row.statuses), status


@pytest.mark.parametrize("quote", ["'{}'", '"{}"', "`{}`", "“{}”", "‘{}’", "'{}", "x: '{}' y"])
@pytest.mark.parametrize("row", PROSE, ids=lambda row: row.name)
def test_words_in_quotes_are_not_the_upstreams(row: Row, quote: str) -> None:
    evidence, _ = SEEN[row.name]
    plain = evidence.message.replace("'", "").replace('"', "").replace("`", "")
    assert not row.fits(evidence._replace(message=f"Invalid value: {quote.format(plain)}."))


# Both readings of a 404 blame the catalogue, and no caller can bring about either.
HURTS_OTHERS = [
    row
    for row in PROSE
    if row.kind.blames in (Blame.KEY, Blame.CATALOGUE) and row.name != "model_404"
]


@pytest.mark.parametrize("row", HURTS_OTHERS, ids=lambda row: row.name)
def test_what_would_hurt_others_must_open_the_message(row: Row) -> None:
    evidence, _ = SEEN[row.name]
    assert not row.words
    broken_out = evidence._replace(message=f"Invalid value: 'x' {evidence.message} 'y'.")
    assert not row.fits(broken_out)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, "internal error: model's context window cache corrupt", Kind.SERVER_ERROR),
        (503, "safety system restarting", Kind.UNAVAILABLE),
        (503, "context size negotiation failed", Kind.UNAVAILABLE),
        (500, "This model's maximum context length is 4096 tokens", Kind.SERVER_ERROR),
        (502, "Insufficient Balance", Kind.BAD_GATEWAY),
        (
            429,
            "You exceeded your current quota, please check your plan and billing details",
            Kind.BILLING,
        ),
        (
            429,
            "You exceeded your current quota, please check your plan and billing details.",
            Kind.BILLING,
        ),
        (
            429,
            (
                "You exceeded your current quota, please check your plan and billing details. "
                "For more information on this error, read the docs: https://platform.openai.com/docs/guides"
            ),
            Kind.BILLING,
        ),
        (
            429,
            (
                "You exceeded your current quota, please check your plan and billing details. "
                "For more information on this error, head to: https://ai.google.dev/gemini-api. "
                "Please retry in 25.8s."
            ),
            Kind.RATE_LIMITED,
        ),
        (
            400,
            "litellm.BadRequestError: OpenAIException - This model's maximum context length is 8",
            Kind.CONTEXT_TOO_LONG,
        ),
        (400, "litellm.UnsupportedParamsError: x does not support parameters: ['n']", None),
        (
            400,
            (
                "'messages.1' : for 'role:assistant' the following must be satisfied"
                "[('messages.1' : property 'reasoning' is unsupported)]"
            ),
            None,
        ),
    ],
)
def test_the_same_words_mean_what_their_status_and_place_say(
    status: int, message: str, kind: Kind | None
) -> None:
    assert classify(Evidence(status, message=message)) is (kind or Kind.UNSUPPORTED_PARAMETER)


@pytest.mark.parametrize(
    "message",
    [
        (
            "messages.3.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            "`tool_use`. When `thinking` is enabled, a final `assistant` message must start so"
        ),
        "messages.1.content.0.type: Expected thinking or redacted_thinking, but found text.",
        (
            "messages.3.content.9: `thinking` or `redacted_thinking` blocks in the latest "
            "assistant message cannot be modified."
        ),
        "messages.1.content.0.thinking.signature: Field required",
        (
            "Function call is missing a thought_signature in functionCall parts. This is required "
            "for tools. Additional data, function call `default_api:Bash` , position 2."
        ),
        "Provider returned error Corrupted thought signature.",
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
    ],
)
def test_a_history_that_only_another_house_takes_is_no_mistake_of_the_caller(message: str) -> None:
    assert classify(Evidence(400, message=message)) is Kind.UNSUPPORTED_INPUT
    assert classify(Evidence(400, message=f"Bad role 'x' {message}")) is Kind.INVALID_REQUEST
    assert classify(Evidence(400, message=message, param="tools")) is Kind.INVALID_REQUEST


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(400, "invalid_value", "", "Invalid value: 'maximum context length is 1'"),
        Evidence(400, "invalid_value", "", "This model's maximum context length is 1024 tokens"),
        Evidence(400, message="This model's maximum context length is 1024", param="tool_choice"),
        Evidence(400, message="Invalid value: 'x'. This model's maximum context length is 1024"),
        Evidence(400, message="Bad role: unsupported parameter: tools"),
        Evidence(400, message="Bad role 'Insufficient Balance'"),
        Evidence(400, message="Bad role 'x' Insufficient Balance"),
        Evidence(400, message="Bad role 'x' API key not valid"),
        Evidence(400, message="Bad role 'x' Model Not Exist"),
    ],
)
def test_what_a_caller_makes_an_upstream_repeat_is_laid_at_its_own_door(evidence: Evidence) -> None:
    assert classify(evidence).blames is Blame.CALLER
