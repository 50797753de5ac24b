"""How does a test tell the simulator what to do?

By header, for one request::

    x-simulate-fault: cut;after=3          x-simulate-fault: cut;bytes=120
    x-simulate-fault: status;status=402    x-simulate-fault: rate_limited;retry_after=0.5
    x-simulate-latency: first=0.2,between=0.01

and by `PUT /simulate/faults`, for a model behind something that forwards no headers.
"""

from __future__ import annotations

import msgspec

from pointsman.adapters.providers.simulated.asking import BadRequest
from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.models import Latency

FAULT_HEADER = "x-simulate-fault"
LATENCY_HEADER = "x-simulate-latency"


class FaultControl(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PUT /simulate/faults`; `fault` null withdraws what is ordered for the model."""

    model: str
    fault: Fault | None = None
    count: int | None = None
    after: int | None = None
    bytes: int | None = None
    status: int | None = None
    retry_after: float | None = None

    def order(self) -> Order | None:
        """Raises ValueError for figures out of range."""
        if self.fault is None:
            return None
        return Order(self.fault, self.after, self.bytes, self.status, self.retry_after)


_CONTROL = msgspec.json.Decoder(FaultControl)


def fault_control(body: bytes) -> FaultControl:
    """Read a control request. Raises `BadRequest`."""
    try:
        return _CONTROL.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"Invalid fault: {error}") from error


def header_order(value: str) -> Order:
    """Read `x-simulate-fault`. Raises `BadRequest`."""
    name, _, rest = value.partition(";")
    options = _pairs(rest, ";", FAULT_HEADER)
    try:
        order = Order(
            Fault(name.strip()),
            after=_whole(options.pop("after", None)),
            at_byte=_whole(options.pop("bytes", None)),
            status=_whole(options.pop("status", None)),
            retry_after_s=options.pop("retry_after", None),
        )
    except ValueError as error:
        raise BadRequest(f"{error}", FAULT_HEADER) from error
    _nothing_left(options, FAULT_HEADER)
    return order


def header_latency(value: str) -> Latency:
    """Read `x-simulate-latency`. Raises `BadRequest`."""
    options = _pairs(value, ",", LATENCY_HEADER)
    latency = Latency(options.pop("first", None), options.pop("between", None))
    _nothing_left(options, LATENCY_HEADER)
    return latency


def _pairs(text: str, separator: str, header: str) -> dict[str, float]:
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(separator))):
        name, _, figure = part.partition("=")
        try:
            pairs[name.strip()] = float(figure)
        except ValueError as error:
            raise BadRequest(f"{name.strip()!r} needs a number, not {figure!r}", header) from error
        if not 0 <= pairs[name.strip()] < float("inf"):
            raise BadRequest(f"{name.strip()!r} cannot be {figure}", header)
    return pairs


def _whole(figure: float | None) -> int | None:
    return None if figure is None else int(figure)


def _nothing_left(options: dict[str, float], header: str) -> None:
    if options:
        raise BadRequest(f"unknown option {', '.join(sorted(options))}", header)
