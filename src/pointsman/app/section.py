"""What do all sections of the configuration have in common?"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

CAPABILITY_PATTERN = r"^[a-z0-9][a-z0-9_.-]*$"
PROVIDER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
MODEL_PATTERN = r"^[^/\s\x00]+/[^\s\x00]+$"
ID_PATTERN = r"^[^\s\x00]+$"
WORDS_PATTERN = r"^[^\x00]*$"
SHA256_PATTERN = r"^[0-9a-fA-F]{64}$"
PATH_PATTERN = r"^/\S*$"
PATH_OR_NONE_PATTERN = r"^(none|/\S*)$"
CHANNEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
HEADER_PATTERN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
LABEL_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"

FORMS = {
    CAPABILITY_PATTERN: "lower-case letters, digits, `_`, `.` and `-`, as in `function_calling`",
    PROVIDER_PATTERN: "letters, digits, `_`, `.` and `-`, as in `openai` or `vllm-2`",
    MODEL_PATTERN: "`provider/name` without spaces, as in `openai/gpt-4o-mini`",
    ID_PATTERN: "a name without spaces",
    WORDS_PATTERN: "text without NUL characters",
    SHA256_PATTERN: "64 hexadecimal digits, as `pointsman keys new` prints them",
    PATH_PATTERN: "a path that starts with `/`",
    PATH_OR_NONE_PATTERN: "a path that starts with `/`, or `none`",
    CHANNEL_PATTERN: "letters, digits, `_` and `-`, as in `on-call`",
    CLOCK_PATTERN: "hours and minutes, as in `08:00`",
    HEADER_PATTERN: "the name of an HTTP header, as in `X-Title`",
    LABEL_PATTERN: "letters, digits and `_`, no digit first, as in `team`",
}
"""What each pattern asks for, in words: the remedy for whoever writes something else."""

Capability = Annotated[str, StringConstraints(pattern=CAPABILITY_PATTERN, max_length=64)]
ProviderName = Annotated[str, StringConstraints(pattern=PROVIDER_PATTERN, max_length=64)]
ModelId = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=256)]
AgentId = Annotated[str, StringConstraints(pattern=ID_PATTERN, max_length=256)]
Alias = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Words = Annotated[str, StringConstraints(pattern=WORDS_PATTERN, max_length=256)]
UrlPath = Annotated[str, StringConstraints(pattern=PATH_PATTERN, max_length=256)]
PathOrNone = Annotated[str, StringConstraints(pattern=PATH_OR_NONE_PATTERN, max_length=256)]
HeaderName = Annotated[str, StringConstraints(pattern=HEADER_PATTERN, max_length=128)]

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000)]
UsdPerMtok = Annotated[float, Field(ge=0, le=1_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A mapping with known keys and strict types. A key without a value counts as left out."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_means_left_out(cls, given: Any) -> Any:
        if given is None:
            return {}
        if isinstance(given, dict):
            return {key: value for key, value in given.items() if value is not None}
        return given
