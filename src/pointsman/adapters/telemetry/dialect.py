"""Under which names does OpenTelemetry know what happens here?

The names of its semantic conventions for generative AI, which are still being developed: a change
there is a change of this file and of nothing else. What has no name there is ours and begins with
`pointsman.`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

VERSION: Final = "1.42.0"
"""Of the semantic conventions, as far as they are stable; GenAI's as they stood beside that."""
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{VERSION}"
SCOPE: Final = "pointsman"

# Spans ---------------------------------------------------------------------------------------

ROUTE_SPAN: Final = "pointsman.route"
CHAT: Final = "chat"
"""The operation; the span of an attempt is called by it and the model."""
FALLBACK_EVENT: Final = "pointsman.route.fallback"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FIRST_CHUNK_S: Final = "gen_ai.response.time_to_first_chunk"
CONVERSATION: Final = "gen_ai.conversation.id"
AGENT: Final = "gen_ai.agent.id"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no secret
ERROR_TYPE: Final = "error.type"
HTTP_STATUS: Final = "http.response.status_code"

DECISION: Final = "pointsman.route.decision_id"
REQUEST: Final = "pointsman.route.request_id"
STRATEGY: Final = "pointsman.route.strategy"
TASK_TYPE: Final = "pointsman.route.task_type"
CHOSEN: Final = "pointsman.route.chosen_model"
SERVED: Final = "pointsman.route.served_model"
SCORE: Final = "pointsman.route.score"
PROPENSITY: Final = "pointsman.route.propensity"
EXPLORED: Final = "pointsman.route.explored"
PANIC: Final = "pointsman.route.panic"
CANDIDATES: Final = "pointsman.route.candidates"
REJECTED: Final = "pointsman.route.rejected"
CONFIG: Final = "pointsman.route.config_version"
ATTEMPT: Final = "pointsman.route.attempt"
ATTEMPTS: Final = "pointsman.route.attempts"
IS_FALLBACK: Final = "pointsman.route.is_fallback"
FROM_MODEL: Final = "pointsman.route.from_model"
TO_MODEL: Final = "pointsman.route.to_model"
BLAMES: Final = "pointsman.failure.blames"
COST_USD: Final = "pointsman.cost_usd"

NO_MODEL: Final = "no_eligible_model"
"""The `error.type` of a request that no model could serve."""

_PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}


def provider_name(provider: str) -> str:
    """A provider as the conventions call it, where they know it by another name than ours."""
    return _PROVIDERS.get(provider, provider)


# Metrics -------------------------------------------------------------------------------------


class Instrument(NamedTuple):
    """A histogram."""

    name: str
    unit: str
    description: str
    bounds: Sequence[float]


_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**power) for power in range(14))

DURATION: Final = Instrument(
    "gen_ai.client.operation.duration", "s", "GenAI operation duration.", _SECONDS
)
FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_to_first_chunk",
    "s",
    "Time from the call to the first usable chunk of a stream.",
    _SECONDS,
)
FIRST_TOKEN: Final = Instrument(
    "gen_ai.server.time_to_first_token",
    "s",
    "Time to generate first token for successful responses.",
    (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
TIME_PER_TOKEN: Final = Instrument(
    "gen_ai.server.time_per_output_token",
    "s",
    "Time per output token generated after the first token for successful responses.",
    (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5),
)
TOKENS: Final = Instrument(
    "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", _TOKENS
)
INPUT: Final = "input"
OUTPUT: Final = "output"
