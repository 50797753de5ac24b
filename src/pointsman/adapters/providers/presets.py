"""Where is a well-known upstream reached, and how does it differ from OpenAI?

Differences are data (`Quirks`), never code. A field is dropped or renamed here only where the
answer stays the same without it; any other refusal is an `UNSUPPORTED_PARAMETER` failure, which
moves the request to a model that honours the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Auth = Literal["bearer", "api-key", "none"]
MaxTokensField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class Quirks:
    """How an upstream differs from OpenAI.

    `usage_in_stream`: `stream_options.include_usage` may be sent; where it may not, the upstream
    either reports usage unasked or not at all. `done_required`: a stream is complete only once
    `[DONE]` was seen; otherwise a clean end after a finish reason is enough. `chat_path` is joined
    to the base URL; with `model_in_path` its `{model}` becomes the upstream name. `models_path` is
    None where the upstream lists no models, and `model_prefix` is taken off the names it lists.
    `max_tokens_field` is the only spelling of the output limit that the upstream knows, None when
    it knows both. `affinity_header` carries the session id, so that an upstream with many replicas
    sends a conversation to the one whose cache is warm.
    """

    usage_in_stream: bool = True
    done_required: bool = True
    auth: Auth = "bearer"
    chat_path: str = "/chat/completions"
    models_path: str | None = "/models"
    model_in_path: bool = False
    model_prefix: str = ""
    query: tuple[tuple[str, str], ...] = ()
    max_tokens_field: MaxTokensField | None = None
    drop_fields: tuple[str, ...] = ()
    affinity_header: str | None = None

    def __post_init__(self) -> None:
        paths = [self.chat_path, self.models_path or "/"]
        if not all(path.startswith("/") for path in paths):
            raise ValueError("a path starts with /")
        if self.model_in_path != ("{model}" in self.chat_path):
            raise ValueError("model_in_path needs {model} in chat_path, and only then")


@dataclass(frozen=True, slots=True)
class Preset:
    """A well-known kind of upstream. `base_url` is None where every operator has another one."""

    base_url: str | None
    needs_key: bool
    quirks: Quirks = Quirks()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One configured upstream: where it is, the key it wants, how it differs.

    `name` is the provider's name in model ids. `headers` are sent with every call. The key is not
    part of the value's representation. `trust_env` lets proxies named in the environment apply.
    """

    name: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    quirks: Quirks = Quirks()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    trust_env: bool = False

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"{self.name}: base_url must start with http:// or https://")


_BOOKKEEPING = ("store", "metadata", "safety_identifier", "prompt_cache_key", "user")
"""OpenAI fields that file an answer away or mark its sender, and do not change it."""


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "openai": Preset(
            "https://api.openai.com/v1",
            needs_key=True,
            quirks=Quirks(max_tokens_field="max_completion_tokens"),
            note="max_tokens is deprecated and refused by reasoning models, hence the rename.",
        ),
        "azure": Preset(
            None,
            needs_key=True,
            quirks=Quirks(
                auth="api-key",
                chat_path="/openai/deployments/{model}/chat/completions",
                models_path=None,
                model_in_path=True,
                query=(("api-version", "2024-10-21"),),
            ),
            note="base_url is https://<resource>.openai.azure.com, upstream names are those of "
            "deployments. For the undated API use openai with a base_url ending in /openai/v1.",
        ),
        "vllm": Preset("http://localhost:8000/v1", needs_key=False),
        "ollama": Preset(
            "http://localhost:11434/v1",
            needs_key=False,
            quirks=Quirks(max_tokens_field="max_tokens"),
            note="It ignores fields it does not know, max_completion_tokens among them.",
        ),
        "groq": Preset(
            "https://api.groq.com/openai/v1",
            needs_key=True,
            quirks=Quirks(drop_fields=("store", "metadata")),
            note="Usage of a stream also comes as x_groq.usage.",
        ),
        "together": Preset(
            "https://api.together.xyz/v1",
            needs_key=True,
            quirks=Quirks(max_tokens_field="max_tokens"),
        ),
        "mistral": Preset(
            "https://api.mistral.ai/v1",
            needs_key=True,
            quirks=Quirks(
                usage_in_stream=False, max_tokens_field="max_tokens", drop_fields=_BOOKKEEPING
            ),
            note="It refuses every field it does not know (422 extra_forbidden) and reports the "
            "usage of a stream unasked.",
        ),
        "deepseek": Preset(
            "https://api.deepseek.com",
            needs_key=True,
            quirks=Quirks(max_tokens_field="max_tokens"),
            note="Cached tokens come as prompt_cache_hit_tokens.",
        ),
        "openrouter": Preset(
            "https://openrouter.ai/api/v1",
            needs_key=True,
            quirks=Quirks(affinity_header="x-session-id"),
            note="It reports its own cost, and failures inside a 200 with a numeric code.",
        ),
        "litellm": Preset(
            "http://localhost:4000/v1",
            needs_key=False,
            quirks=Quirks(affinity_header="x-litellm-session-id"),
        ),
        "fireworks": Preset(
            "https://api.fireworks.ai/inference/v1",
            needs_key=True,
            quirks=Quirks(
                drop_fields=("store", "safety_identifier"), affinity_header="x-session-affinity"
            ),
        ),
        "xai": Preset(
            "https://api.x.ai/v1",
            needs_key=True,
            quirks=Quirks(affinity_header="x-grok-conv-id"),
        ),
        "perplexity": Preset(
            "https://api.perplexity.ai",
            needs_key=True,
            quirks=Quirks(
                usage_in_stream=False,
                done_required=False,
                models_path=None,
                max_tokens_field="max_tokens",
            ),
            note="Chat completions are being retired in favour of its Agent API (announced for "
            "2026-09-27). Every chunk repeats the usage so far.",
        ),
        "gemini": Preset(
            "https://generativelanguage.googleapis.com/v1beta/openai",
            needs_key=True,
            quirks=Quirks(model_prefix="models/", drop_fields=_BOOKKEEPING),
            note="Google's OpenAI-compatible address; its errors may come as a list.",
        ),
        "llamacpp": Preset("http://localhost:8080/v1", needs_key=False),
        "openai_compatible": Preset(
            None,
            needs_key=False,
            quirks=Quirks(done_required=False),
            note="Anything else that speaks OpenAI's dialect; override single quirks as needed.",
        ),
        "simulated": Preset(
            None, needs_key=False, note="Models that are made up inside pointsman itself."
        ),
    }
)
