"""What provider and model of ours does one entry of LiteLLM's `model_list` describe?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pointsman.adapters.catalogue import describe
from pointsman.adapters.providers.presets import PRESETS
from pointsman.app.litellm_account import Account, Path
from pointsman.app.litellm_providers import NO_KEYS, Place, bare, base_url, foreign_prefix, place_of

_HEADERS_FIT_TO_COPY = frozenset(
    {"http-referer", "x-title", "x-openrouter-title", "user-agent", "openai-organization"}
)
_TIMES = {"timeout": ("first_token_s", "total_s"), "stream_timeout": ("between_tokens_s",)}
_PRICES = {
    "input_cost_per_token": "input_usd_per_mtok",
    "output_cost_per_token": "output_usd_per_mtok",
    "cache_read_input_token_cost": "cached_input_usd_per_mtok",
    "cache_creation_input_token_cost": "cache_write_usd_per_mtok",
}
_PER_MTOK = Decimal(1_000_000)
_LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stood in the file in plain text and may be a secret; it never leaves here.

    `stem` ends the name of the environment variable that replaces it.
    """

    stem: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderDraft:
    """A provider before it has a name; equal drafts are one provider."""

    type: str
    base_url: str | None = None
    api_key: str | Literal | None = None
    headers: tuple[tuple[str, str | Literal], ...] = ()
    quirks: tuple[tuple[str, str], ...] = ()
    timeouts: tuple[tuple[str, float | str], ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of `model_list`: the group that clients call, its provider, and its model.

    `literals` says where the values stood that have to move into the environment.
    """

    path: Path
    group: str
    provider: ProviderDraft
    upstream_name: str
    entry: Mapping[str, object]
    literals: tuple[tuple[Path, Literal], ...]


def reference(value: str) -> str | None:
    """`${X}` for LiteLLM's `os.environ/X`, else None."""
    name = value.removeprefix("os.environ/")
    return f"${{{name}}}" if name != value else None


def text(value: str) -> str:
    """A text of LiteLLM's file as one of ours: references become ours, `${` stays what it is."""
    return reference(value) or plain(value)


def plain(value: str) -> str:
    """A text in which `${` stays what it is."""
    return value.replace("${", "$${")


def number(value: object, *, over: float = 0) -> float | None:
    """The value as a number above `over`, or None; text such as `1e-6` is a number in LiteLLM."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if over < found < float("inf") else None


class Reader:
    """Reads one entry; a parameter may stand in the entry itself or in a named credential."""

    def __init__(self, account: Account, index: int, credentials: Mapping[str, Path]) -> None:
        self.account = account
        self.path: Path = ("model_list", index)
        self.literals: list[tuple[Path, Literal]] = []
        self._places: list[Path] = [(*self.path, "litellm_params")]
        named = account.peek(*self._places[0], "litellm_credential_name")
        if isinstance(named, str) and named in credentials:
            account.take(*self._places[0], "litellm_credential_name")
            account.take(*credentials[named], "credential_name")
            self._places.append((*credentials[named], "credential_values"))
        self._places.append((*self.path, "model_info"))

    def where(self, key: str) -> Path:
        """Where the parameter stands: in the entry, else in its credential, else its model_info."""
        paths = [(*place, key) for place in self._places]
        return next((path for path in paths if self.account.peek(*path) is not None), paths[0])

    def peek(self, key: str) -> str | None:
        value = self.account.peek(*self.where(key))
        # YAML reads a key or a version without quotes as a number.
        plain = isinstance(value, str | int) and not isinstance(value, bool)
        return str(value) if plain else None

    def take(self, key: str) -> str | None:
        value = self.peek(key)
        if value is not None:
            self.account.take(*self.where(key))
        return value

    def take_number(self, key: str, *, over: float = 0) -> float | None:
        found = number(self.account.peek(*self.where(key)), over=over)
        if found is not None:
            self.account.take(*self.where(key))
        return found

    def hide(self, path: Path, literal: Literal) -> Literal:
        """Remember that a value in plain text was not copied."""
        self.account.take(*path)
        self.literals.append((path, literal))
        return literal

    def skip(self, message: str, remedy: str) -> None:
        self.account.note(self.path, f"not imported: {message}", remedy)


def read(reader: Reader) -> Deployment | None:
    """The deployment, or None (and a note) where it cannot be carried over."""
    account, path = reader.account, reader.path
    group, model = account.peek(*path, "model_name"), reader.peek("model")
    if not isinstance(group, str) or not group.strip() or not model:
        reader.skip("model_name or litellm_params.model is no text", "complete the entry")
        return None
    obstacle = _obstacle(reader, group, model)
    place = None if obstacle else _place(reader, model)
    if obstacle is not None:
        reader.skip(*obstacle)
    if place is None:
        return None
    account.take(*path, "model_name")
    for key in ("model", "mode", "custom_llm_provider"):
        reader.take(key)
    provider = _provider(reader, place)
    entry = _entry(reader, provider.type)
    name = text(place.upstream_name)
    return Deployment(path, group, provider, name, entry, tuple(reader.literals))


def _obstacle(reader: Reader, group: str, model: str) -> tuple[str, str] | None:
    if "*" in group or "*" in model:
        return "wildcards are not supported", "list each model under models"
    if model.startswith("os.environ/"):
        return "the model's name comes from the environment", "write it into the file"
    if reader.peek("mode") not in (None, "chat"):
        return "only chat completions are served", "call the provider itself for this model"
    return None


def _place(reader: Reader, model: str) -> Place | None:
    custom, api_base = reader.peek("custom_llm_provider"), reader.peek(_base_key(reader))
    place = place_of(model, custom, api_base)
    if place is None:
        foreign = foreign_prefix(model, custom) or "this provider"
        remedy = "reach the model through one that speaks OpenAI's dialect, such as openrouter"
        reader.skip(f"pointsman does not speak the interface of {foreign} yet", remedy)
        return None
    return place


def _base_key(reader: Reader) -> str:
    """Both names are current in LiteLLM's own examples."""
    return "api_base" if reader.peek("api_base") else "base_url"


def _provider(reader: Reader, place: Place) -> ProviderDraft:
    key = _base_key(reader)
    api_base, kind = reader.take(key), place.type
    address = f"${{{place.base_variable}}}" if place.base_variable else None
    if api_base:
        address, kind = base_url(place, text(bare(api_base)))
        if bare(api_base) != api_base:
            words = "the address holds a password or a query, which were not copied"
            remedy = "give them as api_key, headers or quirks.query of the provider"
            reader.account.note(reader.where(key), words, remedy)
    return ProviderDraft(
        type=kind,
        base_url=address,
        api_key=_key(reader, kind, place.key_variable),
        headers=_headers(reader),
        quirks=_quirks(reader, place, kind),
        timeouts=_timeouts(reader),
    )


def _key(reader: Reader, kind: str, variable: str | None) -> str | Literal | None:
    path, given = reader.where("api_key"), reader.take("api_key")
    if given is not None and (found := reference(given)) is not None:
        return found
    if given is not None and given.strip().lower() not in NO_KEYS:
        return reader.hide(path, Literal("API_KEY", given))
    if given is not None:
        reader.account.note(path, "a placeholder, not a key; left out")
    # LiteLLM reads the variable by itself.
    return f"${{{variable}}}" if variable and PRESETS[kind].needs_key else None


def _headers(reader: Reader) -> tuple[tuple[str, str | Literal], ...]:
    headers: dict[str, str | Literal] = {}
    organization = reader.take("organization")
    if organization is not None:
        headers["OpenAI-Organization"] = text(organization)
    for place in ("extra_headers", "headers"):
        given = reader.account.peek(*reader.where(place))
        for name, value in given.items() if isinstance(given, dict) else ():
            if isinstance(name, str) and isinstance(value, str):
                headers[name] = _header(reader, (*reader.where(place), name), value)
    return tuple(sorted(headers.items(), key=lambda header: header[0]))


def _header(reader: Reader, path: Path, value: str) -> str | Literal:
    name = str(path[-1])
    if reference(value) is None and name.lower() not in _HEADERS_FIT_TO_COPY:
        return reader.hide(path, Literal(name, value))
    reader.account.take(*path)
    return text(value)


def _quirks(reader: Reader, place: Place, kind: str) -> tuple[tuple[str, str], ...]:
    quirks = {"auth": "api-key"} if place.prefix == "azure_ai" else {}
    version = reader.take("api_version") if kind == "azure" or quirks else None
    if version is not None:
        quirks["api-version"] = text(version)
    return tuple(quirks.items())


def _timeouts(reader: Reader) -> tuple[tuple[str, float | str], ...]:
    found: dict[str, float | str] = {}
    for key, ours in _TIMES.items():
        variable = reference(reader.peek(key) or "")
        seconds = reader.take_number(key)
        if variable is not None:
            reader.take(key)
            found |= dict.fromkeys(ours, variable)
        elif seconds is not None:
            found |= dict.fromkeys(ours, min(seconds, _LONGEST_S))
    return tuple(found.items())


_LIMITS = {
    "max_parallel_requests": "max_in_flight",
    "rpm": "requests_per_min",
    "tpm": "tokens_per_min",
}


def _entry(reader: Reader, kind: str) -> Mapping[str, object]:
    entry = _base_model(reader, kind)
    window, output = reader.take_number("max_input_tokens"), reader.take_number("max_output_tokens")
    sizes = {"context_window": window, "max_output_tokens": output}
    sizes |= {ours: reader.take_number(key) for key, ours in _LIMITS.items()}
    entry |= {name: int(size) for name, size in sizes.items() if size is not None and size >= 1}
    price = _price(reader)
    return entry | ({"price": price} if price is not None else {})


def _base_model(reader: Reader, kind: str) -> dict[str, object]:
    """What the catalogue knows of the model behind a deployment's own name."""
    base = reader.take("base_model")
    if base is None:
        return {}
    facts = describe(kind, base.rsplit("/", 1)[-1])
    entry: dict[str, object] = {"display_name": text(base)}
    if facts.profiled:
        entry["capabilities"] = dict(facts.strengths or {})
    windows = {
        "context_window": facts.context_window,
        "max_output_tokens": facts.max_output_tokens,
    }
    entry |= {name: size for name, size in windows.items() if size is not None}
    rates = {"input_usd_per_mtok": facts.price.input, "output_usd_per_mtok": facts.price.output}
    flat = {
        name: float(rate.usd_per_mtok) for name, rate in rates.items() if rate and not rate.steps
    }
    return entry | ({"price": flat} if len(flat) == len(rates) else {})


def _price(reader: Reader) -> Mapping[str, float] | str | None:
    found = {
        ours: float(Decimal(repr(cost)) * _PER_MTOK)
        for key, ours in _PRICES.items()
        if (cost := reader.take_number(key, over=-1e-30)) is not None
    }
    if not found:
        return None
    if not any(found.values()):
        return "free"
    if {"input_usd_per_mtok", "output_usd_per_mtok"} <= found.keys():
        return found
    words = "a price needs both input_cost_per_token and output_cost_per_token"
    for key in _PRICES:
        if reader.account.peek(*reader.where(key)) is not None:
            reader.account.note(reader.where(key), words, "declare the price of the model")
    return None
