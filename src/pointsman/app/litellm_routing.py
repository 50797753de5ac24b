"""What of LiteLLM's router and its settings holds for our routing and keys?"""

from __future__ import annotations

from pointsman.app.litellm_account import Account, Path
from pointsman.app.litellm_deployment import number, reference

_STRATEGIES = {
    "simple-shuffle": "balanced",
    "least-busy": "balanced",
    "usage-based-routing": "balanced",
    "usage-based-routing-v2": "balanced",
    "latency-based-routing": "speed",
    "cost-based-routing": "cost",
}

_ROUTER, _LITELLM, _GENERAL = "router_settings", "litellm_settings", "general_settings"

_LONGEST_OPENING_S = 120.0


def routing_section(account: Account) -> dict[str, object]:
    """Our `routing`, as far as the file says something that we have."""
    routing: dict[str, object] = {}
    if (strategy := _strategy(account)) is not None:
        routing["strategy"] = strategy
    retries = _first(account, (_ROUTER, "num_retries"), (_LITELLM, "num_retries"), least=0)
    if retries is not None:
        routing["max_attempts"] = min(100, int(retries) + 1)
    if timeouts := _timeouts(account):
        routing["timeouts"] = timeouts
    if breaker := _breaker(account):
        routing["breaker"] = breaker
    return routing


def _strategy(account: Account) -> str | None:
    path: Path = (_ROUTER, "routing_strategy")
    given = account.peek(*path)
    ours = _STRATEGIES.get(given) if isinstance(given, str) else None
    if ours is not None:
        words = f"became routing.strategy: {ours}; pointsman weighs quality, load, latency and cost"
        account.note(path, words, "see the reference of routing for the other strategies")
    return ours


def _timeouts(account: Account) -> dict[str, float]:
    whole = _first(account, (_ROUTER, "timeout"), (_LITELLM, "request_timeout"))
    between = _first(account, (_ROUTER, "stream_timeout"))
    timeouts: dict[str, float] = {}
    if whole is not None:
        # A plain answer is waited for as long as a first token, so both bounds are LiteLLM's one.
        timeouts |= {"first_token_s": whole, "total_s": whole}
    if between is not None:
        timeouts["between_tokens_s"] = between
    return {name: min(seconds, 86_400.0) for name, seconds in timeouts.items()}


def _breaker(account: Account) -> dict[str, object]:
    breaker: dict[str, object] = {}
    fails = _first(account, (_ROUTER, "allowed_fails"), (_LITELLM, "allowed_fails"), least=0)
    if fails is not None:
        breaker["failures"] = min(10_000, int(fails) + 1)
    rest = _first(account, (_ROUTER, "cooldown_time"), (_LITELLM, "cooldown_time"))
    if rest is not None:
        breaker["open_s"] = min(rest, 86_400.0)
        if rest > _LONGEST_OPENING_S:
            breaker["max_open_s"] = min(rest, 86_400.0)
    return breaker


def _first(account: Account, *paths: Path, least: float = 1e-9) -> float | None:
    """The first of several places that holds a number; the others are noted as overruled."""
    chosen: float | None = None
    for path in paths:
        value = number(account.peek(*path), over=least - 1e-9)
        if value is None:
            continue
        if chosen is None:
            chosen = value
            account.take(*path)
        else:
            account.note(path, "router_settings says the same and goes before it")
    return chosen


def key_section(account: Account) -> list[dict[str, str]]:
    """Our `keys`: the master key becomes an administrator's."""
    path: Path = (_GENERAL, "master_key")
    given = account.peek(*path)
    if not isinstance(given, str) or not given:
        return []
    variable = reference(given)
    if variable is None:
        variable = "${POINTSMAN_ADMIN_KEY}"
        words = "a key in plain text is not copied"
        remedy = "set the environment variable POINTSMAN_ADMIN_KEY, to 16 characters or more"
        account.note(path, words, remedy)
    else:
        account.take(*path)
    account.remark(
        path,
        "keys that LiteLLM issued live in its database and are not imported",
        "give each caller a key of its own under keys, with role caller",
    )
    return [{"name": "master", "key": variable, "role": "admin"}]
