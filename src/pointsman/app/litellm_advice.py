"""What is to be done instead of a LiteLLM setting that pointsman does not have?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pointsman.app.litellm_account import Path

_RATE = (
    "limits here are of requests and of all tokens, per minute; others the upstream must keep",
    "set requests_per_min or tokens_per_min on the model where they come to the same",
)
_SHARE = (
    "pointsman divides traffic by score and load, not by fixed shares",
    "use an agent's allow, deny or pinned to steer",
)
_CHECKED = ("pointsman always does this", "")
_LOGS = (
    "there are no callbacks; decisions and outcomes are kept by pointsman itself",
    "read the dashboard, the control API or /metrics",
)
_CACHE = ("answers are not cached", "keep a caching proxy in front if you rely on it")
_DATABASE = (
    "LiteLLM's database is not used; keys, teams and models that live only there are not imported",
    "declare them in the configuration",
)
_FALLBACK = (
    "pointsman falls back by itself among the models an agent is allowed to use",
    "add the ids of the fallback's models to agents.<group>.allow where any of them may serve",
)
_BUDGET = ("budgets are not enforced", "watch costs on the dashboard")
_FLAG = (
    "whether a model can do this comes from the catalogue",
    "check it on the dashboard; declare capabilities on the model to replace the catalogue's",
)
_CLOUD = (
    "sign-in through a cloud identity is not supported",
    "give the provider an api_key instead",
)
_REPEATS = (
    "how often a request is tried is decided for the whole gateway",
    "set routing.max_attempts and routing.attempts_per_model",
)
_TIMES = (
    "it is no number of seconds that could be carried over",
    "set timeouts on the provider or routing.timeouts",
)
_ALERT = ("alerting is not configured by this file", "watch /metrics")

_BY_KEY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("rpm", "tpm", "itpm", "otpm", "rpd", "tpd"), _RATE),
        **dict.fromkeys(("weight", "order", "tags", "enable_tag_filtering"), _SHARE),
        "enable_pre_call_checks": _CHECKED,
        "drop_params": (
            "no parameter is dropped: a model that refuses one is passed over",
            "leave it out of requests to such models, or add a model that takes it",
        ),
        **dict.fromkeys(
            ("success_callback", "failure_callback", "callbacks", "service_callbacks"), _LOGS
        ),
        **dict.fromkeys(("cache", "cache_params", "cache_responses", "caching_groups"), _CACHE),
        **dict.fromkeys(("database_url", "store_model_in_db"), _DATABASE),
        **dict.fromkeys(
            (
                "fallbacks",
                "default_fallbacks",
                "context_window_fallbacks",
                "content_policy_fallbacks",
            ),
            _FALLBACK,
        ),
        **dict.fromkeys(("max_budget", "budget_duration", "provider_budget_config"), _BUDGET),
        **dict.fromkeys(("alerting", "alerting_threshold", "alerting_args"), _ALERT),
        **dict.fromkeys(
            ("azure_ad_token", "tenant_id", "client_id", "client_secret", "azure_scope"), _CLOUD
        ),
        **dict.fromkeys(("max_retries", "num_retries", "retry_policy", "retry_after"), _REPEATS),
        **dict.fromkeys(("timeout", "stream_timeout", "request_timeout"), _TIMES),
        "set_verbose": ("how much is logged is a setting of the server", "set server.log_level"),
        "json_logs": ("the form of the log is a setting of the server", "set server.log_format"),
        "hidden": ("every alias is listed", ""),
        "litellm_credential_name": (
            "this file holds no such credential",
            "give the provider its api_key",
        ),
        "include": (
            "other files are not read",
            "run the import on each of them and merge the results",
        ),
        "id": ("a model's id is its provider and name", ""),
        "mode": ("only chat completions are served", "call the provider itself for anything else"),
        "max_tokens": (
            "pointsman adds no parameters to requests",
            "let callers send max_tokens; max_output_tokens on the model is its limit",
        ),
        "redis_host": ("there is no shared state", "run one process"),
    }
)

_BY_SECTION: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "litellm_params": (
            "pointsman adds no such parameter to requests",
            "let callers send it, if the model takes it",
        ),
        "model_info": ("the model's entry has no such field", "see the reference of models"),
        "router_settings": ("routing has no such setting", "see the reference of routing"),
        "litellm_settings": ("pointsman has no such setting", ""),
        "general_settings": ("pointsman has no such setting", ""),
        "environment_variables": (
            "a configuration does not set environment variables",
            "set it where pointsman is started",
        ),
        "credential_list": ("no imported model uses this part of the credential", ""),
    }
)


def advice(path: Path) -> tuple[str, str]:
    """What to say about a value that was not carried over: a message and a remedy."""
    keys = [step for step in path if isinstance(step, str)]
    if keys[-2:] == ["model_info", "max_tokens"]:
        # LiteLLM reads it as either, depending on the provider.
        remedy = "declare context_window or max_output_tokens, whichever is meant"
        return ("it may mean the whole window or the longest answer", remedy)
    if keys[:1] == ["environment_variables"]:
        return _BY_SECTION["environment_variables"]
    for key in keys:
        if key in _BY_KEY:
            return _BY_KEY[key]
        if key.startswith("supports_"):
            return _FLAG
    for key in reversed(keys):
        if key in _BY_SECTION:
            return _BY_SECTION[key]
    return ("pointsman has no such setting", "")
