"""Which personas does a file describe?

YAML or JSON: a list of personas, or `personas:` with that list. Names and defaults are those of
`Persona`; `price` is `free`, or `{input, output, cached_input}` in US dollars per million tokens::

    personas:
      - name: comet
        strengths: {general: 0.8}
        price: {input: 1.0, output: 4.0}
        pace: {first_token_s: 0.2, tokens_per_s: 120}
        failures: {cut: 0.01}
        drift: [{from_s: 60, until_s: 120, latency_factor: 3}]
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.adapters.providers.simulated.personas import Episode, Pace, Persona
from pointsman.core.errors import ConfigError, Problem
from pointsman.core.fleet import FREE, Price, PriceState, Rate


class _Rates(msgspec.Struct, forbid_unknown_fields=True):
    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None


class _Described(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    display_name: str = ""
    strengths: dict[str, float] = {}
    context_window: int = 128_000
    max_output_tokens: int = 8_192
    price: Literal["free"] | _Rates = "free"
    pace: Pace = Pace()
    failures: dict[Fault, float] = {}
    drift: tuple[Episode, ...] = ()
    max_in_flight: int | None = None

    def persona(self) -> Persona:
        given = msgspec.structs.asdict(self)
        return Persona(**{**given, "price": _price(self.price)})


def personas_in(path: Path) -> tuple[Persona, ...]:
    """Read a persona file. Raises `ConfigError`."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
        described = msgspec.convert(_listed(document), list[_Described], strict=False)
        return tuple(each.persona() for each in described)
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, msgspec.ValidationError, ValueError) as error:
        raise _wrong(path, str(error)) from error


def _listed(document: Any) -> Any:
    return document.get("personas") if isinstance(document, dict) else document


def _price(rates: Literal["free"] | _Rates) -> Price:
    if isinstance(rates, str):
        return FREE
    cached = None if rates.cached_input is None else Rate(rates.cached_input)
    return Price(
        PriceState.KNOWN,
        input=Rate(rates.input),
        output=Rate(rates.output),
        cached_input=cached,
    )


def _wrong(path: Path, message: str) -> ConfigError:
    problem = Problem(path="personas", message=message, remedy="see the simulator's documentation")
    return ConfigError([problem], source=str(path))
